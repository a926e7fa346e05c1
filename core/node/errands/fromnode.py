"""Pictures come back from the node that took them in: asked for by small objects in its drop, and put there by it.

No other access is needed than that by which this node delivers. What it fetched it says by asking for the next ones:
the other node removes copies that are not wanted any more (core.node.between.givingback).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from core.catalogue import digests
from core.catalogue.digests import Digest, Group
from core.errors import DestinationUnreachable, ObjectNotFound
from core.intake.entries import PictureEntry, from_json
from core.node.between import batches
from core.node.between.answering import LONGEST
from core.node.between.givingback import MOST, WINDOW
from core.node.errands.restoreday import Wanted
from core.node.errands.ways import Course, Do, Task, Wait
from core.node.jobs import Done, Json
from core.site.model.places import Destination
from core.transfer import drops
from core.transfer.holdings import Day, Held
from core.values import PictureName, utc

PATIENCE = timedelta(minutes=10)  # until a question that is not answered is told
LOOK, SELDOM, SLOWER = 1.0, 30.0, 1.5  # seconds between two looks for an answer: at first, at most; and how they grow
SHARE = 5.0  # a look is made again after so many times as long as it took
STALE = 3_600_000  # milliseconds after which answers that nobody read may go
TRIES = 3  # times that a copy is asked for which was gone when it was fetched
DAY = 86400

T = TypeVar("T")


@dataclass
class FromNode:
    """Asks one node by one drop."""

    task: Task
    destination: Destination
    _seen: set[str] = field(default_factory=set)  # batches of answers that were read
    _heard: list[str] = field(default_factory=list)  # of them, those that may go
    _asked: list[PictureName] = field(default_factory=list)  # copies that the other node is to put there
    _number: str = ""  # under which they are asked for
    _numbers: set[str] = field(default_factory=set)  # of all that was asked
    _there: set[str] = field(default_factory=set)  # copies that stood there at the last look
    _no: dict[str, str] = field(default_factory=dict)  # picture -> why it does not come
    _vanished: dict[PictureName, int] = field(default_factory=dict)
    _silent: str | None = None  # what is told of a node that answers nothing

    def survey(self) -> Course:
        """Ask for counts by day; for names only of days of which a part is here, or is wanted."""
        plan = self.task.plan
        spans = yield from self._ask([{"what": "span", "camera": camera} for camera in plan.cameras])
        answers = yield from self._ask(list(self._stock(spans)))
        groups = dict(_sensible(_group, answers))
        days = {(camera, day) for camera, day, _ in groups}
        unclear = sorted(one for one in days if self._is_unclear(*one, groups))
        asked = [{"what": "stored", "camera": camera, "from": day, "to": day} for camera, day in unclear]
        names = yield from self._ask(asked)
        found = {one: self._counted(*one, groups) for one in days if one not in unclear}
        for held in _sensible(self._held, names):
            self._count(found, held)
        plan.take({"days": [asdict(day) for day in found.values()], "listed": len(answers) + len(names)})

    def _stock(self, spans: Iterable[Json]) -> Iterator[Json]:
        begin, end = self.task.plan.begin() // DAY, (self.task.plan.end() - 1) // DAY
        for camera, first, last in _sensible(lambda one: (str(one["c"]), int(one["f"]), int(one["t"])), spans):
            for day in range(max(first, begin), min(last, end) + 1, LONGEST["stock"]):
                to = min(last, end, day + LONGEST["stock"] - 1)
                yield {"what": "stock", "camera": camera, "from": day, "to": to}

    def _is_unclear(self, camera: str, day: int, groups: dict[Group, Digest]) -> bool:
        """Return whether counts do not say what is missing of a day: some is here, or not all of it is wanted."""
        plan = self.task.plan
        if day * DAY < plan.begin() or (day + 1) * DAY > plan.end():
            return True
        ours = digests.digests(digests.known(self.task.context.catalogue, camera, day, day))
        theirs = {group: found for group, found in groups.items() if group[:2] == (camera, day)}
        return bool(ours) and any(ours.get(group) != found for group, found in theirs.items())

    def _counted(self, camera: str, day: int, groups: dict[Group, Digest]) -> Day:
        """Return a day of which all, or nothing, is here."""
        some = [found for group, found in groups.items() if group[:2] == (camera, day)]
        counted = Day(camera, _iso(day), sum(one.count for one in some), sum(one.size for one in some))
        if not digests.known(self.task.context.catalogue, camera, day, day):
            counted.missing, counted.missing_bytes = counted.pictures, counted.bytes
        return counted

    def _count(self, found: dict[tuple[str, int], Day], held: Held) -> None:
        if not self.task.plan.wants(held):
            return
        camera, day = held.name.camera, int(held.name.at.timestamp()) // DAY
        counted = found.setdefault((camera, day), Day(camera, _iso(day)))
        counted.pictures += 1
        counted.bytes += held.size
        if not self.task.returning.is_here(held):
            counted.missing += 1
            counted.missing_bytes += held.size

    def _held(self, said: Json) -> Held:
        name = PictureName.parse(str(said["n"]))
        return Held(drops.picture(self.task.context.site.site.name, name), name, int(said["b"]))

    def read_day(self) -> Course:
        """Ask for the lines of the day: they say what is there, and what its hashes are."""
        task, first = self.task, self.task.plan.todo[0]
        day = task.plan.number()
        answers = yield from self._ask([{"what": "book", "camera": first["camera"], "from": day, "to": day}])
        for entry in _sensible(from_json, answers):
            if entry is None or entry.folder != task.plan.folder():
                continue
            task.returning.learn(entry)
            if isinstance(entry, PictureEntry):
                remote = drops.picture(task.context.site.site.name, entry.name)
                task.day().listed.append(Held(remote, entry.name, entry.size))

    def bring(self, wanted: Wanted) -> Course:
        """Ask for it and those after it, and wait until it stands there."""
        if self._is_to_ask(wanted):
            yield from self._want(self._window())
        since, pause = self.task.context.monotonic(), LOOK
        while self.remote(wanted) not in self._there:
            done = yield Do("collect", {**self._answers(), "list": drops.back(*self._us(), "")})
            assert done is not None
            for one in self._read(done):
                if one.get("of") == self._number and "no" in one:
                    self._no[str(one.get("n"))] = str(one["no"])
            there = set(done.result["there"])
            since = self.task.context.monotonic() if there - self._there else since
            self._there = there
            if str(wanted.held.name) in self._no:
                raise ObjectNotFound(f"{self.destination.node} does not give it: {self._no[str(wanted.held.name)]}")
            if self.remote(wanted) not in self._there:
                self._require_patience(since)
                yield Wait(max(pause, SHARE * done.seconds), self._silent)
                pause = min(SELDOM, SLOWER * pause)
        self._silent = None

    def _is_to_ask(self, wanted: Wanted) -> bool:
        """Return whether to ask anew: it was not asked for, or half of what was is here and more is wanted."""
        left = [one.held.name for one in islice(self.task.day().wanted, MOST) if one.held.name in self._asked]
        more = len(self.task.day().wanted) > len(left)
        return wanted.held.name not in left or (more and 2 * len(left) <= len(self._asked))

    def _window(self) -> list[PictureName]:
        """Return what is wanted next: as much as may stand in the drop at once."""
        names: list[PictureName] = []
        size = 0
        for one in self.task.day().wanted:
            size += one.held.size
            if names and (size > WINDOW or len(names) == MOST):
                break
            names.append(one.held.name)
        return names

    def _want(self, names: Sequence[PictureName]) -> Course:
        self._asked, self._number = [], self._new_number()
        yield from self._put([{"back": self._number, "want": [str(name) for name in names]}])
        self._asked = list(names)

    def farewell(self) -> Course:
        """Say that nothing is wanted any more, and what was read."""
        if self._asked:
            yield from self._want([])
        elif self._heard:
            yield from self._put([])

    def remote(self, wanted: Wanted) -> str:
        """Return the name of its copy in the drop."""
        return drops.back(*self._us(), wanted.held.name)

    def vanished(self, wanted: Wanted) -> bool:
        """Return whether it is worth asking for again."""
        name = wanted.held.name
        if str(name) in self._no:
            return False
        self._asked, self._there = [], set()
        self._vanished[name] = self._vanished.get(name, 0) + 1
        return self._vanished[name] < TRIES

    # Questions and answers.

    def _ask(self, questions: Sequence[Json]) -> Generator[Do | Wait, Done | None, list[Json]]:
        """Leave questions in the drop and return what was answered."""
        if not questions:
            return []
        number, context = self._new_number(), self.task.context
        said = [{"ask": number, **one} for one in questions]
        said[-1]["last"] = True
        yield from self._put(said)
        since, pause, answers = context.monotonic(), LOOK, list[Json]()
        yield Wait(LOOK)
        while True:
            done = yield Do("collect", self._answers())
            assert done is not None
            new = [one for one in self._read(done) if one.get("of") == number]
            answers += new
            since = context.monotonic() if new else since
            if any(one.get("end") for one in answers):
                return answers
            self._require_patience(since)
            yield Wait(max(pause, SHARE * done.seconds), self._silent)
            pause = min(SELDOM, SLOWER * pause)

    def _require_patience(self, since: float) -> None:
        """Raise DestinationUnreachable when the other node is silent for long."""
        if self.task.context.monotonic() - since > PATIENCE.total_seconds():
            self._asked = []  # what was asked for may be lost: it is asked for again
            minutes = PATIENCE // timedelta(minutes=1)
            self._silent = f"{self.destination.node} has not answered for {minutes} minutes; is it running?"
            raise DestinationUnreachable(self._silent)

    def _put(self, said: Sequence[Json]) -> Course:
        """Leave a batch, with what was read until now."""
        heard, context = list(self._heard), self.task.context
        said = [{"heard": heard}, *said] if heard else said
        put = [
            batches.put(drops.lines(*self._us(), batches.next_number(context)), said[begin : begin + drops.BATCH])
            for begin in range(0, len(said), drops.BATCH)
        ]
        yield Do("settle", {"put": put, "remove": []})
        self._heard = [name for name in self._heard if name not in heard]

    def _answers(self) -> Json:
        return {"prefix": self._prefix(), "but": sorted(self._seen)}

    def _prefix(self) -> str:
        return f"{self.task.context.site.site.name}/{drops.ANSWERS}/{self.destination.node}_"

    def _read(self, done: Done) -> list[Json]:
        """Return what new batches of answers say; those to questions of somebody else stay until they are old."""
        said: list[Json] = []
        self._seen &= set(done.result["listed"])
        for found in done.result["objects"]:
            self._seen.add(found["name"])
            try:
                one = batches.said_in(found)
            except ValueError:
                one = []
            said += one
            sent = found["name"].removeprefix(self._prefix())
            is_old = sent.isdigit() and int(sent) < self.task.context.now_ms() - STALE
            is_ours = any(line.get("of") in self._numbers for line in one)
            if is_ours or is_old:
                self._heard.append(found["name"])
            if is_ours:
                self._silent = None
        return said

    def _new_number(self) -> str:
        number = f"{batches.next_number(self.task.context):x}"
        self._numbers.add(number)
        return number

    def _us(self) -> tuple[str, str]:
        context = self.task.context
        return context.site.site.name, context.node.name


def _group(said: Json) -> tuple[Group, Digest]:
    return (str(said["c"]), int(said["d"]), str(said["w"])), Digest(int(said["n"]), int(said["b"]), str(said["h"]))


def _sensible(read: Callable[[Json], T], said: Iterable[Json]) -> Iterator[T]:
    """Yield what is read of answers that make sense; the end of answers and refusals are none."""
    for one in said:
        try:
            yield read(one)
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            continue


def _iso(day: int) -> str:
    return f"{utc(day * DAY):%Y-%m-%d}"
