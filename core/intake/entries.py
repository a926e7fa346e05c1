"""The lines of a day book: what each kind says, and how it is written as JSON and read again.

Instants of slots are whole seconds since the epoch, all others milliseconds. A value that equals its default is not
written. Kinds that this program does not know are kept and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, get_args

from core.values import Fence, Kind, PictureName, Sha256, parse_name, utc

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPicture:
    """What all lines about one picture share."""

    name: PictureName

    @property
    def folder(self) -> str:
        """The folder below `pictures/` whose day book holds the line."""
        return self.name.folder


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEntry(OfPicture):
    """An original was taken in."""

    line: ClassVar[str] = "picture"
    slot: int | None = None  # None: an extra
    index: int | None = None  # of the slot, counted from local midnight
    kind: Kind
    size: int  # bytes
    sha256: Sha256
    shutter: int | None = None
    source_name: str = ""  # the camera's own name of it
    source_time: int | None = None  # the camera's own time
    trusted: bool = True  # was the node's clock trusted?
    boot: str = ""
    taken_in: int = 0
    dated: str = ""  # of an imported one: where the time in its name comes from: name, exif or mtime
    restored: bool = False  # it came back from a destination: no copies of it are made
    spare: bool = False  # another node owned the camera: over a metered link it goes only when it is `needed`


@dataclass(frozen=True, slots=True, kw_only=True)
class OfSlot:
    """What all lines about one slot share."""

    camera: str
    slot: int
    node: str

    @property
    def folder(self) -> str:
        """The folder below `pictures/` whose day book holds the line."""
        return f"{parse_name(self.camera)}/{utc(self.slot):%Y/%m/%d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEntry(OfSlot):
    """A slot has its outcome."""

    line: ClassVar[str] = "outcome"
    outcome: str
    index: int | None = None
    partial: bool = False
    cause: str = ""
    shutter: int | None = None
    fence: Fence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledEntry(OfSlot):
    """A spare came later for a slot that had its outcome."""

    line: ClassVar[str] = "filled"
    name: PictureName  # of the spare


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededEntry(OfPicture):
    """A spare fills a hole, since the camera's owner is dead: it is delivered as any other picture."""

    line: ClassVar[str] = "needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewEntry(OfPicture):
    """Somebody looked at a picture."""

    line: ClassVar[str] = "view"
    verdict: str
    why: str = ""
    stats: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptEntry(OfPicture):
    """A copy is whole at a destination. `required`, `wanted` and `priority` restore the delivery as it was."""

    line: ClassVar[str] = "receipt"
    rendition: str = ""  # "": the original
    destination: str
    level: int  # 1 size, 2 hash, 3 read back
    remote: str
    size: int
    sha256: Sha256
    at: int
    required: bool = True
    wanted: int  # the level that its routes want
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisproofEntry(OfPicture):
    """A copy was found missing or altered: its receipts above this line hold no more, those below it do."""

    line: ClassVar[str] = "disproof"
    rendition: str = ""  # "": the original
    destination: str
    remote: str
    at: int
    error: str  # class of what was found
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionEntry(OfPicture):
    """A picture's file leaves; written and synced before it does."""

    line: ClassVar[str] = "deletion"
    at: int
    why: str
    copies: tuple[str, ...] = ()  # where it is proven


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideEntry:
    """An operator ordered something for a camera."""

    line: ClassVar[str] = "override"
    camera: str
    at: int
    what: str
    who: str
    until: int | None = None
    why: str = ""

    @property
    def folder(self) -> str:
        """The folder below `pictures/` whose day book holds the line."""
        return f"{parse_name(self.camera)}/{utc(self.at / 1000):%Y/%m/%d}"


Entry = (
    PictureEntry
    | OutcomeEntry
    | FilledEntry
    | NeededEntry
    | ViewEntry
    | ReceiptEntry
    | DisproofEntry
    | DeletionEntry
    | OverrideEntry
)
_KINDS: Mapping[str, type[Entry]] = {kind.line: kind for kind in get_args(Entry)}


def to_json(entry: Entry) -> dict[str, Any]:
    """Return the JSON object that says `entry`."""
    said = {one.name: getattr(entry, one.name) for one in fields(entry) if getattr(entry, one.name) != one.default}
    return {"line": entry.line} | {key: _plain(value) for key, value in said.items()}


def _plain(value: object) -> object:
    if isinstance(value, PictureName | Fence):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def from_json(said: Mapping[str, Any]) -> Entry | None:
    """Return the entry that a JSON object says, None for a kind that we do not know; raise ValueError."""
    line = said.get("line")
    if not isinstance(line, str):
        raise ValueError("no kind of line")
    kind = _KINDS.get(line)
    if kind is None:
        return None
    values: dict[str, Any] = {}
    for one in fields(kind):
        if one.name in said:
            values[one.name] = _read(one.name, str(one.type), said[one.name])
        elif one.default is MISSING:
            raise ValueError(f"{one.name} is missing")
    return kind(**values)


def _read(name: str, annotation: str, value: object) -> Any:
    wanted = annotation.removesuffix(" | None")
    if value is None and wanted != annotation:
        return None
    try:
        return _READERS[wanted](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {error}") from None


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"expected {kind.__name__}")
        return value

    return read


def _sha256(value: Any) -> Sha256:
    if not isinstance(value, str) or _SHA256.fullmatch(value) is None:
        raise ValueError("expected 64 hexadecimal digits")
    return Sha256(value)


def _kind(value: Any) -> str:
    if value not in ("raw", "jpeg"):
        raise ValueError("expected raw or jpeg")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_exactly(str)(one) for one in _exactly(list)(value))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "int": _exactly(int),
    "str": _exactly(str),
    "bool": _exactly(bool),
    "Mapping[str, Any]": _exactly(dict),
    "tuple[str, ...]": _texts,
    "Kind": _kind,
    "Sha256": _sha256,
    "Fence": lambda value: Fence.parse(_exactly(str)(value)),
    "PictureName": lambda value: PictureName.parse(_exactly(str)(value)),
}
