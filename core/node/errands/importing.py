"""An import: a card or an old archive taken in, some shots at a time, through the same intake as a camera's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from core.catalogue import pictures
from core.catalogue.pictures import NewPicture
from core.errors import DiskFull, NoSuchThing, OverlapseError
from core.node.errands.arriving import Arrival, backfill, by_extension
from core.node.errands.errands import NEVER, Bench, Json, Order
from core.node.errands.importplan import ImportPlan
from core.node.jobs import Asked, Done, Failed, Job, Report, Said, Worker
from core.units import show_size
from core.values import PictureName, Sha256, utc

CHILD = Worker("import")
LONGEST = 90 * 86400.0  # seconds for an archive of any size
QUIET = 600.0  # seconds without a sign of life: a card reader that hangs
BUSY = 4  # pictures that may wait for their look before more are copied: a new shot must not stand behind many
BROKEN_TOLD = 50  # names of broken pictures


class Importing:
    """See core.node.errands.errands.Errand, and core.node.errands.gatherer for what the child asks."""

    def __init__(self, order: Order, bench: Bench) -> None:
        self.ended, self.error = False, None
        self._args, self._bench, self._is_look = order.args, bench, order.is_look
        self._plan = ImportPlan(bench, order.args.get("at_most"))
        self._phase = "survey"
        self._stopping = False
        self._next: Asked | None = None  # the child waits with it until there is time
        self._batch: list[tuple[Json, PictureName | None, bool]] = []  # row, name if it is new, kept here already
        self._unseen: list[PictureName] = []
        self._counts = {"taken": 0, "taken_bytes": 0, "known": 0, "removed": 0, "filled": 0, "extras": 0}
        self._dated: dict[str, int] = {}
        self._broken: list[str] = []
        self._result: Json = {}
        self._answers: Mapping[str, Callable[[Asked, Any], None]] = {
            "found": self._found,
            "next": self._asks_next,
            "copied": self._named,
            "spooled": self._keep,
        }

    error: OverlapseError | None

    def begin(self) -> None:
        context, args = self._bench.context, self._args
        if args.get("camera") is not None and context.camera(args["camera"]) is None:
            names = ", ".join(camera.name for camera in context.site.camera) or "none"
            raise NoSuchThing(f"the site has no camera {args['camera']}; it has: {names}")
        self._give("survey")

    def _give(self, op: str) -> None:
        context = self._bench.context
        wanted = ("path", "camera", "layout", "zone", "at_most", "remove")
        args = {key: self._args[key] for key in wanted if self._args.get(key) is not None}
        args |= {
            "cameras": [camera.name for camera in context.site.camera],
            "site_zone": context.site.site.zone,
            "spool": str(context.folders.spool),
            "apart": list(self._apart(bool(args.get("remove")))),
        }
        context.hands.give(Job(CHILD, op, args, LONGEST, QUIET, self))

    def _apart(self, remove: bool) -> Iterator[tuple[str, str]]:
        """Yield the folders from which nothing is taken in, and why not."""
        context = self._bench.context
        yield str(context.folders.data), "the data folder of this node is there: it has these pictures already"
        for one in context.site.destination if remove else ():
            scheme, _, place = one.address.partition(":")
            if scheme == "folder":
                yield place, f"the destination {one.name} is there: its copies must not be removed"

    def handle(self, report: Report) -> None:
        if isinstance(report, Asked):
            self._asked(report)
        elif isinstance(report, Failed):
            self.error = self.error or report.error
            self._finish()
        elif isinstance(report, Done):
            self._done(report)
        elif isinstance(report, Said):
            return  # a sign of life

    def _asked(self, asked: Asked) -> None:
        """Answer the child; whatever happens here, it is not left waiting."""
        ((what, rows),) = asked.question.items()
        try:
            self._answers[what](asked, rows)
        except OverlapseError as error:
            self.error = self.error or error
            asked.answer(_no(rows))
        except Exception as error:
            self.error = self.error or OverlapseError(f"internal fault: {type(error).__name__}: {error}")
            asked.answer(_no(rows))
            raise

    def _found(self, asked: Asked, rows: Sequence[Json]) -> None:
        if not self._stopping:
            self._plan.add(rows)
        asked.answer({"go": not self._stopping})

    def _asks_next(self, asked: Asked, size: int) -> None:
        context = self._bench.context
        free, keep = context.keeper.free().free, context.node.buffer.keep_free
        if free - size < keep:
            raise DiskFull(
                f"the disk has room for no more: {show_size(free)} free, and {show_size(keep)} stay free "
                "(keep_free); what was taken in is safe, and the rest is where it was"
            )
        self._next = asked
        self.tick()

    def tick(self) -> None:
        self._look()
        if self._next is not None and (self._stopping or self._bench.waiting() < BUSY):
            asked, self._next = self._next, None
            asked.answer({"go": not self._stopping})
        if self._phase == "look" and (self._stopping or not self._unseen):
            self._phase, self.ended = "ended", True

    def wake(self) -> float:
        waits = self._next is not None or self._phase == "look"
        return self._bench.context.monotonic() + 0.5 if waits else NEVER

    def _look(self) -> None:
        """See which of the new pictures were looked at, and what was found."""
        catalogue, left = self._bench.context.catalogue, []
        for name in self._unseen:
            picture = pictures.by_name(catalogue, name)
            view = pictures.view(catalogue, picture.id) if picture is not None else None
            if picture is not None and view is None and not picture.gone:
                left.append(name)
            elif view is not None and view.verdict == "broken":
                self._broken.append(str(name))
        self._unseen = left

    def _named(self, asked: Asked, groups: Sequence[Sequence[Json]]) -> None:
        """Say what each file is called here; one whose bytes are known has no name."""
        self._batch, given, hashes = [], set[PictureName](), set[Sha256]()
        for rows in groups:
            self._batch += self._named_group(rows, given, hashes)
        names = [None if name is None else str(name) for _, name, _ in self._batch]
        asked.answer({"go": not self._stopping, "names": names})

    def _named_group(
        self, rows: Sequence[Json], given: set[PictureName], hashes: set[Sha256]
    ) -> Iterator[tuple[Json, PictureName | None, bool]]:
        """Yield the files of one shot with their names: those of the one that is here already, if one is."""
        arriving, shared = self._bench.arriving, self._base(rows[0])
        known = {row["sha256"]: arriving.known(Sha256(row["sha256"])) for row in rows}
        partner = next((picture for picture in known.values() if picture is not None), None)
        if partner is not None:
            shared = partner.name
        extensions = [row["extension"] for row in rows if known[row["sha256"]] is None]
        shared = arriving.free_name(shared, list(by_extension([{"extension": one} for one in extensions])), given)
        for row in rows:
            picture, sha256 = known[row["sha256"]], Sha256(row["sha256"])
            if picture is not None or sha256 in hashes or arriving.is_coming(sha256):
                yield row, None, picture is not None and not picture.gone
                continue
            name = PictureName(shared.camera, shared.at, shared.node, shared.fence, row["extension"], shared.nth)
            if name in given:  # two files of one kind and one name, in two folders
                name = arriving.free_name(name, [name.extension], given)
            hashes.add(sha256)
            given.add(name)
            yield row, name, False

    def _base(self, row: Json) -> PictureName:
        if row["own"] is not None:
            return PictureName.parse(row["own"])
        context = self._bench.context
        return PictureName(
            row["camera"], utc(row["at"]), context.node.name, context.fence_of(row["camera"]), row["extension"]
        )

    def _keep(self, asked: Asked, size: int) -> None:
        """Keep what is in the spool now; the child goes on when it is durable."""
        arrivals = [self._arrival(row, name) for row, name, _ in self._batch if name is not None]

        def kept() -> None:
            self._count(arrivals)
            safe_here = [name is not None or here for _, name, here in self._batch]
            asked.answer({"go": not self._stopping, "safe": safe_here})

        self._bench.arriving.keep(arrivals, kept, backfill)

    def _arrival(self, row: Json, name: PictureName) -> Arrival:
        context = self._bench.context
        placed = self._bench.arriving.place(name)
        picture = NewPicture(
            name=name,
            slot=placed.slot,
            index=placed.index,
            kind=row["kind"],
            size=row["size"],
            sha256=Sha256(row["sha256"]),
            source_name=row["source"],
            source_time=row["at"] * 1000,
            trusted=context.trust.trusted,
            taken_in=context.now_ms(),
        )
        return Arrival(str(name), picture, placed, row["dated"])

    def _count(self, arrivals: Sequence[Arrival]) -> None:
        self._counts["known"] += len(self._batch) - len(arrivals)
        self._counts["taken"] += len(arrivals)
        self._counts["taken_bytes"] += sum(one.picture.size for one in arrivals)
        self._counts["filled"] += sum(one.placed.slot is not None for one in arrivals)
        self._counts["extras"] += sum(one.placed.slot is None for one in arrivals)
        for one in arrivals:
            self._dated[one.dated] = self._dated.get(one.dated, 0) + 1
        self._unseen += [one.picture.name for one in arrivals]

    def _done(self, report: Done) -> None:
        self._result = report.result
        if report.job.op == "survey":
            self._plan.close()
            if self._stopping or self.error is not None or self._is_look:
                self._finish()
            elif (why_not := self._plan.why_not()) is not None:
                self.error = why_not
                self._finish()
            else:
                self._phase = "copy"
                self._give("copy")
        else:
            self._counts["removed"] = report.result["removed"]
            self._finish()

    def _finish(self) -> None:
        self._next = None
        self._phase = "look"
        self.tick()

    def stop(self) -> None:
        self._stopping = True
        self.tick()

    def state(self) -> Json:
        return {
            "phase": self._phase,
            "path": self._args["path"],
            "plan": self._plan.to_json(),
            **self._counts,
            "broken": len(self._broken),
            "broken_names": self._broken[:BROKEN_TOLD],
            "dated": self._dated,
            "left": self._result.get("left", {}),
            "doubtful": self._result.get("doubtful", 0),
            "layout": self._result.get("layout"),
        }

    def progress(self) -> str:
        seen = self._counts["taken"] + self._counts["known"]
        return f"{self._args['path']}: {seen} of {self._plan.files} files, {show_size(self._counts['taken_bytes'])} new"

    def told(self) -> str:
        found = self._counts
        left = sum(self._result.get("left", {}).values())
        return (
            f"{self._args['path']}: {found['taken']} pictures taken in ({show_size(found['taken_bytes'])}), "
            f"{found['known']} known, {len(self._broken)} broken, {left} left where they are"
        )


def _no(asked_for: object) -> Json:
    """Return the answer that ends the child's work; nothing of what it asked for counts as safe."""
    return {"go": False, "names": [], "safe": [False] * asked_for if isinstance(asked_for, int) else []}
