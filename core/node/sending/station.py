"""One destination as this node serves it: what is on its way there, what is wrong with it, what its child is told."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from core.catalogue.deliveries import Delivery, Priority
from core.catalogue.ready import Choice
from core.errors import DestinationFull, DestinationUnreachable
from core.node.context import Context
from core.node.jobs import Job, Json, Setting, Worker
from core.node.sending.uplink import Uplink
from core.site.model.places import Destination
from core.site.secrets import read_secret
from core.transfer.base import Level
from core.transfer.delivery import SLOW
from core.transfer.lanes import STALLED, Room, UnderWay, may_send, room
from core.transfer.registry import grants_ahead, lanes_of, streams_of

IDLE = 60.0  # seconds without work after which its child ends
OFTEN = 1800.0  # seconds between check-ins up to which the connection is kept for the next
SLOWEST = 10_000  # bytes a second; a destination below that gives no sign of life for too long
QUIET = 60.0  # seconds of silence that any server may take
NEVER = float("inf")
OPENING = 60.0  # seconds for connection and login
IN_SWING = 2  # files that got through each lane, from which on a small one is granted with its job
NEXT = 2  # files for each lane in full swing: one that is sent, and the next one
_KEPT = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}
"""What a file of some 100 kB needs again for the next one is not given back to the kernel meanwhile (mallopt(3)): a
fifth of the CPU time of sending 500 files of 200 kB on loopback."""


@dataclass(frozen=True)
class Trouble:
    """Why a destination takes nothing just now."""

    error: str
    text: str
    since_ms: int
    at: float  # monotonic: when it was last met
    until: float  # monotonic
    failures: int


@dataclass
class Sending:
    """One delivery on its way."""

    job: Job
    began: float  # monotonic
    offset: int  # bytes that the destination has
    noted: int  # bytes of it that the catalogue knows of
    noted_at: float  # monotonic
    granted: int = 0  # bytes that went or may go now
    turn_at: float | None = None  # monotonic: when it last got into its link's line
    wants: int = 0  # bytes that it asked for, and has not been put into its link's line for
    resume: str | None = None  # what its worker said last of how to go on
    answer: Callable[[Json], None] | None = None  # to the grant that it waits for
    ahead: int = 0  # bytes that were granted with the job

    @property
    def delivery(self) -> Delivery:
        """What is on its way."""
        delivery: Delivery = self.job.about
        return delivery

    @property
    def class_name(self) -> str:
        """The class of what is on its way, as links know it."""
        return self.delivery.priority.name.lower()

    @property
    def under_way(self) -> UnderWay:
        """It, as the choice of what begins next sees it."""
        delivery = self.delivery
        left = max(0, (delivery.size or 0) - self.granted)
        return UnderWay(delivery.priority <= Priority.LIVE, left, self.turn_at)

    def line_up(self, now: float) -> int:
        """Count it as being in its link's line; return for how many bytes."""
        size, self.wants, self.turn_at = self.wants, 0, now
        return size

    def grant(self, size: int) -> None:
        """Let it send `size` bytes if it waits for a grant."""
        answer, self.answer = self.answer, None
        if answer is not None:
            self.granted = self.offset + size
            answer({"granted": size})

    def refuse(self) -> None:
        """Have it stop where it is if it waits for a grant."""
        answer, self.answer, self.wants = self.answer, None, 0
        if answer is not None:
            answer({"granted": 0})


