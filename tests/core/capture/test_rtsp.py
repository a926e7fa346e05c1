from __future__ import annotations

import io
import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av.error
import pytest
from conformance.camera import SLOT, CameraContract, Given, asked
from peers.cutter import cutting
from peers.rtsp import MISSING, PASSWORD, SIZE, USER, RtspServer, has, is_installed, rtsp_server
from peers.web import free_port
from PIL import Image

from core.capture.base import Identity, Shot
from core.capture.ladder import PERSON, Failure, State, limits_of, step
from core.capture.rtsp import RtspCamera, fault, with_login
from core.capture.shot import seconds_for
from core.errors import CameraBusy, CameraError, CameraGone, CameraRefused, CameraTimeout, CameraTransferCut
from core.processing.decode import StrictDecoder, decode, read_header
from core.site.model.cameras import Camera, RtspSource
from core.values import Fence

WHO = Identity("gate", "unit1", Fence(1, 7))
BARS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0)]  # the first four

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not is_installed(), reason=MISSING)]


def camera_at(url: str, user: str | None = None) -> Camera:
    return Camera(name="gate", source=RtspSource(kind="rtsp", url=url, user=user))


def shoot(url: str, spool: Path, password: str | None = None, seconds: float = 10.0) -> Shot:
    secrets = {} if password is None else {"password": password}
    camera = camera_at(url, USER if password is not None else None)
    return RtspCamera(camera, spool, secrets, quiet=1.0, seconds=seconds).shoot(WHO, SLOT)


@pytest.fixture(scope="module")
def h264() -> Iterator[RtspServer]:
    with rtsp_server("h264") as server:
        yield server


@pytest.fixture(scope="module")
def mjpeg() -> Iterator[RtspServer]:
    with rtsp_server("mjpeg") as server:
        yield server


@pytest.fixture(scope="module")
def h265() -> Iterator[RtspServer]:
    if not has("x265enc"):
        pytest.skip("no encoder of H.265 here: install gstreamer1.0-plugins-bad")
    with rtsp_server("h265") as server:
        yield server


@pytest.fixture(scope="module")
def guarded() -> Iterator[RtspServer]:
    with rtsp_server("mjpeg", login=True) as server:
        yield server


class TestRtsp(CameraContract):
    @pytest.fixture
    def given(self, guarded: RtspServer) -> Given:
        absent = camera_at(f"rtsp://127.0.0.1:{free_port()}/cam", USER)
        return Given(camera_at(guarded.url(), USER), absent, secrets={"password": PASSWORD})


@pytest.mark.parametrize("codec", ["h264", "h265", "mjpeg"])
def test_a_frame_is_a_whole_picture(codec: str, spool: Path, request: pytest.FixtureRequest) -> None:
    assert picture(shoot(request.getfixturevalue(codec).url(), spool), spool).size == SIZE


