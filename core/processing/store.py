"""Files that the image child makes: a cache, so nothing waits for the disk, but no half file ever has its name."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.errors import DiskFull, OriginalLost, StorageError


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Translate what the disk raises over `path`."""
    try:
        yield
    except FileNotFoundError as error:
        raise OriginalLost(f"{error.filename or path} is gone") from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (DiskFull if full else StorageError)(f"{error.filename or path}: {error.strerror}") from error


def keep(folder: Path, name: str, data: bytes) -> dict[str, Any]:
    """Write a file and give it its name at once; return its name, size and sha256. Raise StorageError."""
    part = folder / f"{name}.part"
    with storage(part):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(folder / name)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
