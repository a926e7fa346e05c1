"""What a folder holds: MLSD where the server has it, else LIST as `ls -l` prints it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.errors import DestinationRefused
from core.text import safe
from core.transfer.ftp.faults import Reply, refusal
from core.transfer.ftp.session import Session

LARGEST = 64 << 20  # bytes of the listing of one folder: half a million objects
DEEPEST = 32  # folders below each other
_LONG = re.compile(
    r"(?P<kind>[-dlbcps])[-rwxsStTlL]{9}[.+@]?\s+\d+\s+\S+\s+\S+\s+(?P<size>\d{1,18})\s+\w{3}\s+\d{1,2}\s+[\d:]{4,5} "
    r"(?P<name>.+)",
    re.DOTALL,
)
Entry = tuple[str, int | None]  # name, bytes; None: a folder


def entries(session: Session, folder: str) -> list[Entry]:
    """Return the files and folders in a folder, empty when it does not exist."""
    machine = session.can("MLSD") or session.can("MLST")
    parse = _machine if machine else _long
    if not session.ask(f"CWD {folder or '/'}")[0].done:  # so that LIST has no name to take for a pattern or an option
        return []
    lines = _lines(session, "MLSD" if machine else "LIST -a")
    return [entry for line in lines if (entry := parse(line)) is not None and entry[0] not in (".", "..")]


def _lines(session: Session, command: str) -> list[str]:
    channel = session.start(command)
    try:
        begun = session.control.answer()
        if not begun.begun:
            return _none_in(begun)
        session.protect(channel)
        came = bytearray()
        for data in channel.receive():
            came += data
            if len(came) > LARGEST:
                raise ValueError("a listing without an end")
    finally:
        channel.close()
    ended = session.control.answer()
    if not ended.done:
        raise refusal(ended, command)
    return [line.rstrip(b"\r").decode("utf-8", "surrogateescape") for line in bytes(came).split(b"\n") if line]


def _none_in(reply: Reply) -> list[str]:
    if reply.code in (226, 250, 450, 550):  # several servers have one of these words for an empty folder
        return []
    raise refusal(reply, "the listing")


def _machine(line: str) -> Entry | None:
    """Read a line of MLSD: facts, a blank, the name (RFC 3659, 7.2)."""
    facts, _, name = line.partition(" ")
    found = dict(fact.lower().partition("=")[::2] for fact in facts.split(";"))
    if found.get("type") == "dir":
        return name, None
    size = found.get("size", "")
    return (name, int(size)) if found.get("type") == "file" and size.isdecimal() and len(size) < 19 else None


def _long(line: str) -> Entry | None:
    if line.startswith("total "):
        return None
    found = _LONG.fullmatch(line)
    if found is None:
        raise DestinationRefused(f"the server lists as we cannot read it: {safe(line)}")
    if found["kind"] == "d":
        return found["name"], None
    return (found["name"], int(found["size"])) if found["kind"] == "-" else None


def tree(session: Session, root: str, start: str, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield name and size of every file below `root`/`start`, by name relative to `root`."""
    folder = f"{root}/{start}" if start else root
    for base, size in sorted(entries(session, folder), key=lambda entry: entry[0]):
        name = f"{start}/{base}" if start else base
        if "/" in base:
            continue  # no name that a folder can hold
        if size is not None:
            yield name, size
        elif depth < DEEPEST:
            yield from tree(session, root, name, depth + 1)
