"""A fault of the program ends it with one line: no traceback over a thin link, and nothing of what it knew."""

from __future__ import annotations

from peers import ptys

PROGRAM = """
import sys
from console.thrift import launch
launch.prepare(TEXTUAL_THEME="ansi-dark")
from console.widgets.lean import LeanApp

class Faulty(LeanApp):
    BINDINGS = [("x", "fail", "fail")]

    def action_fail(self):
        password = "hunter2"
        raise ValueError("broken \\x1b]0;evil\\x07 " + "y" * 9000)

app = Faulty(launch.driver_class())
app.run(mouse=False)
sys.exit(app.return_code)
"""


def test_a_fault_of_the_program_is_told_on_one_line() -> None:
    with ptys.on_a_pty(ptys.python("-c", PROGRAM), leads=False) as line:
        assert line.until(lambda: line.sent)
        line.quiet(0.2)
        before = len(line.sent)
        line.type("x")
        assert line.status() == 1
        line.quiet(0.2)
    told = line.sent[before:].partition(b"\x1b[?1049l")[2]
    assert b"the console ended by a fault of its own" in told
    assert b"ValueError: broken \\x1b]0;evil" in told
    assert b"__main__:12" in told.replace(b"\r\n", b"")
    assert len(told) < 600
    assert not any(word in line.sent for word in (b"hunter2", b"Traceback", b"\x1b]0;"))
