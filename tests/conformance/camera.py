"""What every kind of camera does, asked over the line of a child process as the node asks it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.capture.base import Part, Shot
from core.capture.wire import camera_to_json, shot_from_json
from core.child import Child
from core.errors import CameraGone, ChildError, StorageError
from core.site.model.cameras import Camera
from core.values import PictureName

SECONDS = 20.0  # a deadline that no healthy camera here comes near
SLOT = datetime.now(UTC).replace(microsecond=0)


@dataclass
class Given:
    """A camera to be tested, one like it that is not there, and how to have it give one more picture."""

    camera: Camera
    absent: Camera
    offer: Callable[[], None] = lambda: None
    secrets: dict[str, str] = field(default_factory=dict)
    judge: str | None = None  # what the node gives to a camera that pushes


class Asked:
    """A camera's child process, asked as the node asks."""

    def __init__(
        self, camera: Camera, spool: Path, secrets: dict[str, str] | None = None, judge: str | None = None
    ) -> None:
        self.camera, self.spool = camera, spool
        self.child = Child("camera")
        self._opening = {"camera": camera_to_json(camera), "spool": str(spool), "secrets": secrets or {}}
        self._opening |= {"judge": judge} if judge is not None else {}

    def open(self, deadline: float = SECONDS) -> dict[str, Any]:
        return self.child.ask("open", self._opening, deadline)

    def shoot(self, at: datetime = SLOT, deadline: float = SECONDS) -> Shot:
        asked = {"camera": self.camera.name, "node": "unit1", "fence": "1-7", "at": int(at.timestamp())}
        return shot_from_json(self.child.ask("shoot", asked, deadline))

    def open_and_shoot(self) -> Shot:
        self.open()
        return self.shoot()

    def release(self, shot: Shot) -> None:
        names = [part.source_name for part in (*shot.parts, *shot.orphans)]
        self.child.ask("release", {"source_names": names}, SECONDS)

    def ask(self, op: str, **args: Any) -> dict[str, Any]:
        return self.child.ask(op, args, SECONDS)

    def bytes_of(self, part: Part) -> bytes:
        return (self.spool / part.name).read_bytes()


@contextmanager
def asked(
    camera: Camera, spool: Path, secrets: dict[str, str] | None = None, judge: str | None = None
) -> Iterator[Asked]:
    """Run a camera's child until the block ends; it is not opened yet."""
    one = Asked(camera, spool, secrets, judge)
    try:
        yield one
    finally:
        one.child.close()


class CameraContract:
    """Each kind of camera inherits this and says what is given."""

    @pytest.fixture
    def given(self) -> Given:
        raise NotImplementedError

    @pytest.fixture
    def spool(self, tmp_path: Path) -> Path:
        spool = tmp_path / "spool"
        spool.mkdir()
        return spool

    @pytest.fixture
    def opened(self, given: Given, spool: Path) -> Iterator[Asked]:
        with asked(given.camera, spool, given.secrets, given.judge) as one:
            given.offer()
            one.open()
            yield one

    def test_every_part_lies_whole_in_the_spool_under_its_own_name(self, opened: Asked) -> None:
        shot = opened.shoot()
        assert shot.parts
        for part in shot.parts:
            held = opened.bytes_of(part)
            assert (len(held), hashlib.sha256(held).hexdigest()) == (part.size, part.sha256)

    def test_a_shot_leaves_nothing_unfinished_behind(self, opened: Asked) -> None:
        shot = opened.shoot()
        assert {file.name for file in opened.spool.iterdir()} == {part.name for part in shot.parts}

    def test_a_name_says_camera_slot_node_and_fence(self, opened: Asked) -> None:
        for part in opened.shoot().parts:
            name = PictureName.parse(part.name)
            assert (name.camera, name.at, name.node, str(name.fence)) == (opened.camera.name, SLOT, "unit1", "1-7")

    def test_the_same_slot_shot_again_overwrites_nothing(self, opened: Asked, given: Given) -> None:
        first = opened.shoot()
        before = {part.name: opened.bytes_of(part) for part in first.parts}
        given.offer()
        again = opened.shoot()
        assert not {part.name for part in again.parts} & set(before)
        assert {name: (opened.spool / name).read_bytes() for name in before} == before

    def test_the_shutter_is_told_in_the_hosts_time(self, opened: Asked) -> None:
        assert opened.shoot().shutter == pytest.approx(time.time(), abs=60)

    def test_releasing_twice_is_no_error(self, opened: Asked) -> None:
        shot = opened.shoot()
        opened.release(shot)
        opened.release(shot)

    def test_telemetry_tells_no_number_that_the_camera_did_not_give(self, opened: Asked) -> None:
        told = opened.ask("telemetry")
        assert None not in told.values()
        assert all(value >= 0 for name, value in told.items() if name in ("battery", "free_bytes", "shutter_count"))

    def test_setting_the_clock_never_fails_for_want_of_one(self, opened: Asked) -> None:
        assert abs(opened.ask("set_clock").get("clock_drift", 0.0)) < 5

    def test_a_closed_camera_is_opened_again_by_the_next_shot(self, opened: Asked, given: Given) -> None:
        opened.ask("close")
        opened.ask("close")
        given.offer()
        assert opened.shoot().parts

    def test_a_camera_that_is_not_there_is_said_to_be_gone(self, given: Given, spool: Path) -> None:
        with asked(given.absent, spool, given.secrets, given.judge) as one, pytest.raises(CameraGone):
            one.open_and_shoot()
        assert list(spool.iterdir()) == []

    def test_a_spool_that_cannot_be_written_is_the_nodes_fault(self, given: Given, tmp_path: Path) -> None:
        given.offer()
        with asked(given.camera, tmp_path / "nowhere", given.secrets, given.judge) as one, pytest.raises(StorageError):
            one.open_and_shoot()

    def test_nothing_can_be_asked_before_it_is_opened(self, given: Given, spool: Path) -> None:
        with asked(given.camera, spool) as one, pytest.raises(ChildError):
            one.shoot()

    def test_it_knows_only_its_own_operations(self, opened: Asked) -> None:
        with pytest.raises(ChildError):
            opened.ask("explode")
