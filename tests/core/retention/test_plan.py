"""What leaves the buffer, and when nothing does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from peers.buffers import by_day, in_rungs, one_by_one

from core.retention.forecast import Forecast
from core.retention.plan import Batch, Candidate, Holdings, Plan, Policy, Rung, Space, Why, plan

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MB, GB = 1_000_000, 1_000_000_000
DISK = 320 * GB


def picture(number: int, days_old: float = 10.0, **more: Any) -> Candidate:
    at = NOW - days_old * DAY
    values: dict[str, Any] = {"index": 0, "kind": "jpeg", "size": 10 * MB, "proven": False} | more
    return Candidate(number, f"north_{number}", "north", at, **values)


def proven(number: int, days_old: float = 10.0, **more: Any) -> Candidate:
    return picture(number, days_old, proven=True, copies=(("nas", "hash"),), **more)


def planned(
    proven: Iterable[Candidate] = (), unproven: Sequence[Candidate] = (), missing: int = 0, **more: Any
) -> Plan:
    """A plan for a buffer of a thousand pictures in which `missing` bytes are to be freed; all is in order."""
    policy = more.pop("policy", Policy(keep_free=8 * GB))
    values: dict[str, Any] = {
        "now": NOW,
        "clock_trusted": True,
        "holdings": Holdings(1000, 10 * GB),
        "announced": NOW - 8 * DAY,
    }
    space = Space(policy.keep_free - missing, DISK)
    return plan(one_by_one(proven), in_rungs(unproven), policy, space, **(values | more))


def who(made: Plan) -> list[int]:
    return [deletion.candidate.picture for deletion in made.deletions]


class Reads:
    """An iterable that counts how many of its pictures were looked at."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._candidates = candidates
        self.count = 0

    def __iter__(self) -> Iterator[Candidate]:
        for candidate in self._candidates:
            self.count += 1
            yield candidate


def test_a_buffer_with_room_keeps_everything() -> None:
    assert planned([proven(1)], [picture(2)], missing=0) == Plan()


def test_the_oldest_proven_pictures_leave_a_full_buffer_and_no_more_than_needed() -> None:
    made = planned([proven(1, 30), proven(2, 20), proven(3, 10)], [picture(4, 60)], missing=15 * MB)
    assert who(made) == [1, 2]
    assert {deletion.why for deletion in made.deletions} == {Why.FULL}
    assert (made.freed, made.short, made.refused, made.stop_capture) == (20 * MB, 0, None, False)


def test_proven_pictures_leave_a_full_buffer_even_if_the_clock_is_not_trusted() -> None:
    assert who(planned([proven(1)], missing=1, clock_trusted=False)) == [1]


def test_a_picture_that_is_not_proven_never_leaves_with_the_proven_ones() -> None:
    assert who(planned([picture(1), proven(2)], missing=1)) == [2]


def test_proven_pictures_older_than_keep_leave_although_there_is_room() -> None:
    policy = Policy(keep_free=8 * GB, keep=15 * DAY)
    made = planned([proven(1, 30), proven(2, 15.001), proven(3, 15), proven(4, 3)], policy=policy)
    assert [(deletion.candidate.picture, deletion.why) for deletion in made.deletions] == [(1, Why.AGE), (2, Why.AGE)]


def test_nothing_leaves_by_age_while_the_clock_is_not_trusted() -> None:
    made = planned([proven(1, 30)], policy=Policy(keep_free=8 * GB, keep=15 * DAY), clock_trusted=False)
    assert made.deletions == []
    assert made.refused == "clock not trusted: nothing leaves by age"


def test_a_proven_picture_among_the_unproven_is_not_counted_as_lost() -> None:
    assert who(planned([], [proven(1, 20), picture(2)], missing=1)) == [2]


RAW: dict[str, Any] = {"kind": "raw"}
TURNS = [
    pytest.param([picture(1), picture(2, **RAW)], [2, 1], id="raw-before-jpeg"),
    pytest.param([picture(1, 20, index=2), picture(2, 10, index=3)], [2, 1], id="odd-slots-first"),
    pytest.param([picture(1, 20, index=4), picture(2, 10, index=6)], [2, 1], id="then-every-other-of-the-rest"),
    pytest.param([picture(1, 20, index=0), picture(2, 10, index=64)], [2, 1], id="a-day's-last-slot-at-the-very-end"),
    pytest.param([picture(1, 20, index=None), picture(2, 10, index=96)], [2, 1], id="extras-go-with-their-day"),
    pytest.param([picture(1, 20, index=5), picture(2, 10, index=7)], [1, 2], id="oldest-first-among-equals"),
    pytest.param([picture(1, 20, index=1), picture(2, 10, index=0, **RAW)], [2, 1], id="all-raw-before-any-jpeg"),
]


