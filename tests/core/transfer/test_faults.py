from __future__ import annotations

import errno
import importlib
import pkgutil
import socket
import struct

import paramiko
import pytest

from core.errors import (
    DestinationError,
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
    ObjectNotFound,
)
from core.transfer.sftp.faults import SPOKEN, told

UNREACHABLE = {
    "SSHException",
    "ChannelException",
    "CouldNotCanonicalize",
    "MessageOrderError",
    "NeedRekeyException",
    "NoValidConnectionsError",
    "PipeTimeout",
    "ProxyCommandFailure",
    "SFTPError",
}
REFUSED = {
    "AuthFailure",
    "AuthenticationException",
    "BERException",
    "BadAuthenticationType",
    "ConfigParseError",
    "IncompatiblePeer",
    "InvalidHostKey",
    "PartialAuthentication",
    "PasswordRequiredException",
    "UnableToAuthenticate",
    "UnknownKeyType",
}
MISMATCH = {"BadHostKeyException"}
ELSEWHERE = {"_winapi"}  # imports only on another operating system


def exceptions_of_paramiko() -> dict[str, type[BaseException]]:
    found = {}
    for module in pkgutil.iter_modules(paramiko.__path__):
        if module.name not in ELSEWHERE and not module.name.startswith("win_"):
            loaded = importlib.import_module(f"paramiko.{module.name}")
            for name, kind in vars(loaded).items():
                if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__module__ == loaded.__name__:
                    found[name] = kind
    return found


def test_every_exception_of_paramiko_has_a_class_of_ours() -> None:
    found = exceptions_of_paramiko()
    assert set(found) == UNREACHABLE | REFUSED | MISMATCH
    for name, kind in found.items():
        assert issubclass(kind, SPOKEN), name
        raised = type(name, (kind,), {"__init__": lambda self: None, "__str__": lambda self: "said"})()
        error = told(raised, "a.jpg", alive=True)
        expected = HostKeyMismatch if name in MISMATCH else DestinationRefused if name in REFUSED else None
        assert type(error) is (expected or DestinationUnreachable), name


@pytest.mark.parametrize(
    ("error", "alive", "expected"),
    [
        pytest.param(OSError("Failure"), True, DestinationRefused, id="the-server-says-failure"),
        pytest.param(OSError("Socket is closed"), False, DestinationUnreachable, id="the-channel-is-gone"),
        pytest.param(OSError(errno.ENOENT, "No such file"), True, ObjectNotFound, id="no-such-file"),
        pytest.param(OSError(errno.EACCES, "Permission denied"), True, DestinationRefused, id="permission-denied"),
        pytest.param(OSError(errno.EHOSTUNREACH, "No route"), True, DestinationUnreachable, id="no-route"),
        pytest.param(ConnectionResetError(), True, DestinationUnreachable, id="reset"),
        pytest.param(TimeoutError(), True, DestinationUnreachable, id="time-out"),
        pytest.param(socket.gaierror(-2, "Name or service not known"), True, DestinationUnreachable, id="no-name"),
        pytest.param(EOFError(), True, DestinationUnreachable, id="end-of-file"),
        pytest.param(struct.error("unpack"), True, DestinationUnreachable, id="an-answer-that-is-too-short"),
        pytest.param(UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "x"), True, DestinationRefused, id="not-utf-8"),
    ],
)
def test_what_goes_wrong_has_the_class_that_retrying_asks_for(
    error: Exception, alive: bool, expected: type[DestinationError]
) -> None:
    assert type(told(error, "a.jpg", alive)) is expected


def test_the_servers_words_are_made_safe() -> None:
    assert str(told(OSError("full\x1b]0;owned\x07\n"), "a\u202e.jpg", alive=True)) == (
        "a\\u{202e}.jpg: full\\x1b]0;owned\\x07\\x0a"
    )


def test_silence_is_told_in_words() -> None:
    assert str(told(TimeoutError(), "a.jpg", True)) == "a.jpg: no answer in time"
