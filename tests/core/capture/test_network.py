"""The real libgphoto2 on a camera that speaks PTP/IP and does wrong what it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conformance.camera import SLOT, CameraContract, Given, asked
from peers.ptpip import ACCESS_DENIED, BUSY, NOT_SUPPORTED, STORE_FULL, PtpipCamera, ptpip_camera
from peers.web import free_port

from core.capture.wire import camera_to_json
from core.errors import CameraBusy, CameraError, CameraGone, CameraTimeout, CameraTransferCut, CardFull
from core.site.model.cameras import Camera, GphotoSource, Settings
from core.values import PictureName, seconds_of

PAIR: dict[str, Any] = {"shoots": "raw+jpeg"}


def camera_of(body: PtpipCamera, **changes: Any) -> Camera:
    return Camera(name="gate", source=GphotoSource(kind="gphoto2", address=body.address), **changes)


class TestNetwork(CameraContract):
    @pytest.fixture
    def given(self, body: PtpipCamera) -> Given:
        nobody = GphotoSource(kind="gphoto2", address=f"127.0.0.1:{free_port()}")
        body.body(raw=True)
        return Given(camera_of(body, **PAIR), Camera(name="gate", source=nobody))


@pytest.fixture
def pairs() -> Iterator[PtpipCamera]:
    with ptpip_camera(raw=True) as camera:
        yield camera


def test_raw_and_jpeg_of_one_shot_share_a_name(pairs: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(pairs, **PAIR), spool) as camera:
        camera.open()
        shot = camera.shoot()
    assert not shot.partial
    assert {part.kind for part in shot.parts} == {"raw", "jpeg"}
    assert len({PictureName.parse(part.name).stem for part in shot.parts}) == 1


def test_a_body_without_a_trigger_is_asked_the_other_way(body: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(body), spool) as camera:
        camera.open()
        body.fail(answers=[NOT_SUPPORTED])
        assert camera.shoot().parts
    assert body.state()["asked"] == 2


def test_opening_anew_forgets_nothing_that_was_handed_over(body: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(body), spool) as camera:
        camera.open()
        camera.shoot()
        camera.open()
        assert camera.shoot(SLOT + timedelta(minutes=1)).orphans == ()


def test_release_empties_the_card(pairs: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(pairs, **PAIR), spool) as camera:
        camera.open()
        shot = camera.shoot()
        assert pairs.state()["card"] == ["SIM_0001.CR2", "SIM_0001.JPG"]
        camera.release(shot)
    assert pairs.state()["card"] == []


def test_half_of_a_pair_is_kept_and_told_as_partial(pairs: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(pairs, **PAIR), spool) as camera:
        camera.open()
        pairs.fail(lose_raw=1)
        shot = camera.shoot()
        assert (shot.partial, [part.kind for part in shot.parts]) == (True, ["jpeg"])
        assert not camera.shoot(SLOT + timedelta(minutes=1)).partial


def test_a_pair_that_the_camera_did_not_tell_of_is_found_on_its_card(pairs: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(pairs, **PAIR), spool) as camera:
        camera.open()
        pairs.fail(hide_raw=1)
        shot = camera.shoot()
    assert (shot.partial, {part.kind for part in shot.parts}) == (False, {"raw", "jpeg"})


def test_a_download_that_is_cut_leaves_the_picture_for_the_next_shot(body: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(body), spool) as camera:
        camera.open()
        body.fail(cut_download=1)
        with pytest.raises(CameraTransferCut):
            camera.shoot()
        assert list(spool.iterdir()) == []
        shot = camera.shoot(SLOT + timedelta(minutes=10))
        assert [part.source_name[-12:] for part in shot.orphans] == ["SIM_0001.JPG"]
        assert b"shot 1" in camera.bytes_of(shot.orphans[0])
        assert [part.source_name[-12:] for part in shot.parts] == ["SIM_0002.JPG"]
        camera.release(shot)
    assert body.state()["card"] == []


def test_a_pair_cut_in_its_second_half_is_completed_by_opening_anew(pairs: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(pairs, **PAIR), spool) as camera:
        camera.open()
        pairs.fail(cut_download=1, cut_name=".JPG")
        shot = camera.shoot()
    assert (shot.partial, {part.kind for part in shot.parts}) == (False, {"raw", "jpeg"})
    assert any("came" in note or "download" in note for note in shot.notes)


def test_an_orphan_is_named_by_the_second_it_was_taken(body: PtpipCamera, spool: Path) -> None:
    body.body(clock=-5 * 3600.0)
    body.add("OLD_0001.JPG")
    with asked(camera_of(body), spool) as camera:
        camera.open()
        orphan = camera.shoot().orphans[0]
    assert seconds_of(PictureName.parse(orphan.name).at) == pytest.approx(time.time(), abs=10)


def test_an_orphan_outlives_the_shot_that_failed_after_it(body: PtpipCamera, spool: Path) -> None:
    body.add("OLD_0001.JPG")
    with asked(camera_of(body), spool) as camera:
        camera.open()
        body.fail(answers=[BUSY])
        with pytest.raises(CameraBusy):
            camera.shoot()
        assert [part.source_name[-12:] for part in camera.shoot().orphans] == ["OLD_0001.JPG"]


def test_what_lay_on_the_card_for_weeks_is_left_alone(body: PtpipCamera, spool: Path) -> None:
    body.add("WEDDING1.JPG", age=30 * 86400)
    with asked(camera_of(body), spool) as camera:
        camera.open()
        shot = camera.shoot()
        camera.release(shot)
    assert shot.orphans == ()
    assert body.state()["card"] == ["WEDDING1.JPG"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(BUSY, CameraBusy, id="busy"),
        pytest.param(STORE_FULL, CardFull, id="store-full"),
        pytest.param(ACCESS_DENIED, CameraError, id="access-denied"),
    ],
)
def test_what_the_camera_refuses_has_a_name_and_the_next_shot_is_good(
    body: PtpipCamera, spool: Path, answer: int, expected: type[CameraError]
) -> None:
    with asked(camera_of(body), spool) as camera:
        camera.open()
        body.fail(answers=[answer])
        with pytest.raises(expected) as refused:
            camera.shoot()
        assert type(refused.value) is expected
        assert camera.shoot().parts


def test_a_failure_without_a_name_on_a_full_card_is_a_full_card(body: PtpipCamera, spool: Path) -> None:
    body.body(free=1_000_000, pictures_free=0)
    with asked(camera_of(body), spool) as camera:
        camera.open()
        body.fail(answers=[ACCESS_DENIED])
        with pytest.raises(CardFull):
            camera.shoot()


def test_lost_events_do_not_hang_the_shot(body: PtpipCamera, spool: Path) -> None:
    camera_that_loses = camera_of(body)
    with asked(camera_that_loses, spool) as camera:
        camera.open()
        body.fail(lose_complete=1)
        assert camera.shoot().parts


def test_a_camera_that_answers_too_late_is_a_timeout_and_good_again_afterwards(body: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(body), spool) as camera:
        camera.open()
        body.fail(delay=3.0)
        with pytest.raises(CameraTimeout):
            camera.shoot()
        assert camera.shoot().parts


def test_after_a_link_that_broke_the_next_shot_takes_a_new_session(body: PtpipCamera, spool: Path) -> None:
    with asked(camera_of(body), spool) as camera:
        camera.open()
        body.fail(drop_capture=1)
        with pytest.raises(CameraError):
            camera.shoot()
        assert camera.shoot().parts


def test_two_cameras_at_once_are_told_apart(tmp_path: Path) -> None:
    with ptpip_camera(serial="SER-A") as first, ptpip_camera(serial="SER-B") as second:
        for body, serial in ((first, "SER-A"), (second, "SER-B")):
            spool = tmp_path / serial
            spool.mkdir()
            with asked(camera_of(body), spool) as camera:
                assert camera.open()["serial"] == serial
                assert serial.encode() in camera.bytes_of(camera.shoot().parts[0])


def test_battery_space_and_clock_are_read(body: PtpipCamera, spool: Path) -> None:
    body.body(battery=11, clock=-5 * 3600.0, free=123_000_000, pictures_free=7)
    with asked(camera_of(body), spool) as camera:
        told = camera.open()
    assert (told["battery"], told["free_pictures"]) == (11, 7)
    assert told["free_bytes"] == pytest.approx(123_000_000, abs=1024)
    assert (told["clock_zone"], told["clock_drift"]) == (-5 * 3600.0, pytest.approx(0, abs=2))


def test_the_clock_is_set_and_read_back(body: PtpipCamera, spool: Path) -> None:
    body.body(clock=-100.0)
    with asked(camera_of(body), spool) as camera:
        assert camera.open()["clock_drift"] == pytest.approx(-100, abs=2)
        assert camera.ask("set_clock")["clock_drift"] == pytest.approx(0, abs=2)
    assert body.state()["clock"] == pytest.approx(0, abs=2)


def test_a_clock_that_does_not_take_the_time_is_told_as_it_is(body: PtpipCamera, spool: Path) -> None:
    body.body(clock_stuck=-70.0)
    with asked(camera_of(body), spool) as camera:
        camera.open()
        assert camera.ask("set_clock")["clock_drift"] == pytest.approx(-70, abs=2)


def test_settings_reach_the_camera(body: PtpipCamera, spool: Path) -> None:
    wanted = Settings(iso="400", aperture="f/8", shutter="1/60", focus="manual")
    with asked(camera_of(body, settings=wanted), spool) as camera:
        assert camera.open()["drift"] == {}
    assert body.state()["values"] == {"5004": 1, "5007": 800, "500a": 1, "500d": 166, "500f": 400}


def test_opened_plainly_a_camera_keeps_its_own_settings(body: PtpipCamera, spool: Path) -> None:
    config = camera_of(body, settings=Settings(iso="400"))
    with asked(config, spool) as camera:
        camera.ask("open", camera=camera_to_json(config), spool=str(spool), secrets={}, plain=True)
    assert body.state()["values"]["500f"] == 100


def test_settings_that_do_not_stick_are_told_as_drift(body: PtpipCamera, spool: Path) -> None:
    body.fail(stuck_settings=True)
    with asked(camera_of(body, settings=Settings(iso="800")), spool) as camera:
        assert camera.open()["drift"] == {"iso": ["800", "100"]}
        assert camera.shoot().drift == {"iso": ("800", "100")}


def test_a_dead_address_is_a_camera_gone(spool: Path) -> None:
    source = GphotoSource(kind="gphoto2", address=f"127.0.0.1:{free_port()}")
    with asked(Camera(name="gate", source=source), spool) as camera, pytest.raises(CameraGone):
        camera.open()
