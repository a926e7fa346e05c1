"""What an operator reads: every line of text that the commands print."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.cli.show import ago, events_text, ledger_text, queue_text, status_text, table

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = NOW.timestamp()


def status(**other: Any) -> dict[str, Any]:
    return {
        "site": "harbour",
        "node": "unit1",
        "at": SECONDS - 20,
        "clock": {"trusted": True, "why": "the kernel says so"},
        "cameras": [
            {
                "name": "north",
                "state": "ok",
                "last": {"slot": SECONDS - 300, "outcome": "captured"},
                "next": SECONDS + 300,
                "strip": "##x#",
            }
        ],
        "destinations": [
            {"name": "nas", "state": "ok", "waiting": 2, "bytes": 12_000_000, "oldest": SECONDS - 3600, "proven": 7}
        ],
        "buffer": {"pictures": 9, "bytes": 54_000_000, "free": 80_000_000_000, "days": 61.4},
        "at_risk": {"pictures": 2, "bytes": 12_000_000, "oldest": SECONDS - 3600},
        **other,
    }


def test_the_node_is_on_one_screen() -> None:
    text = status_text(status(), NOW)
    assert "harbour/unit1 running" in text
    assert "captured 5m ago" in text
    assert "in 5m" in text
    assert "2 (12 MB)" in text
    assert "lasts 61d with the links down" in text
    assert "Lost if this box is stolen now: 2 pictures, 12 MB of the last 1h" in text
    assert max(map(len, text.splitlines())) <= 100


def test_twenty_cameras_are_told_of_on_one_screen_below_1_kb_the_worst_first() -> None:
    def camera(number: int) -> dict[str, Any]:
        last = {"slot": SECONDS - 60 * number, "outcome": "captured"}
        strip = "#" * 24
        return {"name": f"north-{number:02}", "state": "ok", "last": last, "next": SECONDS + 300, "strip": strip}

    cameras = [camera(number) for number in range(20)]
    cameras[7] |= {"state": "failing"}
    cameras[11] |= {"strip": "#" * 20 + "xx##"}
    text = status_text(status(cameras=cameras), NOW)
    lines = text.splitlines()
    assert len(text.encode()) < 1024
    assert len(lines) < 24
    assert max(map(len, lines)) < 100
    assert [line.split()[0] for line in lines[3:5]] == ["north-07", "north-11"]
    assert "18 ok: north-00 0s, north-01 1m, " in text
    assert all(f"north-{number:02}" in text for number in range(20))


def test_cameras_that_all_fail_are_still_below_1_kb_and_all_named() -> None:
    failing = {"state": "failing", "last": {"slot": SECONDS - 7200, "outcome": "missed"}, "strip": "x" * 24}
    text = status_text(status(cameras=[{"name": f"north-{n:02}", **failing} for n in range(20)]), NOW)
    assert "15 failing: north-05 2h, " in text
    assert len(text.encode()) < 1100
    assert all(f"north-{number:02}" in text for number in range(20))


def test_what_takes_long_stands_on_one_line_with_how_far_it_has_come() -> None:
    text = "from fr: 12 of 340 pictures, 70 MB of 2 GB"
    errand = {"kind": "restore", "by": "ana", "since": SECONDS - 720, "text": text}
    assert f"Restore, by ana 12m ago: {text}" in status_text(status(errand=errand), NOW).splitlines()
    assert "Restore" not in status_text(status(), NOW)


def test_what_is_old_says_how_old() -> None:
    assert "as it was 10m ago" in status_text(status(at=SECONDS - 600), NOW)
    assert "as it was" not in status_text(status(), NOW)


def test_a_node_that_stopped_says_so() -> None:
    text = status_text(status(running=False), NOW)
    assert "harbour/unit1 STOPPED" in text
    assert "in 5m" not in text, "nobody will shoot then"


def test_a_clock_that_is_not_trusted_stands_in_the_first_line() -> None:
    first = status_text(status(clock={"trusted": False, "why": "no witness"}), NOW).splitlines()[0]
    assert "CLOCK NOT TRUSTED: no witness" in first


def test_a_hostile_server_cannot_write_on_the_terminal() -> None:
    row = {"name": "nas", "state": "trouble", "waiting": 0, "bytes": 0, "proven": 0, "error": {"text": "\x1b[2J\n\x07"}}
    text = status_text(status(destinations=[row]), NOW)
    assert "\x1b" not in text
    assert "\x07" not in text


def test_stopped_capture_and_held_deletions_are_told() -> None:
    buffer = {"pictures": 1, "bytes": 1, "free": 0, "stopped": True, "refused": "over 25 %"}
    text = status_text(status(buffer=buffer), NOW)
    assert "CAPTURE IS STOPPED" in text
    assert "Nothing is deleted: over 25 %" in text


def test_what_retention_will_do_is_not_claimed_to_be_known_before_a_picture_came() -> None:
    first = {"pictures": 0, "bytes": 0, "free": 1, "sentence": "never: no pictures are being taken"}
    assert "Retention: not known before the first pictures are in" in status_text(status(buffer=first), NOW)
    unscheduled = [{"name": "north", "state": "ok"}]
    text = status_text(status(buffer=first, cameras=unscheduled), NOW)
    assert "Retention: never: no pictures are being taken" in text
    known = {**first, "days": 3.0, "sentence": "never within ten years"}
    assert "Retention: never within ten years" in status_text(status(buffer=known), NOW)


def test_the_ledger_ends_in_its_sums() -> None:
    slots = [
        {"camera": "north", "slot": SECONDS - 600, "outcome": "captured", "partial": True},
        {"camera": "north", "slot": SECONDS, "outcome": "missed", "cause": "camera gone: no answer"},
    ]
    text = ledger_text(slots)
    assert "captured (partial)" in text
    assert "camera gone: no answer" in text
    assert text.endswith("1 captured, 1 missed")


def test_an_empty_ledger_is_told_in_words() -> None:
    assert ledger_text([]).endswith("no slots in this time")


def test_the_queue_says_what_is_on_its_way_and_when_the_rest_is_tried() -> None:
    common = {"id": 7, "destination": "nas", "what": "p.jpg", "attempts": 3, "size": 200}
    rows = [
        {**common, "state": "sending", "offset": 100, "next_try": 0, "error": None},
        {**common, "state": "queued", "offset": 0, "next_try": (SECONDS + 90) * 1000, "error": "full"},
        {**common, "state": "queued", "offset": 0, "next_try": 0, "error": None, "class": "raw", "held": "rung jpeg"},
    ]
    lines = queue_text(rows, NOW).splitlines()
    assert "50% of 200 B" in lines[1]
    assert "in 1m30s" in lines[2]
    assert "full" in lines[2]
    assert re.search(r"p\.jpg +raw +queued .* held: rung jpeg", lines[3])


def test_an_empty_queue_is_good_news() -> None:
    assert "all is delivered" in queue_text([], NOW)


def test_events_come_with_their_time() -> None:
    rows = [{"at": SECONDS * 1000, "kind": "shot", "subject": "north", "text": "captured"}]
    assert events_text(rows).startswith("2026-11-21 12:00:00  shot")
    assert events_text([]) == "nothing has happened yet"


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (None, "-"),
        (NOW.timestamp(), "0s ago"),
        ((NOW - timedelta(minutes=3)).timestamp(), "3m ago"),
        ((NOW + timedelta(seconds=20)).timestamp(), "in 20s"),
    ],
)
def test_ages_are_in_words(instant: float | None, shown: str) -> None:
    assert ago(instant, NOW) == shown


def test_columns_are_as_wide_as_their_widest_word() -> None:
    assert table(("A", "B"), [("long", "x"), ("s", "yy")]) == ["A     B", "long  x", "s     yy"]
