from __future__ import annotations

import http.client
import inspect
import socket
import ssl

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
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
from core.transfer.s3.faults import SPOKEN, told


def test_every_exception_of_boto3_has_a_class_of_ours() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(boto, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    ]
    assert len(kinds) > 90
    for kind in kinds:
        if kind.__module__ != boto.__name__:
            continue
        assert issubclass(kind, SPOKEN), kind
        raised = type(kind.__name__, (kind,), {"__init__": lambda self: None, "__str__": lambda self: "said"})()
        if isinstance(raised, ClientError):
            raised.response = {}
        error = told(raised, "a.jpg")
        assert isinstance(error, DestinationError)
        broken = issubclass(kind, (boto.HTTPClientError, boto.IncompleteReadError, boto.ResponseStreamingError))
        if broken:
            assert isinstance(error, DestinationUnreachable), kind


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("NoSuchKey", 404, ObjectNotFound),
        ("404", 404, ObjectNotFound),
        ("NoSuchBucket", 404, DestinationRefused),
        ("AccessDenied", 403, DestinationRefused),
        ("403", 403, DestinationRefused),
        ("InvalidAccessKeyId", 403, DestinationRefused),
        ("SignatureDoesNotMatch", 403, DestinationRefused),
        ("AuthorizationHeaderMalformed", 400, DestinationRefused),
        ("PreconditionFailed", 412, NameConflict),
        ("BadDigest", 400, ObjectDiffers),
        ("XAmzContentSHA256Mismatch", 400, ObjectDiffers),
        ("QuotaExceeded", 403, DestinationFull),
        ("XMinioStorageFull", 507, DestinationFull),
        ("NeverHeardOf", 507, DestinationFull),
        ("RequestTimeTooSkewed", 403, DestinationUnreachable),
        ("ClientDisconnected", 400, DestinationUnreachable),
        ("SlowDown", 503, DestinationUnreachable),
        ("InternalError", 500, DestinationUnreachable),
        ("NoSuchUpload", 404, DestinationUnreachable),
        ("NeverHeardOf", 429, DestinationUnreachable),
        ("NeverHeardOf", 502, DestinationUnreachable),
        ("NeverHeardOf", 418, DestinationRefused),
        ("NotImplemented", 501, DestinationRefused),
        ("", 0, DestinationUnreachable),
    ],
)
def test_what_the_server_says_is_told_as_what_it_is(code: str, status: int, expected: type[DestinationError]) -> None:
    said = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert type(told(ClientError(said, "PutObject"), "a.jpg")) is expected


def certificate_error(why: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "refused")
    error.verify_message = why
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError(), DestinationUnreachable),
        (TimeoutError(), DestinationUnreachable),
        (socket.gaierror(-2, "Name or service not known"), DestinationUnreachable),
        (http.client.BadStatusLine("x"), DestinationUnreachable),
        (http.client.IncompleteRead(b""), DestinationUnreachable),
        (ResponseParserError("x"), DestinationUnreachable),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), DestinationUnreachable),
        (certificate_error("certificate has expired"), DestinationRefused),
        (certificate_error("self-signed certificate"), HostKeyMismatch),
        (certificate_error("Hostname mismatch"), HostKeyMismatch),
        (KeyError("ETag"), DestinationUnreachable),
    ],
)
def test_what_breaks_on_the_way_is_told_as_what_it_is(error: Exception, expected: type[DestinationError]) -> None:
    assert isinstance(error, SPOKEN)
    assert type(told(error, "a.jpg")) is expected


def test_what_a_server_says_reaches_nobody_unsanitised() -> None:
    said = {"Error": {"Code": "\x1b[2J" * 100, "Message": "\x1b]0;x\x07" * 1000}, "ResponseMetadata": {}}
    shown = str(told(ClientError(said, "PutObject"), "a\u2028.jpg"))
    assert shown.isprintable()
    assert len(shown) < 500
