"""Theft: with the unit's own keys nobody alters or deletes what has arrived, where the server is set up as we say.

A thief with raw clients tries every way. The same thief against the same server without the set-up does alter and
delete: a way that could not harm anything would prove nothing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from ftplib import FTP
from pathlib import Path

import paramiko
import pytest
from conformance.destination import LARGE, SMALL, flipped, sha256
from peers import sshd, thief, vsftpd, webdav
from peers.page import blocks
from peers.thief import Ways, attempt

from core.errors import DestinationError, NameConflict, ObjectNotFound
from core.transfer.audit import Audit, audit
from core.transfer.base import Destination, Level
from core.transfer.delivery import Delivery, Paused, deliver
from core.transfer.ftp.destination import FtpDestination
from core.transfer.ftp.session import Login as FtpLogin
from core.transfer.sftp.connection import Login as SftpLogin
from core.transfer.sftp.destination import SftpDestination
from core.transfer.theft import lay, rob
from core.transfer.web.dav import DavDestination
from core.transfer.web.plain import PlainDestination
from core.transfer.web.session import Server

pytestmark = pytest.mark.peer
ACCOUNT = "nobody"
NAME = "north/2026/11/21/a.jpg"


@dataclass
class Stage:
    """A server with one unit. `root`: what it keeps; `ways`: the thief's; `take_over`: the job of the server's page."""

    unit: Callable[[], Destination]
    root: Path
    ways: Callable[[str], Ways]
    take_over: Callable[[], None] = lambda: None


@contextmanager
def open_to(account: str, below: str | None = None) -> Iterator[tuple[Path, Path]]:
    """Give a folder for a server, and one for its pictures set up as theft.md says, which `account` can reach."""
    with tempfile.TemporaryDirectory(dir=below) as made:
        folder = Path(made)
        folder.chmod(0o755)
        drop = folder / "drop"
        drop.mkdir()
        os.chown(drop, 0, pwd.getpwnam(account).pw_gid)
        drop.chmod(0o1775)
        yield folder, drop


def job(drop: Path, protected: bool) -> Callable[[], None]:
    """Return what runs the server's job of theft.md once; nothing when it is not set up."""
    script = next(block for block in blocks("destinations/theft.md", "sh") if "overlapse-keep" in block)

    def take_over() -> None:
        if protected:
            subprocess.run(["/bin/sh", "-s", ACCOUNT, drop], check=True, input=script.encode())

    return take_over


@contextmanager
def by_sftp(protected: bool) -> Iterator[Stage]:
    """Run the server as the page says: its options, and a root that the account cannot leave."""
    page = blocks("destinations/theft.md", "sshd")[0]
    options = page.partition("internal-sftp ")[2].splitlines()[0].split() if protected else []
    assert "ChrootDirectory /srv/units/unit1" in page
    with open_to(ACCOUNT, "/run") as (folder, drop), ExitStack() as stack:  # sshd wants every folder above to be root's
        keys = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        keys.chmod(0o755)
        root = folder if protected else None
        server = stack.enter_context(sshd.running(keys, sftp=options, account=ACCOUNT, chroot=root))
        login = SftpLogin(server.host, server.user, server.fingerprint, server.port, str(server.key_file))
        seen = f"/{drop.name}" if protected else str(drop)

        def ways(name: str) -> Ways:
            line = stack.enter_context(closing(paramiko.Transport((server.host, server.port))))
            line.connect(username=server.user, pkey=paramiko.Ed25519Key.from_private_key_file(str(server.key_file)))
            client = paramiko.SFTPClient.from_transport(line)
            assert client is not None
            assert (client.listdir("/") == [drop.name]) is protected
            return thief.by_sftp(client, f"{seen}/{name}")

        yield Stage(lambda: SftpDestination(login, seen), drop, ways, job(drop, protected))


@contextmanager
def by_ftp(protected: bool) -> Iterator[Stage]:
    with open_to(ACCOUNT) as (folder, drop), ExitStack() as stack:
        server = stack.enter_context(vsftpd.running(folder / "server", user=ACCOUNT))
        login = FtpLogin(server.host, server.user, server.password, server.port)

        def ways(name: str) -> Ways:
            client = stack.enter_context(FTP())
            client.connect(server.host, server.port, 10)
            client.login(server.user, server.password)
            return thief.by_ftp(client, f"{drop}/{name}")

        yield Stage(lambda: FtpDestination(login, str(drop)), drop, ways, job(drop, protected))


@contextmanager
def by_web(protected: bool, plain: bool) -> Iterator[Stage]:
    place = {True: ("plain", "once"), False: ("dav", "kept")}[plain][protected]
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "root"
        root.mkdir()
        with webdav.nginx(Path(made), root) as server:
            address = Server(f"{server.url}/{place}")
            yield Stage(
                lambda: PlainDestination(address) if plain else DavDestination(address),
                root,
                lambda name: thief.by_http(f"{server.url}/{place}", name),
            )


