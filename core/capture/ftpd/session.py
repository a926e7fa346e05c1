"""How pyftpdlib serves cameras: who may log in, when an upload is refused, and what is told of it."""

from __future__ import annotations

import errno
import hmac
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.exceptions import AuthenticationFailed
from pyftpdlib.handlers import DTPHandler, FTPHandler

from core.capture.ftpd.room import Account, room_of

PERMISSIONS = "elamfw"  # enter, list, append, make folders, rename, store: neither read nor delete
STALLED = 60  # seconds without a byte on a data connection; pyftpdlib's own are 300
IDLE = 300  # seconds without a command
BRAKE = 3  # seconds that a failed login is answered late
TRIES = 3  # of a connection
NOT_OFFERED = ("STOU", "MFMT", "SITE CHMOD", "RETR", "DELE", "RMD", "XRMD")

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Doors:
    """How the server is reached. `tls`: certificate chain and key; with `plain` also without it."""

    passive: Sequence[int]
    masquerade: str | None = None
    tls: tuple[Path, Path] | None = None
    plain: bool = False


class Accounts(DummyAuthorizer):  # type: ignore[misc]  # pyftpdlib has no types
    """One login for each camera; there is no anonymous one."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        super().__init__()
        for one in accounts.values():
            self.add_user(one.user, one.password, str(one.folder), perm=PERMISSIONS)

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        known = self.user_table.get(username)
        given, meant = password.encode(), (known["pwd"] if known else "").encode()
        if not hmac.compare_digest(given, meant) or known is None:
            raise AuthenticationFailed("Authentication failed.")


def handler_of(accounts: Mapping[str, Account], doors: Doors, tell: Tell) -> Any:
    """Return the class of which pyftpdlib makes each session. `tell` hears what the node should know."""
    _silence()
    kind = _secured(doors) if doors.tls is not None else (FTPHandler, DTPHandler)
    by_user = {one.user: one for one in accounts.values()}
    return type(
        "Session",
        (_Session, kind[0]),
        {
            "authorizer": Accounts(by_user),
            "abstracted_fs": staticmethod(room_of(by_user)),
            "dtp_handler": type("Transfer", (_Transfer, kind[1]), {"timeout": STALLED}),
            "accounts": by_user,
            "tell": staticmethod(tell),
            "banner": "Overlapse takes pictures.",
            "timeout": IDLE,
            "auth_failed_timeout": BRAKE,
            "max_login_attempts": TRIES,
            "passive_ports": list(doors.passive),
            "masquerade_address": doors.masquerade,
            "proto_cmds": {word: known for word, known in kind[0].proto_cmds.items() if word not in NOT_OFFERED},
        },
    )


def _silence() -> None:
    """Keep pyftpdlib's log to itself: its lines have text of strangers, and what matters is told."""
    logger = logging.getLogger("pyftpdlib")
    logger.addHandler(logging.NullHandler())  # without any it would install its own
    logger.propagate = False


def _secured(doors: Doors) -> tuple[Any, Any]:
    """Return session and transfer over TLS (RFC 4217)."""
    from pyftpdlib.handlers import TLS_DTPHandler, TLS_FTPHandler  # only where there is a certificate: it needs OpenSSL

    assert doors.tls is not None
    certificate, key = doors.tls
    settings = {
        "certfile": str(certificate),
        "keyfile": str(key),
        "tls_control_required": not doors.plain,
        "tls_data_required": not doors.plain,
    }
    return type("Secured", (TLS_FTPHandler,), settings), TLS_DTPHandler


class _Session:
    """What is ours of a session; mixed in before pyftpdlib's own."""

    accounts: Mapping[str, Account]
    tell: Tell
    username: str
    remote_ip: str

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:  # noqa: N802 - pyftpdlib's name
        """Refuse before the first byte what the disk has no room for (452, RFC 959)."""
        account = self.accounts[self.username]
        if not account.has_room():
            self.tell({"refused": "the disk of the node is nearly full", "camera": account.camera})
            self.respond("452 The disk is nearly full; try again later.")  # type: ignore[attr-defined]
            return None
        return super().ftp_STOR(file, mode)  # type: ignore[misc]

    def on_file_received(self, file: str) -> None:
        self.tell({"arrived": self.accounts[self.username].camera})

    def on_incomplete_file_received(self, file: str) -> None:
        self.tell({"arrived": self.accounts[self.username].camera})

    def on_login_failed(self, username: str, password: str) -> None:
        self.tell({"stranger": username, "address": self.remote_ip})


class _Transfer:
    """What is ours of a data connection."""

    cmd_channel: Any

    def enable_receiving(self, type: str, cmd: str) -> None:  # noqa: A002 - pyftpdlib's name
        """Receive bytes as they are, even from a camera that forgot to say TYPE I: a picture is no text."""
        super().enable_receiving("i", cmd)  # type: ignore[misc]

    def handle_error(self) -> None:
        """Answer an upload that is too large or that the disk does not take (552 and 452, RFC 959), and tell."""
        error, session = sys.exc_info()[1], self.cmd_channel
        account = session.accounts.get(session.username)
        if not isinstance(error, OSError) or error.__cause__ is None or account is None:
            super().handle_error()  # type: ignore[misc]
            return
        code = getattr(error.__cause__, "errno", None)
        why = os.strerror(code) if code is not None else "it cannot be written"
        session.tell({"refused": f"an upload was ended: {why}", "camera": account.camera})
        self._resp = (f"{552 if code == errno.EFBIG else 452} {why}.", logging.getLogger("pyftpdlib").debug)
        self.close()  # type: ignore[attr-defined]
