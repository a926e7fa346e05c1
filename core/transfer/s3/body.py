"""A body whose bytes come as they are granted, cut into frames; a part carries its hash behind it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.errors import ObjectDiffers
from core.transfer.s3.session import Session, Stream

FRAME = 64 << 10  # bytes; the last frame of an object waits for the commit
UNSIGNED = "UNSIGNED-PAYLOAD"
TRAILED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SUM = "x-amz-checksum-sha256"


def base64_of(digest: bytes) -> str:
    """Return a digest as S3 writes it."""
    return base64.b64encode(digest).decode()


class Body:
    """Frames of one body of known length. `begin` is called when the first one is full, and returns its stream."""

    def __init__(self, length: int, begin: Callable[[], Stream], frame: Callable[[bytes], bytes] = bytes) -> None:
        self.left = length
        self._begin, self._frame = begin, frame
        self._waiting = bytearray()
        self._stream: Stream | None = None

    def take(self, data: bytes | memoryview) -> None:
        """Take some of it, and send whatever makes a full frame that is not the last."""
        self._waiting += data
        self.left -= len(data)
        while len(self._waiting) > FRAME:
            self._send(bytes(self._waiting[:FRAME]))
            del self._waiting[:FRAME]

    def finish(self, end: bytes = b"") -> Mapping[str, str]:
        """Send the last frame and `end`; return the headers of the answer."""
        last = self._frame(bytes(self._waiting)) if self._waiting else b""
        stream = self._opened()
        if last or end:
            stream.send(last + end)
        self._stream = None
        return stream.finish()

    def drop(self) -> None:
        """Let go of the connection when something is on its way."""
        if self._stream is not None:
            self._stream.drop()
            self._stream = None

    def _send(self, frame: bytes) -> None:
        self._opened().send(self._frame(frame))

    def _opened(self) -> Stream:
        if self._stream is None:
            self._stream = self._begin()
        return self._stream


@dataclass(frozen=True, slots=True)
class Part:
    """A part that the server has and whose content it confirmed. `sha256`: in S3's base64, None: confirmed by MD5."""

    etag: str
    sha256: str | None


class PartBody:
    """One part of a multipart upload.

    Its hash is known only at its end: it follows as a trailer. A server that takes none confirms by its ETag, an MD5.
    """

    def __init__(self, session: Session, key: str, query: Mapping[str, str], length: int, trailed: bool) -> None:
        self._session, self._key, self._query = session, key, query
        self._length, self._trailed = length, trailed
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._body = Body(length, self._begin, _framed if trailed else bytes)

    @property
    def left(self) -> int:
        """Bytes that are still to come."""
        return self._body.left

    def take(self, data: bytes | memoryview) -> None:
        """Take some of it."""
        self._sha256.update(data)
        self._md5.update(data)
        self._body.take(data)

    def finish(self) -> Part:
        """Send what is left and return the part; raise ObjectDiffers unless the server confirms its content."""
        mine = base64_of(self._sha256.digest())
        headers = self._body.finish(_trailer(mine) if self._trailed else b"")
        etag = headers.get("etag", "")
        if headers.get(SUM) == mine:
            return Part(etag, mine)
        if etag.strip('"') == self._md5.hexdigest():
            return Part(etag, None)
        raise ObjectDiffers(f"part {self._query['partNumber']}: the server confirms neither its SHA-256 nor its MD5")

    def drop(self) -> None:
        """Let go of the connection."""
        self._body.drop()

    def _begin(self) -> Stream:
        headers = {"Content-Length": str(self._length)}
        if self._trailed:
            headers = {
                "Content-Length": str(_framed_length(self._length) + len(_trailer(base64_of(bytes(32))))),
                "Content-Encoding": "aws-chunked",
                "X-Amz-Decoded-Content-Length": str(self._length),
                "X-Amz-Trailer": SUM,
            }
        return self._session.put(self._key, self._query, headers, TRAILED if self._trailed else UNSIGNED)


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _framed_length(length: int) -> int:
    """Return how long `length` bytes are in frames."""
    full, last = divmod(length, FRAME)
    return full * (FRAME + len(_framed(b"")) - 1 + len(f"{FRAME:x}")) + (last + len(f"{last:x}\r\n\r\n") if last else 0)


def _trailer(sha256: str) -> bytes:
    return f"0\r\n{SUM}:{sha256}\r\n\r\n".encode()
