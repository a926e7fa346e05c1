from __future__ import annotations

import contextlib
import ftplib
import io
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from peers.certificates import certificate
from peers.ftpd import FTPD, PASSWORD, Server, put, put_part, reset, server, trusting
from peers.node import is_gone
from PIL import Image

from core.capture.base import Identity, Part
from core.capture.drop import files, held
from core.capture.push import PushedCamera
from core.errors import CameraTimeout
from core.processing.whole import judge
from core.site.model.cameras import Camera, FtpSource
from core.values import Fence

T = TypeVar("T")
WHO = Identity("gate", "unit1", Fence(1, 7))

PICTURE = os.urandom(300_000)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("drop")) as running:
        yield running


@pytest.fixture
def ftp(shared: Server) -> Iterator[ftplib.FTP]:
    with shared.login() as client:
        yield client


def test_an_upload_is_byte_for_byte_in_the_cameras_folder(shared: Server, ftp: ftplib.FTP) -> None:
    ftp.mkd("2026")
    ftp.cwd("/2026")
    assert put(ftp, "a.jpg", PICTURE).startswith("226")
    assert shared.files()["2026/a.jpg"] == PICTURE
    assert shared.hear("arrived") == {"arrived": "gate"}


def test_a_camera_that_forgets_to_say_binary_does_not_spoil_its_picture(shared: Server, ftp: ftplib.FTP) -> None:
    content = b"\xff\xd8\r\n\n\r\r\n" * 1000
    ftp.voidcmd("TYPE A")
    with ftp.transfercmd("STOR ascii.jpg") as line:
        line.sendall(content)
    ftp.voidresp()
    assert shared.files()["ascii.jpg"] == content


def test_a_cut_upload_goes_on_at_the_byte(shared: Server, ftp: ftplib.FTP) -> None:
    put(ftp, "rest.jpg", PICTURE[:1000])
    put(ftp, "rest.jpg", PICTURE[1000:], rest=1000)
    put(ftp, "appe.jpg", PICTURE[:1000])
    put(ftp, "appe.jpg", PICTURE[1000:], command="APPE")
    assert (shared.files()["rest.jpg"], shared.files()["appe.jpg"]) == (PICTURE, PICTURE)


def test_a_name_that_is_taken_again_destroys_nothing(shared: Server, ftp: ftplib.FTP) -> None:
    for content in (b"one", b"two", b"three"):
        put(ftp, "snapshot.jpg", content)
    put(ftp, "other.part", b"four")
    ftp.rename("other.part", "snapshot.jpg")
    found = {name: held for name, held in shared.files().items() if name.startswith("snapshot")}
    assert set(found.values()) == {b"one", b"two", b"three", b"four"}
    assert found["snapshot.jpg"] == b"four"
    assert all(name.endswith(".jpg") for name in found)


def test_a_picture_that_is_being_received_cannot_be_taken(shared: Server, ftp: ftplib.FTP) -> None:
    root = shared.drop / "gate"
    ftp.voidcmd("TYPE I")
    with ftp.transfercmd("STOR slow.jpg") as line:
        line.sendall(b"x" * 1000)
        seen = until(lambda: next((one for one in files(root) if one.path == "slow.jpg" and one.size), None))
        with held(root, seen) as free:
            assert free is None
        with shared.login() as second, pytest.raises(ftplib.error_perm, match="in use"):
            put(second, "slow.jpg", b"y", command="APPE")
    ftp.voidresp()
    with held(root, seen) as free:
        assert free is not None


def test_what_we_are_taking_cannot_be_written_or_renamed(shared: Server, ftp: ftplib.FTP) -> None:
    put(ftp, "mine.jpg", PICTURE)
    seen = next(one for one in files(shared.drop / "gate") if one.path == "mine.jpg")
    with held(shared.drop / "gate", seen):
        with pytest.raises(ftplib.error_perm, match="in use"):
            put(ftp, "mine.jpg", b"x", command="APPE")
        with pytest.raises(ftplib.error_perm, match="in use"):
            ftp.rename("mine.jpg", "x.jpg")
    assert shared.files()["mine.jpg"] == PICTURE


@pytest.mark.parametrize("end", [reset, lambda line: line.shutdown(socket.SHUT_RDWR)], ids=["reset", "closed-early"])
def test_a_transfer_that_is_cut_may_get_226_and_lets_go_of_its_file(
    shared: Server, end: Callable[[socket.socket], object]
) -> None:
    with shared.login() as client:
        put_part(client, "cut.jpg", PICTURE[:1000], end, shared)
        with contextlib.suppress(ftplib.Error, EOFError):
            client.voidresp()
    root = shared.drop / "gate"

    def is_free() -> bool:
        for one in files(root):
            if one.path == "cut.jpg":
                with held(root, one) as free:
                    return free is not None
        return False

    until(is_free)
    assert len(shared.files()["cut.jpg"]) <= 1000


