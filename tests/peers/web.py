"""Cameras that give a snapshot over HTTP: real web servers, and a process of our own for what they never do.

`nginx` and `lighttpd` run what the system has; `rude_camera` is the stdlib server below: it drips, lies, redirects and
asks for logins. Everything listens on loopback, on a free port.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

USER, PASSWORD, REALM = "view", "s3cret pass", "camera"
PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 200 + b"\xff\xd9"
WHOLE_DRIP = 60.0  # seconds that the drip would take


def which(program: str) -> str | None:
    """Return the path of a server program, None when the system has none."""
    return shutil.which(program, path=PATHS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Serve `folder`/www with Basic authentication; yield the base URL."""
    port = free_port()
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    temporary = "".join(
        f"{one}_temp_path {folder}/{one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; root {folder}/www;"
        f'auth_basic "{REALM}"; auth_basic_user_file {folder}/users; }} }}'
    )
    command = [
        which("nginx") or "nginx",
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "log"),
    ]
    with _running(command, port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def lighttpd(folder: Path) -> Iterator[str]:
    """Serve `folder`/www with Digest authentication; yield the base URL."""
    port = free_port()
    digest = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()  # noqa: S324 - the protocol's own
    (folder / "users").write_text(f"{USER}:{REALM}:{digest}\n")
    (folder / "lighttpd.conf").write_text(
        f'server.document-root = "{folder}/www"\nserver.bind = "127.0.0.1"\nserver.port = {port}\n'
        'server.modules = ("mod_auth", "mod_authn_file")\n'
        'auth.backend = "htdigest"\n'
        f'auth.backend.htdigest.userfile = "{folder}/users"\n'
        f'auth.require = ("/" => ("method" => "digest", "realm" => "{REALM}", "require" => "valid-user"))\n'
    )
    with _running([which("lighttpd") or "lighttpd", "-D", "-f", str(folder / "lighttpd.conf")], port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_it_listens(process, port)
        yield
    finally:
        process.kill()
        process.wait()


def _until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        threading.Event().wait(0.02)
    raise RuntimeError(f"the server does not listen; its status is {process.poll()}")


class RudeCamera:
    """The test's handle on the misbehaving camera; `asked` tells what it was asked, in order."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__)), host], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}/{path}"

    def asked(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.url("_asked")) as answer:  # noqa: S310 - our own server
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def rude_camera(host: str = "127.0.0.1") -> Iterator[RudeCamera]:
    """Run the misbehaving camera until the block ends."""
    camera = RudeCamera(host)
    try:
        yield camera
    finally:
        camera.stop()


class Handler(BaseHTTPRequestHandler):
    """Each path is one way to behave."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]] = []  # noqa: RUF012 - shared by all requests of the process

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        if path == "_asked":
            self.give(json.dumps(self.asked).encode())
            return
        self.asked.append({"path": path, "authorization": self.headers.get("Authorization", "").partition(" ")[0]})
        behave = getattr(self, f"behave_{path.replace('.', '_')}", None)
        if behave is None:
            self.refuse(404)
        else:
            behave()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        return

    def give(self, body: bytes, length: int | None = None, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, *challenges: str) -> None:
        self.send_response(status)
        for challenge in challenges:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def behave_snap_jpg(self) -> None:
        self.give(PICTURE)

    def behave_chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(PICTURE), PICTURE))

    def behave_chunked_cut(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s" % (len(PICTURE), PICTURE[:1000]))
        self.close_connection = True

    def behave_short(self) -> None:
        self.give(PICTURE, length=len(PICTURE) + 10_000)
        self.close_connection = True

    def behave_empty(self) -> None:
        self.give(b"")

    def behave_endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(PICTURE)
            while True:
                self.wfile.write(bytes(65536))

    def behave_huge(self) -> None:
        self.give(PICTURE, length=10**12)
        self.close_connection = True

    def behave_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PICTURE)))
        self.end_headers()
        piece = len(PICTURE) // int(WHOLE_DRIP * 20)
        with contextlib.suppress(OSError):
            for start in range(0, len(PICTURE), piece):
                self.wfile.write(PICTURE[start : start + piece])
                time.sleep(0.05)

    def behave_silent(self) -> None:
        time.sleep(WHOLE_DRIP)

    def behave_login(self) -> None:
        self.give(b"<html><body><form>Please log in</form></body></html>", Content_Type="image/jpeg")

    def behave_busy(self) -> None:
        self.refuse(503)

    def behave_here(self) -> None:
        self.give(b"", status=302, Location="/snap.jpg")

    def behave_elsewhere(self) -> None:
        self.give(b"", status=302, Location=f"http://localhost:{self.connection.getsockname()[1]}/snap.jpg")

    def behave_round(self) -> None:
        self.give(b"", status=302, Location="/round")

    def behave_basic(self) -> None:
        told = self.headers.get("Authorization", "")
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.give(PICTURE) if told == f"Basic {right}" else self.refuse(401, f'Basic realm="{REALM}"')

    def behave_digest(self) -> None:
        self.give(PICTURE) if self.digest_is_right() else self.refuse(401, self.challenge())

    def behave_both(self) -> None:
        fine = self.digest_is_right()
        self.give(PICTURE) if fine else self.refuse(401, f'Basic realm="{REALM}"', self.challenge())

    def behave_downgrade(self) -> None:
        """Offer Digest once, then only Basic: what one in the middle would do to read a password."""
        first = sum(one["path"] == "downgrade" for one in self.asked) <= 1
        self.refuse(401, self.challenge() if first else f'Basic realm="{REALM}"')

    def challenge(self) -> str:
        return f'Digest realm="{REALM}", nonce="abc123", qop="auth", algorithm=MD5'

    def digest_is_right(self) -> bool:
        """RFC 2617, 3.2.2: MD5 with qop=auth."""
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Digest":
            return False
        told = {name: value.strip('"') for name, _, value in (one.partition("=") for one in rest.split(", "))}
        who, what = md5(f"{USER}:{REALM}:{PASSWORD}"), md5(f"{self.command}:{told['uri']}")
        between = ":".join(told[name] for name in ("nonce", "nc", "cnonce", "qop"))
        return told["response"] == md5(f"{who}:{between}:{what}")


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the protocol's own


def main() -> None:
    with ThreadingHTTPServer((sys.argv[1], 0), Handler) as server:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()  # it ends with the test that started it
        os._exit(0)


if __name__ == "__main__":
    main()
