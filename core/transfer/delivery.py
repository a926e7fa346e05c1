"""One delivery: look what is there already, send what is missing, prove it."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import (
    DestinationError,
    DestinationRefused,
    NameConflict,
    NotDurable,
    ObjectDiffers,
    ObjectNotFound,
    OriginalLost,
    OverlapseError,
)
from core.text import safe
from core.transfer.base import Destination, KeepsFiles, Level, LooksAndBegins, Progress, StoredObject, Upload, silent
from core.transfer.fencing import admit
from core.values import Fence

Json = dict[str, Any]
Grant = Callable[[int, int, bytes], int]  # (bytes wanted, offset, resume state) -> bytes granted
Left = Callable[[int, bytes], None]  # told (offset, resume state) of what fails before it ever asked for a grant
CHUNK = 4 << 20  # bytes asked for at once at most when nobody says otherwise
FIRST, LEAST = 64 << 10, 32 << 10  # bytes asked for at first, and at least
QUICK, SLOW = 0.25, 1.0  # seconds for one grant: from here on, or up to there, it is the right size
READ = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be delivered. `resume`: what an earlier attempt left; it also says that there was one."""

    name: str
    path: Path
    size: int  # bytes
    sha256: str
    level: Level
    resume: bytes | None = None
    chunk: int = CHUNK
    granted: int = 0  # bytes of a new one that may go without a question
    replace: bool = False  # a live name: what is there is an older picture
    handed: bool = False  # to a node of ours, which takes it away and proves it by its own receipt
    fence: Fence | None = None  # of a live name: under which its camera was shot, where another node may own it by now
    protected: bool = False  # what has arrived there cannot be replaced with this node's key

    @classmethod
    def of(cls, args: Json) -> Delivery:
        """Return the delivery that the wire describes."""
        return cls(
            name=args["name"],
            path=Path(args["path"]),
            size=args["size"],
            sha256=args["sha256"],
            level=Level.named(args["level"]),
            resume=base64.b64decode(args["resume"]) if args.get("resume") is not None else None,
            chunk=max(1, int(args.get("chunk", CHUNK))),
            granted=int(args.get("granted", 0)),
            replace=bool(args.get("replace", False)),
            handed=bool(args.get("handed", False)),
            fence=Fence.parse(args["fence"]) if args.get("fence") else None,
            protected=bool(args.get("protected", False)),
        )


