"""The driver on a real terminal: what it sends, what it survives, how it ends."""

from __future__ import annotations

import os
import select
import signal

import pytest
from peers import ptys
from peers.ptys import Pty

TOUR = ptys.python("-m", "peers.tour")
LEAVING = b"\x1b[?1049l\x1b[?25h"


def started(line: Pty) -> Pty:
    assert line.shows("cam9")
    assert line.shows("bell")  # what the footer says comes later than the rest
    line.quiet(0.1)
    return line


def test_nothing_is_sent_while_nothing_changes_and_a_key_costs_what_it_changes() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        before = len(line.sent)
        line.quiet(1.0)
        assert len(line.sent) == before
        assert 0 < line.cost("\x1b[B", 0.2) < 300  # a row highlighted in colours, one given back


def test_no_mouse_no_focus_no_key_reports_are_asked_for() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        line.type("q")
        assert line.status() == 0
    for asked in (b"?1000h", b"?1003h", b"?1004h", b"?2048", b"?2026", b"\x1b[>", b"\x1b[<"):
        assert asked not in line.sent
    assert line.sent.startswith(b"\x1b[?1049h")
    assert line.sent.endswith(LEAVING)


def test_ctrl_l_repairs_a_screen_that_others_wrote_on() -> None:
    with ptys.on_a_pty(TOUR) as line:
        looks = started(line).screen.looks()
        line.screen.feed("\x1b[3;9r\x1b[5;5HBroadcast message\x1b[44m\x1b[J")
        assert line.screen.looks() != looks
        line.type("\x0c")
        assert line.until(lambda: line.screen.looks() == looks, 5)


def test_a_changed_size_to_the_same_size_brings_all_of_it_again() -> None:
    """Which is how a terminal that was detached and comes back asks."""
    with ptys.on_a_pty(TOUR) as line:
        looks = started(line).screen.looks()
        line.screen.feed("\x1b[2J")
        os.kill(line.child.pid, signal.SIGWINCH)
        assert line.until(lambda: line.screen.looks() == looks, 5)


def test_a_storm_of_sizes_is_painted_once_it_rests() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        before = len(line.sent)
        for step in range(40):
            line.resize(100 - step, 30 - step // 4)
            line.step(0.01)
        line.resize(80, 24)
        assert line.shows("cam9")
        line.quiet(0.3)
        assert len(line.screen.text) == 24
        assert line.sent[before:].count(b"\x1b[2J") <= 5


def test_a_terminal_of_20_by_5_and_of_one_cell_is_drawn_on() -> None:
    with ptys.on_a_pty(TOUR, 20, 5) as line:
        assert line.shows("Tour of")
        line.resize(1, 1)
        line.quiet(0.2)
        line.resize(20, 5)
        assert line.shows("Tour of")
        line.type("q")
        assert line.status() == 0


def test_stopped_it_gives_the_screen_back_and_continued_it_draws_all_of_it() -> None:
    with ptys.on_a_pty(TOUR) as line:
        looks = started(line).screen.looks()
        line.type("z")
        assert line.until(lambda: line.sent.endswith(LEAVING), 5)
        assert line.until(lambda: _state(line) == "T", 5)
        line.screen.feed("\x1b[2J\x1b[Hshell$ ls")
        line.child.send_signal(signal.SIGCONT)
        assert line.until(lambda: line.screen.looks() == looks, 5)
        line.type("q")
        assert line.status() == 0


def _state(line: Pty) -> str:
    with open(f"/proc/{line.child.pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(") ")[2].split()[0]


@pytest.mark.parametrize("when", ["at rest", "in the middle of a paint"])
def test_a_line_that_is_cut_ends_the_program_cleanly(when: str) -> None:
    with ptys.on_a_pty(TOUR) as line:
        if when == "at rest":
            started(line)
        else:
            assert line.until(lambda: len(line.sent) > 100)
            line.type("l\x1b[6~\x1b[5~")
        line.hang_up()
        assert line.status(10) == 129


def test_a_line_that_is_cut_before_the_first_paint_ends_it_too() -> None:
    with ptys.on_a_pty(TOUR) as line:
        assert line.until(lambda: line.sent)
        line.hang_up()
        assert line.status(10) in (129, -signal.SIGHUP)


def test_asked_to_end_it_leaves_the_terminal_as_it_was() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        line.child.terminate()
        assert line.status() == 143
        assert line.sent.endswith(LEAVING)


def test_a_terminal_that_takes_nothing_builds_no_queue_and_then_gets_the_newest_state_only() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        line.type("l")
        assert line.shows("tail")
        line.quiet(0.2)
        line.answers = False
        before = len(line.sent)
        for page in range(32):  # nobody reads while these are answered
            line.type("\x1b[5~" if page // 8 % 2 == 0 else "\x1b[6~")
            select.select([], [], [], 0.06)
        line.quiet(0.4)
        assert 0 < len(line.sent) - before < 12000  # what the kernel holds and one page, of 32


def test_what_is_typed_may_be_no_utf_8_and_no_known_key() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        os.write(line.master, b"\xff\xfe\x1b[999;999;999y\x1b]0;x\x07\x1b[12;7R\xc3")
        line.quiet(0.3)
        line.type("m")
        assert line.shows("Hand over north")


def test_hostile_text_reaches_the_terminal_as_nothing_but_characters() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        before = len(line.sent)
        line.type("h")
        assert line.shows("evil")
        line.quiet(0.2)
    new = line.sent[before:]
    for raw in (
        b"\x1b]",
        b"\x07",
        b"\x1b[2J",
        "\x9b".encode(),
        "\u202e".encode(),
        "\u2066".encode(),
        "\u200b".encode(),
    ):
        assert raw not in new


def test_a_bell_is_passed_on() -> None:
    with ptys.on_a_pty(TOUR) as line:
        started(line)
        line.type("b")
        assert line.until(lambda: line.sent.endswith(b"\x07"), 5)


def test_without_colour_no_colour_is_sent() -> None:
    with ptys.on_a_pty(TOUR, environ=ptys.environment(NO_COLOR="1")) as line:
        started(line)
    assert {look[1:3] for row in line.screen.looks() for look in row} == {("default", "default")}


@pytest.mark.parametrize(("term", "words"), [("dumb", "no full screen"), ("", "not set"), ("adm3a", "ECMA-48")])
def test_a_terminal_that_cannot_be_drawn_on_is_told_in_a_sentence(term: str, words: str) -> None:
    with ptys.on_a_pty(TOUR, environ=ptys.environment(TERM=term)) as line:
        assert line.status() == 1
    assert words in line.sent.decode()
    assert b"Traceback" not in line.sent


@pytest.mark.parametrize("term", ["never-heard-of", "xterm;rm", "vt100"])
def test_an_unknown_or_old_terminal_is_drawn_on_with_what_every_one_can(term: str) -> None:
    with ptys.on_a_pty(TOUR, environ=ptys.environment(TERM=term)) as line:
        assert line.shows("cam9")
        line.type("q")
        assert line.status() == 0
    assert b"S\x1b[r" not in line.sent


def test_the_stock_driver_is_one_variable_away() -> None:
    with ptys.on_a_pty(TOUR, environ=ptys.environment(THRIFT="off")) as line:
        assert line.shows("cam9")
        assert b"?1004h" in line.sent