@dataclass
class Looking:
    """A look at a copy that was delivered before."""

    job: Job
    answer: Callable[[Json], None] | None = None  # to the grant that it waits for

    def grant(self, size: int) -> None:
        """Let it read `size` bytes back if it waits for a grant; 0: it ends with what it knows."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer({"granted": size})


@dataclass
class Station:
    """One destination and its worker."""

    destination: Destination
    kept: bool = False  # a lane is kept free for live pictures
    stands_in_for: Sequence[str] = ()  # destinations of which it takes what they do not, when they do not answer
    stood_in: set[str] = field(default_factory=set)  # destinations that stand in for it in its present trouble
    sending: dict[int, Sending] = field(default_factory=dict)  # by number of the delivery
    looking: Looking | None = None
    left_out: dict[Priority, int] = field(default_factory=dict)  # class -> up to which `at` a rung leaves out the rest
    stride: int = 0  # bytes of a usual grant there
    swing: int = 0  # files that got through since something failed or nothing was on its way
    fewer: int | None = None  # lanes that the server allows, if it refused one beside others
    trouble: Trouble | None = None
    refused: set[int] = field(default_factory=set)  # deliveries that it refused since it last took one
    stuck: dict[int, int] = field(default_factory=dict)  # delivery -> cuts in a row in which it got no further
    paused_until: datetime | None = None
    look_at: float = 0.0  # monotonic: when something may be ready
    audit_at: float = 0.0  # monotonic: when a copy may be looked at while it is full

    @property
    def worker(self) -> Worker:
        """Its child."""
        return Worker("destination", self.destination.name)

    @property
    def lanes(self) -> int:
        """How many deliveries may be on their way at once."""
        lanes = lanes_of(self.destination)
        return lanes if self.fewer is None else min(lanes, self.fewer)

    @property
    def _places(self) -> int:
        """How many deliveries its worker may have at once.

        While small files go without a question, it has the next one of each lane, too: no lane waits for the node. It
        has none beside where a live picture would wait behind it, or where the server allows fewer lanes.
        """
        lanes = self.lanes
        if self.kept or self.fewer is not None or self.swing < IN_SWING * lanes:
            return lanes
        return NEXT * lanes if all(one.ahead for one in self.sending.values()) else lanes

    @property
    def room(self) -> Room:
        """What may begin now."""
        lanes = self._places - (self.looking is not None)
        if len(self.sending) >= lanes:  # asked at every event
            return Room.NOTHING
        return room(lanes, self.kept, [one.under_way for one in self.sending.values()], self.stride)

    def choice(self, uplink: Uplink) -> Choice:
        """Return which of its deliveries may begin now, as its lanes, its link and the rung of that say."""
        least = Priority.AUDIT if self.room is Room.ANYTHING else Priority.LIVE
        classes = [one for one in Priority if one <= least and one.name.lower() in uplink.grants.carries]
        thinned = uplink.rung.thinned
        rarer = {} if thinned is None else {Priority[thinned.upper()]: uplink.rung.nth}
        return Choice(classes, [one.delivery.remote for one in self.sending.values()], rarer, self.left_out)

    def chosen(self, delivery: Delivery, choice: Choice) -> None:
        """Note where to go on in a class that is thinned."""
        if delivery.priority in choice.rarer:
            self.left_out[delivery.priority] = delivery.at

    def not_carried(self, classes: Collection[str]) -> None:
        """Have those stop where they are that wait for a grant and are of none of these classes."""
        for sending in self.sending.values():
            if sending.class_name not in classes:
                sending.refuse()
        if self.looking is not None and "audit" not in classes:
            self.looking.grant(0)

    @property
    def unreachable(self) -> bool:
        """Whether it gave no answer when it was last tried."""
        return self.trouble is not None and self.trouble.error == DestinationUnreachable.__name__

    @property
    def full(self) -> bool:
        """Whether it had no room when it was last tried."""
        return self.trouble is not None and self.trouble.error == DestinationFull.__name__

    @property
    def rests_until(self) -> float:
        """The monotonic time until which nothing is sent there because of its trouble."""
        return self.trouble.until if self.trouble is not None else 0.0

    def is_paused(self, now: datetime) -> bool:
        """Return whether an operator has it rest."""
        return self.paused_until is not None and now < self.paused_until

    def setting(self, context: Context) -> Setting:
        """Return how its child is opened; raise ConfigurationError for a secret that cannot be read."""
        described = opening(self.destination, context.base)
        lanes = lanes_of(self.destination)
        return Setting(described, OPENING, idle=self._idle(context), lanes=lanes, environment=_KEPT)

    def _idle(self, context: Context) -> float:
        """Return after how many idle seconds its child ends: not between two check-ins, whose log-in is most bytes."""
        every = context.node.check_in.total_seconds()
        told = self.destination.status or self.destination.node not in (None, context.node.name)
        return every + IDLE if told and every <= OFTEN else IDLE

    def of(self, job: Job) -> Sending | None:
        """Return what a job sends, if it is still on its way."""
        sending = self.sending.get(job.about.id) if isinstance(job.about, Delivery) else None
        return sending if sending is not None and sending.job is job else None

    def begin(self, context: Context, delivery: Delivery, ahead: int = 0) -> Job:
        """Count `delivery` among those on their way and return the job that sends it, `ahead` bytes granted with it."""
        job, now = self.job(context, delivery, ahead), context.monotonic()
        granted = delivery.offset + ahead
        self.sending[delivery.id] = Sending(job, now, delivery.offset, delivery.offset, now, granted, ahead=ahead)
        return job

    def ahead(self, delivery: Delivery, uplink: Uplink, now: float) -> int:
        """Return how many bytes may be granted with the job: a small file's, where all goes well and nobody waits.

        Each question costs the node, and its child, as much as all the rest of such a file on a fast link.
        """
        size = delivery.size or 0
        small = size <= min(self.stride, self.destination.chunk) and not delivery.offset and delivery.resume is None
        if not small or self.swing < IN_SWING * self.lanes or not grants_ahead(self.destination):
            return 0
        if uplink.budget is not None or not uplink.grants.at_once(delivery.priority.name.lower()):
            return 0
        others = [one.under_way for one in self.sending.values()]
        turn = may_send(UnderWay(delivery.priority <= Priority.LIVE, 0), others, streams_of(self.destination), now)
        return size if turn else 0

    def went_well(self, sending: Sending, seconds: float) -> None:
        """Learn from a file that got through."""
        self.swing = self.swing + 1 if self.sending else 0
        if sending.ahead and seconds > SLOW:
            self.stride //= 2

    def job(self, context: Context, delivery: Delivery, ahead: int = 0) -> Job:
        """Return the job that sends `delivery`."""
        args = {
            "name": delivery.remote,
            "path": str(context.folders.data / str(delivery.path)),
            "size": delivery.size,
            "sha256": delivery.sha256,
            "resume": encode(delivery.resume),
            "level": Level(delivery.level).word,
            "chunk": self.destination.chunk,
            "granted": ahead,
            "replace": delivery.priority is Priority.LIVE,
            "handed": self.destination.node is not None,
            "fence": self._fence(context, delivery),
            "protected": self.destination.protected,
        }
        deadline = self.destination.deadline.total_seconds()
        quiet = QUIET + self.lanes * self.destination.chunk / SLOWEST
        return Job(self.worker, "deliver", args, deadline, quiet, delivery)

    def _fence(self, context: Context, delivery: Delivery) -> str | None:
        """Return the fence that a live name is to be compared by; only a camera with a backup has several owners."""
        camera = context.camera(delivery.name.camera)
        fenced = camera is not None and camera.backup is not None and delivery.priority is Priority.LIVE
        return str(delivery.name.fence) if fenced else None

    def asked(self, sending: Sending, question: Json, answer: Callable[[Json], None]) -> None:
        """Take in that the worker wants a grant for one of its transfers."""
        sending.offset, sending.resume, sending.answer = question["offset"], question.get("resume"), answer
        sending.wants = wanted = int(question["grant"])
        if wanted > self.stride or sending.offset + wanted < (sending.delivery.size or 0):
            self.stride = wanted  # a smaller one says nothing when it is the last one of a file

    def in_turn(self, now: float) -> Iterator[Sending]:
        """Yield the transfers that may get in their link's line now, the first begun first."""
        for sending in self.sending.values():
            if not sending.wants:
                continue
            others = [one.under_way for one in self.sending.values() if one is not sending]
            if may_send(sending.under_way, others, streams_of(self.destination), now):
                yield sending

    def next_turn(self, now: float) -> float:
        """Return the monotonic time at which a transfer that waits for its turn has waited long enough."""
        if not any(one.wants for one in self.sending.values()):
            return NEVER
        moving = (one.under_way.turn_at for one in self.sending.values() if one.under_way.moves(now))
        return min((turn_at + STALLED for turn_at in moving if turn_at is not None), default=NEVER)

    def hope(self) -> None:
        """Try again at once in spite of the trouble; it is over when something got through."""
        self.fewer = None
        if self.trouble is not None:
            self.trouble = replace(self.trouble, until=0.0)

    def refuse_grants(self) -> None:
        """Tell the transfers that wait to stop where they are."""
        for sending in self.sending.values():
            sending.refuse()
        if self.looking is not None:
            self.looking.grant(0)


def encode(resume: bytes | None) -> str | None:
    """Return a resume state as JSON carries it."""
    return None if resume is None else base64.b64encode(resume).decode()


def decode(resume: str | None) -> bytes | None:
    """Return the resume state that `encode` wrote."""
    return None if resume is None else base64.b64decode(resume)


def opening(destination: Destination, base: Path) -> Json:
    """Return what a destination's child is opened with; raise ConfigurationError for a secret that cannot be read."""
    described: Json = {key: getattr(destination, key) for key in ("name", "address", "host_key", "region")}
    secrets = {}
    if destination.password_file is not None:
        secrets["password"] = read_secret(base / destination.password_file)
    for key in ("key_file", "ca_file"):
        if getattr(destination, key) is not None:
            described[key] = str(base / getattr(destination, key))
    return {"destination": described, "secrets": secrets}
