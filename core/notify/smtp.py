"""One message to the mail server: the worker kind "mail".

| op | args | result |
|---|---|---|
| send | server, letter, everyone, to | accepted, refused, said, steps |

`server`: host, port, tls (from its first byte), starttls, user, password, ca_file, from. `letter`: id, subject, text,
at. `everyone` stands in the header, `to` is asked for now. `accepted`: [address]; `refused`: {address: [code, text]};
`said`: the server's word on the whole message; `steps`: what was done, for people. Raise MailUnreachable,
MailDeferred or MailRefused where no recipient's turn came.
"""

from __future__ import annotations

import base64
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from typing import Any, BinaryIO

from core.errors import ChildError, MailDeferred, MailError, MailRefused, MailUnreachable
from core.notify.letter import compose, message_id
from core.text import safe

Json = dict[str, Any]

ANSWER = 20.0  # seconds that the server may take for one answer
MOST_ANSWERS = 256 << 10  # bytes of all its answers: a server that talks without end is cut
LOGGED_IN, CONTINUE = 235, 334  # RFC 4954 section 4
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


class MailService:
    """Sends one message a request, over a line of its own."""

    def handle(self, op: str, args: Json, talk: object) -> Json:
        """Do `send`."""
        if op != "send":
            raise ChildError(f"the mail worker cannot {safe(op)}")
        return send(args["server"], args["letter"], args["everyone"], args["to"])

    def close(self) -> None:
        """Nothing is held."""


def send(server: Json, letter: Json, everyone: list[str], to: list[str]) -> Json:
    """Send a letter as the table above says."""
    where = f"{server['host']}:{server['port']}"
    steps: list[str] = []
    content = compose(letter["id"], letter["subject"], letter["text"], letter["at"], server["from"], everyone)
    with _translated(where), _line(server, steps) as line:
        try:
            refused = line.sendmail(server["from"], to, content)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except smtplib.SMTPDataError as error:  # of the message as a whole: so of everybody whom it was for
            refused = dict.fromkeys(to, (error.smtp_code, _bytes(error.smtp_error)))
        said = _words(line.last)
    told = {one: [code, _words(text)] for one, (code, text) in refused.items()}
    accepted = [one for one in to if one not in told]
    steps += [f"{where} took it for {one}" for one in accepted]
    steps += [f"{where} refused {one}: {code} {text}" for one, (code, text) in told.items()]
    if accepted:
        steps.append(f"as {message_id(letter['id'], server['from'])}: {said}")
    return {"accepted": accepted, "refused": told, "said": said, "steps": steps}


class _Bounded:
    """What the server says, as far as anybody will read it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MOST_ANSWERS

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("it talks without end")
        return line

    def close(self) -> None:
        self._file.close()


class _Client(smtplib.SMTP):
    last: bytes = b""  # what the server said last
    file: Any

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Bounded(self.sock.makefile("rb"))  # type: ignore[union-attr]
        code, self.last = super().getreply()
        return code, self.last


class _TlsClient(_Client, smtplib.SMTP_SSL):
    """Speaks TLS from the first byte."""


@contextlib.contextmanager
def _line(server: Json, steps: list[str]) -> Iterator[_Client]:
    """Open a line to the server, as far as its configuration says, and end it in order."""
    host, port = server["host"], server["port"]
    context = ssl.create_default_context(cafile=server["ca_file"])
    if server["tls"]:
        client: _Client = _TlsClient(host, port, "localhost", timeout=ANSWER, context=context)
    else:
        client = _Client(host, port, "localhost", timeout=ANSWER)
    try:
        steps.append(f"{host}:{port} answers")
        client.local_hostname = _literal(client)
        client.ehlo_or_helo_if_needed()
        if server["tls"]:
            steps.append("TLS, its certificate is verified")
        elif server["starttls"]:
            client.starttls(context=context)
            steps.append("STARTTLS, its certificate is verified")
        if server["user"] is not None:
            _log_in(client, server["user"], server["password"])
            steps.append(f"logged in as {server['user']}")
        yield client
        with contextlib.suppress(OSError, smtplib.SMTPException):  # what was accepted stays accepted
            client.quit()
    finally:
        client.close()


def _log_in(client: _Client, user: str, password: str) -> None:
    """Log in with a name and password of any letters (RFC 4616 says UTF-8, smtplib ASCII)."""
    client.ehlo_or_helo_if_needed()
    offered = client.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        code, said = client.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}")
    elif "LOGIN" in offered:
        code, said = client.docmd("AUTH", f"LOGIN {_base64(user)}")
        if code == CONTINUE:
            code, said = client.docmd(_base64(password))
    else:
        code, said = client.login(user, password)
    if code != LOGGED_IN:
        raise smtplib.SMTPAuthenticationError(code, said)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _literal(client: _Client) -> str:
    """Return by what a machine introduces itself whose name nobody else knows (RFC 5321 section 4.1.3)."""
    address = str(client.sock.getsockname()[0]).partition("%")[0]  # type: ignore[union-attr]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


@contextlib.contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError, UnicodeError, ValueError) as error:
        raise translate(where, error) from error


def translate(where: str, error: Exception) -> MailError:
    """Return what an exception of smtplib, ssl or the socket means for a message."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _by_code(error, f"{where} refuses user or password")
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _by_code(error, f"{where} refuses the sender {safe(error.sender, 80)}")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return _by_code(error, where)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailRefused(f"{where}: {safe(error)}; nothing was sent")
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailRefused(f"{where}: its certificate is not to be trusted: {safe(error.verify_message)}")
    if isinstance(error, ssl.SSLError) and not isinstance(error, _CUT):
        return MailRefused(f"{where}: no TLS with it: {safe(getattr(error, 'reason', error))}")
    if isinstance(error, socket.gaierror):
        return MailUnreachable(f"{where}: its name is not found: {safe(error.strerror)}")
    if isinstance(error, TimeoutError):
        return MailUnreachable(f"{where}: no answer within {ANSWER:g} s")
    if isinstance(error, UnicodeError | ValueError):
        return MailRefused(f"{where}: {safe(error)}")
    return MailUnreachable(f"{where}: {safe(getattr(error, 'strerror', None) or error)}")


def _by_code(error: smtplib.SMTPResponseException, what: str) -> MailError:
    kind = MailDeferred if error.smtp_code < 500 else MailRefused
    return kind(f"{what}: {error.smtp_code} {_words(error.smtp_error)}")


def _words(said: bytes | str) -> str:
    return safe(_bytes(said).decode("utf-8", "replace").replace("\n", " "))


def _bytes(said: bytes | str) -> bytes:
    return said.encode() if isinstance(said, str) else said
