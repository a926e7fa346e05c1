"""How commands end when something is wrong: one line, no traceback, the right exit status."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from peers.node import PROGRAM, environment

from core.catalogue.store import Catalogue
from core.cli import ending
from core.cli import main as program

Run = Callable[..., tuple[int, str, str]]
LONG = "x" * 300


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["init", LONG, "--way", "jpeg"], "File name too long", id="init"),
        pytest.param(["demo", "--dir", LONG], "File name too long", id="demo"),
        pytest.param(["status", "--site", LONG], "File name too long", id="status"),
        pytest.param(["demo", "--dir", "{file}"], "Not a directory", id="demo-in-a-file"),
        pytest.param(["demo", "--dir", "{file}/demo"], "Not a directory", id="demo-below-a-file"),
        pytest.param(["demo", "--every", "nan"], "a number from 2 to 3600", id="nan"),
        pytest.param(["demo", "--every", "inf"], "2<=x<=3600", id="inf"),
        pytest.param(["ledger", "--day", "9999-12-31"], "a day of the years 1970 to 2198", id="the-last-day"),
        pytest.param(["ledger", "--day", "0001-01-01"], "a day of the years 1970 to 2198", id="the-first-day"),
        pytest.param(["init", "a"], "Choose from: everything, jpeg, reduced, monitoring", id="choices"),
        pytest.param(["queue", "--pause", "--resume", "--destination", "nas"], "say one of", id="two-acts"),
        pytest.param(["queue", "--retry", "--resume", "--destination", "nas"], "say one of", id="two-others"),
    ],
)
def test_what_cannot_be_meant_is_told_on_one_line_and_ends_with_2(
    words: list[str], told: str, quay: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(quay.folder)
    status, out, err = run(*(word.replace("{file}", str(quay.file)) for word in words))
    assert (status, out) == (2, "")
    assert err.startswith("overlapse: ")
    assert err.count("\n") == 1
    assert told in err
    assert "\\x" not in err


ANSWERS = {
    "ledger": {"slots": []},
    "queue": {"deliveries": []},
    "events": {"events": []},
    "retention-plan": {"rows": [], "count": 0, "lines": ["0 pictures"], "plan": "0123456789abcdef"},
    "status": {
        "site": "quay",
        "node": "unit1",
        "at": 0,
        "clock": {"trusted": True},
        "cameras": [],
        "destinations": [],
        "buffer": {"pictures": 0, "bytes": 0, "free": 0},
        "at_risk": {"pictures": 0},
    },
}


@pytest.mark.parametrize("command", ["status", "ledger", "queue", "events", "retention", "verify", "validate"])
@pytest.mark.parametrize("json", [[], ["--json"]], ids=["text", "json"])
def test_an_answer_that_nobody_takes_is_told(command: str, json: list[str], answering: Any, run: Run) -> None:
    answering.answers = ANSWERS
    answering.site.data.mkdir()
    Catalogue.open(answering.site.data / "catalogue.db").close()
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closing it fails
    with contextlib.redirect_stdout(full):
        status, _, err = run(command, "--site", answering.site.file, *json)
    with contextlib.suppress(OSError):
        full.close()
    last = err.splitlines()[-1]
    assert (status, last) == (1, "overlapse: the answer could not be written: No space left on device")
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["--help", "validate"])
def test_the_interpreter_adds_nothing_to_a_full_output(command: str, quay: Any) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=quay.folder,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "overlapse: the answer could not be written: No space left on device\n"


def test_with_nowhere_to_complain_the_exit_status_is_still_right(quay: Any) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "vallidate"], stderr=full, env=environment(), check=False)
    assert done.returncode == 2


@click.command()
def broken() -> None:
    """Fail as no command should."""
    raise ZeroDivisionError("by\x1b[2J zero")


def test_a_fault_of_the_program_is_one_line_that_says_how_to_see_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ending.DEBUG, raising=False)
    assert program.run([], broken) == 1
    err = capsys.readouterr().err
    assert err.startswith("overlapse: internal fault: ZeroDivisionError: by\\x1b[2J zero (OVERLAPSE_DEBUG=1 ")
    assert err.count("\n") == 1
    monkeypatch.setenv(ending.DEBUG, "1")
    assert program.run([], broken) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_file_that_the_system_refuses_is_no_fault_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    command = click.Command("x", callback=lambda: Path("/dev/null/x").read_text())
    assert program.run([], command) == 1
    assert capsys.readouterr().err == "overlapse: /dev/null/x: Not a directory\n"


def test_a_command_is_named_as_it_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / ".venv" / "bin"
    place.mkdir(parents=True)
    program = place / "overlapse"
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert ending.called(".venv/bin/overlapse") == ending.called(str(program)) == ".venv/bin/overlapse"
    monkeypatch.chdir(place)
    assert ending.called("overlapse") == "./overlapse"
    monkeypatch.chdir("/usr")
    assert ending.called(str(program)) == str(program)
    monkeypatch.setenv("PATH", str(place))
    assert ending.called(str(program)) == "overlapse"
    assert ending.called(sys.executable) == ending.called("/gone/overlapse") == "overlapse"
