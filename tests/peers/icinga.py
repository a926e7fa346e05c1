"""A real Icinga 2 in a folder of its own, with its API on a free port of loopback and certificates of its own."""

from __future__ import annotations

import base64
import contextlib
import getpass
import grp
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

PROGRAM = "/usr/sbin/icinga2"
PATIENCE, POLL = 20.0, 0.05  # seconds
PASSWORD = "secret of the test"
MAIN = """\
include <itl>
const NodeName = "localhost"
object Endpoint "localhost" {{ }}
object Zone "master" {{ endpoints = [ "localhost" ] }}
object ApiListener "api" {{ bind_host = "127.0.0.1"; bind_port = {port} }}
object CheckerComponent "checker" {{ }}
object NotificationComponent "notification" {{ }}
object FileLogger "main" {{ path = "{root}/icinga2.log"; severity = "information" }}
object ApiUser "overlapse" {{
  password = "{password}"
  permissions = [ "*" ]
}}
{includes}
{own}
"""


@dataclass
class Icinga:
    """One that runs."""

    root: Path
    port: int

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"https://localhost:{self.port}"

    @property
    def ca(self) -> Path:
        """The certificate that vouches for it."""
        return self.root / "lib/certs/ca.crt"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return what the API answers."""
        context = ssl.create_default_context(cafile=str(self.ca))
        line = http.client.HTTPSConnection("localhost", self.port, timeout=10, context=context)
        word = base64.b64encode(f"overlapse:{PASSWORD}".encode()).decode()
        headers = {"Accept": "application/json", "Authorization": f"Basic {word}"}
        try:
            line.request(method, path, None if body is None else json.dumps(body), headers)
            return json.loads(line.getresponse().read())
        finally:
            line.close()

    def service(self, host: str, name: str) -> dict[str, Any]:
        """Return what it knows of a service, empty where there is none."""
        found = self.ask("GET", f"/v1/objects/services/{quote(f'{host}!{name}')}").get("results", [])
        return dict(found[0]["attrs"]) if found else {}

    def host(self, name: str) -> dict[str, Any]:
        """Return what it knows of a host, empty where there is none."""
        found = self.ask("GET", f"/v1/objects/hosts/{name}").get("results", [])
        return dict(found[0]["attrs"]) if found else {}

    def states(self) -> dict[tuple[str, str], int]:
        """Return the state of each (host, service), "" for the host itself."""
        hosts, services = (self.ask("GET", f"/v1/objects/{kind}").get("results", []) for kind in ("hosts", "services"))
        found = {(one["attrs"]["name"], ""): int(one["attrs"]["state"]) for one in hosts}
        return found | {
            (one["attrs"]["host_name"], one["attrs"]["name"]): int(one["attrs"]["state"]) for one in services
        }

    @property
    def log(self) -> str:
        """What it logged."""
        file = self.root / "icinga2.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def pages(self, user: str = "overlapse-oncall") -> list[str]:
        """Return the problems of which a user was notified: "host;service" or "host"."""
        sent = re.findall(rf"Sending 'Problem' notification '([^']+)' for user '{user}'", self.log)
        return [name.rpartition("!")[0].replace("!", ";") for name in sent]

    def until(self, look: Callable[[], object], what: str) -> None:
        """Wait until `look` is true."""
        end = time.monotonic() + PATIENCE
        while not look():
            assert time.monotonic() < end, f"not in time: {what}\n{self.log[-3000:]}"
            time.sleep(POLL)


def verified(root: Path, folders: Sequence[Path]) -> str:
    """Return what `icinga2 daemon -C` says of these folders; its status must be 0."""
    done = subprocess.run(
        [*_command(_write(root, folders, _free_port(), "")), "-C"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=_environment(),
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def running(root: Path, folders: Sequence[Path], own: str = "") -> Iterator[Icinga]:
    """Run one on these folders of configuration and on `own`, more objects."""
    port = _free_port()
    command = _command(_write(root, folders, port, own))
    with (root / "out").open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=_environment())
    icinga = Icinga(root, port)
    try:
        icinga.until(lambda: _answers(icinga), "the start of Icinga 2")
        yield icinga
    finally:
        process.terminate()
        process.wait(20)


def _answers(icinga: Icinga) -> bool:
    try:
        return "results" in icinga.ask("GET", "/v1/status/ApiListener")
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _environment() -> dict[str, str]:
    return {**os.environ, "ICINGA2_USER": getpass.getuser(), "ICINGA2_GROUP": grp.getgrgid(os.getgid()).gr_name}


def _command(main: Path) -> list[str]:
    root = main.parent
    folders = {"ConfigDir": "etc", "DataDir": "lib", "LogDir": "log", "InitRunDir": "run", "CacheDir": "cache"}
    folders["SpoolDir"] = "spool"
    return [PROGRAM, "daemon", *(f"-D{name}={root / folder}" for name, folder in folders.items()), "-c", str(main)]


def _write(root: Path, folders: Sequence[Path], port: int, own: str) -> Path:
    for folder in ("etc", "lib/certs", "log", "run", "cache", "spool/perfdata", "spool/tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _certificates(root / "lib/certs")
    main = root / "icinga2.conf"
    includes = "\n".join(f'include_recursive "{folder}"' for folder in folders)
    main.write_text(MAIN.format(root=root, port=port, password=PASSWORD, includes=includes, own=own))
    return main


def _certificates(folder: Path) -> None:
    """Write an authority and a certificate of localhost, as `icinga2 api setup` would."""
    if (folder / "localhost.crt").exists():
        return
    ca = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Icinga CA"]
    _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *ca)
    own = ["-keyout", "localhost.key", "-out", "own.csr", "-subj", "/CN=localhost"]
    _openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *own)
    (folder / "san").write_text("subjectAltName=DNS:localhost\n")
    sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san", "-days", "2"]
    _openssl(folder, "x509", "-req", "-in", "own.csr", "-out", "localhost.crt", *sign)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)