@dataclass
class Stride:
    """How many bytes to ask for at once, kept from file to file: about half a second of sending.

    On a thin link a live picture, a pause or a budget comes through soon; on a fast one few are asked for.
    """

    size: int = FIRST

    def of(self, rest: int, most: int) -> int:
        """Return how many of the `rest` bytes to ask for, `most` at most; a short end goes with what is before it."""
        size = min(self.size, most)
        return min(rest, most) if rest < size + size // 2 else size

    def took(self, granted: int, seconds: float) -> None:
        """Learn from how long a grant took; one that was shorter says little."""
        if seconds > SLOW:
            self.size = max(LEAST, self.size // 2)
        elif seconds < QUICK and granted >= self.size:
            self.size = min(CHUNK, self.size * 2)


class Paused(Exception):
    """Sending stopped because no more bytes were granted: no fault, and not an error of the tree."""

    def __init__(self, offset: int, resume: bytes) -> None:
        super().__init__()
        self.offset, self.resume = offset, resume


def deliver(
    destination: Destination,
    job: Delivery,
    grant: Grant,
    progress: Progress = silent,
    stride: Stride | None = None,
    left: Left = lambda offset, resume: None,
) -> Json:
    """Bring the file to the destination and return its receipt; raise DestinationError, FenceRefused or Paused.

    What is there whole already is proven and not sent again: a crash between commit and receipt costs nothing.
    """
    if isinstance(destination, KeepsFiles) and destination.is_same_file(job.name, job.path):
        raise DestinationRefused(f"{safe(job.name)}: this is the original itself, and no copy; name another folder")
    with _original(job) as file:
        if job.fence is not None:
            admit(destination, job.name, job.fence)
        begun = _begun(destination, job, progress)
        if isinstance(begun, Level):
            return _receipt(job, begun, sent=0, already=True)
        sent = _send(begun, job, file, grant, stride or Stride(job.chunk), left)
    if job.handed:
        return _receipt(job, Level.SIZE, sent=sent, already=False)
    return _receipt(job, _prove_ours(destination, job, progress), sent=sent, already=False)


def _receipt(job: Delivery, level: Level, sent: int, already: bool) -> Json:
    return {
        "name": job.name,
        "size": job.size,
        "sha256": job.sha256,
        "level": level.word,
        "sent": sent,
        "already": already,
    }


@contextlib.contextmanager
def _original(job: Delivery) -> Iterator[BinaryIO]:
    try:
        file = job.path.open("rb")
    except OSError as error:
        raise _of_ours(job, error) from error
    with file:
        found = os.fstat(file.fileno()).st_size
        if found != job.size:
            raise OriginalLost(f"{safe(job.path)}: {found} bytes, and there were {job.size}")
        yield file


def _begun(destination: Destination, job: Delivery, progress: Progress) -> Level | Upload:
    """Return the level at which the object stands there already, else the upload by which it is sent."""
    if not isinstance(destination, LooksAndBegins):
        level = _standing(destination, job, progress, _found(destination, job.name))
        return destination.begin(job.name, job.size, job.sha256, job.resume) if level is None else level
    found, upload = destination.look_and_begin(job.name, job.size, job.sha256, job.resume)
    needed = False
    try:
        level = _standing(destination, job, progress, found)
        needed = level is None
    finally:
        if not needed:
            upload.withdraw()
    return upload if level is None else level


def _found(destination: Destination, name: str) -> StoredObject | None:
    try:
        return destination.stat(name)
    except ObjectNotFound:
        return None


def _standing(destination: Destination, job: Delivery, progress: Progress, found: StoredObject | None) -> Level | None:
    """Return the level at which what was `found` is the object, None when it is to be sent.

    Something else under the name is ours to replace when it is a live name or when an earlier attempt began here:
    before that first attempt the name was free. Where nothing can be replaced, ours goes beside it.
    """
    if found is None:
        return None
    try:
        if found.size == job.size:
            if job.handed:
                return Level.SIZE
            return destination.prove(job.name, job.size, job.sha256, max(job.level, Level.HASH), progress)
    except ObjectNotFound:
        return None
    except ObjectDiffers:
        pass
    if job.replace or (job.resume is not None and not job.protected):
        return None
    raise NameConflict(f"{safe(job.name)}: another object has this name there")


def _send(upload: Upload, job: Delivery, file: BinaryIO, grant: Grant, stride: Stride, left: Left) -> int:
    """Send from the offset that the destination has; return the bytes sent."""
    begun = position = upload.offset
    ahead = 0 if begun else job.granted
    try:
        digest = hashlib.sha256()
        _feed(digest.update, _pieces(job, file, begun))
        while position < job.size:
            granted = ahead or grant(stride.of(job.size - position, job.chunk), position, upload.resume_state())
            if not granted:
                raise Paused(position, upload.resume_state())
            ahead = 0
            begun_at = time.monotonic()
            for piece in _pieces(job, file, min(granted, job.size - position)):
                digest.update(piece)
                upload.write(piece)
            position += granted
            stride.took(granted, time.monotonic() - begun_at)
        if digest.hexdigest() != job.sha256:
            raise OriginalLost(f"{safe(job.path)}: its content is not what was taken in")
        upload.commit()
        return position - begun
    except OverlapseError:
        if job.granted:
            left(position, upload.resume_state())
        raise
    finally:
        upload.abandon()


def _of_ours(job: Delivery, error: OSError) -> OverlapseError:
    """Return what an error of our own file means: only one that is not there is lost, the others are tried again."""
    told = f"{safe(job.path)}: {error.strerror}"
    return OriginalLost(told) if error.errno == errno.ENOENT else NotDurable(told)


def _feed(take: Callable[[bytes], None], pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        take(piece)


def _pieces(job: Delivery, file: BinaryIO, count: int) -> Iterator[bytes]:
    """Yield the next `count` bytes of the original; raise OriginalLost when it cannot be read or ends early."""
    while count:
        try:
            piece = file.read(min(READ, count))
        except OSError as error:
            raise _of_ours(job, error) from error
        if not piece:
            raise OriginalLost(f"{safe(job.path)}: it became shorter while it was sent")
        count -= len(piece)
        yield piece


def _prove_ours(destination: Destination, job: Delivery, progress: Progress) -> Level:
    """Prove what was just sent; a wrong one is taken away, so that its name never stands for another content."""
    if job.level == Level.SIZE and destination.features.commit_proves_size:
        return job.level
    try:
        return destination.prove(job.name, job.size, job.sha256, job.level, progress)
    except ObjectDiffers:
        with contextlib.suppress(DestinationError):
            destination.delete(job.name)
        raise
