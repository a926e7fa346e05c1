"""What ftplib, the sockets, TLS and the server say, in errors of ours."""

from __future__ import annotations

import ftplib
import re
import ssl
from dataclasses import dataclass

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    ObjectNotFound,
)
from core.text import safe

SPOKEN: tuple[type[Exception], ...] = (*ftplib.all_errors, UnicodeError, ValueError)  # all that may come out of a call
_DENIED = re.compile(r"denied|permission|not allowed|forbidden", re.IGNORECASE)
_MISSING = 550  # the one word that FTP has for all that cannot be done with a file
_FULL = frozenset({452, 552})
_NO_LOG_IN = frozenset({530, 532})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered to one command; `text` is unsanitised and without our password."""

    code: int
    text: str

    @property
    def done(self) -> bool:
        """Whether the command was carried out."""
        return 200 <= self.code < 300

    @property
    def begun(self) -> bool:
        """Whether a transfer begins, and another reply will follow at its end."""
        return 100 <= self.code < 200

    @property
    def unknown(self) -> bool:
        """Whether the server has no such command."""
        return self.code in (500, 501, 502, 504, 522)


def told(error: BaseException, what: str) -> DestinationError:
    """Return the error of ours for one of ftplib, TLS or a socket."""
    shown = safe(what)
    if isinstance(error, ssl.SSLCertVerificationError):
        why = safe(error.verify_message)
        return DestinationRefused(f"{shown}: its certificate does not prove who it is: {why}")
    if isinstance(error, ftplib.error_perm):
        return DestinationRefused(f"{shown}: {safe(error)}")
    if isinstance(error, EOFError):
        return DestinationUnreachable(f"{shown}: the server ended the connection")
    if isinstance(error, TimeoutError):
        return DestinationUnreachable(f"{shown}: no answer in time")
    return DestinationUnreachable(f"{shown}: {safe(error) or type(error).__name__}")


def refusal(reply: Reply, what: str, missing: bool = False, storing: bool = False) -> DestinationError:
    """Return the error of ours for a reply that is not the one hoped for.

    `missing`: a 550 means that the object is not there. `storing`: a 451 means that the server could not write; that
    is all that vsftpd says when its disk is full.
    """
    shown = f"{safe(what)}: the server says {safe(f'{reply.code} {reply.text}')}"
    if reply.code in _FULL or (storing and reply.code == 451):
        return DestinationFull(shown)
    if missing and reply.code == _MISSING and not _DENIED.search(reply.text):
        return ObjectNotFound(shown)
    if reply.code >= 500 or reply.code in _NO_LOG_IN:
        return DestinationRefused(shown)
    return DestinationUnreachable(shown)