@pytest.mark.parametrize(
    "name",
    [
        "../yard/x.jpg",
        "../../x.jpg",
        "/../../../tmp/overlapse-x.jpg",
        "a/../../../x.jpg",
        "..\\x.jpg",
        "~root/x.jpg",
    ],
)
def test_a_name_that_climbs_stays_in_the_cameras_folder(shared: Server, ftp: ftplib.FTP, name: str) -> None:
    with contextlib.suppress(ftplib.error_perm):
        put(ftp, name, b"climber")
    outside = [path for path in shared.drop.parent.rglob("*x.jpg") if shared.drop / "gate" not in path.parents]
    assert outside == []
    assert not Path("/tmp/overlapse-x.jpg").exists()


@pytest.mark.parametrize("name", ["a\x1b[31m.jpg", "x" * 200 + ".jpg", "a/" * 12 + "b.jpg"])
def test_a_name_that_would_harm_somebody_is_refused(shared: Server, ftp: ftplib.FTP, name: str) -> None:
    with pytest.raises(ftplib.error_perm):
        put(ftp, name, b"x")


def test_two_cameras_do_not_see_each_other(shared: Server, ftp: ftplib.FTP) -> None:
    with shared.login("yard") as other:
        put(other, "secret.jpg", b"theirs")
    assert "secret.jpg" not in ftp.nlst()
    for path in ("/../yard", "../yard"):
        with contextlib.suppress(ftplib.error_perm):
            ftp.cwd(path)
        assert "secret.jpg" not in ftp.nlst()
    assert "secret.jpg" not in shared.files("gate")


@pytest.mark.parametrize(
    "command", ["RETR keep.jpg", "DELE keep.jpg", "RMD sub", "SITE CHMOD 777 keep.jpg", "MFMT 20200101000000 keep.jpg"]
)
def test_a_login_can_neither_read_nor_delete_nor_alter(shared: Server, ftp: ftplib.FTP, command: str) -> None:
    with contextlib.suppress(ftplib.error_perm):
        ftp.mkd("sub")
    put(ftp, "keep.jpg", PICTURE)
    with pytest.raises(ftplib.error_perm):
        ftp.voidcmd(command)
    assert shared.files()["keep.jpg"] == PICTURE
    assert (shared.drop / "gate" / "sub").is_dir()


STRANGERS = [("gate", "wrong"), ("gate", ""), ("nobody", PASSWORD), ("anonymous", "me@example.com")]


def test_a_wrong_login_is_answered_late_and_told_and_delays_nobody_else(shared: Server) -> None:
    with contextlib.ExitStack() as open_ones:
        clients = [open_ones.enter_context(ftplib.FTP()) for _ in STRANGERS]
        for client, (user, password) in zip(clients, STRANGERS, strict=True):
            client.connect("127.0.0.1", shared.port, timeout=20)
            client.sendcmd(f"USER {user}")
            client.putcmd(f"PASS {password}")
        began = time.monotonic()
        with shared.login() as own:
            own.voidcmd("NOOP")
        assert time.monotonic() - began < 2
        for client in clients:
            with pytest.raises(ftplib.error_perm, match="530"):
                client.getresp()
        assert time.monotonic() - began > 2.5
    told = [shared.hear("stranger") for _ in STRANGERS]
    assert sorted(one["stranger"] for one in told) == sorted(user for user, _ in STRANGERS)
    assert {one["address"] for one in told} == {"127.0.0.1"}


def test_a_server_does_not_connect_to_strangers_for_a_camera(ftp: ftplib.FTP) -> None:
    with pytest.raises(ftplib.error_perm):
        ftp.sendcmd("PORT 192,0,2,1,200,10")
    with pytest.raises(ftplib.error_perm):
        ftp.sendcmd("PORT 127,0,0,1,0,22")


def test_a_disk_that_is_nearly_full_takes_no_upload_and_it_is_told(tmp_path: Path) -> None:
    with server(tmp_path / "drop", ("gate",), floor=1 << 60) as full, full.login() as client:
        with pytest.raises(ftplib.error_temp, match="452"):
            put(client, "a.jpg", PICTURE)
        with pytest.raises(ftplib.error_temp, match="452"):
            put(client, "a.jpg", PICTURE, command="APPE")
        assert full.hear("refused")["camera"] == "gate"
        assert full.files() == {}


def test_an_upload_over_its_limit_is_ended_and_told(tmp_path: Path) -> None:
    with server(tmp_path / "drop", ("gate",), max_size=200_000) as small, small.login() as client:
        with pytest.raises((ftplib.error_perm, OSError)):
            put(client, "a.jpg", PICTURE)
        assert "too large" in small.hear("refused")["refused"]
        assert sum(map(len, small.files().values())) <= 200_000


