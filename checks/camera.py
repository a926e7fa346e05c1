"""check_camera: does each camera take the pictures that its schedule expects, and do they show something?"""

from __future__ import annotations

import sys

from nagiosplugin.metric import Metric

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import scales
from checks.base.options import TEXT, Option
from checks.base.run import of_document
from checks.base.say import fixed, instant, span
from checks.document import Document, counts, named, number, pace, part, rows, text
from checks.row import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "camera"
METRICS = ("age", "missed", "battery", "drift", "shutter", "card")  # the first is what -w and -c without a name are for
OPTIONS = (Option("--camera", TEXT, "NAME", "one camera (default: all that this node drives)"),)
NONE = "this node drives no camera"
ELSEWHERE = {  # causes of a missed slot that another service pages for
    "disk full": "storage",
    "not durable": "storage",
    "disk error": "storage",
    "catalogue": "storage",
    "stopped": "storage",
    "node down": "node",
    "clock": "node",
}
SHOWS_NOTHING = ("broken", "black", "white", "frozen")  # a picture that shows nothing is a picture lost
NOT_LOOKED_AT = "not analysed"
HIGH = 3  # rungs of the recovery ladder from the USB reset on
STEPS = {
    "camera gone": "look at power and cable; `overlapse events` has what was tried",
    "camera refused": "compare user, password and rights with the camera",
    "camera busy": "end the program that holds the camera",
    "card full": "empty the card, or have the camera keep nothing on it",
    "no focus": "set the lens to manual focus",
}
ANY_STEP = "`overlapse events` has what was tried; then power and cable"


def check(values: dict[str, Any]) -> Verdict:
    """Answer a command line; raise Usage, CheckError or Unreadable."""
    return of_document(sys.modules[__name__], values, values["camera"])


def subjects(document: Document) -> list[str]:
    """Return the cameras of a document, those among them that another node shoots now."""
    return [named(camera) for camera in (*document.cameras(), *_elsewhere_shot(document))]


def _elsewhere_shot(document: Document) -> list[Mapping[str, Any]]:
    """Return what is known of the cameras that this node shares and does not shoot now."""
    here = {named(camera) for camera in document.cameras()}
    shared = rows(document.part("redundancy"), "cameras")
    both = (row for row in shared if document.node in (row.get("primary"), row.get("backup")))
    return [row for row in both if named(row) not in here]


def verdict(document: Document, subject: str, limits: Limits | None = None) -> Verdict:
    """Judge one camera; raise ValueError for limits that are none."""
    drift, battery = document.limits["clock_drift"], document.limits["battery_percent"]
    defaults: Limits = {
        "age": (None, None),
        "missed": (None, None),
        "battery": (f"{fixed(battery)}:", None),
        "drift": (f"{fixed(-drift)}:{fixed(drift)}", None),
        "shutter": (None, None),
        "card": (None, None),
    }
    return judge(CHECK, subject, [Camera(document, subject)], document.when(), scales(defaults, limits))