@pytest.mark.parametrize(("unproven", "turns"), TURNS)
def test_unproven_pictures_have_their_turns(unproven: list[Candidate], turns: list[int]) -> None:
    made = planned([], unproven, missing=20 * MB)
    assert who(made) == turns
    assert {deletion.why for deletion in made.deletions} == {Why.UNPROVEN}


def test_a_day_is_thinned_to_every_other_slot_before_any_day_is_gone() -> None:
    day = [picture(index, 10 - index / 144, index=index) for index in range(144)]
    made = planned([], day, missing=72 * 10 * MB, holdings=Holdings(1000, 10 * GB))
    assert who(made) == list(range(1, 144, 2))


def test_nothing_unproven_goes_when_the_proven_ones_are_enough() -> None:
    assert who(planned([proven(1)], [picture(2, 300, **RAW)], missing=10 * MB)) == [1]


def test_unproven_pictures_make_up_for_what_the_proven_ones_lack() -> None:
    made = planned([proven(1)], [picture(2), picture(3)], missing=15 * MB)
    assert [(deletion.candidate.picture, deletion.why) for deletion in made.deletions] == [
        (1, Why.FULL),
        (2, Why.UNPROVEN),
    ]


LAST_HOURS = [
    pytest.param(2.0, [], id="exactly-48-hours-old-stays"),
    pytest.param(2.0001, [1], id="one-moment-older-goes"),
    pytest.param(-3.0, [], id="from-the-future-stays"),
]


@pytest.mark.parametrize(("days_old", "gone"), LAST_HOURS)
def test_the_last_48_hours_are_never_thinned(days_old: float, gone: list[int]) -> None:
    made = planned([], [picture(1, days_old)], missing=1)
    assert who(made) == gone
    assert made.short == (0 if gone else 1)


def test_a_clock_that_ran_ahead_does_not_age_the_last_48_hours() -> None:
    holdings = Holdings(1000, 10 * GB, newest=NOW)
    assert who(planned([], [picture(1, 1)], missing=1, now=NOW + 400 * DAY, holdings=holdings)) == []


STAYS = [
    pytest.param({"announced": None}, "its loss is announced 7d before", id="not-announced"),
    pytest.param(
        {"announced": NOW - 7 * DAY + timedelta(hours=1)},
        "begins on Sat 21 Nov 2026 13:00 UTC",
        id="announced-an-hour-too-late",
    ),
    pytest.param(
        {"announced": NOW + DAY}, "begins on Sun 29 Nov 2026 12:00 UTC", id="announced-by-a-clock-that-was-ahead"
    ),
    pytest.param({"clock_trusted": False}, "clock not trusted", id="clock-not-trusted"),
    pytest.param({"policy": Policy(8 * GB, "stop")}, 'when_full = "stop"', id="stop"),
]


@pytest.mark.parametrize(("case", "why"), STAYS)
def test_unproven_pictures_stay_and_the_plan_says_why(case: dict[str, Any], why: str) -> None:
    made = planned([proven(1)], [picture(2)], missing=15 * MB, **case)
    assert who(made) == [1]
    assert made.refused is not None
    assert why in made.refused
    assert made.short == 5 * MB


def test_exactly_seven_days_after_the_announcement_the_first_one_goes() -> None:
    assert who(planned([], [picture(1)], missing=1, announced=NOW - 7 * DAY)) == [1]


STOPS = [
    pytest.param("stop", 1, True, id="stop-as-soon-as-proven-ones-are-not-enough"),
    pytest.param("thin", 1, False, id="thin-lives-on-its-reserve"),
    pytest.param("thin", 7_900 * MB, True, id="thin-too-when-even-receipts-would-not-fit"),
]


@pytest.mark.parametrize(("when_full", "missing", "stops"), STOPS)
def test_capture_stops_when_nothing_may_go(when_full: Any, missing: int, stops: bool) -> None:
    made = planned(missing=missing, policy=Policy(8 * GB, when_full), announced=None)
    assert made.stop_capture is stops


def dies(days: float | None) -> Forecast:
    at = None if days is None else NOW + days * DAY
    return Forecast(10.0, at, at, None, "")


NOTICES = [
    pytest.param(dies(7.1), None, (False, False), id="not-yet"),
    pytest.param(dies(7), None, (True, False), id="seven-days-before"),
    pytest.param(dies(3), None, (True, False), id="later-if-it-came-suddenly"),
    pytest.param(dies(3), NOW - DAY, (False, False), id="once-is-enough"),
    pytest.param(dies(None), NOW - DAY, (False, True), id="withdrawn-when-the-link-is-back"),
    pytest.param(dies(13), NOW - DAY, (False, False), id="kept-while-the-loss-is-near"),
    pytest.param(dies(15), NOW - DAY, (False, True), id="withdrawn-when-it-is-far"),
    pytest.param(None, NOW - DAY, (False, False), id="kept-without-a-forecast"),
]


