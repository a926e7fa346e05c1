"""What requests, the HTTP client, TLS, the socket and the server say, in errors of ours."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping

import requests
import urllib3

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
    ObjectNotFound,
)
from core.text import safe

SPOKEN: tuple[type[Exception], ...] = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)  # all that may come out of a call to requests or the HTTP client

_OURS: tuple[type[Exception], ...] = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
    http.client.InvalidURL,
    UnicodeError,
)  # what we asked was no request: asking again changes nothing

_OUT_OF_DATE = ("expired", "not yet valid")
_STATUSES: Mapping[int, tuple[type[DestinationError], str]] = {
    400: (DestinationRefused, "does not understand us"),
    401: (DestinationRefused, "refuses the user or the password"),
    403: (DestinationRefused, "does not let this user do that"),
    404: (ObjectNotFound, "has no such object"),
    405: (DestinationRefused, "is not set up for that"),
    407: (DestinationRefused, "is behind a proxy that wants a log-in"),
    409: (DestinationRefused, "says that another file or folder is in the way"),
    410: (ObjectNotFound, "has the object no more"),
    411: (DestinationRefused, "does not take our way of sending"),
    413: (DestinationRefused, "takes no object as large as this one: raise its limit"),
    414: (DestinationRefused, "takes no name as long as this one"),
    415: (DestinationRefused, "takes no object of this kind"),
    501: (DestinationRefused, "cannot do that"),
    507: (DestinationFull, "has no room"),
}


def told(error: BaseException, what: str) -> DestinationError:
    """Return the error of ours for one of requests, the HTTP client, TLS or the socket.

    Their own words are left out where they could hold an address or what the server sent.
    """
    shown = safe(what)
    certificate = _certificate(error)
    if certificate is not None:
        why = safe(getattr(certificate, "verify_message", "") or "unknown reason")
        leaf = DestinationRefused if any(word in why for word in _OUT_OF_DATE) else HostKeyMismatch
        return leaf(f"{shown}: its certificate is not trusted: {why}")
    if isinstance(error, _OURS):
        return DestinationRefused(f"{shown}: no address that can be asked ({type(error).__name__})")
    return DestinationUnreachable(f"{shown}: {_reason(error)}")


def refusal(status: int, reason: str, what: str) -> DestinationError:
    """Return the error of ours for an answer that is not the one hoped for."""
    shown = f"{safe(what)}: the server"
    said = f"({status} {safe(reason, 60)})" if reason else f"({status})"
    if 300 <= status < 400:
        return DestinationRefused(f"{shown} sends us elsewhere, where we do not go {said}")
    leaf, why = _STATUSES.get(status, (DestinationUnreachable, "did not do it"))
    return leaf(f"{shown} {why} {said}")


def _certificate(error: BaseException) -> ssl.SSLCertVerificationError | None:
    return next((one for one in _chain(error) if isinstance(one, ssl.SSLCertVerificationError)), None)


def _reason(error: BaseException) -> str:
    """Return the system's words of the innermost error, else what its class means."""
    for one in _chain(error):
        if isinstance(one, TimeoutError):
            return "it stopped answering"
        if isinstance(one, ssl.SSLError):
            return f"TLS failed: {safe(getattr(one, 'reason', '') or 'cut off', 60)}"
        if isinstance(one, OSError) and one.strerror and not isinstance(one, requests.RequestException):
            return safe(one.strerror, 80)
    if isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead | EOFError | ConnectionError):
        return "the connection was cut off"
    return f"what came is no answer of a web server ({type(error).__name__})"


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and those behind it, the outermost first."""
    found: list[BaseException] = []
    one: object = error
    while isinstance(one, BaseException) and one not in found:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found
