"""The drop: the place in which one node leaves what another takes in, and what the objects in it are called.

SITE/CAMERA/NAME              a picture, until it is taken in: a drop is emptied, so that it needs no folder a day
SITE/_lines/NODE_SEQ          lines of NODE's day books, on their way to the taker
SITE/_receipts/NODE_SEQ       what the taker NODE has, and what it heard of copies further on, on the way back
SITE/_answers/NODE_SEQ        what the taker NODE has of what it was asked for: two nodes compare, or one was emptied
SITE/_status/NODE             how NODE is, at a place that keeps pictures: replaced each time, and left there
SITE/_back/NODE/NAME          a copy of a picture that the emptied NODE asked for, until NODE says that it has it

SEQ is the time of writing in milliseconds, so that it never begins anew. `_` begins no name of a site, node or
camera. Lines and receipts are small batches: JSON lines, deflated with a dictionary of the words that they use. In an
inbox any of these stands below the folder of its deliverer, for example `unit1/`.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.transfer.words import WORDS
from core.values import NAME, PictureName

Json = dict[str, Any]
What = Literal["lines", "picture", "receipts", "back", "status", "other"]

LINES, RECEIPTS, ANSWERS, BACK, STATUS = "_lines", "_receipts", "_answers", "_back", "_status"
MAX_OBJECT = 256 << 10  # bytes of a batch, as it is sent
MAX_INFLATED = 4 << 20
BATCH = 400  # lines of one object
DEEPEST = 3  # folders of a deliverer in an inbox
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BATCH = re.compile(r"([a-z0-9][a-z0-9-]{0,31})_(\d{13,15})")
_MARK = re.compile(r"~[0-9a-f]{8}(?=\.[a-z0-9]{1,8}$)")  # that a deliverer added, because its name was taken here


@dataclass(frozen=True, slots=True)
class Found:
    """An object of a drop. `prefix` is the deliverer's folder with its '/', empty where the drop is one deliverer's."""

    name: str  # whole, as the destination lists it
    size: int
    prefix: str
    what: What
    base: str  # its last part
    node: str = ""  # whose batch it is, or for whom a copy stands there

    @property
    def picture(self) -> PictureName | None:
        """The identity that its name carries; None: it carries none."""
        return named(self.base)

    @property
    def rank(self) -> tuple[int, str]:
        """What is taken in first: lines, then pictures from the oldest on."""
        order: Sequence[What] = ("lines", "picture", "other", "receipts", "back", "status")
        picture = self.picture
        return order.index(self.what), self.base if picture is None else f"{picture.at:%Y%m%d%H%M%S}"


def named(base: str) -> PictureName | None:
    """Return the identity of a picture, also of one that got a mark because its name was taken; None: it has none."""
    try:
        return PictureName.parse(_MARK.sub("", base))
    except ValueError:
        return None


def picture(site: str, name: PictureName) -> str:
    """Return the name of a picture in a drop."""
    return f"{site}/{name.camera}/{name}"


def lines(site: str, node: str, sequence: int) -> str:
    """Return the name of a batch of lines."""
    return f"{site}/{LINES}/{node}_{sequence:013d}"


def receipts(site: str, node: str, sequence: int) -> str:
    """Return the name of a batch of receipts."""
    return f"{site}/{RECEIPTS}/{node}_{sequence:013d}"


def answers(site: str, node: str, sequence: int) -> str:
    """Return the name of a batch of answers."""
    return f"{site}/{ANSWERS}/{node}_{sequence:013d}"


def back(site: str, node: str, name: PictureName | str) -> str:
    """Return the name of the copy of a picture that stands there for an emptied node."""
    return f"{site}/{BACK}/{node}/{name}"


def status(site: str, node: str) -> str:
    """Return the name of the object that says how a node is, at a place that keeps pictures."""
    return f"{site}/{STATUS}/{node}"


def find(site: str, name: str, size: int) -> Found | None:
    """Return what an object of a drop is; None: it is not of this site."""
    parts = name.split("/")
    at = next((n for n, part in enumerate(parts[: DEEPEST + 1]) if part == site), None)
    if at is None or any(_PART.fullmatch(part) is None for part in parts[:at]):
        return None
    prefix, below = "".join(f"{part}/" for part in parts[:at]), parts[at + 1 :]
    if len(below) == 2 and below[0] in (LINES, RECEIPTS, ANSWERS) and (match := _BATCH.fullmatch(below[1])):
        return Found(name, size, prefix, "lines" if below[0] == LINES else "receipts", below[1], match[1])
    if len(below) == 3 and below[0] == BACK and NAME.fullmatch(below[1]):
        return Found(name, size, prefix, "back", below[2], below[1])
    if len(below) == 2 and below[0] == STATUS and NAME.fullmatch(below[1]):
        return Found(name, size, prefix, "status", below[1], below[1])
    found = Found(name, size, prefix, "picture", parts[-1])
    of = found.picture
    if len(below) == 2 and NAME.fullmatch(below[0]) and of is not None and of.camera == below[0]:
        return found
    return Found(name, size, prefix, "other", parts[-1])


def pack(said: Iterable[Json]) -> bytes:
    """Return a batch as it is sent."""
    text = b"\n".join(json.dumps(one, separators=(",", ":")).encode() for one in said)
    packer = zlib.compressobj(9, zdict=WORDS)
    return packer.compress(text) + packer.flush()


def unpack(data: bytes) -> list[Json]:
    """Return what a batch says; raise ValueError for one that is damaged, too large, or not ours."""
    unpacker = zlib.decompressobj(zdict=WORDS)
    try:
        text = unpacker.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise ValueError(f"not a batch of ours: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("it is cut off, or larger than any batch of ours")
    try:
        found = [json.loads(line) for line in text.splitlines()]
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("a line of it is no object")
    return found