@pytest.mark.parametrize(("forecast", "announced", "expected"), NOTICES)
def test_the_loss_is_announced_seven_days_before_and_withdrawn_when_averted(
    forecast: Forecast | None, announced: datetime | None, expected: tuple[bool, bool]
) -> None:
    made = planned(forecast=forecast, announced=announced)
    assert (made.announce, made.withdraw) == expected


def test_a_loss_that_nobody_foresaw_is_announced_when_room_is_missing() -> None:
    assert planned(missing=1, announced=None, forecast=dies(None)).announce


def test_an_untrusted_clock_announces_nothing_as_its_date_would_be_worthless() -> None:
    assert not planned(missing=1, announced=None, forecast=dies(1), clock_trusted=False).announce


def test_stop_announces_no_loss_as_there_will_be_none() -> None:
    made = planned(missing=1, announced=None, forecast=dies(1), policy=Policy(8 * GB, "stop"))
    assert not made.announce


def days_of(count: int) -> list[Candidate]:
    return [proven(number, 100 - number / 10) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "holdings", "gone"),
    [
        pytest.param(20, Holdings(40, 400 * MB), 20, id="a-handful-is-no-share"),
        pytest.param(25, Holdings(100, GB), 25, id="a-quarter-of-the-pictures-goes"),
        pytest.param(26, Holdings(100, 100 * GB), 0, id="more-than-a-quarter-of-the-pictures-does-not"),
        pytest.param(26, Holdings(1000, 1040 * MB), 26, id="a-quarter-of-the-bytes-goes"),
        pytest.param(26, Holdings(1000, 1039 * MB), 0, id="more-than-a-quarter-of-the-bytes-does-not"),
    ],
)
def test_an_implausible_share_is_refused_as_a_whole(count: int, holdings: Holdings, gone: int) -> None:
    made = planned(days_of(100), missing=count * 10 * MB, holdings=holdings)
    assert len(made.deletions) == gone
    assert (made.refused is None) == bool(gone)


def test_the_share_is_told_and_an_operator_may_confirm_it() -> None:
    few = Holdings(100, GB)
    made = planned(days_of(100), missing=500 * MB, holdings=few)
    assert made.refused is not None
    assert "over 25% of all pictures or bytes would go at once: nothing is deleted unless" in made.refused
    assert (made.short, made.announce) == (500 * MB, False)
    assert len(planned(days_of(100), missing=500 * MB, holdings=few, confirmed=True).deletions) == 50


def test_a_trusted_clock_that_jumps_a_year_ahead_deletes_nothing_by_age() -> None:
    policy = Policy(8 * GB, keep=60 * DAY)
    made = planned(days_of(100), policy=policy, now=NOW + 365 * DAY, holdings=Holdings(100, GB))
    assert made.deletions == []
    assert "over 25%" in (made.refused or "")


def test_a_very_long_confirmed_plan_goes_on_in_the_next_one_and_touches_nothing_unproven() -> None:
    many = (proven(number, 100, size=1000) for number in range(20_000))
    made = planned(many, [picture(-1, 300)], missing=20_000_000, confirmed=True)
    assert (len(made.deletions), made.beyond) == (10_000, 10_000)
    assert {deletion.why for deletion in made.deletions} == {Why.FULL}
    assert (made.short, made.announce, made.stop_capture) == (0, False, False)


DOUBTS = [
    pytest.param(Space(-1, DISK), "the file system reports", id="negative"),
    pytest.param(Space(DISK + 1, DISK), "the file system reports", id="more-free-than-there-is"),
    pytest.param(Space(0, 8 * GB), "is more than the disk has", id="keep-free-cannot-be-kept"),
]


@pytest.mark.parametrize(("space", "why"), DOUBTS)
def test_a_space_that_cannot_be_deletes_nothing(space: Space, why: str) -> None:
    made = plan(
        one_by_one([proven(1)]),
        in_rungs([picture(2)]),
        Policy(8 * GB),
        space,
        now=NOW,
        clock_trusted=True,
        holdings=Holdings(1000, 10 * GB),
        announced=NOW - 8 * DAY,
    )
    assert made.deletions == []
    assert why in (made.refused or "")


def test_of_five_million_pictures_only_those_that_make_room_are_looked_at() -> None:
    raws = Reads(proven(number, 100, size=30 * MB) for number in range(5_000_000))
    made = planned(raws, [], missing=10 * GB, policy=Policy(20 * GB), holdings=Holdings(5_000_000, 150_000 * GB))
    assert (len(made.deletions), raws.count) == (334, 334)


