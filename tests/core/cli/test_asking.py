"""What the commands make of a node's answers: names that nobody has, several sites, and what is asked before."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.cli.progress import progress
from core.errors import OverlapseError

Run = Callable[..., tuple[int, str, str]]
NONE: dict[str, Any] = {"ledger": {"slots": []}, "queue": {"deliveries": []}}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["queue", "--destination", "nsa"], "there is no destination nsa; there are: nas"),
        (["ledger", "--camera", "nort"], "there is no camera nort; there are: north"),
        (["ledger", "--camera", "nort", "--missed", "--json"], "there is no camera nort; there are: north"),
    ],
)
def test_a_name_that_nobody_has_is_no_good_news(words: list[str], told: str, answering: Any, run: Run) -> None:
    answering.answers = NONE
    assert run(*words, "--site", answering.site.file) == (2, "", f"overlapse: {told}\n")


def test_a_name_that_is_there_may_have_nothing_and_one_that_was_there_may_have_something(
    answering: Any, run: Run
) -> None:
    answering.answers = NONE
    site = answering.site.file
    assert run("queue", "--destination", "nas", "--site", site) == (0, "nothing waits: all is delivered\n", "")
    assert run("ledger", "--camera", "north", "--site", site)[0] == 0
    old = {"camera": "old", "slot": 0, "node": "unit1", "outcome": "captured"}
    answering.answers = {"ledger": {"slots": [old]}}
    assert "captured" in run("ledger", "--camera", "old", "--site", site)[1]


def test_several_sites_are_one_document_and_one_is_its_own(answering: Any, run: Run) -> None:
    answering.answers = {"status": {"site": "quay"}}
    site = answering.site.file
    assert json.loads(run("status", "--json", "--site", site)[1]) == {"site": "quay"}
    out = run("status", "--json", "--site", site, "--site", site)[1]
    assert json.loads(out) == {"sites": [{"site": "quay"}, {"site": "quay"}]}


ROW = {"name": "north_1.jpg", "size": 2_000_000, "why": "buffer full", "copies": "nas (hash)"}
PLAN = {"rows": [ROW], "count": 1, "lines": ["1 pictures, 2 MB, 0 of them unproven"], "plan": "0123456789abcdef"}
HELD = {"rows": [], "count": 0, "lines": ["held back: over 25%"], "plan": "fedcba9876543210", "confirmed": PLAN}
DONE = {"gone": 1, "left": 0, "freed": 2_000_000}
APPLY = ("retention", "--apply", "--site")


@pytest.fixture
def keeper(answering: Any) -> Any:
    """A node that has something to delete."""
    answering.answers = {"retention-plan": PLAN, "retention-apply": DONE}
    return answering


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A terminal on which a person types."""
    person, end = pty.openpty()
    with os.fdopen(end, "r") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)

        def say(text: str) -> None:
            os.write(person, text.encode())

        yield say
    os.close(person)


def applied(node: Any) -> list[Any]:
    return [args for verb, args in node.asked if verb == "retention-apply"]


def test_what_is_deleted_is_shown_before_and_agreed_to(keeper: Any, run: Run, say: Callable[[str], None]) -> None:
    say("y\n")
    status, out, _ = run(*APPLY, keeper.site.file)
    assert status == 0
    assert out.index("north_1.jpg") < out.index("Delete these 1 pictures") < out.index("1 pictures deleted, 2 MB freed")
    assert applied(keeper) == [{"plan": PLAN["plan"]}]


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_nothing_is_deleted_that_nobody_agreed_to(
    answer: str, keeper: Any, run: Run, say: Callable[[str], None]
) -> None:
    say(answer)
    status, out, _ = run(*APPLY, keeper.site.file)
    assert (status, applied(keeper)) == (0, [])
    assert out.endswith("nothing was deleted\n")


