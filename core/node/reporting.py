"""Reporting: the status document, from what the desks and the catalogue know."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from core.catalogue import buffer, deliveries, slots, states
from core.ledger.causes import CAUSES
from core.ledger.gap import Pause
from core.ledger.strip import strip_of_cells
from core.node.between.changes import Changes
from core.node.between.noted import Noted
from core.node.cameras.idle import APPLIED_AT
from core.node.cameras.measuring import telemetry_key
from core.node.cameras.pauses import pause_at
from core.node.cameras.post import Post
from core.node.cameras.recent import recent, unaccounted
from core.node.cameras.shooting import Shooting
from core.node.context import Context
from core.node.keeping.retaining import Retaining
from core.node.pictures.viewing import Viewing
from core.node.sending.delivering import Delivering
from core.node.sending.linking import eta
from core.node.sending.station import Station
from core.site.model.health import thresholds
from core.status.document import Document, build, known
from core.text import safe
from core.values import milliseconds_of, seconds_of, utc

OVERLAPSE = version("overlapse")
STRIP = 24  # letters for the last day
HOUR = 3600.0
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Reporting:
    """Writes status.json: soon after a change, and once a minute."""

    context: Context
    shooting: Shooting
    viewing: Viewing
    delivering: Delivering
    retaining: Retaining
    trouble: Callable[[], str | None]  # what disk or catalogue said, while they fail
    errand: Callable[[], dict[str, Any] | None]  # the import or restore that is under way
    mail: Callable[[], dict[str, Any] | None]  # what waits for the mail server
    redundancy: Callable[[], dict[str, Any] | None]  # who shoots what, where nodes share cameras
    probed: Callable[[], dict[str, Any]]  # machine, drives and mounts
    costs: Callable[[], dict[str, Any] | None]  # of a shot of each camera
    monitoring: Callable[[], dict[str, Any] | None]  # how Nagios and Icinga 2 are told
    changes: Changes
    noted: Noted
    latest: Document = field(default_factory=dict)  # as it was written last
    _started: float = 0.0
    _at: float = 0.0
    _written: float = float("-inf")

    def __post_init__(self) -> None:
        self._started = self.context.now().timestamp()

    def changed(self) -> None:
        """Write a document soon."""
        self._at = min(self._at, max(self.context.monotonic(), self._written + self.context.pace.report_soon))

    def tick(self) -> None:
        """Write when it is time."""
        if self.context.monotonic() >= self._at:
            self.write()

    def write(self) -> None:
        """Write the document now."""
        self._written = self.context.monotonic()
        self._at = self._written + self.context.pace.report
        self.latest = self.document()
        self.context.publish(self.context.folders.status, self.latest)
        self.changes.note(self.latest)

    def wake(self) -> float:
        """Return the monotonic time of the next document."""
        return self._at

    def document(self) -> Document:
        """Return all that this node knows of itself, and what the checks say of it."""
        document = self._document()
        verdicts = self.context.evaluate(document, document["at"])
        if not verdicts:
            return document
        return known({**document, "verdicts": verdicts, "acknowledged": self.noted.open(verdicts) or None})

    def _document(self) -> Document:
        now = self.context.now()
        risk = buffer.at_risk(self.context.catalogue)
        at_risk: dict[str, Any] = {"pictures": risk.count, "bytes": risk.bytes}
        if risk.oldest is not None:
            at_risk["oldest"] = risk.oldest
        return build(
            self._head(),
            [self._camera(post) for post in self.shooting.posts.values()],
            self._destinations(),
            self.delivering.linking.rows(),
            self._buffer(),
            at_risk | {"hours": 0 if risk.oldest is None else round((now.timestamp() - risk.oldest) / 3600, 1)},
        )

    def _head(self) -> dict[str, Any]:
        context, trust = self.context, self.context.trust
        return {
            "overlapse": OVERLAPSE,
            "site": context.site.site.name,
            "node": context.node.name,
            "kind": context.node.kind,
            "site_digest": context.site_digest,
            "zone": context.site.site.zone,
            "at": round(context.now().timestamp(), 3),
            "next": round(context.now().timestamp() + context.pace.report, 3),
            "check_in": context.node.check_in.total_seconds(),
            "started": round(self._started, 3),
            "boot": context.clock.boot_id(),
            "pid": os.getpid(),
            "fence": str(context.fence),
            "clock": {"trusted": trust.trusted, "why": trust.why},
            "looking": self.viewing.waiting(),
            "errand": self.errand(),
            "monitoring": self.monitoring(),
            "thresholds": thresholds(context.site.checks),
            "stuck": [{"name": str(one), "why": why} for one, why in context.hands.stuck().items()] or None,
            "mail": self.mail(),
            "redundancy": self.redundancy(),
            **self.probed(),
            "costs": self.costs(),
            "storage": None if (trouble := self.trouble()) is None else safe(trouble),
        }

    def _camera(self, post: Post) -> dict[str, Any]:
        context, name, now = self.context, post.camera.name, self.context.now()
        begin = (now - DAY - EPOCH) // MICROSECOND
        day = slots.in_cells(
            context.catalogue, name, context.node.name, begin, DAY // MICROSECOND // STRIP, seconds_of(now) + 1
        )
        pause = pause_at(context.catalogue, name, now)
        coming = post.timetable.next(now)
        last = slots.latest(context.catalogue, name, context.node.name, seconds_of(now))
        counts: Counter[str] = Counter()
        causes: Counter[str] = Counter()
        for one in day:
            counts[one.outcome] += one.n
            if one.outcome == "missed":
                causes[one.cause if one.cause in CAUSES else "unknown"] += one.n
        cells = ((one.cell, one.outcome) for one in day if 0 <= one.cell < STRIP)
        return {
            "name": name,
            "state": _state(post, pause is not None, last),
            "error": None if post.error is None else safe(post.error),
            **recent(context.catalogue, name, context.node.name, now),
            "unaccounted": self._unaccounted(post, now) or None,
            "last": None if last is None else {"slot": last.slot, "outcome": last.outcome, "cause": last.cause},
            "next": None if coming is None else seconds_of(coming.at),
            "interval": None if coming is None else coming.interval.total_seconds(),
            "strip": strip_of_cells(cells, now - DAY, now, STRIP, now),
            "day": dict(counts),
            "missed": dict(causes),
            "rung": post.ladder.rung or None,
            "paused": None if pause is None else _pause(pause),
            "drift": post.drift,
            "view": self.viewing.judging.row(name),
            "telemetry": states.get(context.catalogue, telemetry_key(name)),
        }

    def _unaccounted(self, post: Post, now: datetime) -> int:
        """Return how many slots of the last day, as the schedule is now, have no outcome."""
        applied = states.get(self.context.catalogue, APPLIED_AT, 0) / 1000
        begin = max(now - DAY, utc(applied))
        node = self.context.node.name
        return unaccounted(self.context.catalogue, post.camera.name, node, post.timetable, begin)

    def transfers(self) -> dict[str, Any]:
        """Return what `queue` shows beside the deliveries, as in the document: destinations and links.

        Each link has a `what_if`: what each rung would change.
        """
        linking = self.delivering.linking
        rows = [known(row) | {"what_if": linking.what_if(row["name"])} for row in linking.rows()]
        return {"destinations": [known(row) for row in self._destinations()], "links": rows}

    def _destinations(self) -> list[dict[str, Any]]:
        drains = self.delivering.linking.drains()
        return [self._destination(station, drains.get(name)) for name, station in self.delivering.stations.items()]

    def _destination(self, station: Station, drained: float | None) -> dict[str, Any]:
        context, name = self.context, station.destination.name
        count, size = deliveries.backlog(context.catalogue, name)
        tally = {one.state: one for one in deliveries.tally(context.catalogue) if one.destination == name}
        trouble = station.trouble
        return {
            "name": name,
            "link": station.destination.link,
            "required": any(name in route.places and route.required for route in context.site.route),
            "state": self._station_state(station),
            "waiting": count,
            "bytes": size,
            "oldest": deliveries.oldest(context.catalogue, name) if count else None,
            "eta": None if drained is None or not count else eta(drained),
            "sending": _sending(station),
            "sent": tally["sent"].n if "sent" in tally else None,
            "proven": tally["proven"].n if "proven" in tally else 0,
            "refused": tally["refused"].n if "refused" in tally else None,
            "audit": self.delivering.auditing.known(station.destination),
            "error": None
            if trouble is None
            else {"class": trouble.error, "text": safe(trouble.text), "since": trouble.since_ms / 1000},
        }

    def _station_state(self, station: Station) -> str:
        if station.paused_until is not None and self.context.now() < station.paused_until:
            return "paused"
        if station.trouble is not None:
            return "trouble"
        if station.sending:
            return "sending"
        return "ok" if station.looking is None else "auditing"

    def _buffer(self) -> dict[str, Any]:
        held, room = buffer.tally(self.context.catalogue), self.context.keeper.free()
        lost = buffer.deletion_tally(self.context.catalogue).get("expired unproven", (0, 0))[0]
        last = self.retaining.last
        outlook = None if last is None else last.forecast
        return {
            "free": room.free,
            "total": room.total,
            "inodes": room.inodes or None,
            "inodes_free": room.inodes_free if room.inodes else None,
            "keep_free": self.context.node.buffer.keep_free,
            "when_full": self.context.node.buffer.when_full,
            "pictures": sum(one.present for one in held),
            "bytes": sum(one.present_bytes for one in held),
            "proven": sum(one.proven for one in held),
            "lost": lost or None,
            "thinned": self.retaining.thinned(HOUR) or None,
            "days": None if outlook is None or outlook.buffer_days is None else round(outlook.buffer_days, 1),
            "sentence": None if outlook is None else outlook.sentence,
            "dies": None
            if outlook is None or outlook.first_unproven_dies is None
            else seconds_of(outlook.first_unproven_dies),
            "stopped": True if self.shooting.stopped is not None else None,
            "refused": None if last is None else last.plan.refused,
        }


def _state(post: Post, paused: bool, last: slots.Outcome | None) -> str:
    if paused:
        return "paused"
    if post.in_hand is not None:
        return "shooting"
    if post.error is not None:
        return "failing"
    if last is None:
        return "no shot yet"
    return "ok" if last.outcome in ("captured", "late", "excused") else "failing"


def _pause(pause: Pause) -> dict[str, Any]:
    until = None if pause.end is None else milliseconds_of(pause.end) / 1000
    by = pause.text.removeprefix("paused by ").partition(":")[0]
    return {"since": milliseconds_of(pause.begin) / 1000, "until": until, "by": safe(by, 40), "text": safe(pause.text)}


def _sending(station: Station) -> dict[str, Any] | None:
    """Return how far that has come which began first."""
    if not station.sending:
        return None
    first = next(iter(station.sending.values()))
    return {"name": str(first.delivery.name), "offset": first.offset, "size": first.delivery.size}
