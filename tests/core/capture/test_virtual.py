"""The real libgphoto2 on the virtual PTP camera of its wheel."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conformance.camera import SLOT, CameraContract, Given, asked

from core.capture.wire import camera_to_json
from core.errors import CameraError, CardFull, ChildDied, ChildTimeout
from core.site.model.cameras import Camera, GphotoSource, Settings


def camera_of(seed: Any, **changes: Any) -> Camera:
    return Camera(name="north", source=GphotoSource(kind="gphoto2", virtual=str(seed.root)), **changes)


class TestVirtual(CameraContract):
    @pytest.fixture
    def given(self, seed: Any) -> Given:
        nobody = GphotoSource(kind="gphoto2", serial="no such serial")
        return Given(camera_of(seed), Camera(name="north", source=nobody))


def test_frame_n_shows_picture_n(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        for number in range(6):
            shown = seed.show(f"picture {number}")
            shot = camera.shoot(SLOT + timedelta(minutes=number))
            assert [camera.bytes_of(part) for part in shot.parts] == [shown]


def test_a_hung_camera_is_killed_at_the_deadline_and_the_next_shot_is_good(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        seed.hang()
        with pytest.raises(ChildTimeout):
            camera.shoot(deadline=0.5)
        shown = seed.show("after")
        camera.open()
        assert [camera.bytes_of(part) for part in camera.shoot().parts] == [shown]


def test_a_download_killed_at_its_deadline_leaves_nothing_once_the_camera_is_opened_again(
    seed: Any, spool: Path
) -> None:
    camera = camera_of(seed)
    with asked(camera, spool) as one:
        one.open()
        seed.hang()
        with pytest.raises(ChildTimeout):
            one.shoot(deadline=0.5)
        seed.show("after")
        kept = spool / "north_20261121T090000Z_unit1_1-6.jpg.part"
        kept.write_bytes(b"of an earlier run")
        (spool / "north_20261121T091000Z_unit1_1-7.jpg.part").write_bytes(b"cut")
        one.ask("open", camera=camera_to_json(camera), spool=str(spool), fence="1-7")
        assert list(spool.iterdir()) == [kept]


def test_a_crash_in_the_library_is_the_childs_end_and_not_ours(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        pipe, pid = seed.hang(), camera.child.pid
        assert pid is not None

        def crash() -> None:
            with pipe.open("wb"):  # waits until libgphoto2 reads
                os.kill(pid, signal.SIGSEGV)

        crasher = threading.Thread(target=crash)
        crasher.start()
        with pytest.raises(ChildDied, match="signal 11"):
            camera.shoot()
        crasher.join()
        seed.show("after")
        camera.open()
        assert camera.shoot().parts


def test_the_card_is_full_after_26_shots_and_opening_anew_helps_this_camera(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        for number in range(26):
            camera.shoot(SLOT + timedelta(minutes=number))
        for _ in range(2):
            with pytest.raises(CardFull):
                camera.shoot()
        camera.ask("close")
        assert camera.shoot().parts


def test_a_picture_of_garbage_is_taken_in_as_it_came(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        garbage = seed.give(b"\x00\x1b[2J not a picture")
        assert [camera.bytes_of(part) for part in camera.shoot().parts] == [garbage]


def test_a_camera_without_its_source_says_so_and_recovers(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        seed.file.unlink()
        with pytest.raises(CameraError):
            camera.shoot()
        assert list(spool.iterdir()) == []
        seed.show("back")
        camera.ask("close")
        assert camera.shoot().parts


def test_settings_are_written_from_the_cameras_own_choices_at_every_open(seed: Any, spool: Path) -> None:
    wanted = Settings(shutter="1/200", aperture="8", target="card", focus="manual")
    with asked(camera_of(seed, settings=wanted), spool) as camera:
        for _ in range(2):
            assert camera.open()["drift"] == {}
        assert camera.shoot().drift == {}


def test_a_value_that_the_camera_does_not_offer_is_told_and_never_written(seed: Any, spool: Path) -> None:
    wanted = Settings(aperture="f/99", shutter="9s", iso="100")  # f/99 written and read crashes the library
    with asked(camera_of(seed, settings=wanted), spool) as camera:
        drift = camera.open()["drift"]
        assert drift == {"aperture": ["f/99", "f/2.8"], "shutter": ["9s", "0.0100s"], "iso": ["100", "not offered"]}
        assert camera.shoot().drift.keys() == drift.keys()


def test_a_camera_says_what_it_offers(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        told = camera.open()
    assert (told["model"], told["serial"], told["battery"]) == ("VC", "0.1", 50)
    assert "f/8" in told["offered"]["aperture"]
    assert "shutter_count" not in told


def test_a_seed_on_the_virtual_card_is_never_taken_for_a_leftover(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        assert camera.shoot().orphans == ()


def test_a_picture_handed_over_and_not_released_comes_once(seed: Any, spool: Path) -> None:
    with asked(camera_of(seed), spool) as camera:
        camera.open()
        camera.shoot()
        assert camera.shoot(SLOT + timedelta(minutes=1)).orphans == ()
