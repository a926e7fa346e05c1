"""What an import would do, before it does it: counts, bytes, whether they fit, and what each destination is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.catalogue import pictures
from core.catalogue.pictures import NewPicture
from core.errors import DiskFull, OverlapseError
from core.node.errands.arriving import backfill
from core.node.errands.errands import Bench, Json
from core.units import show_size
from core.values import PictureName, Sha256, seconds_of, utc

NOBODYS = Sha256("0" * 64)


@dataclass
class ImportPlan:
    """Adds up what the child finds."""

    bench: Bench
    at_most: int | None = None  # files that are to be taken
    files: int = 0
    bytes: int = 0
    known: int = 0  # by time, kind and size: their bytes are compared when they are read
    known_bytes: int = 0
    future: int = 0
    renditions: int = 0
    first: int | None = None  # seconds since the epoch
    last: int | None = None
    cameras: dict[str, int] = field(default_factory=dict)
    dated: dict[str, int] = field(default_factory=dict)
    destinations: dict[str, list[int]] = field(default_factory=dict)  # [deliveries, bytes of originals]
    room: int = 0  # bytes that fit

    def add(self, rows: Sequence[Json]) -> None:
        """Add what the child found."""
        for row in rows:
            self._add(row)

    def _add(self, row: Json) -> None:
        context, at, size = self.bench.context, row["at"], row["size"]
        self.files += 1
        self.bytes += size
        self.cameras[row["camera"]] = self.cameras.get(row["camera"], 0) + 1
        self.dated[row["dated"]] = self.dated.get(row["dated"], 0) + 1
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)
        self.future += at > seconds_of(context.now())
        same = pictures.between(context.catalogue, row["camera"], at, at + 1)
        if any((one.kind, one.size) == (row["kind"], size) for one in same):
            self.known += 1
            self.known_bytes += size
        elif self.at_most is None or self.files - self.known <= self.at_most:
            self._deliver(row)

    def _deliver(self, row: Json) -> None:
        context = self.bench.context
        name = PictureName(
            row["camera"], utc(row["at"]), context.node.name, context.fence_of(row["camera"]), row["extension"]
        )
        index = self.bench.arriving.place(name).index
        picture = NewPicture(name=name, slot=None, index=index, kind=row["kind"], size=row["size"], sha256=NOBODYS)
        for one in backfill(context.site, picture, context.node.name):
            if one.rendition:
                self.renditions += 1
                continue
            sums = self.destinations.setdefault(one.destination, [0, 0])
            sums[0] += 1
            sums[1] += row["size"]

    def close(self) -> None:
        """Note what fits now."""
        context = self.bench.context
        self.room = max(0, context.keeper.free().free - context.node.buffer.keep_free)

    def why_not(self) -> OverlapseError | None:
        """Return why the import does not begin: more than fits, and nobody said how many to take."""
        new = self.bytes - self.known_bytes
        if new <= self.room or self.at_most is not None:
            return None
        mean = max(1, self.bytes // max(1, self.files))
        return DiskFull(
            f"it does not fit: {show_size(new)} are new, and the buffer takes {show_size(self.room)} before it would "
            f"delete others; make room, or say how many to take: --at-most {self.room // mean}"
        )

    def to_json(self) -> Json:
        """Return it for the wire."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "known": self.known,
            "known_bytes": self.known_bytes,
            "future": self.future,
            "first": self.first,
            "last": self.last,
            "cameras": self.cameras,
            "dated": self.dated,
            "renditions": self.renditions,
            "room": self.room,
            "destinations": {
                name: {"deliveries": sums[0], "bytes": sums[1]} for name, sums in self.destinations.items()
            },
        }
