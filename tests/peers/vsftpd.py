"""A real vsftpd on loopback: its own configuration, a free port, a log-in of its own; root or not."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers.certificates import Certificate

VSFTPD = shutil.which("vsftpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = "no vsftpd on this machine: install vsftpd"
USER, PASSWORD = "ftp", "s3cret-of-unit1"
_CONFIG = {
    "listen": "YES",
    "listen_ipv6": "NO",
    "listen_address": "127.0.0.1",
    "background": "NO",
    "run_as_launching_user": "YES",
    "seccomp_sandbox": "NO",
    "connect_from_port_20": "NO",
    "anonymous_enable": "YES",  # the one kind of log-in that needs no accounts of the system
    "secure_email_list_enable": "YES",  # and this gives it a password
    "local_enable": "NO",
    "write_enable": "YES",
    "anon_upload_enable": "YES",
    "anon_mkdir_write_enable": "YES",
    "anon_other_write_enable": "YES",
    "anon_world_readable_only": "NO",
    "anon_umask": "022",
    "delay_failed_login": "0",
    "xferlog_enable": "YES",
    "log_ftp_protocol": "YES",
}
_TLS = {
    "ssl_enable": "YES",
    "allow_anon_ssl": "YES",
    "force_anon_logins_ssl": "YES",
    "force_anon_data_ssl": "YES",
    "require_ssl_reuse": "YES",
    "strict_ssl_read_eof": "YES",
    "ssl_ciphers": "HIGH",
}


@dataclass(frozen=True)
class Vsftpd:
    """A running server and what is needed to log in to it."""

    port: int
    log: Path
    pid: int
    certificate: Certificate | None = None
    host: str = "127.0.0.1"
    user: str = USER
    password: str = PASSWORD

    def commands(self) -> list[str]:
        """Return the commands that the server was given after the log-in, in order."""
        lines = self.log.read_text(errors="replace").splitlines()
        asked = [line.partition('FTP command: Client "')[2] for line in lines if "FTP command: Client" in line]
        return [line.partition(', "')[2].rstrip('"') for line in asked]


def free_port() -> int:
    """Return a TCP port of loopback that nobody uses now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def free_ports(count: int) -> list[int]:
    """Return neighbouring TCP ports that nobody uses now."""
    while True:
        first = free_port()
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return list(range(first, first + count))


@contextmanager
def running(
    folder: Path, certificate: Certificate | None = None, user: str | None = None, **options: str
) -> Iterator[Vsftpd]:
    """Run a vsftpd in `folder`; with a certificate it takes nobody without TLS. `options` override its settings.

    `user`: whom it runs as; a file that a unit sends belongs to that one.
    """
    assert VSFTPD is not None, MISSING
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "home"
    home.mkdir()
    (folder / "passwords").write_text(f"{PASSWORD}\n")
    (folder / "passwords").chmod(0o600)
    port = free_port()
    settings = _CONFIG | {
        "listen_port": str(port),
        "anon_root": str(home),
        "email_password_file": str(folder / "passwords"),
        "vsftpd_log_file": str(folder / "log"),
    }
    if certificate is not None:
        settings |= _TLS | {"rsa_cert_file": str(certificate.certificate), "rsa_private_key_file": str(certificate.key)}
    config = folder / "vsftpd.conf"
    config.write_text("".join(f"{key}={value}\n" for key, value in (settings | options).items()))
    if user is not None:
        for path in (folder, home, config, folder / "passwords"):
            shutil.chown(path, user)
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [VSFTPD, str(config)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            user=user,
            group=_group(user),
        )
    try:
        _await_greeting(process, port, folder / "out")
        yield Vsftpd(port, folder / "log", process.pid, certificate)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its sessions outlive it otherwise
        process.wait(10)


def _group(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid


def _await_greeting(process: subprocess.Popen[bytes], port: int, out: Path) -> None:
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                assert line.recv(3) == b"220"
                return
        except ConnectionRefusedError:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"vsftpd ended: {out.read_text()}") from None
    raise AssertionError(f"vsftpd never listened: {out.read_text()}")
