"""The child's side of a drop: what is there, one picture into the spool, small batches there and back.

| op | args | result |
|---|---|---|
| look | site, prefix, limit, but (names); clear: a folder to tidy; tidy: the drop | found, more, back, tidied |
| collect | names, or prefix and but (names known already); stat, list | objects, listed, missing, there, received |
| take | name, incoming, spool, into; sha256: as its line says | size, sha256, as they are on our disk |
| settle | put: [{name, data}], remove: [names], rests | sent |

`look` finds [{name, size}], the most urgent; `back` are copies for emptied nodes, `tidied` old partials, removed.
`collect` reads [{name, data}]; of the names in `stat` it tells those `missing`, below the prefix `list` those `there`.
`data` is base64, null for what is larger than a batch. `settle` puts before it removes.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import os
import time
from pathlib import Path
from typing import Any

from core.errors import DestinationUnreachable, NotDurable, ObjectNotFound, OverlapseError
from core.text import safe
from core.transfer import drops
from core.transfer.base import Destination, LetsGo, Progress, Tidies
from core.transfer.fetch import writing
from core.transfer.receipts import STEP

Json = dict[str, Any]
READ = 1 << 20
STALE = 7 * 86400  # seconds
MANY = 64  # batches that one request reads
MOST_BACK = 1000  # copies for emptied nodes of which one look tells


def look(destination: Destination, args: Json, progress: Progress) -> Json:
    """List what is to be taken in of one site, the most urgent first."""
    site, limit, but = args["site"], args["limit"], set(args.get("but", ()))
    if args.get("clear"):
        _clear(Path(args["clear"]))
    found: list[drops.Found] = []
    back: list[str] = []
    for seen, one in enumerate(destination.list(args["prefix"]), 1):
        if seen % 1000 == 0:
            progress(seen)
        known = drops.find(site, one.name, one.size)
        if known is None or known.what in ("receipts", "status") or one.name in but:
            continue
        if known.what == "back":
            back += [one.name] if len(back) < MOST_BACK else []
        else:
            found.append(known)
            if len(found) > 4 * limit:
                found = heapq.nsmallest(limit, found, key=lambda one: one.rank)
    first = heapq.nsmallest(limit, found, key=lambda one: one.rank)
    return {
        "found": [{"name": one.name, "size": one.size} for one in first],
        "more": len(found) > limit,
        "back": back,
        "tidied": _tidied(destination, args) if args.get("tidy") else [],
    }


def collect(destination: Destination, args: Json, progress: Progress) -> Json:
    """Read small batches: those named, or all below a prefix but the known ones.

    `stat` names objects that are missed first: a taker says what it has before it removes it, so that what is
    neither there nor in a batch that was read after it is lost.
    """
    missing = [name for name in args.get("stat", ()) if not _is_there(destination, name)]
    prefix = args.get("prefix", "")
    listed = args["names"] if "names" in args else sorted(one.name for one in destination.list(prefix))
    known, objects = set(args.get("but", ())), []
    for name in [name for name in listed if name not in known][:MANY]:
        try:
            data = _read(destination, name)
        except ObjectNotFound:
            continue
        objects.append({"name": name, "data": None if data is None else base64.b64encode(data).decode()})
        progress(len(objects))
    received = sum(len(one["data"] or "") * 3 // 4 for one in objects)
    there = [one.name for one in destination.list(args["list"])] if "list" in args else []
    return {"objects": objects, "listed": listed, "missing": missing, "there": there, "received": received}


def take(destination: Destination, args: Json, progress: Progress) -> Json:
    """Copy a picture into `incoming`, durably, read it back from our own disk, and give it its name in the spool.

    It is copied and not moved, also where that could be done: whoever delivered it may hold it open, and could
    write into it under its new name. After a cut it goes on at the byte, when its hash is known beforehand. Raise
    DestinationError; DiskFull or NotDurable for our side.
    """
    spool, part, wanted = Path(args["spool"]), Path(args["incoming"]) / args["into"], args.get("sha256")
    try:
        with writing(part):
            part.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            resumed = wanted is not None and part.exists()
            received = _receive(destination, args["name"], part, progress, resumed)
            if resumed and received["sha256"] != wanted:  # the object is another one since, or ours was no part of it
                received = _receive(destination, args["name"], part, progress, False)
            if _read_back(part, progress) != received["sha256"]:
                raise NotDurable(f"{safe(args['into'])}: the disk gives other bytes than were written")
            part.replace(spool / args["into"])
            _sync(spool)
    except DestinationUnreachable:
        raise  # what came is kept for the next attempt
    except OverlapseError:
        part.unlink(missing_ok=True)
        raise
    return received


def _receive(destination: Destination, name: str, part: Path, progress: Progress, resumed: bool) -> Json:
    """Write the object behind what is there, or anew; return the size and SHA-256 of the whole."""
    digest, size, told = hashlib.sha256(), 0, 0
    with part.open("r+b" if resumed else "wb") as file:
        while resumed and (block := file.read(READ)):
            digest.update(block)
            size += len(block)
        for block in destination.read(name, size):
            file.write(block)
            digest.update(block)
            size += len(block)
            if size - told >= STEP:
                progress(size)
                told = size
        file.flush()
        os.fsync(file.fileno())
    return {"size": size, "sha256": digest.hexdigest()}


def settle(destination: Destination, args: Json, progress: Progress) -> Json:
    """Put small batches, and only then remove what is taken in. `rests`: nothing else is asked for a while."""
    sent = 0
    for one in args["put"]:
        data = base64.b64decode(one["data"])
        upload = destination.begin(one["name"], len(data), hashlib.sha256(data).hexdigest())
        try:
            upload.write(data)
            upload.commit()
        finally:
            upload.abandon()
        sent += len(data)
        progress(sent)
    for name in args["remove"]:
        destination.delete(name)
        progress(sent)
    if args.get("rests") and isinstance(destination, LetsGo):
        destination.let_go()
    return {"sent": sent}


def _tidied(destination: Destination, args: Json) -> list[str]:
    """Remove partial uploads of this site that nobody came back to, where their age is known; return their names."""
    if not isinstance(destination, Tidies):
        return []
    before, site = time.time() - STALE, args["site"]
    return list(destination.tidy(args["prefix"], before, lambda name: drops.find(site, name, 0) is not None))


def _clear(folder: Path) -> None:
    """Remove pieces that nobody came back to."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.lstat().st_mtime < time.time() - STALE:
                path.unlink(missing_ok=True)


OPS = {"look": look, "collect": collect, "take": take, "settle": settle}


def _is_there(destination: Destination, name: str) -> bool:
    try:
        destination.stat(name)
    except ObjectNotFound:
        return False
    return True


def _read(destination: Destination, name: str) -> bytes | None:
    data = b""
    for block in destination.read(name):
        data += block
        if len(data) > drops.MAX_OBJECT:
            return None
    return data


def _read_back(path: Path, progress: Progress) -> str:
    """Return the SHA-256 of a file as the disk gives it, past the cache."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := file.read(READ):
            digest.update(block)
            done += len(block)
            progress(done)
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