@pytest.mark.parametrize("size", [(320, 240), (1280, 720)], ids=["bt601", "bt709"])
def test_a_decoded_frame_has_the_colours_of_the_stream(size: tuple[int, int], spool: Path) -> None:
    with rtsp_server("h264", size=size) as server:
        image = picture(shoot(server.url(), spool), spool)
    width = size[0] // 7
    seen = [image.getpixel((width * bar + width // 2, size[1] // 4)) for bar in range(len(BARS))]
    for found, meant in zip(seen, BARS, strict=True):
        assert found == pytest.approx(meant, abs=8)


def picture(shot: Shot, spool: Path) -> Image.Image:
    """Return what a shot gave, decoded strictly."""
    data = (spool / shot.parts[0].name).read_bytes()
    return decode(StrictDecoder(), read_header(data), data, 1).convert("RGB")


def test_a_decoded_frame_says_when_it_was_taken(h264: RtspServer, spool: Path) -> None:
    shot = shoot(h264.url(), spool)
    own = Image.open(io.BytesIO((spool / shot.parts[0].name).read_bytes())).getexif().get_ifd(0x8769)
    told = time.strftime("%Y:%m:%d %H:%M:%S", time.gmtime(shot.shutter))
    assert (own[0x9003], own[0x9011]) == (told, "+00:00")


def test_an_mjpeg_frame_is_kept_as_it_came(mjpeg: RtspServer, spool: Path) -> None:
    data = (spool / shoot(mjpeg.url(), spool).parts[0].name).read_bytes()
    assert b"Exif" not in data
    assert Image.open(io.BytesIO(data)).info.get("jfif") is not None


def test_the_camera_is_told_by_codec_and_size(h264: RtspServer, spool: Path) -> None:
    camera = RtspCamera(camera_at(h264.url()), spool, {})
    camera.shoot(WHO, SLOT)
    assert camera.telemetry() == {"model": f"RTSP h264 {SIZE[0]}x{SIZE[1]}"}


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_wrong_password_is_refused_and_a_person_is_waited_for(
    guarded: RtspServer, spool: Path, password: str | None
) -> None:
    with pytest.raises(CameraRefused):
        shoot(guarded.url(), spool, password)
    state, now, limits = State(), 1e9, limits_of(camera_at(guarded.url()))
    for _ in range(2):
        state, decision = step(state, Failure("CameraRefused"), now, limits)
    assert decision is not None
    assert decision.not_before - now == PERSON


def test_an_unknown_path_is_said_to_be_one(h264: RtspServer, spool: Path) -> None:
    with pytest.raises(CameraError, match="no such stream") as caught:
        shoot(h264.url("/nope"), spool)
    assert type(caught.value) is CameraError


def test_a_camera_that_accepts_and_is_silent_is_given_up_in_time(spool: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(CameraTimeout):
            shoot(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam", spool)
        assert time.monotonic() - began < 5


def test_a_camera_that_hangs_is_given_up_in_time(spool: Path) -> None:
    with rtsp_server() as server:
        server.freeze()
        with pytest.raises(CameraTimeout):
            shoot(server.url(), spool)


MIDWAY = 3000  # bytes: past the conversation, before the first key frame is whole


def test_a_stream_that_freezes_midway_gives_no_picture(h264: RtspServer, spool: Path) -> None:
    with cutting(h264.port, mute_at=MIDWAY) as line:
        began = time.monotonic()
        with pytest.raises(CameraTimeout):
            shoot(f"rtsp://127.0.0.1:{line.port}/cam", spool)
        assert time.monotonic() - began < 8
    assert list(spool.iterdir()) == []


def test_a_stream_that_ends_midway_gives_no_picture(h264: RtspServer, spool: Path) -> None:
    with cutting(h264.port) as line:
        line.end_at = MIDWAY
        with pytest.raises(CameraTransferCut):
            shoot(f"rtsp://127.0.0.1:{line.port}/cam", spool)
    assert list(spool.iterdir()) == []


def test_one_that_drips_is_given_up_in_time(h264: RtspServer, spool: Path) -> None:
    with cutting(h264.port, drip=0.005) as line, pytest.raises(CameraTimeout):
        shoot(f"rtsp://127.0.0.1:{line.port}/cam", spool)


def test_no_password_is_told_or_logged(
    guarded: RtspServer, h264: RtspServer, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    for url in (guarded.url(), h264.url("/nope"), f"rtsp://127.0.0.1:{free_port()}/cam"):
        with asked(camera_at(url, USER), spool, {"password": "pa:ss w%rd"}) as camera:
            with pytest.raises(CameraError) as caught:
                camera.open_and_shoot()
            told.append(str(caught.value))
    text = "\n".join([*told, caplog.text])
    assert len(told) == 3
    assert not [word for word in ("pa:ss", "pa%3Ass", "rtsp://") if word in text]


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (av.error.HTTPUnauthorizedError, CameraRefused),
        (av.error.HTTPForbiddenError, CameraRefused),
        (av.error.HTTPServerError, CameraBusy),
        (av.error.HTTPNotFoundError, CameraError),
        (av.error.ExitError, CameraTimeout),
        (av.error.TimeoutError, CameraTimeout),
        (av.error.EOFError, CameraTransferCut),
        (av.error.InvalidDataError, CameraTransferCut),
        (av.error.ConnectionResetError, CameraTransferCut),
        (av.error.ConnectionRefusedError, CameraGone),
        (av.error.OSError, CameraGone),
        (av.error.BugError, CameraError),
    ],
)
def test_what_libav_raises_is_told_without_its_address(error: type[Exception], meant: type[CameraError]) -> None:
    found = fault(error(1, "its words\x1b[31m", "rtsp://view:secret@gate/cam"), "gate")
    assert type(found) is meant
    assert "its words" in str(found)
    assert not [word for word in ("secret", "rtsp:", "\x1b") if word in str(found)]


@pytest.mark.parametrize(
    ("url", "user", "password", "address"),
    [
        ("rtsp://gate/1", None, "", "rtsp://gate/1"),
        ("rtsp://gate:554/1?a=b", "view", "a:b@c/d", "rtsp://view:a%3Ab%40c%2Fd@gate:554/1?a=b"),
        ("rtsp://vi%20ew@gate/1", None, "x", "rtsp://vi%20ew:x@gate/1"),
        ("rtsp://other@[fe80::1]/1", "view", "x", "rtsp://view:x@[fe80::1]/1"),
    ],
)
def test_the_login_stands_in_the_address_that_libav_takes(
    url: str, user: str | None, password: str, address: str
) -> None:
    assert with_login(url, user, password) == address


def test_the_nodes_own_deadline_is_behind_libavs() -> None:
    assert seconds_for("shoot", replace(camera_at("rtsp://gate/1"), shoots="raw+jpeg")) == 15