def test_by_age_one_picture_more_is_looked_at() -> None:
    reads = Reads(proven(number, 100 - number) for number in range(5_000_000))
    planned(reads, policy=Policy(8 * GB, keep=90 * DAY), holdings=Holdings(5_000_000, 50_000 * GB))
    assert reads.count == 11


def test_with_nothing_missing_not_a_single_picture_is_looked_at() -> None:
    reads = Reads([proven(1)])
    planned(reads)
    assert reads.count == 0


class Opened:
    """A long buffer of days, each with a thousand pictures of 10 MB, that counts which of them were read."""

    def __init__(self, days: int, **more: Any) -> None:
        self._days = days
        self._more = more
        self.count = 0

    def batches(self) -> Iterator[Batch]:
        for day in range(self._days):
            begin = NOW - (self._days + 5 - day) * DAY
            yield Batch(1000, 10 * GB, begin, begin + DAY, partial(self._read, begin))

    def _read(self, begin: datetime) -> Iterator[Candidate]:
        for number in range(1000):
            self.count += 1
            yield replace(picture(number, **self._more), at=begin + number * timedelta(minutes=1))


LARGE = Holdings(5_000_000, 50_000_000 * GB)


@pytest.mark.parametrize("days", [10, 1000])
def test_what_is_only_counted_is_not_read_however_old_the_rest_is(days: int) -> None:
    buffer = Opened(days, proven=True)
    keep = Policy(8 * GB, keep=5 * DAY)
    made = plan(buffer.batches(), [], keep, Space(9 * GB, DISK), now=NOW, clock_trusted=True, holdings=LARGE, most=50)
    assert (len(made.deletions), made.beyond) == (50, days * 1000 - 50)
    assert made.refused is None
    assert buffer.count == 50


def test_a_share_that_is_refused_is_counted_and_not_read() -> None:
    buffer = Opened(5000, proven=True)
    holdings = Holdings(5_000_000, 50_000 * GB)
    keep = Policy(8 * GB, keep=5 * DAY)
    made = plan(buffer.batches(), [], keep, Space(9 * GB, DISK), now=NOW, clock_trusted=True, holdings=holdings)
    assert made.deletions == []
    assert "over 25%" in (made.refused or "")
    assert buffer.count == 10_000


def thinning(rungs: Iterable[Rung], missing: int, **more: Any) -> Plan:
    values: dict[str, Any] = {"now": NOW, "clock_trusted": True, "holdings": LARGE, "announced": NOW - 8 * DAY}
    return plan([], rungs, Policy(20 * GB), Space(20 * GB - missing, 10 * DISK), **(values | more))


@pytest.mark.parametrize("kind", ["raw", "jpeg"])
def test_the_first_rung_that_is_there_ends_it_whatever_kind_it_is_of(kind: Any) -> None:
    odd, rest = (Opened(5000, kind=kind, index=index) for index in (1, 2))
    made = thinning([Rung(kind, 2, rest.batches), Rung(kind, 1, odd.batches)], 100 * MB)
    assert (len(made.deletions), made.short) == (10, 0)
    assert odd.count <= 11
    assert rest.count == 0


def test_much_that_is_thinned_is_counted_day_by_day() -> None:
    odd = Opened(5000, index=1)
    made = thinning([Rung("jpeg", 1, odd.batches)], 20 * GB, most=50)
    assert (len(made.deletions), made.beyond, made.short) == (50, 1950, 0)
    assert odd.count <= 2001


@pytest.mark.parametrize("missing", [0, 1, 35, 36, 400, 500, 10_000])
@pytest.mark.parametrize("most", [1, 7, 10_000])
def test_what_is_only_counted_is_as_much_as_what_is_listed(missing: int, most: int) -> None:
    some = [proven(number, 60 - number / 7) for number in range(200)]
    rest = [picture(number, 50 - number / 9, index=number % 12) for number in range(200)]
    values: dict[str, Any] = {
        "now": NOW,
        "clock_trusted": True,
        "holdings": Holdings(10_000, 100 * GB),
        "announced": NOW - 8 * DAY,
    }
    policy, space = Policy(200 * GB, keep=55 * DAY), Space(200 * GB - missing * 10 * MB, DISK)
    in_full = plan(one_by_one(some), in_rungs(rest), policy, space, **values)
    made = plan(by_day(some), in_rungs(rest), policy, space, **values, most=most)
    assert made.deletions == in_full.deletions[:most]
    assert len(made.deletions) + made.beyond == len(in_full.deletions)
    assert (made.short, made.refused) == (in_full.short, in_full.refused)
