"""`overlapse redundancy`: what it asks for, and how it shows what it is told."""

from __future__ import annotations

from typing import Any

import pytest
from peers.node import Site

from core.cli.showredundancy import load_lines, shown, told_lines

from .conftest import Answering, Run

LOAD = {
    "node": "fr",
    "normal": {"cameras": 1, "cpu_share": 0.031, "sent_Bps": 1000.0, "stored_Bps": 2000.0, "not_measured": []},
    "worst": {"cameras": 9, "cpu_share": 0.95, "sent_Bps": 9000.0, "stored_Bps": 18000.0, "not_measured": ["yard"]},
    "failing": "unit1",
    "problems": ["fr would need 95% of its processors when unit1 fails; 80% is the most"],
}
NODE = {"name": "fr", "fast": False, "constant": True, "mail": True, "autoback": True, "profile": "normal", "cap": 9}
CAMERA = {"name": "gate", "mode": "constant", "primary": "unit1", "backup": "fr", "owner": "fr", "fence": "2-7"}
PERIOD = {"camera": "gate", "node": "unit1", "by": "fr", "taken": 1.8e9, "end": None, "lost": 3, "filled": 1}


def answer(**more: Any) -> dict[str, Any]:
    node = NODE | {"version": 1, "session": "alive", "overlapse": "0.1", "site": "2505f206", "load": LOAD}
    camera = CAMERA | {
        "exclusive": False,
        "priority": 0,
        "version": 0,
        "since": 1.8e9,
        "why": "failure",
        "ready": False,
    }
    return {"cameras": [camera], "nodes": [node], "differ": False, "engine": {"state": "ok"}, **more}


def test_show_has_owners_switches_load_and_what_is_wrong() -> None:
    said = "\n".join(shown(answer(differ=True, periods=[PERIOD | {"spares": 0}])))
    assert "gate    constant  unit1    fr      NO     fr" in said
    assert "constant, mail, autoback" in said
    assert "unit1 fails: 9 cameras, 95% of processors" in said
    assert "! fr would need 95% of its processors when unit1 fails" in said
    assert "! nodes run different versions of site.toml" in said
    assert "gate: fr for unit1, 15 Jan 08:00:00 to now; slots lost 3, filled 1, spares 0" in said


def test_what_is_staged_stands_below_with_its_end() -> None:
    staged = {"by": "ana", "at": 1.8e9, "until": 1.8e9 + 3600, "effects": ["gate: backup fr -> ca"]}
    said = [*shown(answer(staged=staged))]
    assert said[-2:] == ["staged by ana, until 09:00 UTC (overlapse redundancy apply):", "  gate: backup fr -> ca"]


def test_a_change_is_told_with_its_warnings_and_its_load() -> None:
    said = {"effects": ["fr: constant off -> on"], "warnings": ["twice the bandwidth"], "load": [LOAD], "staged": True}
    lines = [*told_lines(said, dry_run=False)]
    assert lines[:2] == ["staged: fr: constant off -> on", "warning: twice the bandwidth"]
    assert lines[-1].startswith("`overlapse redundancy apply` applies all that is staged")
    assert next(told_lines(said | {"staged": False}, dry_run=True)) == "would be applied: fr: constant off -> on"


def test_what_nobody_measured_is_told() -> None:
    assert [*load_lines([LOAD])][-1] == "? fr: not measured anywhere yet: yard"


@pytest.mark.parametrize(
    "words", [["assign", "--backup", "fr"], ["assign", "gate", "--of", "unit1", "--backup", "fr"], ["mode", "fr"]]
)
def test_a_command_that_says_too_little_or_too_much_is_refused(words: list[str], run: Run) -> None:
    assert run("redundancy", *words)[0] == 2


@pytest.mark.parametrize(
    ("words", "verb", "args"),
    [
        (["assign", "gate", "yard", "--backup", "ca"], "assign", {"cameras": ["gate", "yard"], "backup": "ca"}),
        (["assign", "--of", "unit1", "--backup", "none"], "assign", {"of": "unit1", "without": True}),
        (["mode", "fr", "--constant", "on", "--mail", "off"], "mode", {"node": "fr", "constant": True, "mail": False}),
    ],
)
def test_a_command_asks_the_node_for_what_it_says(
    words: list[str], verb: str, args: dict[str, Any], quay: Site, answering: Answering, run: Run
) -> None:
    answering.answers[f"redundancy-{verb}"] = {"effects": ["gate: backup fr -> ca"], "warnings": [], "load": []}
    status, out, _ = run("redundancy", *words, "--dry-run", "--site", str(quay.file))
    assert (status, answering.asked) == (0, [(f"redundancy-{verb}", args | {"dry_run": True})])
    assert "would be applied: gate: backup fr -> ca" in out
