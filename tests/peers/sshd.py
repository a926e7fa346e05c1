"""A real OpenSSH server on loopback: its own host key, its own user key, a free port; root or not."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = "no sshd on this machine: install openssh-server"
_CONFIG = """\
ListenAddress {listen}
Port {port}
HostKey {folder}/host_ed25519
HostKey {folder}/host_rsa
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 100
LogLevel ERROR
SetEnv HOME={folder}
Subsystem sftp internal-sftp {sftp}
{force}
"""


@dataclass(frozen=True)
class Sshd:
    """A running server and what is needed to log in to it. Fingerprints are as `ssh-keygen -lf` prints them."""

    port: int
    user: str
    key_file: Path
    other_key: Path
    fingerprint: str
    rsa_fingerprint: str
    pid: int

    @property
    def host(self) -> str:
        return "127.0.0.1"


def free_port() -> int:
    """Return a TCP port of loopback that nobody uses now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


@contextmanager
def running(
    folder: Path,
    shell: bool = False,
    sftp: Sequence[str] = (),
    listen: str = "127.0.0.1",
    chroot: Path | None = None,
    account: str | None = None,
    more: str = "",
) -> Iterator[Sshd]:
    """Run an sshd; `shell`: commands are allowed too; `sftp`: options of the SFTP server itself.

    `chroot`: the folder that whoever logs in cannot leave; for root alone, who must own it and all above it.
    `account`: whom the key logs in, if not the one who runs the tests; the folder must be open to that one.
    `more`: lines at the end of its configuration.
    """
    assert SSHD is not None, MISSING
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in (("host_ed25519", "ed25519"), ("host_rsa", "rsa"), ("user", "ed25519"), ("other", "ed25519")):
        _make_key(folder / name, kind)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    (folder / "authorized_keys").chmod(0o644)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where the server's unprivileged half lives
    port = free_port()
    process = _start(folder, port, shell, sftp, listen, chroot, more)
    try:
        yield Sshd(
            port,
            account or pwd.getpwuid(os.geteuid()).pw_name,
            folder / "user",
            folder / "other",
            _fingerprint(folder / "host_ed25519.pub"),
            _fingerprint(folder / "host_rsa.pub"),
            process.pid,
        )
    finally:
        process.terminate()
        process.wait(10)


def _start(
    folder: Path, port: int, shell: bool, sftp: Sequence[str], listen: str, chroot: Path | None, more: str
) -> subprocess.Popen[bytes]:
    assert SSHD is not None
    options = " ".join(sftp)
    force = "" if shell else f"ForceCommand internal-sftp {options}"
    if chroot is not None:
        force += f"\nChrootDirectory {chroot}"
    config = folder / "sshd_config"
    config.write_text(_CONFIG.format(port=port, listen=listen, folder=folder, sftp=options, force=force) + more)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log)
    _await_greeting(process, port, folder / "log")
    return process


def _await_greeting(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                assert line.recv(4) == b"SSH-"
                return
        except ConnectionRefusedError:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"sshd ended: {log.read_text()}") from None
    process.kill()
    process.wait()
    raise AssertionError(f"sshd never listened: {log.read_text()}")


def _make_key(path: Path, kind: str) -> None:
    bits = ["-b", "2048"] if kind == "rsa" else []  # the larger default takes a second
    command = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _fingerprint(public: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-lf", str(public)], check=True, capture_output=True, text=True)
    return shown.stdout.split()[1]
