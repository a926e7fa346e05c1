"""Who runs the demo: gives the cameras something new to see, pulls the NAS out in the middle, says when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from core.catalogue import buffer, deliveries, slots, states
from core.catalogue.store import Catalogue
from core.node.cameras.idle import APPLIED_AT
from core.node.children import Children
from core.node.jobs import Job, Worker
from core.node.loop import Event, Stop
from core.node.part import SitePart
from core.simulate.demo import CAMERAS, DRAW_SECONDS, PAD_TO, SIZE

SCENE = Worker("scene")
PATIENCE = 120.0  # seconds after the last shot in which all must be home
LOOK = 0.25  # seconds

Tell = Callable[[str], None]


@dataclass
class Director:
    """A part of the loop beside the site's: it only looks, draws and unplugs."""

    part: SitePart
    folder: Path
    shots: int
    every: float
    queue: SimpleQueue[Event | Stop]
    tell: Tell
    _hands: Children = field(init=False)
    begun: int = field(init=False)  # the first second whose slots are this demo's own
    over: bool = False  # it came to its own end
    _drawn: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CAMERAS, 1))
    _look_at: float = 0.0
    _unplugged_at: float | None = None
    _plugged: bool = False
    _over_at: float | None = None

    def __post_init__(self) -> None:
        self._hands = Children(lambda report: None)
        self.begun = int(states.get(self.part.context.catalogue, APPLIED_AT) / 1000) + 1  # what was before is a gap
        self.part.context.on_event = self._hear

    def handle(self, event: object) -> None:
        """Nothing is sent here."""

    def tick(self) -> None:
        """Look how far it has come."""
        now = self.part.context.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK
        done = min(self._slots(camera) for camera in CAMERAS)
        if self._unplugged_at is None and done >= self.shots // 2:
            self._unplug(now)
        elif not self._plugged and self._unplugged_at is not None and now >= self._unplugged_at + 2 * self.every:
            self._plug()
        if done >= self.shots:
            self._end(now)

    def wake(self) -> float:
        """Return when to look again."""
        return self._look_at

    def stop(self) -> None:
        """Put the NAS back, whatever happened."""
        self._plug()

    def finished(self) -> bool:
        """Return that nothing is in hand."""
        return True

    def close(self) -> None:
        """Let go of the scene child."""
        self._plug()
        self._hands.close()

    def _slots(self, camera: str) -> int:
        catalogue = self.part.context.catalogue
        return len(slots.between(catalogue, camera, self.begun, 1 << 40))

    def _hear(self, kind: str, subject: str, text: str) -> None:
        self.tell(f"{subject}: {kind}: {text}")
        if kind == "shot" and subject in self._drawn:
            self._drawn[subject] += 1
            context = self.part.context
            args = {
                "into": str(self.folder / "cameras" / subject),
                "camera": subject,
                "nth": self._drawn[subject],
                "time": context.now().timestamp(),
                "zone": context.site.site.zone,
                "width": SIZE[0],
                "height": SIZE[1],
                "pad_to": PAD_TO,
            }
            self._hands.give(Job(SCENE, "draw", args, DRAW_SECONDS))

    def _unplug(self, now: float) -> None:
        self._unplugged_at = now
        (self.folder / "nas").rename(self.folder / "nas.unplugged")
        self.tell("an outage, on purpose: the NAS is unplugged; pictures are still taken, and wait")

    def _plug(self) -> None:
        if self._unplugged_at is None or self._plugged:
            return
        self._plugged = True
        (self.folder / "nas.unplugged").rename(self.folder / "nas")
        self.tell("the NAS is back: what waited for it is sent")
        self.part.desks.delivering.retry("nas")

    def _end(self, now: float) -> None:
        """Stop shooting; end when all is home, or when patience is over."""
        self._plug()
        if self._over_at is None:
            self._over_at = now + PATIENCE
            self.part.desks.shooting.stop()
            self.tell("the last shot is taken: waiting until everything is home and proven")
        waits = sum(
            deliveries.backlog(self.part.context.catalogue, name)[0] for name in self.part.desks.delivering.stations
        )
        if (waits == 0 and self.part.desks.idle()) or now >= self._over_at:
            self.over = True
            self.queue.put(Stop())


@dataclass(frozen=True)
class Result:
    """What a demo, or any run, came to."""

    slots: int
    captured: int
    missed: int
    pictures: int
    deliveries: int
    proven: int
    lost: int
    waiting: int  # deliveries that are not proven
    bytes_sent: int
    seconds: float
    interrupted: bool


def count(catalogue: Catalogue, begun: int, seconds: float, altered: int, interrupted: bool = False) -> Result:
    """Return what was captured, delivered and lost since `begun`; `altered`: pictures that are not as they came.

    Lost is every picture that is not whole here and, unless it was `interrupted`, that is not proven where its routes
    require it: what an interrupted run has not delivered waits for the next one.
    """
    rows = [row for camera in CAMERAS for row in slots.between(catalogue, camera, begun, 1 << 40)]
    held = buffer.tally(catalogue)
    tally = deliveries.tally(catalogue)
    pictures = sum(one.present for one in held)
    unproven = 0 if interrupted else pictures - sum(one.proven for one in held)
    return Result(
        slots=len(rows),
        captured=sum(row.outcome in ("captured", "late") for row in rows),
        missed=sum(row.outcome == "missed" for row in rows),
        pictures=pictures,
        deliveries=sum(one.n for one in tally),
        proven=sum(one.n for one in tally if one.state == "proven"),
        lost=unproven + altered,
        waiting=sum(one.n for one in tally if one.state != "proven"),
        bytes_sent=sum(one.bytes for one in tally if one.state == "proven"),
        seconds=round(seconds, 1),
        interrupted=interrupted,
    )
