"""check_nas: is the NAS whole, does it take files, and does it hold as many pictures as were proven there?"""

from __future__ import annotations

import sys

from nagiosplugin.metric import Metric

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import scales
from checks.base.options import TEXT, Option, Usage, limits_of
from checks.base.run import of_document
from checks.base.say import short, size
from checks.document import Document, named, number, part, rows, text
from checks.watch import PROBE, Device, asked, reading, watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "nas"
METRICS = ("temperature", "free_percent", "bad_sectors", "write", "missing", "uptime")
OPTIONS = (
    Option("--name", TEXT, "NAME", "one NAS of site.toml (default: all that this node watches)"),
    *PROBE,
    Option("--expect", TEXT, "WHAT=N,...", "with --host: what it has when nothing is missing: disks=4,raids=1"),
)
NONE = "this node watches no NAS"
PARTS = ("disks", "raids", "volumes", "fans")
WELL = ("normal", "initialized")
BROKEN = ("crashed", "system partition failed", "degraded", "read-write error")
CALM = (  # what a NAS does to a RAID that is whole; it pages nobody
    "migrating", "expanding", "deleting", "creating", "syncing", "parity check", "assembling", "canceling", "scrubbing",
    "deploying", "undeploying", "mounting cache", "unmounting cache", "expand unfinished", "converting",
)  # fmt: skip
HOT, FULL, SLOW = 60, 5, 10  # degrees Celsius, per cent free, seconds


def check(values: dict[str, Any]) -> Verdict:
    """Answer a command line; raise Usage, CheckError or Unreadable."""
    if values["host"] is None:
        return of_document(sys.modules[__name__], values, values["name"])
    limits, expect = limits_of(values, METRICS), _expected(values["expect"])
    told = asked(values, "core.probes.nas:nas")
    name = values["name"] or values["host"]
    row = {"name": name, "kind": CHECK, "snmp": told, "expect": expect}
    document = Document({"at": told["at"], "next": told["at"] + 60, "watch": [row]}, told["at"])
    return verdict(document, name, limits)


def _expected(words: str | None) -> dict[str, int]:
    """Return what --expect says; raise Usage."""
    told: dict[str, int] = {}
    for word in words.split(",") if words else ():
        name, _, count = word.partition("=")
        if name not in PARTS or not count.isdecimal():
            raise Usage(f"--expect is one of {', '.join(PARTS)}, each with =NUMBER")
        told[name] = int(count)
    return told


def subjects(document: Document) -> list[str]:
    """Return the NAS that the node watches."""
    return watched(document, CHECK)


def verdict(document: Document, subject: str, limits: Limits | None = None) -> Verdict:
    """Judge one NAS; raise ValueError for limits that are none."""
    defaults: Limits = dict.fromkeys(METRICS, (None, None)) | {
        "temperature": (f"~:{HOT}", None),
        "free_percent": (f"{FULL}:", None),
        "write": (f"~:{SLOW}", None),
    }
    return judge(CHECK, subject, [Nas(document, subject)], document.when(), scales(defaults, limits))