@contextmanager
def by_apache(protected: bool) -> Iterator[Stage]:
    with webdav.apache() as server:
        at = f"{server.url}/{'kept' if protected else 'dav'}"
        yield Stage(lambda: DavDestination(Server(at)), server.root, lambda name: thief.by_http(at, name))


KINDS = {
    "sftp": by_sftp,
    "ftp": by_ftp,
    "http": lambda protected: by_web(protected, plain=True),
    "dav-nginx": lambda protected: by_web(protected, plain=False),
    "dav-apache": by_apache,
}
MISSING = {
    "sftp": None if sshd.SSHD else sshd.MISSING,
    "ftp": None if vsftpd.VSFTPD else vsftpd.MISSING,
    "http": webdav.missing_nginx(),
    "dav-nginx": webdav.missing_nginx() or webdav.missing_dav(),
    "dav-apache": webdav.missing_apache(),
}


def staged(kind: str) -> object:
    missing = MISSING[kind]
    root = "needs root" if kind in ("sftp", "ftp") and os.geteuid() != 0 else ""
    return pytest.param(kind, marks=pytest.mark.skipif(bool(missing or root), reason=missing or root or "there"))


def delivery(folder: Path, name: str, data: bytes, resume: bytes | None = None) -> Delivery:
    path = folder / sha256(data)
    path.write_bytes(data)
    known = {"name": name, "path": path, "size": len(data), "sha256": sha256(data), "resume": resume}
    return Delivery(**known, level=Level.HASH, chunk=500_000, protected=True)  # type: ignore[arg-type]


def with_a_cut(unit: Destination, folder: Path, name: str, data: bytes) -> None:
    """Deliver a picture that is stopped in the middle, and goes on."""
    grants = iter([500_000, 0])
    with pytest.raises(Paused) as paused:
        deliver(unit, delivery(folder, name, data), lambda wanted, offset, resume: next(grants))
    deliver(unit, delivery(folder, name, data, paused.value.resume), lambda wanted, offset, resume: wanted)


@pytest.mark.parametrize("kind", [staged(kind) for kind in KINDS])
def test_with_the_units_own_keys_nothing_that_has_arrived_is_altered_or_deleted(kind: str, tmp_path: Path) -> None:
    def send(unit: Destination, name: str, data: bytes) -> None:
        deliver(unit, delivery(tmp_path, name, data), lambda wanted, offset, resume: wanted)

    with KINDS[kind](True) as stage, closing(stage.unit()) as unit:
        send(unit, NAME, SMALL)
        with_a_cut(unit, tmp_path, "north/2026/11/21/b.raw", LARGE)
        stage.take_over()
        there = stage.root / NAME
        before = there.stat()
        for what, way in stage.ways(NAME).items():
            attempt(way)
            assert there.is_file(), what
            assert there.read_bytes() == SMALL, what
            assert there.stat().st_mode == before.st_mode, what
        stage.take_over()
        assert there.read_bytes() == SMALL
        assert (stage.root / "north/2026/11/21/b.raw").read_bytes() == LARGE
        look = Audit(NAME, len(SMALL), sha256(SMALL), read=True)
        assert audit(unit, look, lambda wanted: wanted)["level"] == "read-back"
        send(unit, "north/2026/11/21/c.jpg", flipped(SMALL))  # into a folder that is not ours any more
        with_a_cut(unit, tmp_path, "north/2026/11/22/d.raw", LARGE)
        with pytest.raises(NameConflict):  # and what differs there goes beside it
            deliver(unit, delivery(tmp_path, NAME, LARGE, b""), lambda wanted, offset, resume: wanted)
        with pytest.raises(DestinationError):
            unit.delete(NAME)
        assert there.read_bytes() == SMALL


@pytest.mark.parametrize("kind", [staged(kind) for kind in KINDS])
def test_without_the_set_up_the_same_thief_alters_and_deletes(kind: str, tmp_path: Path) -> None:
    with KINDS[kind](False) as stage, closing(stage.unit()) as unit:
        harmful = set()
        for what, way in stage.ways(NAME).items():
            shutil.rmtree(stage.root / "north", ignore_errors=True)
            deliver(unit, delivery(tmp_path, NAME, SMALL), lambda wanted, offset, resume: wanted)
            attempt(way)
            there = stage.root / NAME
            if not there.is_file() or there.read_bytes() != SMALL:
                harmful.add(what)
            unit.close()
        assert {"delete", "overwrite"} <= harmful


@pytest.mark.parametrize("kind", [staged(kind) for kind in KINDS])
@pytest.mark.parametrize("protected", [True, False], ids=["set-up", "as-it-comes"])
def test_a_try_on_an_object_of_its_own_tells_what_a_thief_could_do(kind: str, protected: bool) -> None:
    with KINDS[kind](protected) as stage, closing(stage.unit()) as unit:
        lay(unit, "overlapse-theft.txt")
        stage.take_over()
        assert rob(unit, "overlapse-theft.txt") == {"overwritten": not protected, "deleted": not protected}
        assert (stage.root / "overlapse-theft.txt").exists() == protected
        with pytest.raises(ObjectNotFound):
            rob(unit, "never-laid.txt")
