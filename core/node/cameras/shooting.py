"""When each camera shoots, and what becomes of the shot: kept, tried again up the ladder, or given up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.capture.base import Shot
from core.capture.ladder import Failure, Good, State, limits_of, seconds_left, step
from core.capture.wire import shot_from_json
from core.catalogue import slots, states
from core.errors import (
    CatalogueError,
    ConfigurationError,
    FenceRefused,
    NoSuchThing,
    OverlapseError,
    StorageError,
    from_wire,
    to_wire,
)
from core.ledger.gap import Stretch, gap
from core.ledger.outcomes import Entry, excused, missed
from core.ledger.outcomes import shot as entry_of
from core.ledger.rhythm import LATEST, STEERED, Due, Recorded, begin, done, due, newest_fresh
from core.node.cameras.pauses import pause_at, pauses_of
from core.node.cameras.post import InHand, Post
from core.node.context import Context
from core.node.fleet.spares import AS_SPARE
from core.node.jobs import Done, Failed, Report, Setting
from core.node.pictures.taking import Taken, Taking
from core.schedule.slots import Slot, Timetable
from core.site.model.cameras import Camera
from core.values import seconds_of, utc

log = logging.getLogger(__name__)

ATTEMPTS = 3  # of one slot
BY_HAND = 30.0  # seconds that a shot without a slot waits for another attempt
NEVER = float("inf")
NOTHING, MOMENT = timedelta(0), timedelta(microseconds=1)
LONGEST_DARK = timedelta(days=1)  # that a node which takes a camera over answers for
AFTER_EXPOSURE = 5.0  # seconds until a camera is free again


@dataclass
class Shooting:
    """All cameras that this node drives. `on_order` hears of the shots that were asked for by hand."""

    context: Context
    taking: Taking
    posts: dict[str, Post] = field(default_factory=dict)
    scheduled: bool = True  # False: only by hand
    begins: datetime | None = None  # at a start: up to where the slots have been written
    stopped: str | None = None  # why no camera may shoot on schedule: the buffer is full
    on_order: Callable[[str, list[str], OverlapseError | None], None] = lambda order, pictures, error: None
    _stopping: bool = False
    _leaving: dict[str, Post] = field(default_factory=dict)  # taken out of the site with a shot in hand

    def apply(self) -> None:
        """Take over the cameras as they are now configured; one that did not change is not touched."""
        wanted = {camera.name: camera for camera in self.context.cameras()}
        for name, camera in wanted.items():
            post = self.posts.get(name)
            if post is None:
                self.posts[name] = self._post(camera)
            else:  # the site's zone may be another one for a camera that did not change
                post.plain = post.plain and camera == post.camera  # settings that were changed are written again
                post.camera, post.timetable, post.wake = camera, self._timetable(camera), 0.0
            self._equip(self.posts[name])
        self.begins = None
        for name in self.posts.keys() - wanted.keys():
            self._retire(self.posts.pop(name))

    def _retire(self, post: Post) -> None:
        """Let a camera go that the site does not have any more; a shot that it is just taking is still kept."""
        in_hand = post.in_hand
        if in_hand is not None and in_hand.again_at is not None:
            self._give_up(post, in_hand, self._why_gone(post.camera.name))
        elif in_hand is not None:
            self._leaving[post.camera.name] = post
        self.context.hands.equip(post.worker, Setting())  # its process ends after a while
        self.context.hands.give(post.shut())

    def _why_gone(self, camera: str) -> OverlapseError:
        if self.context.camera(camera) is None:
            return OverlapseError("the camera was taken out of the site")
        return FenceRefused("another node owns the camera now")

    def is_busy(self, camera: str) -> bool:
        """Return whether a shot of a camera is in hand."""
        held = (self.posts.get(camera), self._leaving.get(camera))
        return any(post is not None and post.in_hand is not None for post in held)

    def capture(self, name: str, order: str) -> None:
        """Take one shot by hand as soon as the camera is free; an event with `order` tells of it. Raise NoSuchThing."""
        if name not in self.posts:
            here = ", ".join(self.posts) or "none"
            raise NoSuchThing(f"this node drives no camera {name}; it drives: {here}")
        self.posts[name].by_hand.append(order)

    def tick(self) -> None:
        """Begin what is due."""
        if self._stopping:
            return
        for post in self.posts.values():
            if post.in_hand is None:
                self._look(post)
                self._open_early(post)
            elif post.in_hand.again_at is not None and self.context.monotonic() >= post.in_hand.again_at:
                post.in_hand.again_at = None
                self._attempt(post, post.in_hand)

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        times = [] if self._stopping else [_wake(post, self.scheduled) for post in self.posts.values()]
        return min(times, default=NEVER)

    def stop(self) -> None:
        """Begin nothing new; a shot in hand is finished, one that waits for another attempt is given up."""
        self._stopping = True
        for post in self.posts.values():
            if post.in_hand is not None and post.in_hand.again_at is not None:
                self._give_up(post, post.in_hand, OverlapseError("the node is stopping"))

    def finished(self) -> bool:
        """Return whether no shot is in hand."""
        return all(post.in_hand is None for post in (*self.posts.values(), *self._leaving.values()))

    def handle(self, report: Report) -> None:
        """Take in what a camera's worker, or its hook, reports."""
        post, in_hand = self._whose(report), report.job.about
        if post is None or not isinstance(report, Done | Failed):
            return
        if report.job.worker.kind == "hook":
            self._hooked(post, report)
        elif report.job.op == "reset" and isinstance(report, Failed):
            self.context.tell("recovery", post.camera.name, f"the USB reset failed: {report.error}")
        elif isinstance(in_hand, InHand) and in_hand is post.in_hand:
            if isinstance(report, Done):
                self._shot(post, in_hand, shot_from_json(report.result))
            else:
                self._failed(post, in_hand, report.error, "open" if report.opening else "shoot")
            if self._leaving.get(post.camera.name) is post:
                del self._leaving[post.camera.name]

    def _whose(self, report: Report) -> Post | None:
        """Return the camera that a report is about: the one of that name, or the one that had it before a change."""
        leaving = self._leaving.get(report.job.worker.name)
        if leaving is not None and leaving.in_hand is report.job.about:
            return leaving
        return self.posts.get(report.job.worker.name)

    def write_gap(self, camera: Camera, timetable: Timetable, stretch: Stretch) -> None:
        """Write the slots of a stretch in which nobody shot; one that is too long is told as one event."""
        node, pauses = self.context.node.name, pauses_of(self.context.catalogue, camera.name)
        found = gap(timetable, camera.name, node, stretch, pauses, self._recorded(camera.name))
        if found.folded is not None:
            count = "an unknown number of" if found.folded.count is None else found.folded.count
            text = f"{count} slots from {stretch.after} to {stretch.until} are not written one by one: {stretch.cause}"
            self.context.tell("slots folded", camera.name, text)
        entries = list(found.entries)
        if entries:
            self._record(entries)
            self.context.tell("slots missed", camera.name, f"{len(entries)}: {stretch.cause}")

    def _post(self, camera: Camera) -> Post:
        latest = slots.latest(self.context.catalogue, camera.name, self.context.node.name)
        highest = None if latest is None else utc(latest.slot)
        now, monotonic = self.context.now(), self.context.monotonic()
        rhythm, timetable = begin(highest, now, monotonic, self.context.trust.trusted), self._timetable(camera)
        if self.begins is not None and self.begins < now and rhythm.settled < now:
            rhythm = replace(rhythm, settled=self.begins - MOMENT, beaten=self.begins - MOMENT)
        since = utc(self.context.leases.since(camera.name))
        if LONGEST_DARK > now - since > NOTHING and (highest is None or highest < since):
            settled = newest_fresh(timetable, since, now)
            self.write_gap(camera, timetable, Stretch(since, settled or now, "not the owner"))
            rhythm = rhythm if settled is None else replace(rhythm, settled=settled - MOMENT, beaten=settled - MOMENT)
        remembered = states.get(self.context.catalogue, _ladder_key(camera))
        return Post(camera, timetable, rhythm, State.from_json(remembered) if remembered else State())

    def _timetable(self, camera: Camera) -> Timetable:
        where = self.context.site.site
        return Timetable(camera, where.zone, where.latitude, where.longitude)

    def _equip(self, post: Post) -> None:
        try:
            self.context.hands.equip(post.worker, post.setting(self.context))
        except ConfigurationError as error:
            self.context.tell("camera trouble", post.camera.name, str(error))

    def _look(self, post: Post) -> None:
        """Ask the rhythm until nothing more is due, and act on each answer; then the shots asked for by hand."""
        while post.in_hand is None and self._is_time(post):
            now, monotonic, trusted = self.context.now(), self.context.monotonic(), self.context.trust.trusted
            recorded = self._recorded(post.camera.name)
            rhythm, what = due(post.rhythm, post.timetable, now, monotonic, trusted, recorded)
            if what.missed is not None:
                self.write_gap(post.camera, post.timetable, what.missed)
            post.rhythm, post.wake = rhythm, what.wake  # only now: what cannot be read is asked for again
            if what.kind == "none":
                break
            self._begin_due(post, what)
            post.rhythm = done(post.rhythm, what)
        if post.in_hand is None and post.by_hand:
            second = self.context.now().replace(microsecond=0)
            self._begin(post, InHand(second, None, post.by_hand.pop(0)), 0.0)

    def _open_early(self, post: Post) -> None:
        """Open a camera that is about to shoot: a body needs seconds, and the shutter shall come on time."""
        at = post.open_at()
        if post.in_hand is None and self.scheduled and at is not None and self.context.monotonic() >= at:
            post.opened_for = post.wake
            self.context.hands.ready(post.worker)

    def _is_time(self, post: Post) -> bool:
        """Return whether the rhythm's wake has come, or the wall clock was set meanwhile."""
        if not self.scheduled:
            return False
        if post.wake is not None and self.context.monotonic() >= post.wake:
            return True
        walked = (self.context.now() - post.rhythm.seen).total_seconds()
        return abs(walked - (self.context.monotonic() - post.rhythm.monotonic)) > STEERED.total_seconds()

    def _begin_due(self, post: Post, what: Due) -> None:
        """Shoot what is due, or write why it is not shot."""
        assert what.at is not None
        slot = what.slot if what.kind == "slot" else None
        camera, node = post.camera.name, self.context.node.name
        pause = pause_at(self.context.catalogue, camera, what.at)
        wait = seconds_left(post.ladder, self.context.now().timestamp())
        if pause is not None:
            entry = excused(slot, camera, node, pause.text) if slot else None
        elif (error := self.why_not(post)) is not None:
            entry = missed(slot, camera, node, error) if slot else None
        elif self.stopped is not None:
            entry = missed(slot, camera, node, "stopped", self.stopped) if slot else None
        elif slot is not None and wait >= min(slot.interval, LATEST).total_seconds():
            last = from_wire({"error": post.ladder.error, "message": post.error or "recovery waits"})
            entry = missed(slot, camera, node, last)
        else:
            self._begin(post, InHand(what.at, slot), wait)  # type: ignore[arg-type]
            return
        self._record([entry] if entry is not None else [])

    def _begin(self, post: Post, in_hand: InHand, wait: float) -> None:
        post.in_hand, in_hand.spare = in_hand, post.is_spare(self.context)
        if wait > 0:
            in_hand.again_at = self.context.monotonic() + wait
        else:
            self._attempt(post, in_hand)

    def _attempt(self, post: Post, in_hand: InHand) -> None:
        """Have the shot taken, or give it up where the camera may be another node's before it ends."""
        error = self.why_not(post)
        if error is None:
            self.context.hands.give(post.shot(self.context, in_hand))
        else:
            self._give_up(post, in_hand, error)

    def why_not(self, post: Post) -> OverlapseError | None:
        """Return why no shot of a camera may be begun now, None: one may."""
        if self._stopping:
            return OverlapseError("the node is stopping")
        if self.context.leases.right(post.camera, _lasting(post.camera)) is None:
            return FenceRefused("cut off from the fleet")
        return None

    def _recorded(self, camera: str) -> Recorded:
        node = self.context.node.name
        return lambda at: slots.get(self.context.catalogue, camera, seconds_of(at), node) is not None

    def _shot(self, post: Post, in_hand: InHand, shot: Shot) -> None:
        """Keep what came; the camera forgets it only when that is durable and catalogued."""
        camera, node = post.camera.name, self.context.node.name
        entry = entry_of(in_hand.slot, camera, node, utc(shot.shutter), shot.partial) if in_hand.slot else None
        post.in_hand, post.error, post.told = None, None, None
        self.climbed(post, step(post.ladder, Good(), self.context.now().timestamp(), limits_of(post.camera))[0])
        self._tell_drift(post, shot)
        try:
            more = AS_SPARE if in_hand.spare else None
            self.taking.take(shot, entry, lambda taken: self._kept(post, in_hand, entry, taken), more)
        except (StorageError, CatalogueError) as error:
            post.error = f"its picture is not durable yet: {error}"
            self.context.tell("shot not kept yet", camera, str(error))

    def _kept(self, post: Post, in_hand: InHand, entry: Entry | None, taken: Taken) -> None:
        """Release the camera's copies of what is durable, and tell of it."""
        camera = post.camera.name
        if self.posts.get(camera) is post:  # else it was taken out of the site meanwhile
            self.context.hands.give(post.job("release", {"source_names": taken.release}))
        kept = [str(name) for name in (*taken.kept, *taken.known)]
        what = entry.outcome if entry is not None else "extra"
        self.context.tell("shot", camera, f"{what}: {', '.join(kept)}", **_ordered(in_hand, pictures=kept))
        if in_hand.order is not None:
            self.on_order(in_hand.order, kept, None)

    def _tell_drift(self, post: Post, shot: Shot) -> None:
        drift = {key: list(values) for key, values in shot.drift.items()}
        if drift != post.drift and drift:
            words = "; ".join(f"{key} is {found}, not {wanted}" for key, (wanted, found) in drift.items())
            self.context.tell("settings drift", post.camera.name, words)
        post.drift = drift

    def _failed(self, post: Post, in_hand: InHand, error: OverlapseError, op: str) -> None:
        """Ask the ladder; try again in this slot when it leaves the time, else give the slot up."""
        now, kind = self.context.now().timestamp(), type(error).__name__
        post.error = str(error)
        state, decision = step(post.ladder, Failure(kind, op), now, limits_of(post.camera))
        self.climbed(post, state)
        assert decision is not None
        log.warning("shot failed: camera=%s error=%s next=%s", post.camera.name, error, decision.line)
        wait = seconds_left(state, now)
        ending = self._stopping or self._leaving.get(post.camera.name) is post
        hung = kind == "ChildTimeout"  # it may well hang again
        lasts = self.context.seconds_for("shoot", post.camera) if hung else 0.0
        again = decision.action != "wait-long" and not ending and _has_time(in_hand, now, wait + lasts)
        in_hand.attempts += 1
        in_hand.again_at = self.context.monotonic() + wait if again else None
        self.act(post, decision.action, decision.plain)
        if not again:
            self._give_up(post, in_hand, error)

    def act(self, post: Post, action: str, plain: bool) -> None:
        """Do what the ladder says, before the next attempt."""
        if plain and not post.plain:
            post.plain = True
            self._equip(post)
            told = "it crashed twice while it was opened: its settings are not written from now on"
            self.context.tell("recovery", post.camera.name, told)
        if action == "reopen":
            self.context.hands.give(post.shut())
        elif action in ("respawn", "usb_reset"):
            self.context.hands.renew(post.worker)
        if action == "usb_reset":
            self.context.hands.give(post.usb_reset())
        elif action == "hook":
            if post.in_hand is not None and post.in_hand.again_at is not None:
                post.in_hand.again_at = NEVER  # until the hook has ended
            self.context.hands.renew(post.worker)
            self.context.hands.give(post.hook())

    def _hooked(self, post: Post, report: Done | Failed) -> None:
        """The power came back, or not: the attempt that waited for it goes on."""
        said = report.result if isinstance(report, Done) else str(report.error)
        self.context.tell("recovery", post.camera.name, f"the power hook ended: {said}")
        if post.in_hand is not None and post.in_hand.again_at == NEVER:
            post.in_hand.again_at = self.context.monotonic()

    def _give_up(self, post: Post, in_hand: InHand, error: OverlapseError) -> None:
        """End a shot without a picture: its slot is missed, and whoever asked for it is told."""
        post.in_hand = None
        if in_hand.slot is not None:
            self._record([missed(in_hand.slot, post.camera.name, self.context.node.name, error)])
        told = f"{type(error).__name__}: {error}"
        if in_hand.order is not None or limits_of(post.camera).rests or told != post.told:  # else it is no news
            self.context.tell("shot failed", post.camera.name, told, **_ordered(in_hand, **to_wire(error)))
        post.told = told
        if in_hand.order is not None:
            self.on_order(in_hand.order, [], error)

    def climbed(self, post: Post, state: State) -> None:
        """Take note of where a camera is on its ladder."""
        if state != post.ladder:
            if state.rung != post.ladder.rung:
                self.context.tell("recovery", post.camera.name, f"rung {state.rung}: {state.history[-1][1]}")
            post.ladder = state
            try:
                states.put(self.context.catalogue, _ladder_key(post.camera), state.to_json())
            except (StorageError, CatalogueError) as error:  # written at the next step
                log.error("ladder not noted: camera=%s error=%s", post.camera.name, error)

    def _record(self, entries: Sequence[Entry]) -> None:
        """Write outcomes; those that a full or failing disk does not take are written later."""
        if not entries:
            return
        try:
            self.taking.record(entries)
        except (StorageError, CatalogueError) as error:
            log.error("outcomes not written yet: count=%d error=%s", len(entries), error)