class Nas(Device):
    """One NAS, as it tells of itself and as a place that files go to."""

    KIND = CHECK

    def judged(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """Yield numbers, then findings, of one; raise CheckError."""
        yield from self._numbers(row)
        if "snmp" in row or "destination" not in row:
            for finding in (*reading(self.document, row, "snmp"), *self._device(row)):
                yield found(finding)
        if "destination" in row:
            for finding in (*reading(self.document, {**row, "place": self._place(row)}, "place"), *self._count(row)):
                yield found(finding)
        yield found(self._well(row))

    def _place(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the place's reading without its age: a file is written there once an hour."""
        return {key: value for key, value in part(row, "place").items() if key != "at"}

    def _numbers(self, row: Mapping[str, Any]) -> Iterator[Any]:
        told = part(row, "snmp")
        disks, room = rows(told, "disks"), [*rows(told, "raids"), *rows(told, "volumes")]
        warm = [value for one in (told, *disks) if (value := number(one, "temperature")) is not None]
        free = [
            100 * (number(one, "free") or 0) / total
            for one in room
            if (total := number(one, "total")) and "free" in one
        ]
        if warm:
            yield Metric("temperature", max(warm), context="temperature")
        if free:
            yield Metric("free_percent", min(free), "%", min=0, max=100, context="free_percent")
        if any("bad" in one for one in disks):
            yield Metric("bad_sectors", sum(number(one, "bad") or 0 for one in disks), min=0, context="bad_sectors")
        if (seconds := number(part(row, "place"), "seconds")) is not None:
            yield Metric("write", seconds, "s", min=0, context="write")
        if (uptime := number(told, "uptime")) is not None:
            yield Metric("uptime", uptime, "s", min=0, context="uptime")
        if (gone := self._gone(row)) is not None:
            yield Metric("missing", gone, min=0, context="missing")

    def _gone(self, row: Mapping[str, Any]) -> float | None:
        """Return how many of the objects that were proven there are not there any more."""
        here, there = (number(part(row, "count"), key) for key in ("here", "objects"))
        return None if here is None or there is None else max(0.0, here - there)

    def _device(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        told = part(row, "snmp")
        if "error" in told or not told:
            return
        yield from self._vanished(told, part(row, "expect"))
        for key in ("disks", "raids", "volumes"):
            for one in rows(told, key):
                yield from self._unwell(key, one)
        trouble = told.get("trouble")
        for name in trouble if isinstance(trouble, list) else ():
            yield Finding(f"{self.short}: its {name!s} failed", impaired=True, step="look at its own page")
        for one in rows(told, "fans"):
            if number(one, "rpm") == 0:
                yield Finding(f"{self.short}: {short(named(one))} stands still", impaired=True, step="replace the fan")

    def _vanished(self, told: Mapping[str, Any], expect: Mapping[str, Any]) -> Iterator[Finding]:
        for key in PARTS:
            wanted, there = number(expect, key), rows(told, key)
            if wanted is not None and len(there) < wanted:
                names = ", ".join(named(one) for one in there) or "none"
                yield Finding(
                    f"{self.short} shows {len(there)} of {wanted:.0f} {key}",
                    pages=True,
                    cause="a disk that dies, or a RAID that is lost, may vanish from its tables",
                    evidence=f"there: {names}",
                    step="look at its own page; after a change on purpose write the new number into site.toml",
                )

    def _unwell(self, key: str, one: Mapping[str, Any]) -> Iterator[Finding]:
        name, status = named(one), text(one, "status", 40) or "unknown"
        health, which = text(one, "health", 40) or "normal", key.removesuffix("s")
        if status in BROKEN or (status not in (*WELL, *CALM, "repairing", "unknown") and key != "disks"):
            yield Finding(
                f"{self.short} {short(name)} {status}",
                pages=True,
                cause=f"its {which} {name} is {status}: the next fault may take what it holds",
                step="replace the disk; its own page says which",
            )
        elif status == "repairing":
            yield Finding(
                f"{self.short} {short(name)} is repairing",
                impaired=True,
                cause="a disk was replaced",
                step="wait for it",
            )
        elif status in ("unknown", "not initialized", "invalid"):
            yield Finding(f"{self.short} {short(name)}: {status}", impaired=True, step="look at its own page")
        if health not in ("normal", "unknown"):
            yield Finding(
                f"{self.short} {short(name)} health {health}",
                impaired=True,
                cause="it foretells its failure",
                evidence=f"{number(one, 'bad') or 0:.0f} bad sectors",
                step="replace it at the next visit",
            )

    def _count(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        gone, counted = self._gone(row), part(row, "count")
        if gone:
            yield Finding(
                f"{self.short} lacks {gone:.0f} pictures",
                impaired=True,
                cause="they were proven there, and are there no more",
                evidence=f"{number(counted, 'objects') or 0:.0f} there, {number(counted, 'here') or 0:.0f} proven",
                step="`overlapse verify` names them; then `overlapse queue`",
            )

    def _well(self, row: Mapping[str, Any]) -> Finding:
        told = part(row, "snmp")
        counted = [f"{len(rows(told, key))} {key}" for key in PARTS if rows(told, key)]
        doing = [text(one, "status", 40) or "" for one in rows(told, "raids") if text(one, "status", 40) in CALM]
        room = [
            f"{named(one)} {size(number(one, 'free') or 0)} free" for one in rows(told, "raids") if "free" in one
        ] + [f"{named(one)} {size(number(one, 'free') or 0)} free" for one in rows(told, "volumes") if "free" in one]
        model = " ".join(one for one in (text(told, "vendor", 20), text(told, "model", 30)) if one)
        said = ", ".join([*counted[:2], *doing[:1]]) or "it takes files"
        evidence = "; ".join([*([model] if model else []), *counted[2:], *room])
        return Finding(f"{self.short}: {said}", evidence=evidence)