class Camera(Row):
    """One camera, as its node knows it."""

    KIND = "camera"

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the cameras of the document, and those that another node shoots now."""
        return [*self.document.cameras(), *_elsewhere_shot(self.document)]

    def judged(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """Yield numbers, then findings, of one; raise CheckError."""
        if "backup" in row:
            yield found(self._stands_by(row))
            return
        yield from self._numbers(row)
        if pause := part(row, "paused"):
            yield found(self._paused(pause))
            return
        for finding in (*self._slots(row), *self._view(row), *self._body(row)):
            yield found(finding)
        yield found(self._well(row))

    def _numbers(self, row: Mapping[str, Any]) -> Iterator[Any]:
        day, said = dict(counts(row, "day")), part(row, "telemetry")
        last = number(part(row, "picture"), "slot")
        yield Metric("age", None if last is None else max(0.0, self.document.now - last), "s", min=0, context="age")
        yield Metric("missed", day.get("missed", 0), min=0, max=sum(day.values()), context="missed")
        if "battery" in said and not said.get("mains"):
            yield Metric("battery", number(said, "battery"), "%", context="battery")
        for name, key, unit in (("drift", "clock_drift", "s"), ("shutter", "shutter_count", "c")):
            if key in said:
                yield Metric(name, number(said, key), unit, context=name)
        if "free_pictures" in said:
            yield Metric("card", number(said, "free_pictures"), min=0, context="card")

    def _stands_by(self, row: Mapping[str, Any]) -> Finding:
        """Say who shoots a camera that this node shares and does not shoot now."""
        owner = text(row, "owner", 40)
        if owner is None:
            return Finding(f"{self.short} has no owner", impaired=True, step="check_redundancy pages for it")
        if owner == self.document.node:
            return self._let_go()
        since = instant(number(row, "since") or self.document.at, self.document.now)
        return Finding(f"{self.short} is shot by {owner}", evidence=f"since {since}; its pictures are judged there")

    def _let_go(self) -> Finding:
        """Say that this node owns a camera and does not shoot it: an exclusive one, when it is cut off."""
        engine = part(self.document.part("redundancy"), "engine")
        state = text(engine, "state", 20) or "ok"
        if state == "ok":
            return Finding(f"{self.short} is not shot", impaired=True, step="`overlapse redundancy` has who gets it")
        since = instant(number(engine, "since") or self.document.at, self.document.now)
        why = text(engine, "why", 150) or "no majority of the coordination servers is reached"
        return Finding(
            f"{self.short} is not shot: let go",
            pages=True,
            cause=f"coordination {state}: an exclusive camera stops, since its backup may shoot it by now",
            evidence=f"since {since}; {why}",
            step="see whether its backup shoots it; then the links between the coordination servers, and the servers",
        )

    def _paused(self, pause: Mapping[str, Any]) -> Finding:
        until, who = number(pause, "until"), text(pause, "by", 20) or "an operator"
        when = "it is resumed" if until is None else instant(until, self.document.now)
        return Finding(f"{self.short} paused until {when} by {who}", evidence=text(pause, "text") or "")

    def _slots(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        """Say what became of the slots: those missed in a row, and those of the last day."""
        row_of = part(row, "row")
        in_a_row = int(number(row_of, "missed") or 0)
        causes = list(counts(row, "missed"))
        day = dict(counts(row, "day"))
        if in_a_row:
            yield self._missing(row, in_a_row, number(row_of, "since"))
        expected = sum(count for outcome, count in day.items() if outcome != "excused")
        share = 100 * day.get("missed", 0) / expected if expected else 0.0
        if share > self.document.limits["missed_percent"] and not in_a_row and day.get("missed", 0) > 1:
            told = ", ".join(f"{count} {cause}" for cause, count in causes)
            yield Finding(
                f"{self.short} missed {day['missed']} of {expected} in a day",
                impaired=True,
                owner=_elsewhere(causes[0][0] if causes else ""),
                cause=told,
                step="`overlapse ledger` has each slot and why",
            )
        lacking = int(number(row, "unaccounted") or 0)
        if lacking:
            yield Finding(
                f"{self.short} has {lacking} slots unaccounted",
                impaired=True,
                cause="the node did not write down what became of them",
                step="`overlapse verify`, then its log",
            )

    def _missing(self, row: Mapping[str, Any], in_a_row: int, since: float | None) -> Finding:
        """Say what slots missed up to now mean: lost now, lost at the next one, or not often enough to wake anybody."""
        now, following = self.document.now, number(row, "next")
        interval = number(row, "interval") or 0.0
        cause = text(part(row, "last"), "cause") or "unknown"
        word = cause.partition(":")[0]
        picture = number(part(row, "picture"), "slot")
        ago = "yet" if picture is None else f"for {span(now - picture)}"
        words: dict[str, Any] = {
            "cause": f"{cause}; {text(row, 'error')}" if row.get("error") else cause,
            "evidence": f"{in_a_row} slots missed since {instant(since or now, now)}; rung {row.get('rung', 0)}",
            "step": STEPS.get(word, ANY_STEP),
            "owner": _elsewhere(word),
        }
        if in_a_row < self._enough(interval):
            said = f"{self.short} missed {in_a_row} ({word})"
            later = None if following is None else following + (self._enough(interval) - in_a_row - 1) * interval
            return Finding(said, impaired=True, until=later, **words)
        said = f"{self.short} no picture {ago} ({word})"
        if (rate := pace(row, now)) > 0:
            return Finding(said, losing=rate, **words)
        return Finding(said, impaired=True, loss_at=following, **words)

    def _enough(self, interval: float) -> int:
        """Return how many slots missed in a row are a loss that pages: fewer where they are hours apart."""
        fitting = self.document.act // interval if interval > 0 else 1
        return int(min(self.document.limits["missed"], max(1, fitting)))

    def _view(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        """Say what the pictures show, as the node judged it against the camera's own history."""
        view = part(row, "view")
        verdict, pictures = text(view, "verdict"), int(number(view, "pictures") or 0)
        if verdict in (None, "ok", NOT_LOOKED_AT):
            return
        since = number(view, "since") or self.document.at
        interval = number(row, "interval") or 0.0
        lost = verdict in SHOWS_NOTHING and pictures >= self._enough(interval)
        yield Finding(
            f"{self.short} {verdict} since {instant(since, self.document.now)}",
            losing=(pace(row, self.document.now) if lost else 0.0),
            loss_at=number(row, "next") if lost else None,
            impaired=True,
            cause=f"{pictures} pictures in a row look {verdict}",
            evidence=text(view, "text") or "",
            step="look at the last picture; after a view was changed on purpose it is learned within a day",
        )

    def _body(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        """Say what the camera's body needs before it stops: recovery, settings."""
        rung = int(number(row, "rung") or 0)
        if rung >= HIGH and not number(part(row, "row"), "missed"):
            yield Finding(
                f"{self.short} recovers on rung {rung}",
                impaired=True,
                cause="shots fail and come only after a USB reset or the power hook",
                step=ANY_STEP,
            )
        if drift := part(row, "drift"):
            names = [str(name) for name in drift]
            yield Finding(
                f"{self.short} settings drifted: {', '.join(names)}",
                impaired=True,
                evidence="; ".join(f"{name}: {_drifted(part(drift, name))}" for name in names),
                step="set them on the body, or write into site.toml what they are to be",
            )

    def _well(self, row: Mapping[str, Any]) -> Finding:
        """Say the newest picture and the day."""
        now, last = self.document.now, number(part(row, "picture"), "slot")
        day = dict(counts(row, "day"))
        taken = day.get("captured", 0) + day.get("late", 0)
        expected = sum(day.values()) - day.get("excused", 0)
        newest = "no picture yet" if last is None else instant(last, now)
        following = number(row, "next")
        told = [f"next slot {instant(following, now)}" if following is not None else "no slot in sight"]
        if text(part(row, "view"), "verdict") == NOT_LOOKED_AT:
            told.append("views are not analysed on this node")
        if part(row, "telemetry").get("mains"):
            told.append("on mains")
        return Finding(f"{self.short} {newest}, {taken} of {expected} in a day", evidence="; ".join(told))


def _drifted(pair: Mapping[str, Any]) -> str:
    return f"{pair.get('found', 'unknown')} instead of {pair.get('wanted', 'unknown')}"


def _elsewhere(cause: str) -> str | None:
    return ELSEWHERE.get(cause)
