"""Cameras that push to a running node: the real program, a real FTP client, the real folders."""

from __future__ import annotations

import ftplib
import io
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from peers.ftpd import put
from peers.node import Node, Site, children_of, kind_of, overlapse, running
from peers.vsftpd import free_ports
from PIL import Image

PASSWORD = "gate's p@ss"


def jpeg(tint: int = 90) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((96, 64), tint).save(file, "JPEG", quality=90)
    return file.getvalue()


class Quay(Site):
    """A site whose cameras push."""

    port = 0

    def pushes(self, *cameras: str, every: str = "1h", listen: int | None = None) -> None:
        ports = free_ports(8)
        self.port = listen if listen is not None else ports[0]
        self.node = f'ftp = {{ listen = "127.0.0.1:{self.port}", passive_ports = "{ports[1]}-{ports[-1]}" }}'
        (self.folder / "secret").write_text(PASSWORD)
        (self.folder / "secret").chmod(0o600)
        for name in cameras:
            source = f'{{ kind = "ftp", user = "{name}", password_file = "secret" }}'
            self.tables[name] = f'[[camera]]\nname = "{name}"\nsource = {source}\nschedule = [{{ every = "{every}" }}]'
        self.write()

    @contextmanager
    def login(self, user: str = "gate") -> Iterator[ftplib.FTP]:
        with ftplib.FTP() as client:
            client.connect("127.0.0.1", self.port, timeout=20)
            client.login(user, PASSWORD)
            yield client

    def kept(self) -> set[bytes]:
        return {path.read_bytes() for path in self.pictures()}

    def dropped(self) -> list[Path]:
        return [path for path in (self.data / "drop").rglob("*.jpg") if path.is_file()]


@pytest.fixture
def quay(tmp_path: Path) -> Quay:
    return Quay(tmp_path / "quay")


def listening(node: Node, site: Quay, times: int = 1) -> list[Any]:
    return node.until(lambda: found if len(found := site.events("push server")) >= times else [], "it listens")


def server_of(node: Node) -> int:
    (pid,) = [pid for pid in children_of(node.process.pid) if kind_of(pid) == "ftpd"]
    return pid


def test_a_pushed_picture_becomes_a_slots_and_the_others_are_kept_too(quay: Quay) -> None:
    quay.pushes("gate", "yard", every="3s")
    sent = [jpeg(tint) for tint in (40, 50, 60)]
    with running(quay) as node:
        listening(node, quay)
        with quay.login() as gate, quay.login("yard") as yard:
            for nth, content in enumerate(sent[:2]):
                put(gate, f"{nth}.part", content)
                gate.rename(f"{nth}.part", f"{nth}.jpg")
            put(yard, "0.jpg", sent[2])
        node.until(lambda: quay.captured("gate") and quay.captured("yard"), "a slot of each camera")
        missed = [slot for slot in quay.slots() if slot["outcome"] == "missed"]
        assert all(slot["cause"] for slot in missed)
        assert node.end() == 0
    with running(quay) as node:  # a start looks at once
        node.until(lambda: quay.events("extras"), "the one in between is an extra")
        node.until(lambda: quay.dropped() == [], "all are released")
        assert quay.kept() == set(sent)
        assert len(quay.pictures()) == len(sent)
        assert node.end() == 0


def test_a_server_that_is_killed_is_started_again(quay: Quay) -> None:
    quay.pushes("gate")
    with running(quay) as node:
        listening(node, quay)
        first = server_of(node)
        os.kill(first, signal.SIGKILL)
        listening(node, quay, 2)
        assert server_of(node) != first
        (down,) = quay.events("push server down")
        assert "signal 9" in down["text"]
        with quay.login() as gate:
            assert put(gate, "a.jpg", jpeg()).startswith("226")
        assert node.end() == 0


def test_a_port_that_is_taken_is_told_and_tried_again(quay: Quay) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        quay.pushes("gate", listen=other.getsockname()[1])
        with running(quay) as node:
            (down,) = node.until(lambda: quay.events("push server down"), "it is told")
            assert f"127.0.0.1:{quay.port}" in down["text"]
            assert "in use" in down["text"]
            other.close()
            listening(node, quay)
            assert node.end() == 0


def test_a_reload_lets_a_new_camera_in_and_an_old_one_out(quay: Quay) -> None:
    quay.pushes("gate")
    with running(quay) as node:
        listening(node, quay)
        del quay.tables["gate"]
        quay.pushes("yard", listen=quay.port)
        node.signal(signal.SIGHUP)
        listening(node, quay, 2)
        with quay.login("yard") as yard:
            put(yard, "a.jpg", jpeg())
        with pytest.raises(ftplib.error_perm, match="530"), quay.login("gate"):
            pass
        assert quay.events("push server down") == []
        (left,) = quay.events("uploads left")
        assert (left["subject"], str(quay.data / "drop" / "gate") in left["text"]) == ("gate", True)
        del quay.tables["yard"]
        quay.write()
        node.signal(signal.SIGHUP)
        node.until(lambda: not [pid for pid in node.children() if kind_of(pid) == "ftpd"], "nobody listens any more")
        assert node.end() == 0


def test_a_disk_that_is_nearly_full_refuses_uploads_and_it_is_told(quay: Quay) -> None:
    quay.keep_free = "1000TB"
    quay.pushes("gate")
    with running(quay) as node:
        listening(node, quay)
        with quay.login() as gate, pytest.raises(ftplib.error_temp, match="452"):
            put(gate, "a.jpg", jpeg())
        (told,) = node.until(lambda: quay.events("upload refused"), "it is told")
        assert (told["subject"], "nearly full" in told["text"]) == ("gate", True)
        assert node.end() == 0


def test_a_node_ends_at_once_although_a_camera_is_uploading(quay: Quay) -> None:
    quay.pushes("gate")
    with running(quay) as node:
        listening(node, quay)
        with quay.login() as gate:
            gate.voidcmd("TYPE I")
            with gate.transfercmd("STOR a.jpg") as line:
                line.sendall(jpeg()[:100])
                began = time.monotonic()
                assert node.end() == 0
        assert time.monotonic() - began < 5


def test_one_shot_by_hand_takes_what_lies_there(quay: Quay) -> None:
    quay.pushes("gate")
    with running(quay) as node:
        listening(node, quay)
        with quay.login() as gate:
            put(gate, "a.jpg", content := jpeg())
        assert node.end() == 0
    made = overlapse("capture", "gate", "--site", quay.file)
    assert made.status == 0, made.err
    assert quay.kept() == {content}
    empty = overlapse("capture", "gate", "--site", quay.file)
    assert (empty.status, "no whole picture came" in empty.err) == (1, True)
