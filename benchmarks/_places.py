"""The product's real servers as destinations of the benchmark, started in the namespace where we are."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks._desk import keys, secret

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from peers import seaweed, sshd, vsftpd, webdav
from peers.certificates import certificate

EVERYWHERE = "0.0.0.0"  # noqa: S104 - of a namespace that nobody else is in


@dataclass(frozen=True)
class There:
    """A running server. `keys`: of site.toml; `root`: where its files lie, if it is files."""

    host: str
    port: int
    keys: str
    root: Path
    user: str = ""
    key_file: Path | None = None
    known_hosts: Path | None = None

    def empty(self) -> None:
        """Take away all that came."""
        for one in self.root.iterdir():
            shutil.rmtree(one) if one.is_dir() else one.unlink()


@contextmanager
def sftp(folder: Path, host: str, shell: bool = True) -> Iterator[There]:
    """OpenSSH; with a `shell` it hashes for us, and rsync works."""
    root = folder / "root"
    with sshd.running(folder, shell=shell, listen=EVERYWHERE) as server:
        root.mkdir()
        known = folder / "known_hosts"
        public = (folder / "host_ed25519.pub").read_text().split()
        known.write_text(f"[{host}]:{server.port} {public[0]} {public[1]}\n")
        given = keys(
            address=f"sftp://{server.user}@{host}:{server.port}{root}",
            key_file=str(server.key_file),
            host_key=server.fingerprint,
        )
        server.key_file.chmod(0o600)
        yield There(host, server.port, given, root, server.user, server.key_file, known)


@contextmanager
def ftp(folder: Path, host: str) -> Iterator[There]:
    """Run vsftpd, which lets go of a dead session's locks after 7 to 14 seconds, as docs/destinations/ftp.md asks."""
    with vsftpd.running(folder, listen_address=EVERYWHERE, data_connection_timeout="7") as server:
        password = secret(folder, "password", server.password)
        root = folder / "home" / "in"
        root.mkdir()
        given = keys(address=f"ftp://{server.user}@{host}:{server.port}{root}", password_file=str(password))
        yield There(host, server.port, given, root, server.user)


@contextmanager
def https(folder: Path, host: str) -> Iterator[There]:
    """Run nginx with a certificate of an authority of its own."""
    root = folder / "root"
    root.mkdir(parents=True)
    made = certificate(folder / "tls", host)
    with webdav.nginx(folder, root, made, listen=EVERYWHERE) as server:
        given = keys(address=f"https://{host}:{server.port}/plain", ca_file=str(made.authority))
        yield There(host, server.port, given, root)


@contextmanager
def s3(folder: Path, host: str) -> Iterator[There]:
    """Run SeaweedFS."""
    with seaweed.running(folder, listen=EVERYWHERE) as server:
        password = secret(folder, "password", seaweed.SECRET)
        given = keys(
            address=f"s3+http://{seaweed.KEY_ID}@{host}:{server.port}/{server.bucket()}", password_file=str(password)
        )
        yield There(host, server.port, given, folder / "data")
