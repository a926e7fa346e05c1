"""What an operator does on screens made of these parts, on a real terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers import ptys
from peers.ptys import Pty

DEMO = ptys.python("-m", "peers.demofleet")


def shown(line: Pty, text: str = "north-00") -> Pty:
    assert line.shows(text), line.screen.text
    line.quiet(0.1)
    return line


def cursor(line: Pty) -> str:
    return next((text for text in line.screen.text if text.startswith(">")), "")


@pytest.mark.parametrize(("width", "height"), [(44, 18), (80, 24), (160, 45), (20, 5)])
def test_the_worst_is_read_on_every_screen(width: int, height: int) -> None:
    with ptys.on_a_pty(DEMO, width, height, ptys.environment(PERIOD="0")) as line:
        shown(line)
        assert cursor(line).startswith("> late")
        assert all(len(text) <= width for text in line.screen.text)
        assert ("LAST DAY" in line.screen.text[1]) == (width >= 80)
        assert ("OWNER" in line.screen.text[1]) == (width >= 50)
        assert "as of" in line.screen.text[-1]
        line.type("G")
        assert line.until(lambda: "north-19" in cursor(line), 5)
        line.type("gjk")
        assert line.until(lambda: "north-00" in cursor(line), 5)


def test_rows_that_are_many_scroll_and_cost_a_row() -> None:
    with ptys.on_a_pty(DEMO, environ=ptys.environment(PERIOD="0", ROWS="200")) as line:
        shown(line)
        line.type("\x1b[6~")
        assert line.until(lambda: "north-26" in cursor(line), 5)
        line.quiet(0.2)
        assert line.cost("j", 0.2) < 250


def test_the_filter_narrows_stays_visible_and_goes() -> None:
    with ptys.on_a_pty(DEMO, environ=ptys.environment(PERIOD="0")) as line:
        shown(line)
        line.type("/state:late !north-00\r")
        assert line.until(lambda: "north-16" in cursor(line), 5), line.screen.text
        line.quiet(0.1)
        assert "/ state:late !north-00" in line.screen.text
        assert len([text for text in line.screen.text if "north-" in text]) == 3  # two rows and the filter itself
        line.type("k/")
        assert line.until(lambda: "north-08" in cursor(line), 5)
        line.type("\x1b")
        assert line.until(lambda: any("north-01" in text for text in line.screen.text), 5)
        assert not any(text.startswith("/") for text in line.screen.text)


def test_commands_are_the_words_of_the_command_line() -> None:
    with ptys.on_a_pty(DEMO, environ=ptys.environment(PERIOD="0")) as line:
        shown(line)
        line.type(":stat\t--all\r")
        assert line.shows("done: status --all")
        line.type(":statsu\r")
        assert line.shows("did you mean 'status'?")
        line.type(":\x1b[A\x1b[A\r")
        assert line.shows("done: status --all")


def test_help_lists_searches_and_acts() -> None:
    with ptys.on_a_pty(DEMO, environ=ptys.environment(PERIOD="0")) as line:
        shown(line)
        line.type("?")
        shown(line, "Keys of Fleet")
        line.type("camera")
        assert line.until(lambda: "i " in cursor(line) and "camera" in cursor(line), 5)
        line.type("\r")
        assert line.shows("fact 25")


def test_a_dangerous_act_takes_four_characters_and_happens_once(tmp_path: Path) -> None:
    acted = tmp_path / "acted"
    with ptys.on_a_pty(DEMO, environ=ptys.environment(PERIOD="0", ACTED=str(acted))) as line:
        shown(line)
        for keys in ("c\r", "cy\r", "c\x1b"):
            line.type(keys[0])
            shown(line, "Leave it as it is")
            line.type(keys[1:])
            shown(line, "north-19")
        line.type("c")
        shown(line, "Leave it as it is")
        line.type("\x1b[200~k4t7\x1b[201~\r")  # pasted: leaves
        shown(line, "north-19")
        assert not acted.exists()
        line.type("c")
        shown(line, "Leave it as it is")
        line.type("k4t7\r\r\r")
        assert line.shows("DONE: unit2 holds north-00")
        line.type("\r")
        assert line.shows("north-19")
    assert acted.read_text() == "the-key\n"


def test_stale_data_refuses_a_dangerous_act(tmp_path: Path) -> None:
    acted = tmp_path / "acted"
    with ptys.on_a_pty(DEMO, environ=ptys.environment(PERIOD="0", ACTED=str(acted), STALE="the data is old")) as line:
        shown(line)
        line.type("c")
        shown(line, "Leave it as it is")
        line.type("k4t7")
        assert line.shows("refused: the data is old")
    assert not acted.exists()
