"""Two nodes compare what one believes that the other has: digests first, names only of the days that differ."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.catalogue import digests
from core.catalogue.digests import SHORT, Digest, Group, Member
from core.catalogue.store import Catalogue
from core.child import Child
from core.errors import ChildError, DestinationError
from core.node.between.answering import LONGEST
from core.node.between.batches import AROUND
from core.node.sending.station import opening
from core.site.at import driver_of
from core.site.load import Loaded
from core.site.model.places import Destination
from core.text import safe
from core.transfer import drops
from core.units import show_size

Json = dict[str, Any]
SECONDS = 600.0  # of one request without a sign of life
PATIENCE = 180.0  # seconds until the other node's answer is there
LOOK = 1.0  # seconds between two looks, or more where a look takes long
SHARE = 5.0
CONNECTION = 7500  # bytes, both ways: an SSH login with the looks until the answer is there
PER_GROUP, PER_QUESTION = 22, 24  # bytes, deflated
FINER = 10_000  # nanoseconds: numbers of 15 digits, which the running node, with 13, never gives


@dataclass
class Compared:
    """What a comparison with one node found. Sizes are bytes."""

    destination: str
    node: str
    believed: int = 0  # originals of which there are receipts
    believed_bytes: int = 0
    there: int = 0
    there_bytes: int = 0
    missing_there: list[Member] = field(default_factory=list)
    missing_here: list[tuple[str, int]] = field(default_factory=list)  # name, size
    different: list[str] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    trouble: str | None = None

    @property
    def wrong(self) -> int:
        """How many pictures are not as they should be."""
        return len(self.missing_there) + len(self.missing_here) + len(self.different)

    def to_json(self) -> Json:
        """Return it as --json prints it."""
        return {
            "destination": self.destination,
            "node": self.node,
            "believed": {"pictures": self.believed, "bytes": self.believed_bytes},
            "there": {"pictures": self.there, "bytes": self.there_bytes},
            "missing_there": [one.name for one in self.missing_there],
            "missing_here": [name for name, _ in self.missing_here],
            "different": self.different,
            "sent": self.sent,
            "received": self.received,
            "trouble": self.trouble,
        }

    def lines(self) -> Iterator[str]:
        """Yield it for a person."""
        if self.trouble is not None:
            yield f"{self.destination}: not compared: {self.trouble}"
            return
        yield (
            f"{self.destination}: {self.believed} originals believed there ({show_size(self.believed_bytes)}), "
            f"{self.there} there ({show_size(self.there_bytes)}); {self.sent + self.received} bytes of batches"
        )
        lost, more = sum(one.size for one in self.missing_there), sum(size for _, size in self.missing_here)
        yield f"  missing there: {len(self.missing_there)} ({show_size(lost)})"
        yield from (f"    {one.name}" for one in self.missing_there)
        yield f"  missing here: {len(self.missing_here)} ({show_size(more)})"
        yield from (f"    {safe(name)}" for name, _ in self.missing_here)
        yield f"  different: {len(self.different)}"
        yield from (f"    {name}" for name in self.different)


class Comparison:
    """Compares with the node behind one destination, over a connection of its own."""

    def __init__(self, catalogue: Catalogue, loaded: Loaded, node: str, destination: Destination, today: int) -> None:
        """`node`: which we are; `today`: days since the epoch."""
        assert destination.node is not None
        self._catalogue, self._loaded, self._node, self._destination = catalogue, loaded, node, destination
        self._site = loaded.site.site.name
        self._spans = {camera: self._span(camera, today) for camera in self._cameras()}
        self.found = Compared(destination.name, destination.node)

    @property
    def cost(self) -> int:
        """About how many bytes go over the link when nothing differs, both ways together."""
        days = sum(last - first + 1 for first, last in self._spans.values())
        asked = len(self._questions("digest", self._spans))
        objects = 2 + days // drops.BATCH
        return CONNECTION + days * PER_GROUP + asked * PER_QUESTION + 2 * objects * AROUND

    def run(self, progress: Callable[[str], None] = lambda line: None) -> Compared:
        """Compare; what cannot be asked is told in `trouble`."""
        child = Child("destination")
        try:
            child.ask("open", opening(self._destination, self._loaded.base), SECONDS)
            progress(f"{self._destination.name}: asked for its digests")
            answers = self._ask(child, self._questions("digest", self._spans))
            days = self._differing(answers)
            if days:
                progress(f"{self._destination.name}: {len(days)} days differ: asked for their names")
                asked = {(camera, day): (day, day) for camera, day in days}
                names = self._ask(child, self._questions("names", asked))
                self._compare(days, names)
        except (DestinationError, ChildError, TimeoutError) as error:
            self.found.trouble = str(error)
        finally:
            child.close()
        return self.found

    def _cameras(self) -> list[str]:
        """Return the cameras whose originals this node hands on there."""
        site = self._loaded.site
        return [
            camera.name
            for camera in site.camera
            if any(
                self._destination.name in route.places
                and (not route.cameras or camera.name in route.cameras)
                and (route.at or driver_of(site, camera.name)) == self._node
                for route in site.route
            )
        ]

    def _span(self, camera: str, today: int) -> tuple[int, int]:
        """Return the days that are compared: all of which anything is known here, else the last month."""
        known = digests.span(self._catalogue, camera)
        return (known[0], max(known[1], today)) if known else (today - 30, today)

    def _questions(self, what: str, spans: Mapping[Any, tuple[int, int]]) -> list[Json]:
        questions = []
        for key, (first, last) in spans.items():
            camera = key if isinstance(key, str) else key[0]
            for begin in range(first, last + 1, LONGEST[what]):
                end = min(last, begin + LONGEST[what] - 1)
                questions.append({"what": what, "camera": camera, "from": begin, "to": end})
        return questions

    def _ask(self, child: Child, questions: Sequence[Json]) -> list[Json]:
        """Leave questions in the drop, wait for all answers, and say that they were read."""
        number = f"{time.time_ns():x}"
        said = [{"ask": number, **one} for one in questions]
        said[-1]["last"] = True
        self._put(child, said)
        answers, names = self._await(child, number)
        self._put(child, [{"heard": names}])
        return answers

    def _put(self, child: Child, said: Sequence[Json]) -> None:
        for begin in range(0, len(said), drops.BATCH):
            data = drops.pack(said[begin : begin + drops.BATCH])
            lay(child, drops.lines(self._site, self._node, time.time_ns() // FINER + begin), data)
            self.found.sent += len(data)

    def _await(self, child: Child, number: str) -> tuple[list[Json], list[str]]:
        prefix, known = f"{self._site}/{drops.ANSWERS}/{self._destination.node}_", set[str]()
        answers: list[Json] = []
        end = time.monotonic() + PATIENCE
        while not any(one.get("end") for one in answers):
            if time.monotonic() > end:
                raise TimeoutError(
                    f"node {self._destination.node} has not answered within {PATIENCE:.0f} s: does it run?"
                )
            began = time.monotonic()
            read = child.ask("collect", {"prefix": prefix, "but": sorted(known)}, SECONDS)
            self.found.received += read["received"]
            for one in read["objects"]:
                known.add(one["name"])
                answers += _of(number, one["data"])
            if not any(one.get("end") for one in answers):
                time.sleep(max(LOOK, SHARE * (time.monotonic() - began)))
        return answers, sorted(known)

    def _believed(self, camera: str, first: int, last: int) -> list[Member]:
        return digests.believed(self._catalogue, self._destination.name, camera, first, last)

    def _differing(self, answers: Iterable[Json]) -> list[tuple[str, int]]:
        """Return the (camera, day) whose digests differ, and count both sides."""
        theirs: dict[Group, Digest] = {
            (str(one["c"]), int(one["d"]), str(one["w"])): Digest(int(one["n"]), int(one["b"]), str(one["h"]))
            for one in answers
            if "c" in one
        }
        members = [one for camera, (first, last) in self._spans.items() for one in self._believed(camera, first, last)]
        ours = digests.digests(members)
        self.found.believed, self.found.believed_bytes = len(members), sum(one.size for one in members)
        self.found.there = sum(one.count for one in theirs.values())
        self.found.there_bytes = sum(one.size for one in theirs.values())
        differing = {group[:2] for group in ours.keys() | theirs.keys() if ours.get(group) != theirs.get(group)}
        return sorted(differing)

    def _compare(self, days: Iterable[tuple[str, int]], names: Iterable[Json]) -> None:
        theirs = {str(one["n"]): (str(one["h"]), int(one["b"])) for one in names if "n" in one and "h" in one}
        for camera, day in days:
            ours = {one.name: one for one in self._believed(camera, day, day)}
            kept = {one.name for one in digests.held(self._catalogue, camera, day, day)}
            for name, one in sorted(ours.items()):
                if name not in theirs:
                    self.found.missing_there.append(one)
                elif theirs.pop(name)[0] != one.sha256[:SHORT]:
                    self.found.different.append(name)
            for name in kept & theirs.keys():  # it is here, too, and its receipt is still on the way
                del theirs[name]
        self.found.missing_here = sorted((name, size) for name, (_, size) in theirs.items())


def lay(child: Child, name: str, data: bytes) -> None:
    """Leave a batch in a drop; raise DestinationError or ChildError."""
    child.ask("settle", {"put": [{"name": name, "data": base64.b64encode(data).decode()}], "remove": []}, SECONDS)


def _of(number: str, data: str | None) -> list[Json]:
    """Return the answers to our question in a batch."""
    try:
        said = drops.unpack(base64.b64decode(data or ""))
    except ValueError:
        return []
    return [one for one in said if one.get("of") == number]
