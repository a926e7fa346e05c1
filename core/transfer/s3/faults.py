"""What boto3, HTTP, TLS, the socket and the server say, in errors of ours."""

from __future__ import annotations

import http.client
import logging
import ssl
from collections.abc import Mapping

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
    NameConflict,
    ObjectDiffers,
    ObjectNotFound,
)
from core.text import safe

# What they log repeats the other end's words, and signatures; all that matters reaches us as an exception.
for _name in ("boto3", "botocore"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)  # of strange answers
SPOKEN: tuple[type[Exception], ...] = (
    boto.BotoCoreError,
    boto.ClientError,
    boto.UndefinedModelAttributeError,
    ResponseParserError,
    http.client.HTTPException,
    OSError,
    *_NONSENSE,
)  # all that may come out of a call to boto3 or a line

_LINE = (boto.HTTPClientError, boto.IncompleteReadError, boto.ResponseStreamingError, boto.ChecksumError)
_OUT_OF_DATE = ("expired", "not yet valid")
_WORDS: Mapping[str, tuple[type[DestinationError], str]] = {
    "NoSuchKey": (ObjectNotFound, ""),
    "404": (ObjectNotFound, ""),
    "PreconditionFailed": (NameConflict, "another object got this name meanwhile"),
    "412": (NameConflict, "another object got this name meanwhile"),
    "QuotaExceeded": (DestinationFull, "the quota is used up"),
    "InsufficientCapacity": (DestinationFull, ""),
    "XMinioStorageFull": (DestinationFull, ""),
    "XMinioAdminBucketQuotaExceeded": (DestinationFull, "the bucket's quota is used up"),
    "BadDigest": (ObjectDiffers, "the server received something else than was sent"),
    "InvalidDigest": (ObjectDiffers, "the server received something else than was sent"),
    "XAmzContentSHA256Mismatch": (ObjectDiffers, "the server received something else than was sent"),
    "XAmzContentChecksumMismatch": (ObjectDiffers, "the server received something else than was sent"),
    "NoSuchBucket": (DestinationRefused, "no such bucket: make it first, or correct the address"),
    "InvalidAccessKeyId": (DestinationRefused, "the server does not know this key id"),
    "SignatureDoesNotMatch": (DestinationRefused, "the secret access key is not that of this key id"),
    "AccessDenied": (DestinationRefused, "the bucket's policy does not let this key do that"),
    "403": (DestinationRefused, "this key may not read here, or not list: then a missing object looks the same"),
    "AuthorizationHeaderMalformed": (DestinationRefused, "the region is another one: write it in region"),
    "PermanentRedirect": (DestinationRefused, "the bucket is in another region: write that in address and region"),
    "301": (DestinationRefused, "the bucket is in another region: write that in address and region"),
    "EntityTooLarge": (DestinationRefused, "the server takes no object as large as this one"),
    "RequestTimeTooSkewed": (DestinationUnreachable, "our clock and the server's are too far apart"),
    "NoSuchUpload": (DestinationUnreachable, "the server has forgotten the unfinished upload"),
    "InvalidPart": (DestinationUnreachable, "the server has lost a part of the unfinished upload"),
    "InvalidPartOrder": (DestinationUnreachable, ""),
    "RequestTimeout": (DestinationUnreachable, "the server waited too long for our bytes"),
    "IncompleteBody": (DestinationUnreachable, ""),
    "ClientDisconnected": (DestinationUnreachable, "the way to the server broke"),
    "SlowDown": (DestinationUnreachable, ""),
    "OperationAborted": (DestinationUnreachable, ""),
    "ConditionalRequestConflict": (DestinationUnreachable, ""),
    "ExpiredToken": (DestinationRefused, "the key has expired"),
}
_PASSING = (408, 409, 425, 429)  # statuses that say: later


def told(error: BaseException, what: str) -> DestinationError:
    """Return the error of ours for one of boto3, the line or the server."""
    shown = safe(what)
    if isinstance(error, boto.ClientError):
        return _answered(error, shown)
    if isinstance(error, ssl.SSLCertVerificationError):
        why = safe(error.verify_message or "unknown reason")
        leaf = DestinationRefused if any(word in why for word in _OUT_OF_DATE) else HostKeyMismatch
        return leaf(f"{shown}: its certificate is not trusted: {why}")
    if isinstance(error, boto.BotoCoreError) and not isinstance(error, _LINE):
        return DestinationRefused(f"{shown}: {safe(error)}")
    return DestinationUnreachable(f"{shown}: {_reason(error)}")


def code_of(error: BaseException | None) -> str:
    """Return the server's own word for what went wrong, empty for an error that no server said."""
    if not isinstance(error, boto.ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(error: boto.ClientError, shown: str) -> DestinationError:
    """Judge by the server's word, else by its status."""
    code, status = code_of(error), _status(error)
    leaf, hint = _WORDS.get(code) or (_by_status(status), "")
    words = hint or safe(error.response.get("Error", {}).get("Message") or "no reason given")
    return leaf(f"{shown}: {safe(code or status, 60)}: {words}")


def _status(error: boto.ClientError) -> int:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status if isinstance(status, int) else 0


def _by_status(status: int) -> type[DestinationError]:
    if status == 507:
        return DestinationFull
    if (300 <= status < 500 and status not in _PASSING) or status == 501:
        return DestinationRefused
    return DestinationUnreachable


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return f"no TLS that we understand ({safe(getattr(error, 'reason', None) or type(error).__name__)})"
    if isinstance(error, OSError):
        return safe(error.strerror or error) or type(error).__name__
    return f"no answer that we understand ({type(error).__name__})"
