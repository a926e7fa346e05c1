from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import urllib3
from conformance.camera import SLOT, CameraContract, Given, asked
from peers.web import PASSWORD, PICTURE, USER, RudeCamera, free_port, lighttpd, nginx, which

from core.capture.base import Identity
from core.capture.http import HttpCamera, fault, reason, split_user
from core.errors import CameraBusy, CameraError, CameraGone, CameraRefused, CameraTimeout, CameraTransferCut
from core.site.model.cameras import Camera, HttpSource
from core.values import Fence

WHO = Identity("gate", "unit1", Fence(1, 7))


def camera_at(url: str, user: str | None = None, max_size: int = 1_000_000) -> Camera:
    return Camera(name="gate", source=HttpSource(kind="http", url=url, user=user, max_size=max_size))


def http(url: str, spool: Path, user: str | None = None, password: str = PASSWORD, seconds: float = 5.0) -> HttpCamera:
    return HttpCamera(camera_at(url, user), spool, {"password": password}, seconds)


class TestHttp(CameraContract):
    @pytest.fixture
    def given(self, rude: RudeCamera) -> Given:
        absent = camera_at(f"http://127.0.0.1:{free_port()}/snap.jpg")
        return Given(camera_at(rude.url("digest"), USER), absent, secrets={"password": PASSWORD})


@pytest.mark.parametrize("path", ["snap.jpg", "basic", "digest", "both", "here", "chunked"])
def test_a_picture_comes_byte_for_byte(rude: RudeCamera, spool: Path, path: str) -> None:
    shot = http(rude.url(path), spool, USER).shoot(WHO, SLOT)
    assert (spool / shot.parts[0].name).read_bytes() == PICTURE


def test_digest_is_negotiated_once_and_then_one_request_a_shot(rude: RudeCamera, spool: Path) -> None:
    camera = http(rude.url("digest"), spool, USER)
    for _ in range(3):
        camera.shoot(WHO, SLOT)
    assert [one["authorization"] for one in rude.asked()][-2:] == ["Digest", "Digest"]
    assert len(rude.asked()) <= 5


@pytest.mark.parametrize("path", ["both", "downgrade"])
def test_the_password_never_goes_in_clear_to_one_that_offers_digest(rude: RudeCamera, spool: Path, path: str) -> None:
    camera = http(rude.url(path), spool, USER, "wrong")
    for _ in range(3):
        with pytest.raises(CameraRefused):
            camera.shoot(WHO, SLOT)
    assert "Basic" not in {one["authorization"] for one in rude.asked()}


def test_a_camera_that_asks_for_nothing_is_told_nothing(rude: RudeCamera, spool: Path) -> None:
    http(rude.url("snap.jpg"), spool, USER).shoot(WHO, SLOT)
    assert [one["authorization"] for one in rude.asked()] == [""]


@pytest.mark.parametrize("path", ["basic", "digest"])
def test_a_wrong_password_is_tried_once_a_shot(rude: RudeCamera, spool: Path, path: str) -> None:
    with pytest.raises(CameraRefused, match="401"):
        http(rude.url(path), spool, USER, "wrong").shoot(WHO, SLOT)
    assert [one["authorization"] for one in rude.asked() if one["authorization"]] == [path.capitalize()]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("elsewhere", CameraError, id="redirect-to-another-host"),
        pytest.param("round", CameraError, id="redirect-in-circles"),
        pytest.param("short", CameraTransferCut, id="fewer-bytes-than-promised"),
        pytest.param("chunked_cut", CameraTransferCut, id="a-chunk-that-ends-early"),
        pytest.param("empty", CameraTransferCut, id="no-bytes"),
        pytest.param("login", CameraError, id="a-login-page-that-calls-itself-a-picture"),
        pytest.param("endless", CameraError, id="more-than-the-cap-without-a-length"),
        pytest.param("huge", CameraError, id="more-than-the-cap-promised"),
        pytest.param("busy", CameraBusy, id="503"),
        pytest.param("nothing-here", CameraError, id="404"),
    ],
)
def test_what_is_no_picture_is_refused_and_leaves_nothing(
    rude: RudeCamera, spool: Path, path: str, expected: type[CameraError]
) -> None:
    with pytest.raises(expected) as refused:
        http(rude.url(path), spool).shoot(WHO, SLOT)
    assert type(refused.value) is expected
    assert list(spool.iterdir()) == []


