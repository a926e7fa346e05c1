"""A real SMTP server on loopback, in a process of its own: STARTTLS, AUTH, and answers that a test can have changed."""

from __future__ import annotations

import contextlib
import email
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peers.certificates import Certificate

USER, PASSWORD = "overlapse", "s3cret ä"


@dataclass(frozen=True)
class Smtpd:
    """A running server. What it answers stands in a file that it reads for each command."""

    port: int
    folder: Path
    pid: int

    def answer(self, **said: Any) -> None:
        """Have it answer otherwise from now on: rcpt={address: "450 ..."}, data="554 ...", hold=True."""
        beside = self.folder / "answers.new"
        beside.write_text(json.dumps(said))
        beside.replace(self.folder / "answers")

    def letters(self) -> list[EmailMessage]:
        """Return the messages that it took, oldest first."""
        return [email.message_from_bytes(path.read_bytes(), policy=default) for path in self.files()]

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.eml"))

    def envelopes(self) -> list[dict[str, Any]]:
        """Return {"from", "to", "user", "tls"} of the messages that it took."""
        return [json.loads(path.with_suffix(".json").read_text()) for path in self.files()]

    def table(self, to: Sequence[str] = ("oncall@example.com",), more: str = "", starttls: bool = False) -> str:
        """Return the table of site.toml for it."""
        people = ", ".join(f'"{one}"' for one in to)
        return (
            f'[notifications.smtp]\nhost = "127.0.0.1"\nport = {self.port}\nstarttls = {str(starttls).lower()}\n'
            f'from = "overlapse@example.com"\nto = [{people}]\n{more}'
        )


@contextmanager
def running(
    folder: Path, shown: Certificate | None = None, auth: bool = False, tls: bool = False, no_starttls: bool = False
) -> Iterator[Smtpd]:
    """Run a server; `shown`: STARTTLS, or with `tls` TLS from the first byte; `auth`: only after a login."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answers").write_text("{}")
    words = [str(shown.certificate), str(shown.key)] if shown is not None else ["", ""]
    flags = [word for word, on in (("auth", auth), ("tls", tls), ("no-starttls", no_starttls)) if on]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(folder), *words, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        yield Smtpd(int(line), folder, process.pid)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class _Handler:
    """Keeps what comes as files, and answers as the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "answers").read_text())
        return found

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        refusal = self.said().get("mail")
        if refusal:
            return str(refusal)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        refusal = self.said().get("rcpt", {}).get(address)
        if refusal:
            return str(refusal)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        import asyncio

        said = self.said()
        if "data" in said:
            return str(said["data"])
        path = self.folder / f"{time.time_ns()}.eml"
        about = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
        }
        path.with_suffix(".json").write_text(json.dumps(about))
        path.write_bytes(envelope.content)
        while self.said().get("hold"):
            await asyncio.sleep(0.02)
        return "250 2.0.0 Ok: queued as 4ABC"


def _authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
    from aiosmtpd.smtp import AuthResult

    known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, auth_data=USER if known else None, handled=known)


def main(folder: Path, certificate: str, key: str, flags: Sequence[str]) -> None:
    import asyncio
    import ssl

    from aiosmtpd.smtp import SMTP

    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
    starttls = context if "tls" not in flags and "no-starttls" not in flags else None
    more: dict[str, Any] = {"tls_context": starttls, "require_starttls": starttls is not None}
    if "auth" in flags:
        more |= {"authenticator": _authenticator, "auth_required": True, "auth_require_tls": starttls is not None}
    handler = _Handler(folder)

    async def serve() -> None:
        made = asyncio.get_running_loop().create_server
        server = await made(
            lambda: SMTP(handler, hostname="mail.test", enable_SMTPUTF8=False, **more),
            "127.0.0.1",
            0,
            ssl=context if "tls" in flags else None,
        )
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
        await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
