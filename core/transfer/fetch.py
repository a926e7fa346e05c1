"""Bring an object back from a destination into a local file."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import DiskFull, NotDurable
from core.text import safe
from core.transfer.base import Destination, Progress, silent
from core.transfer.receipts import STEP


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


@contextmanager
def writing(into: Path) -> Iterator[None]:
    """Tell what the operating system says of a file of ours: DiskFull or NotDurable."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (DiskFull if full else NotDurable)(f"{safe(into)}: {error.strerror}") from error
