"""S3 as boto3 writes, signs and reads it, over lines of our own.

boto3's own HTTP can bound neither the size of an answer nor a drip, asks before each body whether it may send it (one
more round trip), and pulls a body where ours is pushed as bytes are granted. Its hook `before-send` takes ours.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import boto3
import botocore.session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from core.errors import DestinationRefused
from core.transfer.s3.line import Answer, Endpoint, Line, Lines, Patience

Json = dict[str, Any]
REGION = "us-east-1"  # what servers that have none expect
_GONE = (http.client.RemoteDisconnected, ConnectionError)
_NOTHING = (None, None, None, None)
_OF_OTHERS = {
    "profile": _NOTHING,
    "ca_bundle": _NOTHING,
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}  # what boto3 would take from the environment and from files in the home folder


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are, and which bucket is meant."""

    endpoint: Endpoint
    bucket: str
    key_id: str
    secret: str = field(repr=False)
    region: str = REGION


class Session:
    """Requests to one bucket; raises what faults.SPOKEN lists."""

    def __init__(self, login: Login, patience: Patience) -> None:
        self._login = login
        self._lines = Lines(login.endpoint, patience)
        self._credentials = Credentials(login.key_id, login.secret)
        self._client = _client(login)
        self._client.meta.events.register("before-call.s3", _stay)
        self._client.meta.events.register("before-send.s3", self._carry)

    def call(self, operation: str, **params: object) -> Json:
        """Do one of boto3's operations on the bucket."""
        answer: Json = getattr(self._client, operation)(Bucket=self._login.bucket, **params)
        return answer

    def put(self, key: str, query: Mapping[str, str], headers: Mapping[str, str], content: str) -> Stream:
        """Begin a PUT whose body follows. `content`: its SHA-256, or S3's word for a body signed otherwise."""
        path = f"/{quote(f'{self._login.bucket}/{key}', safe='/~')}" + (f"?{urlencode(query)}" if query else "")
        request = AWSRequest("PUT", self._login.endpoint.url + path, dict(headers))
        _Signer(content, self._credentials, "s3", self._login.region).add_auth(request)
        line = self._lines.take()
        try:
            line.ask("PUT", path, dict(request.headers.items()))
        except BaseException:
            line.close()
            raise
        return Stream(self._lines, line)

    def close(self) -> None:
        """Let go of the connections; safe to call twice."""
        self._lines.close()
        self._client.close()

    def _carry(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        """Send what boto3 has signed, and hand it the answer: that of an object still to be read."""
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self._login.endpoint.url:
            raise DestinationRefused("the server sends us to another one: correct the address and the region")
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        answer = self._exchange(request, target)
        response = AWSResponse(request.url, answer.status, answer.headers, answer)
        if answer.status >= 300 or not event_name.endswith(".GetObject"):
            with contextlib.closing(answer):
                _ = response.content  # read now, so that the line is free
        return response

    def _exchange(self, request: AWSPreparedRequest, target: str) -> Answer:
        """Send a request and wait for the head of its answer; a line that had gone stale is tried anew, once."""
        while True:
            line = self._lines.take()
            try:
                line.ask(request.method, target, dict(request.headers.items()), request.body or b"")
                return line.answer(self._lines)
            except BaseException as error:
                line.close()
                if not (line.used and isinstance(error, _GONE)):
                    raise
                self._lines.close()


class Stream:
    """The body of one PUT on its way."""

    def __init__(self, lines: Lines, line: Line) -> None:
        self._lines, self._line = lines, line
        self._over = False

    def send(self, data: bytes | memoryview) -> None:
        """Send a piece; raise the server's reason when it has stopped listening."""
        try:
            self._line.send(data)
        except BaseException as error:
            with contextlib.closing(self._line):  # whatever it says now, this line carries no other request
                if isinstance(error, ConnectionError):
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        _judged(self._line.answer(self._lines))
            raise

    def finish(self) -> Mapping[str, str]:
        """Wait for the answer and return its headers; raise ClientError when it is a refusal."""
        try:
            answer = self._line.answer(self._lines)
        except BaseException:
            self.drop()
            raise
        self._over = True
        return _judged(answer)

    def drop(self) -> None:
        """Let go of the connection in the middle of the body."""
        if not self._over:
            self._line.close()


def _judged(answer: Answer) -> Mapping[str, str]:
    """Return the headers of the answer to a PUT; raise ClientError when it is a refusal."""
    with contextlib.closing(answer):
        body = b"".join(answer.stream())
    if answer.status != 200:
        shape = {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": body}
        raise ClientError(create_parser("rest-xml").parse(shape, None), "PutObject")
    return answer.headers


class _Signer(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """Signs for a body that is not there yet."""

    def __init__(self, content: str, *args: object) -> None:
        super().__init__(*args)
        self._content = content

    def payload(self, request: AWSRequest) -> str:
        """Return what the signature says of the body."""
        return self._content


def _stay(params: Json, **_: object) -> None:
    """Tell boto3 that it has followed the server to another region already: it would do so without end."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _client(login: Login) -> Any:
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent="Overlapse",  # instead of 200 bytes about this machine with each request
        proxies={},
    )
    return _boto().client(
        "s3",
        endpoint_url=login.endpoint.url,
        region_name=login.region,
        aws_access_key_id=login.key_id,
        aws_secret_access_key=login.secret,
        config=config,
    )


@functools.cache
def _boto() -> Any:
    """Return what makes clients: it reads the description of S3 once, which takes the tenth of a second."""
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=_OF_OTHERS))
