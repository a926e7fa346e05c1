"""check_redundancy: who holds each camera, and would somebody take it over?"""

from __future__ import annotations

import sys

from nagiosplugin.metric import Metric
from nagiosplugin.resource import Resource

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import scales
from checks.base.options import TEXT, Option
from checks.base.run import of_document
from checks.base.say import instant, short
from checks.document import Document, named, number, pace, part, rows, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "redundancy"
METRICS = ("unready", "over", "diverging")
OPTIONS = (Option("--camera", TEXT, "NAME", "one camera (default: all that have a backup)"),)
NONE = "no camera has a backup"


def check(values: dict[str, Any]) -> Verdict:
    """Answer a command line; raise Usage, CheckError or Unreadable."""
    return of_document(sys.modules[__name__], values, values["camera"] or "")


def subjects(document: Document) -> list[str]:
    """Return the one subject, all cameras with a backup; nothing where there is none."""
    return [""] if document.part("redundancy") else []


def verdict(document: Document, subject: str = "", limits: Limits | None = None) -> Verdict:
    """Judge all cameras that have a backup, or one; raise ValueError for limits that are none."""
    defaults: Limits = dict.fromkeys(METRICS, (None, None))
    return judge(CHECK, subject, [Redundancy(document, subject)], document.when(), scales(defaults, limits))


class Redundancy(Resource):
    """Who owns the cameras, and who stands by."""

    def __init__(self, document: Document, camera: str = "") -> None:
        self.document = document
        self.subject = camera

    def probe(self) -> Iterator[Any]:
        """Yield numbers, then findings; raise CheckError."""
        document, known = self.document, self.document.part("redundancy")
        if (why := document.why_not) is not None:
            yield found(Finding(why, unknown=True, step="check_node pages for it"))
            return
        cameras = [one for one in rows(known, "cameras") if self.subject in ("", named(one))]
        if self.subject and not cameras:
            yield found(
                Finding(f"camera {self.subject} has no backup", unknown=True, step="name a camera that has one")
            )
            return
        backed = [one for one in cameras if text(one, "backup")]
        yield Metric("unready", sum(one.get("ready") is False for one in backed), min=0, max=len(backed))
        yield Metric("over", sum(_is_over(one) for one in backed), min=0, max=len(backed))
        yield Metric("diverging", sum(int(number(one, "diverging") or 0) for one in backed), min=0)
        for finding in (*self._engine(part(known, "engine")), *(f for one in backed for f in self._camera(one))):
            yield found(finding)
        for finding in self._differing(known):
            yield found(finding)
        yield found(self._well(cameras))

    def _engine(self, engine: Mapping[str, Any]) -> Iterator[Finding]:
        """Say whether owners can change at all: without the engine nobody takes a camera over."""
        if engine and text(engine, "state") not in ("ok", None):
            since = number(engine, "since") or self.document.at
            yield Finding(
                f"coordination {text(engine, 'state', 20)}",
                impaired=True,
                cause=text(engine, "why", 150) or "this node reaches no majority of the coordination servers",
                evidence=f"since {instant(since, self.document.now)}; owners go on, nobody can take a camera over",
                step="look at the links between the coordination servers, then at the servers",
            )

    def _differing(self, known: Mapping[str, Any]) -> Iterator[Finding]:
        differ = known.get("differ")
        names = [short(one) for one in differ if isinstance(one, str)] if isinstance(differ, list) else []
        if names and not self.subject:
            yield Finding(
                f"site.toml differs on {', '.join(names[:3])}",
                impaired=True,
                cause="it was changed on some nodes only: who takes a camera over may shoot it otherwise",
                evidence=f"{len(names)} nodes differ from {self.document.node}",
                step="compare with `overlapse status --fleet`, copy the right file to all, and reload them",
            )

    def _camera(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        name, owner, backup = named(row), text(row, "owner", 40), text(row, "backup", 40) or "none"
        since, now = number(row, "since") or self.document.at, self.document.now
        ready = row.get("ready") is not False
        if owner is None:
            yield self._orphan(row, name, since)
        elif _is_over(row):
            yield Finding(
                f"{short(name)} failed over to {short(owner)}",
                impaired=True,
                cause=text(row, "why", 150) or f"{text(row, 'primary', 40)} fell silent",
                evidence=f"{owner} owns it since {instant(since, now)}" + ("" if ready else "; nobody stands by"),
                step=f"bring {text(row, 'primary', 40)} back; `overlapse redundancy` has who may have it",
            )
        elif not ready:
            yield Finding(
                f"{short(name)} backup {short(backup)} is not ready",
                impaired=True,
                cause=text(row, "why", 150) or "it is silent, full, or does not reach the camera",
                step=f"`overlapse redundancy` has what {backup} lacks",
            )
        if diverging := int(number(row, "diverging") or 0):
            yield Finding(
                f"{short(name)} copies differ in {diverging} slots",
                impaired=True,
                cause="in constant mode one of the two nodes took slots in a day that the other missed",
                step=f"`overlapse ledger {name}` on both",
            )

    def _orphan(self, row: Mapping[str, Any], name: str, since: float) -> Finding:
        backup = text(row, "backup", 40)
        shot = next((one for one in self.document.cameras() if named(one) == name), row)
        return Finding(
            f"{short(name)} has no owner",
            losing=pace(shot, self.document.now),
            loss_at=number(shot, "next") or self.document.now,
            owner=None if backup in (None, self.document.node) else f"redundancy of {backup}",
            cause=text(row, "why", 150) or "its owner's lease ran out and nobody could take it",
            evidence=f"since {instant(since, self.document.now)}",
            step="`overlapse redundancy` on a node that reaches it",
        )

    def _well(self, cameras: list[Mapping[str, Any]]) -> Finding:
        owners: dict[str, int] = {}
        for row in cameras:
            owners[text(row, "owner", 40) or "nobody"] = owners.get(text(row, "owner", 40) or "nobody", 0) + 1
        told = ", ".join(f"{owner} {count}" for owner, count in sorted(owners.items()))
        each = "; ".join(
            f"{named(row)}: {text(row, 'owner', 40) or 'nobody'}, {text(row, 'mode', 20) or 'normal'}"
            for row in cameras
        )
        return Finding(f"{len(cameras)} cameras: {told}" if cameras else NONE, evidence=each)


def _is_over(row: Mapping[str, Any]) -> bool:
    """Return whether another node than the camera's primary owns it."""
    return row.get("owner") is not None and row.get("primary") is not None and row["owner"] != row["primary"]