def _ordered(in_hand: InHand, **told: Any) -> dict[str, Any]:
    """Return what an event tells whoever ordered the shot; nothing for a shot on schedule."""
    return {} if in_hand.order is None else {"order": in_hand.order, **told}


def _lasting(camera: Camera) -> float:
    """Return the seconds within which a shot that is begun has let go of its camera, as far as anybody can tell."""
    return camera.exposure.total_seconds() + AFTER_EXPOSURE


def _ladder_key(camera: Camera) -> str:
    return f"ladder/{camera.name}"


def _wake(post: Post, scheduled: bool) -> float:
    if post.in_hand is not None:
        return NEVER if post.in_hand.again_at is None else post.in_hand.again_at
    if post.by_hand:
        return 0.0
    if post.wake is None or not scheduled:
        return NEVER
    early = post.open_at()
    return post.wake if early is None else early


def _has_time(in_hand: InHand, now: float, wait: float) -> bool:
    """Return whether another attempt after `wait` seconds still belongs to the slot and leaves the next one alone."""
    if in_hand.attempts >= ATTEMPTS:
        return False
    slot: Slot | None = in_hand.slot
    if slot is None:
        return wait <= BY_HAND  # somebody waits for the answer
    return now + wait < (slot.at + min(slot.interval, LATEST)).timestamp()
