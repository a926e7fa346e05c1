"""What paramiko, the socket and the server say, in errors of ours."""

from __future__ import annotations

import logging
import struct

from paramiko.ber import BERException
from paramiko.hostkeys import InvalidHostKey
from paramiko.packet import NeedRekeyException
from paramiko.pkey import UnknownKeyType
from paramiko.sftp import SFTPError
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    ConfigParseError,
    IncompatiblePeer,
    SSHException,
)

from core.errors import (
    DestinationError,
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
    ObjectNotFound,
)
from core.text import safe

# What it logs repeats the other end's words; all that matters reaches us as an exception.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

_LEAVES: tuple[tuple[type[Exception], type[DestinationError]], ...] = (
    (BadHostKeyException, HostKeyMismatch),
    (AuthenticationException, DestinationRefused),
    (IncompatiblePeer, DestinationRefused),
    (UnknownKeyType, DestinationRefused),
    (InvalidHostKey, DestinationRefused),
    (BERException, DestinationRefused),
    (ConfigParseError, DestinationRefused),
    (UnicodeError, DestinationRefused),
    (SSHException, DestinationUnreachable),
    (SFTPError, DestinationUnreachable),
    (NeedRekeyException, DestinationUnreachable),
    (EOFError, DestinationUnreachable),
    (struct.error, DestinationUnreachable),
)

SPOKEN: tuple[type[Exception], ...] = (
    *(kind for kind, _ in _LEAVES),
    OSError,
)  # all that may come out of a call to paramiko


def told(error: BaseException, what: str, alive: bool) -> DestinationError:
    """Return the error of ours for one of paramiko, the socket or the server.

    `alive`: whether the session still stands; an SFTP status and a broken socket are both OSError.
    """
    silent = isinstance(error, TimeoutError) and not str(error)
    shown = f"{safe(what)}: {'no answer in time' if silent else safe(error) or type(error).__name__}"
    if isinstance(error, OSError):
        return _status(error, alive)(shown)
    leaf = next((leaf for kind, leaf in _LEAVES if isinstance(error, kind)), DestinationUnreachable)
    return leaf(shown)


def _status(error: OSError, alive: bool) -> type[DestinationError]:
    if not alive:
        return DestinationUnreachable
    if isinstance(error, FileNotFoundError):
        return ObjectNotFound
    says_failure = type(error) is OSError and error.errno is None  # the only word that SFTP has for all the rest
    return DestinationRefused if says_failure or isinstance(error, PermissionError) else DestinationUnreachable
