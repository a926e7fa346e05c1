"""What an upload in parts left at the server, and whether it can go on there."""

from __future__ import annotations

import contextlib
import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.errors import DestinationError, DestinationUnreachable, ObjectNotFound
from core.transfer.s3.body import Part
from core.transfer.s3.faults import code_of

if TYPE_CHECKING:
    from core.transfer.s3.destination import S3Destination

SMALLEST_PART = 5 << 20  # bytes: what S3 allows, and what a cut loses at most
MOST_PARTS = 10_000
_GONE = ("NoSuchUpload", "404")


@dataclass(frozen=True, slots=True)
class Job:
    """An object to be made. `fresh`: nothing had this name when last looked, and the server is to see to that."""

    name: str
    key: str
    size: int  # bytes
    sha256: str
    fresh: bool

    @property
    def part(self) -> int:
        """Bytes of one part."""
        return max(SMALLEST_PART, -(-self.size // MOST_PARTS))

    def length_of(self, number: int) -> int:
        """Return the bytes of part `number`; the first one is 1."""
        return min(self.part, self.size - (number - 1) * self.part)

    @property
    def kind(self) -> str:
        """The type that a browser is told."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class State:
    """What a multipart upload needs to go on: kept by the caller as opaque bytes."""

    key: str
    sha256: str
    size: int
    upload: str
    trailed: bool
    parts: tuple[Part, ...]

    def pack(self) -> bytes:
        """Return it as bytes."""
        parts = [[part.etag, part.sha256] for part in self.parts]
        return json.dumps([self.key, self.sha256, self.size, self.upload, self.trailed, parts]).encode()

    @classmethod
    def unpack(cls, data: bytes) -> State | None:
        """Return what `pack` made, None for anything else."""
        try:
            key, sha256, size, upload, trailed, found = json.loads(data)
            parts = tuple(Part(text(etag), None if digest is None else text(digest)) for etag, digest in found)
            return cls(text(key), text(sha256), int(size), text(upload), bool(trailed), parts)
        except (ValueError, TypeError, RecursionError):
            return None

    def is_of(self, job: Job) -> bool:
        """Tell whether it is the upload of this very content."""
        return (self.key, self.sha256, self.size) == (job.key, job.sha256, job.size)


def parts_there(destination: S3Destination, job: Job, state: State) -> tuple[Part, ...] | None:
    """Return the parts that the server has as we sent them, up to the first gap; None: the upload is gone."""
    try:
        there = set(_listed(destination, job, state.upload))  # a part sent twice may be listed twice
    except (ObjectNotFound, DestinationUnreachable) as error:
        if code_of(error.__cause__) not in _GONE:
            raise
        return None
    whole: list[Part] = []
    for number, part in enumerate(state.parts, 1):
        if (number, part.etag, job.length_of(number)) not in there:
            break
        whole.append(part)
    return tuple(whole)


def supersede(destination: S3Destination, job: Job, state: State) -> None:
    """Have the server forget an unfinished upload that will not go on; one of another name is left alone."""
    if state.key == job.key:
        with contextlib.suppress(DestinationError), destination.speaking(job.name):
            destination.session.call("abort_multipart_upload", Key=job.key, UploadId=state.upload)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload in parts that the server still keeps."""

    key: str
    upload: str
    begun: float  # seconds since the epoch


def uploads(destination: S3Destination, prefix: str) -> Iterator[Unfinished]:
    """Yield the uploads in parts, of whomever, whose keys begin so."""
    markers: dict[str, str] = {}
    while True:
        with destination.speaking(prefix):
            page: dict[str, Any] = destination.session.call("list_multipart_uploads", Prefix=prefix, **markers)
            found = [_unfinished(one) for one in page.get("Uploads", [])]
            last, markers = markers, _markers(page)
        yield from (one for one in found if one.key.startswith(prefix))
        if not page.get("IsTruncated"):
            return
        if markers == last or not found:
            raise DestinationUnreachable("the server's listing has no end")


def end(destination: S3Destination, upload: Unfinished) -> None:
    """Have the server forget an upload and its parts."""
    with destination.speaking(upload.key):
        destination.session.call("abort_multipart_upload", Key=upload.key, UploadId=upload.upload)


def _unfinished(one: dict[str, Any]) -> Unfinished:
    begun = one["Initiated"]
    if not isinstance(begun, datetime):
        raise TypeError("not a time")
    return Unfinished(text(one["Key"]), text(one["UploadId"]), begun.timestamp())


def _markers(page: dict[str, Any]) -> dict[str, str]:
    return {
        "KeyMarker": text(page.get("NextKeyMarker", "")),
        "UploadIdMarker": text(page.get("NextUploadIdMarker", "")),
    }


def text(value: object) -> str:
    """Return `value`, which must be a text."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def whole_number(value: object) -> int:
    """Return `value`, which must be a whole number that is not negative."""
    if not isinstance(value, int) or value < 0:
        raise TypeError("no whole number")
    return value


def _listed(destination: S3Destination, job: Job, upload: str) -> Iterator[tuple[int, str, int]]:
    """Yield number, ETag and size of the parts that the server has."""
    marker = -1
    while True:
        with destination.speaking(job.name):
            page: dict[str, Any] = destination.session.call(
                "list_parts", Key=job.key, UploadId=upload, PartNumberMarker=max(marker, 0)
            )
            for one in page.get("Parts", []):
                yield whole_number(one["PartNumber"]), text(one["ETag"]), whole_number(one["Size"])
            last, marker = marker, whole_number(page.get("NextPartNumberMarker") or 0)
        if not page.get("IsTruncated") or marker <= last:
            return
