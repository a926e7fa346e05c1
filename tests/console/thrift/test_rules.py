"""The rules behind the driver, each on its own: pens, moves, scrolls, terminals, pace, answers, what may go on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.thrift import launch, terminfo
from console.thrift.capabilities import Capabilities, UnfitTerminal, capabilities
from console.thrift.diff import Shown, cleared, paint
from console.thrift.grid import Grid, cells, plain
from console.thrift.launch import Options
from console.thrift.nib import Nib
from console.thrift.pace import Pace
from console.thrift.pen import PLAIN, Pen, applied, change
from console.thrift.reader import Reader
from console.thrift.wire import OPEN, UNANSWERED, Answers, Meter

XTERM = capabilities("xterm-256color", {})
BOLD_RED = Pen(frozenset({1}), "31")


# Pens


@pytest.mark.parametrize(
    ("old", "new", "sent"),
    [
        pytest.param(PLAIN, PLAIN, "", id="nothing changes"),
        pytest.param(BOLD_RED, PLAIN, "\x1b[m", id="a reset is the shortest way to plain"),
        pytest.param(PLAIN, BOLD_RED, "\x1b[1;31m", id="on from plain"),
        pytest.param(BOLD_RED, Pen(frozenset(), "31"), "\x1b[22m", id="one attribute off"),
        pytest.param(BOLD_RED, Pen(frozenset({2}), "31"), "\x1b[22;2m", id="dim for bold: 22 ends both"),
        pytest.param(Pen(frozenset({1, 2})), Pen(frozenset({2})), "\x1b[0;2m", id="bold off keeps dim"),
        pytest.param(Pen(frozenset(), "38;2;1;2;3"), Pen(frozenset(), "31"), "\x1b[31m", id="another colour"),
    ],
)
def test_a_pen_is_changed_by_the_shortest_sgr(old: Pen, new: Pen, sent: str) -> None:
    assert change(old, new) == sent


PENS = st.builds(
    Pen,
    st.frozensets(st.sampled_from([1, 2, 3, 4, 7, 9])),
    st.sampled_from(["", "31", "38;5;208", "38;2;1;2;3"]),
    st.sampled_from(["", "44", "48;5;17"]),
)


@given(PENS, PENS, st.booleans())
def test_what_changes_a_pen_makes_the_new_one(old: Pen, new: Pen, off_codes: bool) -> None:
    sent = change(old, new, off_codes)
    assert (applied(old, sent[2:-1]) if sent else old) == new


@given(st.text("0123456789;:", max_size=30))
def test_no_sgr_makes_a_pen_stumble(parameters: str) -> None:
    assert isinstance(applied(BOLD_RED, parameters), Pen)


# Moves and scrolls


@pytest.mark.parametrize(
    ("at", "to", "sent"),
    [
        ((None, None), (0, 0), "\x1b[H"),
        ((5, 5), (5, 5), ""),
        ((5, 5), (4, 5), "\b"),
        ((50, 5), (0, 6), "\r\n"),
        ((5, 5), (5, 7), "\n\n"),
        ((5, 5), (6, 5), "\x1b[C"),
        ((5, 20), (5, 2), "\x1b[3d"),
        ((None, 5), (0, 5), "\r"),
        ((90, 20), (40, 3), "\x1b[4;41H"),
    ],
)
def test_the_cheapest_move_is_found(at: tuple[int | None, int | None], to: tuple[int, int], sent: str) -> None:
    assert Nib(XTERM, 100, *at).way(*to) == sent


def page(first: int, height: int = 20) -> Grid:
    grid = Grid(60, height)
    for y in range(height):
        grid.put(0, y, cells(f"{first + y:04} a line of a log, and a tail of it {(first + y) * 7}", PLAIN))
    return grid


@pytest.mark.parametrize("by", [1, -1, 5, -5])
def test_lines_that_move_are_moved_and_not_sent_again(by: int) -> None:
    _, shown = cleared(XTERM, 60, 20)
    whole, shown = paint(XTERM, shown, page(100))
    moved, _ = paint(XTERM, shown, page(100 + by))
    assert len(moved) < 30 + 60 * abs(by) < len(whole)


def test_a_character_is_repeated_by_sequence_only_when_it_is_ascii_and_the_terminal_can() -> None:
    """tmux 3.3 repeats nothing behind another character, mosh nothing at all."""
    grid = Grid(40, 1)
    grid.put(0, 0, cells("-" * 15 + "─" * 15, PLAIN))
    sent, _ = paint(Capabilities(rep=True, erase=True), Shown([[*cells(" " * 40, BOLD_RED)]]), grid)
    assert "-\x1b[14b" in sent
    assert "─" * 15 in sent
    assert not capabilities("xterm", {}).rep
    assert not capabilities("xterm-256color", {}).rep


@pytest.mark.parametrize("bce", [True, False])
def test_a_coloured_blank_is_erased_only_where_erasing_takes_the_colour(bce: bool) -> None:
    can = Capabilities(erase=True, ech=True, bce=bce)
    _, shown = cleared(can, 60, 1)
    grid = Grid(60, 1)
    grid.put(0, 0, cells(" " * 60, Pen(background="44")))
    sent, _ = paint(can, shown, grid)
    assert ("\x1b[K" in sent) == bce
    assert (" " * 60 in sent) != bce


# Terminals


@pytest.mark.skipif(shutil.which("infocmp") is None, reason="infocmp is not installed (package ncurses-bin)")
@pytest.mark.parametrize("term", ["xterm-256color", "tmux-256color", "screen", "linux", "vt100", "vt220", "dumb"])
def test_terminfo_is_read_as_ncurses_reads_it(term: str) -> None:
    done = subprocess.run(["infocmp", "-1", "-x", term], capture_output=True, text=True, check=True)
    names = {line.strip().rstrip(",").partition("=")[0] for line in done.stdout.splitlines()}
    entry = terminfo.find(term, {})
    assert entry is not None
    assert {name for name in terminfo.STRINGS if name in names} == set(entry.strings)
    assert ("bce" in names) == ("bce" in entry.flags)


@pytest.mark.parametrize("term", ["xterm;rm", "../../etc/passwd", "x" * 100, "never-heard-of", "-", "\x1b[2J"])
def test_a_name_that_is_none_gets_what_every_terminal_can(term: str) -> None:
    can = capabilities(term, {})
    assert not can.known
    assert not any((can.rep, can.ech, can.scroll_up, can.lines, can.bce))
    assert "\x1b" not in can.term


@pytest.mark.parametrize("term", ["", "dumb", "unknown", "emacs"])
def test_what_has_no_screen_is_refused_with_a_sentence(term: str) -> None:
    with pytest.raises(UnfitTerminal, match="no full screen"):
        capabilities(term, {})


@given(st.binary(max_size=200))
def test_a_damaged_terminfo_entry_is_none(data: bytes) -> None:
    for begins in (b"", b"\x1a\x01"):
        try:
            terminfo.parse(begins + data)
        except ValueError:
            continue


def test_an_entry_of_the_users_own_comes_first(tmp_path: Path) -> None:
    assert capabilities("xterm-256color", {"TERMINFO": str(tmp_path)}).known
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "xterm-256color").write_bytes(b"rubbish")
    assert capabilities("xterm-256color", {"TERMINFO": str(tmp_path)}).known


# What may go on to the terminal


@pytest.mark.parametrize(
    ("data", "passed"),
    [
        pytest.param("\x07", True, id="bell"),
        pytest.param("\x1b]52;c;aGVsbG8=\x07", True, id="clipboard, alone in a write"),
        pytest.param("name \x1b]52;c;aGVsbG8=\x07", False, id="clipboard, between text"),
        pytest.param("\x1b]2;title\x1b\\", True, id="title"),
        pytest.param("\x1b]7;file://x\x07", False, id="working directory"),
        pytest.param("\x1b]2;a\x1b]52;c;x\x07", False, id="one in the other"),
        pytest.param("\x1b[?2026h", False, id="synchronised output"),
        pytest.param("\x1b[?1004h", False, id="focus reports"),
        pytest.param("\x1b[?1003h", False, id="mouse"),
        pytest.param("\x1b[>1u", False, id="kitty keys"),
        pytest.param("\x1bP+q544e\x1b\\", False, id="DCS"),
        pytest.param("\x1bc", False, id="reset of the terminal"),
        pytest.param("\x9b2J", False, id="C1"),
    ],
)
def test_a_control_is_passed_on_only_where_it_is_named_and_alone(data: str, passed: bool) -> None:
    assert Reader(Grid(20, 3)).read(data) == (data if passed else "")


HOSTILE = "ab\x1b[]?;0159mHJKhl\x07\x9b\x9d\x9c\\PX^_\n\r\b\t\u202e\u200b漢e\u0301\ud800\x00 "


@given(st.text(st.sampled_from(HOSTILE), max_size=60))
def test_no_text_makes_the_driver_send_a_control_of_its_own(text: str) -> None:
    grid = Grid(12, 3)
    Reader(grid).read(f"x{text}")
    shown = {character for row in grid.rows for cell in row for character in cell.text}
    assert shown.isdisjoint("\x1b\x07\x9b\x9d\x9c\x00\u202e\u200b\ud800\n\r\b\t")
    assert all(len(row) == 12 for row in grid.rows)


# Pace and answers


def test_frames_come_at_most_four_a_second_unless_a_key_was_pressed() -> None:
    pace = Pace(rate=4)
    pace.sent(100, 10.0)
    assert pace.due(10.01) == pytest.approx(10.25)
    pace.key(10.02)
    assert pace.due(10.03) < 10.05
    pace.sent(100, 10.04)
    assert pace.due(10.05) < 10.07, "0.4 s long"
    assert pace.due(10.5) < 10.52


def test_a_budget_stretches_the_refresh_and_never_a_key() -> None:
    pace, now, sent = Pace(rate=4, budget=6000), 100.0, 0
    begun = now
    while now < begun + 600:
        now = max(pace.due(now), now)
        pace.sent(250, now)
        sent += 250
    assert sent <= 6000 * 10 + 6000
    assert sent >= 6000 * 9
    assert pace.interval(now) > 0.25
    pace.key(now)
    assert pace.due(now) - now < 0.05


def test_a_resize_waits_for_the_next_one_but_not_for_ever() -> None:
    pace, now = Pace(), 50.0
    for _ in range(100):
        pace.resized(now)
        assert now < pace.due(now) <= max(50.6, now + 0.02)
        now += 0.05


def test_the_round_trip_is_asked_for_every_half_minute_and_not_when_nothing_is_sent() -> None:
    answers = Answers(every=30)
    assert answers.wants(100, 0.0)
    answers.sent(100, True, 0.0)
    assert not answers.wants(100, 1.0)
    assert answers.answered(1.3)
    assert answers.round_trip == pytest.approx(1.3)
    assert not answers.wants(100, 29.0)
    assert answers.wants(100, 30.0)
    assert not answers.answered(31.0), "nobody asked"


def test_much_that_is_under_way_waits_for_an_answer_and_not_longer_than_some_seconds() -> None:
    answers = Answers(every=30)
    answers.sent(100, True, 0.0)
    answers.answered(0.2)
    assert answers.wants(OPEN + 1, 1.0)
    answers.sent(OPEN + 1, True, 1.0)
    assert answers.wait(1.1) > 1.1
    assert answers.wait(20.0) == 20.0


def test_a_terminal_that_never_answers_is_not_waited_for() -> None:
    answers, now = Answers(every=1), 0.0
    for _ in range(UNANSWERED):
        assert answers.wants(100, now)
        answers.sent(OPEN * 2, True, now)
        now += 60
        assert answers.wait(now) == now
    assert not answers.wants(OPEN * 2, now)
    answers.sent(OPEN * 2, False, now)
    assert answers.wait(now) == now


def test_what_is_sent_is_counted_with_what_carries_it() -> None:
    meter = Meter()
    meter.sent(60, 0.0)
    meter.sent(40, 30.0)
    meter.keys += 1
    assert (meter.content, meter.frames, meter.on_the_wire) == (100, 2, 100 + 3 * 140)
    assert [meter.last_minute(now) for now in (30.0, 61.0, 95.0)] == [100, 40, 0]


# Launching


def test_the_levers_are_set_where_the_environment_says_nothing_else() -> None:
    environ = {"TEXTUAL_ANIMATIONS": "full"}
    launch.prepare(environ, TEXTUAL_THEME="ansi-dark")
    assert environ["TEXTUAL_ANIMATIONS"] == "full"
    assert (environ["TEXTUAL_SMOOTH_SCROLL"], environ["TEXTUAL_THEME"]) == ("0", "ansi-dark")


@pytest.mark.parametrize("said", ["off", "OFF", "0", "no", "stock"])
def test_one_variable_brings_the_stock_driver_back(said: str) -> None:
    assert launch.driver_class(Options(), {"TERM": "xterm", "THRIFT": said}) is None


DRAWN = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)


@given(text=DRAWN)
def test_ascii_is_as_wide_as_what_it_stands_for(text: str) -> None:
    assert plain(text).isascii()
    assert len(cells(plain(text), PLAIN)) == len(cells(text, PLAIN))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Lens cleaned", "Lens cleaned"), ("h\u00f4tel", "hotel"), ("\u65e5\u672c", "? ? "), ("\u2580\u00df", "??")],
)
def test_letters_lose_their_marks_and_what_has_no_letter_is_a_question_mark(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_in_ascii_nothing_else_reaches_the_terminal_whatever_the_program_draws() -> None:
    reader = Reader(Grid(30, 2), ascii_only=True)
    assert reader.read("\x1b]0;h\u00f4tel\x07") == ""
    reader.read("\x1b[1;1Hh\u00f4tel \u25b2 \u65e5 \u202ex")
    assert "".join(cell.text for cell in reader.grid.rows[0]).rstrip() == "hotel ? ?  x"


def test_the_flag_of_the_program_takes_colour_away_too() -> None:
    from console.program import _options

    made = _options(restricted=True, budget=0, ascii_only=True)
    assert (made.ascii_only, made.colour, made.may_suspend) == (True, False, False)
