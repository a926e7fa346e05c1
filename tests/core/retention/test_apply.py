"""The only deleter: what is durable before a file goes, and what a crash leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import NotDurable, StorageError
from core.retention.apply import Applied, apply, finish
from core.retention.explain import Row, lines, rows
from core.retention.forecast import Buffer, forecast
from core.retention.plan import Candidate, Deletion, Plan, Why
from core.values import Fence, PictureName

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class PowerCut(BaseException):
    """The machine stops here."""


class Disk:
    """A node's disk: pictures as files, day book and catalogue as lists, every step in `story`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.story: list[str] = []
        self.committed: dict[int, str] = {}
        self.gone: set[int] = set()
        self.cut_at: str | None = None
        self.stuck: set[str] = set()

    def picture(self, number: int) -> Candidate:
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=10 * number)
        name = PictureName("north", at, "unit1", Fence(1, 1), "jpg")
        file = self.folder / name.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"picture")
        copies = (("nas", "hash"), ("ca", "read-back"))
        return Candidate(number, str(name), "north", at, number, "jpeg", 7, True, copies)

    def _step(self, name: str) -> None:
        if name == self.cut_at:
            raise PowerCut
        self.story.append(name)

    def sync_receipts(self) -> None:
        self._step("sync receipts")

    def write_deletions(self, deletions: Sequence[Deletion], at: datetime) -> None:
        for candidate, why in deletions:
            self._step(f"line {candidate.picture} {why}")
        self._step("commit")
        self.committed |= {candidate.picture: candidate.name for candidate, _ in deletions}

    def leaving(self) -> Iterable[tuple[int, str]]:
        return [(picture, name) for picture, name in self.committed.items() if picture not in self.gone]

    def commit_gone(self, pictures: Sequence[int]) -> None:
        self._step("commit gone")
        self.gone |= set(pictures)

    def remove(self, path: str) -> None:
        number = next(number for number, name in self.committed.items() if path.endswith(name))
        if path.endswith(tuple(self.stuck)):
            raise StorageError("read-only file system")
        self._step(f"unlink {number}")
        (self.folder / path).unlink(missing_ok=True)

    def apply(self, plan: Plan, at_most: int = 50) -> Applied:
        return apply(plan, self.remove, self, NOW, at_most)

    @property
    def files(self) -> int:
        return sum(1 for file in self.folder.rglob("*") if file.is_file())


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
def plan_of(disk: Disk) -> Callable[..., Plan]:
    def make(count: int, why: Why = Why.FULL) -> Plan:
        return Plan([Deletion(disk.picture(number), why) for number in range(count)])

    return make


def test_receipts_lines_and_commit_come_before_any_file_goes(disk: Disk, plan_of: Callable[..., Plan]) -> None:
    done = disk.apply(plan_of(2))
    assert disk.story == [
        "sync receipts",
        "line 0 buffer full",
        "line 1 buffer full",
        "commit",
        "unlink 0",
        "unlink 1",
        "commit gone",
    ]
    assert (len(done.gone), done.freed, done.lost, done.left, disk.files) == (2, 14, 0, 0, 0)


STEPS = ["sync receipts", "line 0 buffer full", "line 1 buffer full", "commit", "unlink 0", "unlink 1", "commit gone"]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_loses_no_file_that_was_not_committed_and_a_start_repeats_the_rest(
    disk: Disk, plan_of: Callable[..., Plan], step: str
) -> None:
    plan = plan_of(2)
    disk.cut_at = step
    with pytest.raises(PowerCut):
        disk.apply(plan)
    if not disk.committed:
        assert disk.files == 2
    disk.cut_at = None
    finish(disk.remove, disk)
    assert disk.files == 2 - len(disk.committed)
    assert disk.gone == set(disk.committed)
    assert finish(disk.remove, disk) == 0


def test_receipts_that_are_not_durable_delete_nothing(disk: Disk, plan_of: Callable[..., Plan]) -> None:
    plan = plan_of(2)

    class Failing(Disk):
        def sync_receipts(self) -> None:
            raise NotDurable("fsync")

    with pytest.raises(NotDurable):
        apply(plan, disk.remove, Failing(disk.folder), NOW)
    assert (disk.files, disk.story) == (2, [])


def test_a_call_deletes_at_most_so_many_and_says_how_many_are_left(disk: Disk, plan_of: Callable[..., Plan]) -> None:
    plan = plan_of(5)
    done = disk.apply(plan, at_most=2)
    assert ([deletion.candidate.picture for deletion in done.gone], done.left, disk.files) == ([0, 1], 3, 3)


def test_a_file_that_cannot_be_removed_holds_up_no_other_and_is_tried_again(
    disk: Disk, plan_of: Callable[..., Plan]
) -> None:
    plan = plan_of(3)
    disk.stuck = {plan.deletions[1].candidate.name}
    done = disk.apply(plan)
    assert [deletion.candidate.picture for deletion in done.stuck] == [1]
    assert (done.freed, disk.files) == (14, 1)
    disk.stuck = set()
    assert finish(disk.remove, disk) == 1
    assert disk.files == 0


def test_a_plan_without_deletions_touches_nothing(disk: Disk) -> None:
    assert disk.apply(Plan()) == Applied()
    assert disk.story == []


def test_each_lost_picture_is_a_warning_and_is_counted(
    disk: Disk, plan_of: Callable[..., Plan], caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of(1, Why.UNPROVEN)
    with caplog.at_level(logging.INFO, "core.retention"):
        assert disk.apply(plan).lost == 1
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"expired unproven: picture={plan.deletions[0].candidate.name} size=7")
    ]


def test_a_proven_picture_leaves_with_the_places_of_its_copies(
    disk: Disk, plan_of: Callable[..., Plan], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "core.retention"):
        disk.apply(plan_of(1))
    assert caplog.messages[0].endswith("why=buffer full copies=nas (hash), ca (read-back)")


def test_a_dry_run_shows_what_why_and_where_the_copies_are(disk: Disk, plan_of: Callable[..., Plan]) -> None:
    plan = plan_of(1)
    candidate = plan.deletions[0].candidate
    assert list(rows(plan)) == [
        Row(candidate.name, "north", candidate.at, 7, "buffer full", "nas (hash), ca (read-back)")
    ]
    assert disk.files == 1


def test_a_dry_run_ends_with_the_sum_what_is_held_back_and_the_forecast() -> None:
    made = Plan(refused="clock not trusted", short=5_000_000, stop_capture=True)
    buffer = Buffer(free=0, keep_free=0, held_proven=0, held_unproven=0)
    assert lines(made, forecast({}, {}, buffer, NOW)) == [
        "0 pictures, 0 B, 0 of them unproven",
        "held back: clock not trusted",
        "still missing: 5 MB",
        "capture stops until there is room",
        "forecast: never: no pictures are being taken",
    ]