def test_with_a_certificate_nobody_logs_in_without_tls(tmp_path: Path) -> None:
    shown = certificate(tmp_path / "tls")
    with server(tmp_path / "drop", ("gate",), certificate=shown) as secure:
        with pytest.raises(ftplib.error_perm, match=r"550|521"):
            with secure.login():
                pass
        with ftplib.FTP_TLS(context=trusting(shown), encoding="utf-8") as client:
            client.connect("127.0.0.1", secure.port, timeout=20)
            client.login("gate", PASSWORD)
            client.prot_p()
            put(client, "a.jpg", PICTURE)
        assert secure.files() == {"a.jpg": PICTURE}


def test_with_plain_both_kinds_of_login_are_taken(tmp_path: Path) -> None:
    shown = certificate(tmp_path / "tls")
    with server(tmp_path / "drop", ("gate",), certificate=shown, plain=True) as both:
        with both.login() as client:
            put(client, "plain.jpg", PICTURE)
        with ftplib.FTP_TLS(context=trusting(shown), encoding="utf-8") as client:
            client.connect("127.0.0.1", both.port, timeout=20)
            client.login("gate", PASSWORD)
            client.prot_p()
            put(client, "tls.jpg", PICTURE)
        assert set(both.files()) == {"plain.jpg", "tls.jpg"}


def test_the_server_ends_at_once_with_whoever_runs_it(tmp_path: Path) -> None:
    with server(tmp_path / "drop", ("gate",)) as running:
        pid = running.hands.running()[FTPD]
        began = time.monotonic()
    assert time.monotonic() - began < 3
    assert is_gone(pid)


def test_a_server_that_is_killed_is_seen_at_once(tmp_path: Path) -> None:
    with server(tmp_path / "drop", ("gate",)) as running:
        os.kill(running.hands.running()[FTPD], signal.SIGKILL)
        with pytest.raises(AssertionError, match="signal 9"):
            running.hear("never", 5)


def sent_whole(client: ftplib.FTP, whole: bytes) -> None:
    put(client, "a.jpg", whole)


def sent_under_another_name(client: ftplib.FTP, whole: bytes) -> None:
    put(client, "a.jpg.part", whole)
    client.rename("a.jpg.part", "a.jpg")


def sent_in_two(client: ftplib.FTP, whole: bytes) -> None:
    put(client, "a.jpg", whole[:700])
    put(client, "a.jpg", whole[700:], command="APPE")


def reset_midway(client: ftplib.FTP, whole: bytes, running: Server) -> None:
    put_part(client, "a.jpg", whole[:700], reset, running)


def closed_midway(client: ftplib.FTP, whole: bytes, running: Server) -> None:
    put_part(client, "a.jpg", whole[:700], lambda line: line.shutdown(socket.SHUT_RDWR), running)
    assert client.voidresp().startswith("226")  # what a server says proves nothing


def never_renamed(client: ftplib.FTP, whole: bytes, running: Server) -> None:
    put(client, "a.jpg.part", whole)


@pytest.mark.parametrize("send", [sent_whole, sent_under_another_name, sent_in_two])
def test_what_came_whole_is_a_picture(tmp_path: Path, send: Callable[[ftplib.FTP, bytes], None]) -> None:
    whole, camera = jpeg(), pushed(tmp_path)
    with server(tmp_path / "drop", ("gate",)) as running, running.login() as client:
        send(client, whole)
        running.hear("arrived")
        (part,) = until(lambda: shot_of(camera))
    assert (tmp_path / "spool" / part.name).read_bytes() == whole


@pytest.mark.parametrize("send", [reset_midway, closed_midway, never_renamed])
def test_what_came_in_part_is_none(tmp_path: Path, send: Callable[[ftplib.FTP, bytes, Server], None]) -> None:
    camera = pushed(tmp_path)
    with server(tmp_path / "drop", ("gate",)) as running, running.login() as client:
        send(client, jpeg(), running)
        running.hear("arrived")
        assert shot_of(camera) == []
        assert camera.collect(WHO).orphans == []
    assert len(running.files()) == 1


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((96, 64), 60).save(file, "JPEG", quality=90)
    return file.getvalue()


def pushed(folder: Path) -> PushedCamera:
    (folder / "spool").mkdir()
    source = FtpSource(kind="ftp", user="gate", password_file="x")
    return PushedCamera(Camera(name="gate", source=source), folder / "spool", {}, judge)


def shot_of(camera: PushedCamera) -> list[Part]:
    try:
        return list(camera.shoot(WHO, datetime.now(UTC)).parts)
    except CameraTimeout:
        return []


def until(look: Callable[[], T | None]) -> T:
    end = time.monotonic() + 10
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
