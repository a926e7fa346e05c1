"""Bring an object back from a destination: at the byte where a cut left it, and compared with what is known of it."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import DestinationError, DiskFull, NotDurable, ObjectDiffers
from core.text import safe
from core.transfer.base import Destination, Level, Progress, silent
from core.transfer.receipts import STEP

BOOK, SERVER = "day book", "server"  # who said what the bytes must be
Grant = Callable[[int, int], int]  # (bytes wanted, offset) -> bytes granted
BLOCK = 1 << 20  # bytes


def fetch(destination: Destination, name: str, into: Path, progress: Progress = silent) -> dict[str, Any]:
    """Write the object to `into`, synced, and return `size` and `sha256` as received.

    Raise DestinationError, or DiskFull and NotDurable for the file here, which is then not to be used.
    """
    digest, size, told = hashlib.sha256(), 0, 0
    with writing(into), into.open("wb") as file:
        for block in destination.read(name):
            file.write(block)
            digest.update(block)
            size += len(block)
            if size - told >= STEP:
                progress(size)
                told = size
        file.flush()
        os.fsync(file.fileno())
    return {"size": size, "sha256": digest.hexdigest()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What is to be brought back. `sha256`: what a day book says of it; "": nobody says."""

    name: str
    size: int  # bytes, as the destination lists it
    part: Path  # the unfinished file, on the file system of `into`
    into: Path
    sha256: str = ""
    chunk: int = 4 << 20


class Unfinished(Exception):
    """No more bytes were granted: no fault, the part stays."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


def restore(destination: Destination, job: Fetch, grant: Grant, progress: Progress = silent) -> dict[str, Any]:
    """Bring the object to `into`, durably; return `size`, `sha256`, `proof` (who vouches for the bytes) and `received`.

    Goes on at the end of `part`. Raise DestinationError, ObjectDiffers for bytes that are not those that they must be
    even when all are received anew, Unfinished, or DiskFull and NotDurable for the disk here.
    """
    received = 0
    for is_last in (False, True):
        offset = _there(job)
        try:
            received += _receive(destination, job, offset, grant, progress)
            sha256 = _hash(job.part, progress)
            proof = _prove(destination, job, sha256, progress)
        except ObjectDiffers:
            job.part.unlink(missing_ok=True)
            if is_last or offset == 0:
                raise
            continue  # what an earlier attempt left may have been of another object
        with writing(job.into):
            job.part.replace(job.into)
            _sync_folder(job.into.parent)
        return {"size": job.size, "sha256": sha256, "proof": proof, "received": received}
    raise AssertionError("the second time ends it")


def _there(job: Fetch) -> int:
    try:
        size = job.part.stat().st_size
    except OSError:
        return 0
    return size if size <= job.size else 0


def _receive(destination: Destination, job: Fetch, offset: int, grant: Grant, progress: Progress) -> int:
    """Append what is missing to the part, and sync it; return how many bytes came."""
    begun = granted = told = offset
    make_folder(job.part.parent)
    with writing(job.part), job.part.open("ab" if offset else "wb", buffering=0) as file:
        if offset < job.size:
            granted += _granted(grant, job, offset)
            with _closing(destination.read(job.name, offset)) as blocks:
                for block in blocks:
                    if offset + len(block) > job.size:
                        raise ObjectDiffers(f"{safe(job.name)}: more bytes come than were listed")
                    file.write(block)
                    offset += len(block)
                    if offset - told >= STEP:
                        progress(offset)
                        told = offset
                    while granted <= offset < job.size:
                        granted += _granted(grant, job, granted)
        os.fsync(file.fileno())
    return offset - begun


@contextmanager
def _closing(blocks: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """Let go of the connection's side of a read that is not read to its end."""
    try:
        yield blocks
    finally:
        close = getattr(blocks, "close", None)
        if close is not None:
            close()


def _granted(grant: Grant, job: Fetch, offset: int) -> int:
    size = grant(min(job.chunk, job.size - offset), offset)
    if size <= 0:
        raise Unfinished(offset)
    return size


def _hash(part: Path, progress: Progress) -> str:
    digest, done = hashlib.sha256(), 0
    with writing(part), part.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress(done)
    return digest.hexdigest()


def _prove(destination: Destination, job: Fetch, sha256: str, progress: Progress) -> str:
    """Return who vouches for the bytes, "" when nobody does; raise ObjectDiffers."""
    found = job.part.stat().st_size
    if found != job.size:
        raise ObjectDiffers(f"{safe(job.name)}: {found} bytes came, {job.size} are listed")
    if job.sha256:
        if sha256 != job.sha256:
            raise ObjectDiffers(f"{safe(job.name)}: its content is not what the day book says")
        return BOOK
    if not destination.features.server_hash:
        return ""
    try:
        destination.prove(job.name, job.size, sha256, Level.HASH, progress)
    except ObjectDiffers:
        raise
    except DestinationError:  # it did not say: whether the bytes are a picture shows when they are decoded
        return ""
    return SERVER


def make_folder(folder: Path) -> None:
    """Make the folder in which unfinished files stand, if it is not there; raise DiskFull or NotDurable."""
    with writing(folder):
        folder.mkdir(mode=0o750, exist_ok=True)


@contextmanager
def writing(into: Path) -> Iterator[None]:
    """Tell what the operating system says of a file of ours: DiskFull or NotDurable."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (DiskFull if full else NotDurable)(f"{safe(into)}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
