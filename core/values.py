"""The small values that everything is built of: names, fences, slots, identities of pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, NewType

Kind = Literal["raw", "jpeg"]
Sha256 = NewType("Sha256", str)  # 64 hexadecimal digits, lower case

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_STAMP = "%Y%m%dT%H%M%SZ"
_PICTURE = re.compile(
    r"(?P<camera>[a-z0-9][a-z0-9-]{0,31})_(?P<at>\d{8}T\d{6}Z)_(?P<node>[a-z0-9][a-z0-9-]{0,31})"
    r"_(?P<epoch>\d{1,9})-(?P<token>\d{1,12})(?:_(?P<nth>[2-9]|[1-9]\d{1,3}))?\.(?P<extension>[a-z0-9]{1,8})"
)


def parse_name(text: object) -> str:
    """Return `text` if it may name a site, node, camera, recipe, destination...; raise ValueError."""
    if not isinstance(text, str) or NAME.fullmatch(text) is None:
        raise ValueError("a name is 1 to 32 of a-z, 0-9 and '-', and begins with a letter or a digit")
    return text


def utc(seconds: float) -> datetime:
    """Return the aware UTC instant `seconds` after the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds_of(instant: datetime) -> int:
    """Return the whole seconds since the epoch of an aware instant, fractions dropped."""
    return int(instant.timestamp() // 1)


def milliseconds_of(instant: datetime) -> int:
    """Return the whole milliseconds since the epoch of an aware instant."""
    return int(instant.timestamp() * 1000)


def stamp(instant: datetime) -> str:
    """Return `instant` as names carry it: 20261121T085000Z."""
    return instant.astimezone(UTC).strftime(_STAMP)


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """The right to write for a camera: (epoch, token) grows with each new owner."""

    epoch: int
    token: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.token}"

    @classmethod
    def parse(cls, text: str) -> Fence:
        """Return the fence written as EPOCH-TOKEN; raise ValueError."""
        epoch, _, token = text.partition("-")
        return cls(int(epoch), int(token))


@dataclass(frozen=True, slots=True, order=True)
class PictureName:
    """The identity of one picture, kept by every receiver of ours.

    CAMERA_20261121T085000Z_NODE_E-T[_N].EXT: the slot (an extra: its second), node and fence that shot it,
    N for the second and later of a kind.
    """

    camera: str
    at: datetime
    node: str
    fence: Fence
    extension: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.stem}.{self.extension}"

    @property
    def stem(self) -> str:
        """What RAW and JPEG of one shot share."""
        nth = "" if self.nth == 1 else f"_{self.nth}"
        return f"{self.camera}_{stamp(self.at)}_{self.node}_{self.fence}{nth}"

    @property
    def folder(self) -> str:
        """The folder below `pictures/`: CAMERA/YYYY/MM/DD, by the UTC day of the slot."""
        return f"{self.camera}/{self.at:%Y/%m/%d}"

    @property
    def path(self) -> str:
        """The file below `pictures/`."""
        return f"{self.folder}/{self}"

    def numbered(self, nth: int) -> PictureName:
        """Return the same name as the `nth` of its kind."""
        return replace(self, nth=nth)

    @classmethod
    def parse(cls, text: str) -> PictureName:
        """Return the identity that a file name carries; raise ValueError for any other name."""
        match = _PICTURE.fullmatch(text)
        if match is None:
            raise ValueError("not the name of a picture of ours")
        at = datetime.strptime(match["at"], _STAMP).replace(tzinfo=UTC)
        fence = Fence(int(match["epoch"]), int(match["token"]))
        return cls(match["camera"], at, match["node"], fence, match["extension"], int(match["nth"] or 1))
