from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import sshd
from peers.sshd import Sshd


def _server(tmp_path_factory: pytest.TempPathFactory, name: str, shell: bool, *sftp: str) -> Iterator[Sshd]:
    if sshd.SSHD is None:
        pytest.skip(sshd.MISSING)
    with sshd.running(tmp_path_factory.mktemp(name), shell=shell, sftp=sftp) as server:
        yield server


@pytest.fixture(scope="session")
def sftp_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that gives SFTP and nothing else."""
    yield from _server(tmp_path_factory, "sftp-only", False)


@pytest.fixture(scope="session")
def sftp_and_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that runs commands too, sha256sum among them."""
    yield from _server(tmp_path_factory, "sftp-and-shell", True)


@pytest.fixture(scope="session")
def sftp_plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server without OpenSSH's extensions."""
    yield from _server(tmp_path_factory, "sftp-plain", False, "-P", "posix-rename,statvfs,fsync")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that a destination keeps its objects in."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root: run as root to see what a full disk does")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "overlapse-test", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine lets nobody mount a tmpfs: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