def test_a_plan_that_is_held_back_is_shown_as_it_would_be_carried_out(
    keeper: Any, run: Run, say: Callable[[str], None]
) -> None:
    keeper.answers["retention-plan"] = HELD
    say("y\n")
    assert "north_1.jpg" in run(*APPLY, keeper.site.file)[1]
    assert applied(keeper) == [{"plan": HELD["plan"]}]
    out = run("retention", "--dry-run", "--site", keeper.site.file)[1]
    assert out.endswith(f"\nplan {HELD['plan']}\n")
    assert out.index("held back: over 25%") < out.index("if you confirm it with --apply:") < out.index("north_1.jpg")


def test_with_nobody_to_ask_it_must_be_told_yes(keeper: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        for more in ([], ["--json"]):
            status, out, err = run(*APPLY, keeper.site.file, *more)
            assert (status, out) == (2, "")
            assert "say --apply --yes" in err
        assert keeper.asked == []
        assert "1 pictures deleted" in run(*APPLY, keeper.site.file, "--yes")[1]
        assert json.loads(run(*APPLY, keeper.site.file, "--yes", "--json")[1]) == DONE
        assert run(*APPLY, keeper.site.file, "--yes", "--plan", "a" * 16)[0] == 0
    assert applied(keeper) == [{"plan": PLAN["plan"]}] * 2 + [{"plan": "a" * 16}]
    assert run("retention", "--yes", "--site", keeper.site.file)[0] == 2


def test_a_plan_that_changed_meanwhile_is_told(keeper: Any, run: Run) -> None:
    keeper.answers["retention-apply"] = OverlapseError("it is not the plan any more")
    status, _, err = run(*APPLY, keeper.site.file, "--yes")
    assert (status, err) == (1, "overlapse: it is not the plan any more\n")


class Screen:
    """What is written to a terminal, or to a file."""

    def __init__(self, terminal: bool) -> None:
        self.text = ""
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""


def told(terminal: bool) -> str:
    screen, seconds = Screen(terminal), [0.0]
    with progress(screen, lambda: seconds[0]) as tell:  # type: ignore[arg-type]
        for number in range(1, 365):
            seconds[0] = number / 100
            tell(f"{number} receipts asked")
    return screen.text


def test_progress_is_a_line_a_second_and_the_last_one() -> None:
    assert told(terminal=False).splitlines() == [f"{number} receipts asked" for number in (1, 101, 201, 301, 364)]


def test_where_lines_stay_one_that_says_nothing_new_comes_again_after_a_minute() -> None:
    seconds, screen = [0.0], Screen(terminal=False)
    with progress(screen, lambda: seconds[0]) as tell:  # type: ignore[arg-type]
        for second in range(150):
            seconds[0] = second
            tell("it waits" if second < 140 else "it goes on")
    assert screen.text.splitlines() == ["it waits"] * 3 + ["it goes on"]


def test_on_a_terminal_progress_is_one_line() -> None:
    text = told(terminal=True)
    assert [part.strip() for part in text.split("\r")] == [
        "",
        *(f"{number} receipts asked" for number in (1, 101, 201, 301, 364)),
    ]
    assert text.count("\n") == 1
    assert text.endswith("\n")


def test_progress_of_nothing_is_silent() -> None:
    screen = Screen(terminal=True)
    with progress(screen):  # type: ignore[arg-type]
        pass
    assert screen.text == ""


def test_what_is_staged_is_agreed_to_as_it_was_shown(answering: Any, run: Run, say: Callable[[str], None]) -> None:
    told = {"effects": ["gate: backup fr -> ca"], "warnings": [], "load": [], "digest": "0123456789abcdef"}
    answering.answers = {"redundancy-apply": told | {"applied": ["cfg.cam.gate"]}}
    say("y\n")
    status, out, _ = run("redundancy", "apply", "--site", answering.site.file)
    assert (status, "applied: gate: backup fr -> ca" in out) == (0, True)
    assert [args for _, args in answering.asked] == [{"dry_run": True}, {"digest": told["digest"]}]
