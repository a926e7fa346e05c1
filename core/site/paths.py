"""What paths stand for on this disk, however they are written."""

from __future__ import annotations

import os
from pathlib import Path


def meet(one: Path, other: Path) -> bool:
    """Tell whether two folders are the same, or one lies in the other."""
    return within(one, other) or within(other, one)


def within(inner: Path, outer: Path) -> bool:
    """Tell whether `inner` is or lies in `outer`, by whatever links and mounts it is reached."""
    inner, outer = real(inner), real(outer)
    if inner.is_relative_to(outer):
        return True
    identity = identity_of(outer)
    return identity is not None and any(identity_of(each) == identity for each in (inner, *inner.parents))


def real(path: Path) -> Path:
    """Return `path` with every symbolic link followed, as far as it is there."""
    return Path(os.path.realpath(path))


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return what is the same for all names of one folder; None when it is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def is_folder(path: Path) -> bool:
    """Tell whether there is a folder; False, and no exception, also for a path that cannot be."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Tell whether there is a file; False, and no exception, also for a path that cannot be."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
