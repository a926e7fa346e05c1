"""Assignments: refused with every reason, staged, applied together or not at all, moved as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.coordination.assignments import Candidate, check_assignment, check_switches
from core.coordination.base import CoordinationUnavailable, Held, Unknown
from core.coordination.protocol.records import CameraPlan, NodePlan, RecordError, camera_key, encode, node_key
from core.coordination.sqlite import SqliteCoordination
from core.coordination.staging import Plans, StaleEdit, apply, export, parse, read_plans, stage

PLAN = CameraPlan(0, "unit", "cloud")
GOOD = Candidate("cloud", fleet="north", reported=True, version="1.4.0", reaches=True, cap=4, served=2)


def refused(candidate: Candidate, plan: CameraPlan = PLAN) -> tuple[str, ...]:
    return check_assignment("gate", plan, candidate, "north", "1.2.0", fast=False, cellular=False).refused


def test_a_backup_that_is_ready_is_not_refused() -> None:
    assert refused(GOOD) == ()


@pytest.mark.parametrize(
    ("candidate", "plan", "told"),
    [
        (replace(GOOD, name="unit"), CameraPlan(0, "unit", "unit"), "unit is the primary of gate"),
        (replace(GOOD, fleet="south"), PLAN, "cloud is not in the same fleet"),
        (replace(GOOD, reported=False), PLAN, "cloud has not reported"),
        (replace(GOOD, reaches=False), PLAN, "cloud does not reach gate, as it found itself"),
        (replace(GOOD, reaches=None), PLAN, "cloud has not tried whether it reaches gate"),
        (replace(GOOD, version="2.0.0"), PLAN, "the major version must be the same"),
        (replace(GOOD, cap=0), PLAN, "needs at least one"),
        (replace(GOOD, cap=1), PLAN, "would serve 2 cameras in the worst single failure; max_cameras is 1"),
        (replace(GOOD, problems=("cloud would need 90% of its processors",)), PLAN, "90% of its processors"),
        (replace(GOOD, constant=True), replace(PLAN, exclusive=True), "gate takes one connection at a time"),
        (replace(GOOD, mail=True), PLAN, "[notifications.smtp] is missing"),
    ],
)
def test_each_reason_is_told(candidate: Candidate, plan: CameraPlan, told: str) -> None:
    [reason] = refused(candidate, plan)
    assert told in reason


def test_all_reasons_are_told_at_once() -> None:
    assert len(refused(Candidate("cloud", version="2.0", cap=0, mail=True))) == 5


def test_the_warnings_of_the_seed_are_said_in_words() -> None:
    found = check_assignment("gate", PLAN, replace(GOOD, constant=True), "north", "1.2.0", fast=True, cellular=True)
    assert found.refused == ()
    assert "two connections, from unit and from cloud: twice the bandwidth" in found.warnings[0]
    assert "false alarms; unit is on a cellular link" in found.warnings[1]
    [alone] = check_assignment(
        "gate", CameraPlan(0, "unit"), None, "north", "1.2.0", fast=False, cellular=False
    ).warnings
    assert "nobody shoots it" in alone


def test_switches_are_refused_and_warned_of_too() -> None:
    assert "missing" in check_switches("cloud", NodePlan(mail=True), mail_is_set_up=False, stands_by=True).refused[0]
    assert "at least one" in check_switches("cloud", NodePlan(cap=0), mail_is_set_up=True, stands_by=True).refused[0]
    fast = NodePlan(fast=True, profile="cellular")
    assert "--force" in check_switches("unit", fast, mail_is_set_up=True, stands_by=False).refused[0]
    forced = check_switches("unit", fast, mail_is_set_up=True, stands_by=False, force=True)
    assert (forced.refused, len(forced.warnings)) == ((), 1)
    constant = check_switches("cloud", NodePlan(constant=True, mail=True), mail_is_set_up=True, stands_by=True)
    assert (constant.refused, len(constant.warnings)) == ((), 2)


# --- staged edits -----------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteCoordination]:
    opened = SqliteCoordination(tmp_path / "coordination.db", SystemClock())
    opened.cas(camera_key("gate"), 0, encode(CameraPlan(3, "unit", "cloud")))
    opened.cas(node_key("cloud"), 0, encode(NodePlan(2)))
    yield opened
    opened.close()


class Failing:
    """A store that fails at the nth change; `applied`: it was made all the same."""

    def __init__(self, store: SqliteCoordination, nth: int, error: type[Exception], applied: bool = False) -> None:
        self._store = store
        self._left = nth
        self._error = error
        self._applied = applied

    def cas(self, key: str, rev: int, value: bytes) -> int:
        self._left -= 1
        if self._left == 0:
            if self._applied:
                self._store.cas(key, rev, value)
            raise self._error
        return self._store.cas(key, rev, value)

    def read(self, key: str) -> Held | None:
        return self._store.read(key)

    def list(self, prefix: str) -> Mapping[str, Held]:
        return self._store.list(prefix)

    def hint(self, prefix: str, callback: Callable[[str], None]) -> Callable[[], None]:
        return self._store.hint(prefix, callback)

    def now(self) -> float:
        return self._store.now()


WANTED = Plans({"gate": CameraPlan(0, "unit", "office"), "yard": CameraPlan(0, "unit")}, {"cloud": NodePlan(fast=True)})


def test_only_what_differs_is_staged_and_its_version_grows(store: SqliteCoordination) -> None:
    assert stage(read_plans(store), read_plans(store)) == []
    edits = stage(read_plans(store), WANTED)
    assert [(edit.key, edit.seen, edit.plan.version) for edit in edits] == [
        ("cfg.cam.gate", 3, 4),
        ("cfg.cam.yard", 0, 1),
        ("cfg.node.cloud", 2, 3),
    ]


def test_staged_edits_are_applied_together(store: SqliteCoordination) -> None:
    edits = stage(read_plans(store), WANTED)
    assert set(apply(store, edits)) == {"cfg.cam.gate", "cfg.cam.yard", "cfg.node.cloud"}
    held = read_plans(store)
    assert held.cameras == {"gate": CameraPlan(4, "unit", "office"), "yard": CameraPlan(1, "unit")}
    assert held.nodes == {"cloud": NodePlan(3, fast=True)}
    assert stage(held, WANTED) == []


def test_nothing_is_applied_when_somebody_else_was_first(store: SqliteCoordination) -> None:
    edits = stage(read_plans(store), WANTED)
    held = store.read(node_key("cloud"))
    assert held is not None
    store.cas(node_key("cloud"), held.rev, encode(NodePlan(3, mail=True)))
    before = store.list("cfg.")
    with pytest.raises(StaleEdit, match=r"cfg\.node\.cloud"):
        apply(store, edits)
    assert store.list("cfg.") == before


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_what_was_written_is_put_back_when_a_later_one_fails(store: SqliteCoordination, nth: int) -> None:
    edits = stage(read_plans(store), WANTED)
    before = read_plans(store)
    with pytest.raises(CoordinationUnavailable):
        apply(Failing(store, nth, CoordinationUnavailable), edits)
    assert stage(read_plans(store), before) == []


def test_a_change_in_doubt_that_was_made_counts(store: SqliteCoordination) -> None:
    edits = stage(read_plans(store), WANTED)
    assert len(apply(Failing(store, 2, Unknown, applied=True), edits)) == 3
    assert read_plans(store).cameras["gate"].backup == "office"


def test_what_is_exported_is_imported_again(store: SqliteCoordination) -> None:
    apply(store, stage(read_plans(store), WANTED))
    moved = parse(export(read_plans(store)))
    assert stage(read_plans(store), moved) == []
    assert '"exclusive": false' in export(read_plans(store))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not assignments"),
        ("[]", '"format" must be'),
        ('{"format": "other"}', '"format" must be'),
        ('{"format": "overlapse-assignments-1", "cameras": []}', "must be objects"),
        ('{"format": "overlapse-assignments-1", "cameras": {"gate": {"primry": "unit"}}}', "unknown keys: primry"),
        ('{"format": "overlapse-assignments-1", "cameras": {"gate": {"primary": 4}}}', "primary: a name"),
        ('{"format": "overlapse-assignments-1", "nodes": {"cloud": 3}}', "cfg.node.cloud: not an object"),
    ],
)
def test_what_is_no_assignment_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(RecordError, match=told.replace("[", r"\[")):
        parse(text)
