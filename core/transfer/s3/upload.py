"""Objects on their way: a small one in one request, a large one in parts that outlive a cut."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.transfer.base import StoredObject
from core.transfer.receipts import require_size
from core.transfer.s3.body import SUM, Body, Part, PartBody, base64_of
from core.transfer.s3.session import Stream
from core.transfer.s3.unfinished import Job, State, text

if TYPE_CHECKING:
    from core.transfer.s3.destination import S3Destination

META = "sha256"  # the metadata of an object with the hash of its whole content
BEGUN = b"{}"  # the resume state of an object in one request: it begins anew


class Whole:
    """An object in one request: the server checks it against its SHA-256 and shows it when it is whole."""

    def __init__(self, destination: S3Destination, job: Job) -> None:
        self.offset = 0
        self._destination, self._job = destination, job
        self._taken = 0
        self._body = Body(job.size, self._begin)

    def write(self, data: bytes) -> None:
        """Send `data`; the last 64 kB wait for the commit."""
        self._taken += len(data)
        if self._taken <= self._job.size:
            with self._destination.speaking(self._job.name):
                self._body.take(data)

    def resume_state(self) -> bytes:
        """Return that there was an attempt: a request that is cut leaves nothing behind."""
        return BEGUN

    def commit(self) -> StoredObject:
        """Send the end and wait for the server's word; raise NameConflict when the name was taken meanwhile."""
        require_size(self._job.name, self._taken, self._job.size)
        with self._destination.speaking(self._job.name, conditional=self._job.fresh):
            self._destination.note_sum(self._body.finish())
        return StoredObject(self._job.name, self._job.size)

    def abandon(self) -> None:
        """Let go of the connection."""
        self._body.drop()

    def _begin(self) -> Stream:
        headers = {
            "Content-Length": str(self._job.size),
            "Content-Type": self._job.kind,
            SUM: base64_of(bytes.fromhex(self._job.sha256)),
        }
        if self._job.fresh:
            headers["If-None-Match"] = "*"
        return self._destination.session.put(self._job.key, {}, headers, self._job.sha256)


class Parts:
    """An object in parts: nothing of it is seen before they are joined, and a cut loses the last one only.

    `upload`: the id of one that goes on; None: a new one is begun at once, so that its id is known before a byte goes.
    """

    def __init__(self, destination: S3Destination, job: Job, upload: str | None, parts: tuple[Part, ...]) -> None:
        self._destination, self._job = destination, job
        self._parts = list(parts)
        self._trailed = destination.trails
        self._upload = upload or self._create()
        self._part: PartBody | None = None
        self._taken = self.offset = min(job.size, len(parts) * job.part)

    def write(self, data: bytes) -> None:
        """Send `data`; each part that is full is confirmed before the next begins."""
        self._taken += len(data)
        if self._taken > self._job.size:
            return
        rest = memoryview(data)
        while rest:
            part = self._part = self._part or self._next()
            now, rest = rest[: part.left], rest[part.left :]
            with self._destination.speaking(self._job.name, trailed=self._trailed):
                part.take(now)
                if not part.left:
                    self._parts.append(part.finish())
                    self._part = None

    def resume_state(self) -> bytes:
        """Return the upload's id and the parts that are there."""
        job = self._job
        return State(job.key, job.sha256, job.size, self._upload, self._trailed, tuple(self._parts)).pack()

    def commit(self) -> StoredObject:
        """Have the server join the parts; raise NameConflict when the name was taken meanwhile."""
        job = self._job
        require_size(job.name, self._taken, job.size)
        condition = {"IfNoneMatch": "*"} if job.fresh else {}
        parts = [_named(number, part) for number, part in enumerate(self._parts, 1)]
        with self._destination.speaking(job.name, conditional=job.fresh):
            self._destination.session.call(
                "complete_multipart_upload",
                Key=job.key,
                UploadId=self._upload,
                MultipartUpload={"Parts": parts},
                **condition,
            )
        self._destination.expect(job.name, seal_of(self._parts))
        return StoredObject(job.name, job.size)

    def abandon(self) -> None:
        """Let go of the connection; the parts stay for a resume."""
        if self._part is not None:
            self._part.drop()
            self._part = None

    def _next(self) -> PartBody:
        number = len(self._parts) + 1
        query = {"partNumber": str(number), "uploadId": self._upload}
        return PartBody(self._destination.session, self._job.key, query, self._job.length_of(number), self._trailed)

    def _create(self) -> str:
        checksum = {"ChecksumAlgorithm": "SHA256"} if self._trailed else {}
        with self._destination.speaking(self._job.name, trailed=self._trailed):
            answer = self._destination.session.call(
                "create_multipart_upload",
                Key=self._job.key,
                Metadata={META: self._job.sha256},
                ContentType=self._job.kind,
                **checksum,
            )
            return text(answer["UploadId"])


def seal_of(parts: list[Part]) -> str:
    """Return what the server must say of the joined object: S3's hash of the parts' hashes, or MD5 of their MD5s.

    Empty when the parts were confirmed some in one way and some in the other.
    """
    digests = [base64.b64decode(part.sha256) for part in parts if part.sha256 is not None]
    if len(digests) == len(parts):
        return f"{base64_of(hashlib.sha256(b''.join(digests)).digest())}-{len(parts)}"
    try:
        sums = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    except ValueError:
        return ""
    return f"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _named(number: int, part: Part) -> Mapping[str, Any]:
    checksum = {} if part.sha256 is None else {"ChecksumSHA256": part.sha256}
    return {"PartNumber": number, "ETag": part.etag, **checksum}
