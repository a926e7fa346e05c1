"""The promises of retention, whatever the pictures, the policy, the space and the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from peers.buffers import by_day, in_rungs

from core.retention.plan import Candidate, Deletion, Holdings, Plan, Policy, Space, Why, plan
from core.values import Kind

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOTICE = timedelta(days=7)
LAST_HOURS = timedelta(hours=48)
DISK = 1_000_000


@st.composite
def stored(draw: st.DrawFn, proven: bool) -> list[Candidate]:
    """Up to forty pictures, oldest first, from 120 days ago until slightly ahead of the clock."""
    made: list[Candidate] = []
    for minutes in sorted(draw(st.lists(st.integers(-3000, 120 * 1440), max_size=40)), reverse=True):
        kind: Kind = draw(st.sampled_from(["raw", "jpeg"]))
        index = draw(st.none() | st.integers(0, 143))
        size = draw(st.integers(1, 30_000))
        at = NOW - timedelta(minutes=minutes)
        made.append(Candidate(len(made) + (0 if proven else 1000), "n", "north", at, index, kind, size, proven))
    return made


class Case:
    """One buffer and its plan."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.proven = draw(stored(proven=True))
        self.unproven = draw(stored(proven=False))
        self.policy = Policy(
            keep_free=draw(st.integers(0, DISK - 1)),
            when_full=draw(st.sampled_from(["thin", "stop"])),
            keep=draw(st.none() | st.integers(1, 100).map(lambda days: timedelta(days=days))),
        )
        self.space = Space(draw(st.integers(0, DISK)), DISK)
        self.clock_trusted = draw(st.booleans())
        self.announced = draw(st.none() | st.integers(-10, 20).map(lambda days: NOW - timedelta(days=days)))
        self.confirmed = draw(st.booleans())
        everything = self.proven + self.unproven
        self.holdings = Holdings(len(everything), sum(candidate.size for candidate in everything))
        self.plan = self.planned(NOW)

    def planned(self, now: datetime) -> Plan:
        return plan(
            by_day(self.proven),
            in_rungs(self.unproven),
            self.policy,
            self.space,
            now=now,
            clock_trusted=self.clock_trusted,
            holdings=self.holdings,
            announced=self.announced,
            confirmed=self.confirmed,
        )

    @property
    def needed(self) -> int:
        return max(0, self.policy.keep_free - self.space.free)

    def leaving(self, why: Why) -> list[Candidate]:
        return [candidate for candidate, reason in self.plan.deletions if reason is why]


cases = st.composite(Case)()


@given(cases)
def test_stop_never_deletes_an_unproven_picture(case: Case) -> None:
    if case.policy.when_full == "stop":
        assert all(candidate.proven for candidate, _ in case.plan.deletions)


@given(cases)
def test_an_unproven_picture_goes_only_with_notice_a_trusted_clock_and_its_name_on_it(case: Case) -> None:
    for candidate, why in case.plan.deletions:
        assert candidate.proven == (why is not Why.UNPROVEN)
        if why is Why.UNPROVEN:
            assert case.clock_trusted
            assert case.announced is not None
            assert NOW - case.announced >= NOTICE
            assert NOW - candidate.at > LAST_HOURS


@given(cases)
def test_no_unproven_picture_goes_while_a_proven_one_is_left(case: Case) -> None:
    if case.leaving(Why.UNPROVEN):
        assert {candidate.picture for candidate, _ in case.plan.deletions} >= {one.picture for one in case.proven}


@given(cases)
def test_never_more_goes_than_what_is_needed_and_one(case: Case) -> None:
    for_room: list[Deletion] = [deletion for deletion in case.plan.deletions if deletion.why is not Why.AGE]
    if for_room:
        assert sum(deletion.candidate.size for deletion in case.plan.deletions[:-1]) < case.needed


@given(cases)
def test_what_goes_and_what_is_missing_add_up(case: Case) -> None:
    assert case.plan.freed == sum(candidate.size for candidate, _ in case.plan.deletions)
    assert case.plan.short == max(0, case.needed - case.plan.freed)


@given(cases)
def test_proven_pictures_go_oldest_first_and_none_is_passed_over(case: Case) -> None:
    going = [candidate.picture for candidate, why in case.plan.deletions if why is not Why.UNPROVEN]
    assert going == [candidate.picture for candidate in case.proven[: len(going)]]


def turn(candidate: Candidate) -> tuple[bool, int]:
    """RAW first; then by how often two divides the index of the slot, written another way than the product's."""
    halvings = 0
    index = candidate.index or 0
    while index and index % 2 == 0:
        index, halvings = index // 2, halvings + 1
    return (candidate.kind != "raw", halvings if index else 1000)


@given(cases)
def test_unproven_pictures_go_in_their_turns_and_none_is_passed_over(case: Case) -> None:
    going = case.leaving(Why.UNPROVEN)
    eligible = [candidate for candidate in case.unproven if NOW - candidate.at > LAST_HOURS]
    in_turn = sorted(eligible, key=turn)  # stable: oldest first among equals
    assert [one.picture for one in going] == [one.picture for one in in_turn[: len(going)]]


@given(cases)
def test_more_than_a_quarter_at_once_is_refused_unless_confirmed_or_a_handful(case: Case) -> None:
    gone = len(case.plan.deletions)
    if not case.confirmed and gone > 20:
        assert gone <= case.holdings.pictures / 4
        assert case.plan.freed <= case.holdings.size / 4


@given(cases, st.integers(-50_000, 50_000).map(lambda hours: timedelta(hours=hours)))
def test_an_untrusted_clock_that_jumps_changes_nothing(case: Case, jump: timedelta) -> None:
    if not case.clock_trusted:
        assert case.planned(NOW + jump).deletions == case.plan.deletions
        assert all(why is Why.FULL for _, why in case.plan.deletions)


@given(cases, st.integers(1, 50_000).map(lambda hours: timedelta(hours=hours)))
def test_a_clock_that_jumps_ahead_although_trusted_never_reaches_the_last_48_hours(case: Case, jump: timedelta) -> None:
    everything = [candidate.at for candidate in case.proven + case.unproven]
    case.holdings = Holdings(case.holdings.pictures, case.holdings.size, max(everything, default=None))
    for candidate, why in case.planned(NOW + jump).deletions:
        if why is Why.UNPROVEN:
            assert max(everything) - candidate.at > LAST_HOURS


@given(cases)
def test_capture_stops_exactly_when_stop_has_no_proven_picture_left_or_the_reserve_is_touched(case: Case) -> None:
    if case.policy.when_full == "stop":
        assert case.plan.stop_capture == (case.plan.short > 0)
    elif case.plan.stop_capture:
        assert case.plan.short > 0
