"""One file system: whether it is there, can be written, and how long a synced write takes.

A dead mount holds whoever touches it for ever: each is probed by a child of its own, with a deadline.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from core.errors import ProbeGarbled, ProbeUnanswered
from core.text import safe

Json = dict[str, Any]

TABLE = "/proc/self/mountinfo"
PROBE = ".overlapse-probe"
BYTES = 4096


def mounted(path: str, table: str) -> Json:
    """Return {"at", "type", "ro"} of the mount that `path`, a real one, is on, by a mountinfo (proc(5)); pure.

    `ro`: mounted read-only, or its file system went read-only by itself, as ext4 does after an error.
    """
    best: Json = {}
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        fields, behind = left.split(), right.split()
        if len(fields) < 6 or len(behind) < 3:
            continue
        at = fields[4].encode().decode("unicode_escape", "replace")
        inside = path == at or path.startswith(at.rstrip("/") + "/")
        if inside and len(at) >= len(best.get("at", "")):
            ro = "ro" in fields[5].split(",") or "ro" in behind[2].split(",")
            best = {"at": safe(at, 200), "type": safe(behind[0], 20), "ro": ro}
    return best


def space(path: str) -> Json:
    """Return {"free", "total", "inodes", "inodes_free"} of the file system; inodes only where it counts them."""
    told = os.statvfs(path)
    found: Json = {"free": told.f_bavail * told.f_frsize, "total": told.f_blocks * told.f_frsize}
    return found | ({"inodes": told.f_files, "inodes_free": told.f_favail} if told.f_files else {})


def write_read_delete(folder: str, name: str) -> float:
    """Write a file, sync it, read it back, delete it; return the seconds of it. Raise OSError, ProbeGarbled.

    What an earlier probe left behind is overwritten, and removed whatever happens.
    """
    path, data = os.path.join(folder, name), os.urandom(BYTES)  # noqa: PTH118
    begin = time.monotonic()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if Path(path).read_bytes() != data:
            raise ProbeGarbled(f"{safe(path, 200)}: what was written came back altered")
    finally:
        os.unlink(path)  # noqa: PTH108
    return time.monotonic() - begin


def mount(folder: str, who: str, expect: str | None = None, table: str = TABLE) -> Json:
    """Return what is known of the file system at `folder`: that of `mounted`, of `space`, and "write_s".

    `who` makes the name of the probe's file its own; `expect`: where it was mounted last time, so that a mount that is
    gone is not mistaken for the disk below it. Raise ProbeUnanswered with the system's words.
    """
    try:
        real = str(Path(folder).resolve(strict=True))
        found = mounted(real, Path(table).read_text(errors="replace"))
        found |= space(real)
        if expect is not None and found.get("at") != expect:
            raise ProbeUnanswered(f"{safe(folder, 200)}: nothing is mounted at {safe(expect, 200)} any more")
        if not found.get("ro"):
            found["write_s"] = round(write_read_delete(real, f"{PROBE}-{who}"), 4)
    except OSError as error:
        raise ProbeUnanswered(f"{safe(folder, 200)}: {(error.strerror or type(error).__name__).lower()}") from error
    return found