def test_a_redirect_elsewhere_takes_no_credentials_along(rude: RudeCamera, spool: Path) -> None:
    with pytest.raises(CameraError, match="elsewhere"):
        http(rude.url("elsewhere"), spool, USER).shoot(WHO, SLOT)
    assert [one["path"] for one in rude.asked()] == ["elsewhere"]


@pytest.mark.parametrize("path", ["drip", "silent"])
def test_a_slow_camera_is_given_its_seconds_and_no_more(rude: RudeCamera, spool: Path, path: str) -> None:
    began = time.monotonic()
    with pytest.raises(CameraTimeout):
        http(rude.url(path), spool, seconds=0.5).shoot(WHO, SLOT)
    assert time.monotonic() - began < 3
    assert list(spool.iterdir()) == []


def test_the_cameras_own_date_tells_its_clock(rude: RudeCamera, spool: Path) -> None:
    camera = http(rude.url("snap.jpg"), spool)
    camera.shoot(WHO, SLOT)
    assert camera.telemetry()["clock_drift"] == pytest.approx(0, abs=2)


def test_no_error_shows_the_password_in_the_address(spool: Path) -> None:
    url = f"http://view:s3cret@127.0.0.1:{free_port()}/snap.jpg?pwd=s3cret"
    with pytest.raises(CameraGone) as gone:
        http(url, spool).shoot(WHO, SLOT)
    assert "s3cret" not in str(gone.value)
    assert "refused" in str(gone.value)


def test_user_and_password_may_stand_in_the_address() -> None:
    assert split_user("http://me:a%40b@host:81/x?y=1") == ("http://host:81/x?y=1", "me", "a@b")


def raised_by(module: object, root: type[Exception]) -> list[type[Exception]]:
    found = (kind for _, kind in inspect.getmembers(module, inspect.isclass))
    return [kind for kind in found if issubclass(kind, root) and not issubclass(kind, Warning)]


@pytest.mark.parametrize(
    "kind",
    raised_by(requests.exceptions, requests.RequestException)
    + raised_by(urllib3.exceptions, urllib3.exceptions.HTTPError),
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_every_exception_of_the_library_has_a_name_of_ours(kind: type[Exception]) -> None:
    error = fault(kind.__new__(kind), "camera")
    assert isinstance(error, CameraError)
    assert reason(error)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "snap.jpg").write_bytes(PICTURE)
    return tmp_path


@pytest.fixture
def basic(served: Path) -> Iterator[str]:
    with nginx(served) as url:
        yield f"{url}/snap.jpg"


@pytest.fixture
def digest(served: Path) -> Iterator[str]:
    with lighttpd(served) as url:
        yield f"{url}/snap.jpg"


@pytest.mark.peer
@pytest.mark.skipif(which("nginx") is None, reason="needs nginx: apt-get install nginx-light")
class TestNginx:
    def test_basic_gives_the_picture(self, basic: str, spool: Path) -> None:
        with asked(camera_at(basic, USER), spool, {"password": PASSWORD}) as camera:
            camera.open()
            assert camera.bytes_of(camera.shoot().parts[0]) == PICTURE
            assert camera.ask("telemetry")["model"].startswith("nginx")

    def test_a_wrong_password_is_refused(self, basic: str, spool: Path) -> None:
        with pytest.raises(CameraRefused):
            http(basic, spool, USER, "wrong").shoot(WHO, SLOT)


@pytest.mark.peer
@pytest.mark.skipif(which("lighttpd") is None, reason="needs lighttpd: apt-get install lighttpd")
class TestLighttpd:
    def test_digest_gives_the_picture(self, digest: str, spool: Path) -> None:
        camera = http(digest, spool, USER)
        for _ in range(2):
            shot = camera.shoot(WHO, SLOT)
            assert (spool / shot.parts[0].name).read_bytes() == PICTURE

    def test_a_wrong_password_is_refused(self, digest: str, spool: Path) -> None:
        with pytest.raises(CameraRefused):
            http(digest, spool, USER, "wrong").shoot(WHO, SLOT)


def test_the_cap_is_the_configurations(rude: RudeCamera, spool: Path) -> None:
    camera = camera_at(rude.url("snap.jpg"), max_size=len(PICTURE))
    assert HttpCamera(camera, spool, {}, 5.0).shoot(WHO, SLOT).parts
    source = HttpSource(kind="http", url=rude.url("chunked"), max_size=len(PICTURE) - 1)
    with pytest.raises(CameraError, match="max_size"):
        HttpCamera(replace(camera, source=source), spool, {}, 5.0).shoot(WHO, SLOT)
