"""What check_storage says of drives, software RAID and mounts, as the node recorded them or as they are probed now."""

from __future__ import annotations

from nagiosplugin.metric import Metric
from nagiosplugin.resource import Resource

from checks.base.finding import Finding
from checks.base.judge import found
from checks.base.say import DAY, instant, short, size, span
from checks.document import Document, named, number, part, rows, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

DATA = "data"
SPARE = {"raid1": -1, "raid10": 1, "raid4": 1, "raid5": 1, "raid6": 2}  # disks that may fail; -1: all but one
REBUILDS = ("resync", "recovery", "reshape")  # a check or repair, and what waits for one, is no fault
WORN = 90  # per cent of the endurance, above which it warns
SOON = 14 * DAY  # a destination that may be full within so long warns
NVME = {1: "its spare blocks run out", 2: "it is too hot", 4: "it is not reliable any more", 8: "it went read-only"}


def body_of(paths: list[str], seconds: float, now: float) -> dict[str, Any]:
    """Return as much of a status document as drives, software RAID and these folders tell now, within `seconds`."""
    from checks.probing import probed
    from core.probes.mdstat import MDSTAT, arrays
    from core.probes.mounts import mount
    from core.probes.smart import drives

    def read_arrays() -> list[dict[str, Any]]:
        with open(MDSTAT, errors="replace") as table:  # noqa: PTH123
            return arrays(table.read())

    asks: dict[str, Any] = {path: (lambda path=path: mount(path, "check")) for path in paths if path}
    told = probed({**asks, "arrays": read_arrays, "drives": lambda: drives(seconds)}, seconds)
    body: dict[str, Any] = {"at": now, "next": now + 60, "mounts": [{"name": path, **told[path]} for path in asks]}
    for key in ("arrays", "drives"):
        body[key] = told[key] if isinstance(told[key], list) else []
    return body


class Disks(Resource):
    """Drives, arrays and mounts of one node."""

    def __init__(self, document: Document, well: str = "") -> None:
        """`well` is said when nothing is wrong."""
        self.document = document
        self.well = well

    def probe(self) -> Iterator[Any]:
        """Yield numbers, then findings; raise CheckError."""
        if self.document.why_not is not None:
            return
        arrays, drives, mounts = (rows(self.document.body, key) for key in ("arrays", "drives", "mounts"))
        yield from self._numbers(drives, mounts)
        for finding in (
            *(one for row in arrays for one in self._array(row)),
            *(one for row in drives for one in self._drive(row)),
            *(one for row in mounts for one in self._mount(row)),
        ):
            yield found(finding)
        if self.well and not any(row.get("error") or row.get("ro") for row in mounts):
            yield found(Finding(f"{', '.join(short(named(row)) for row in mounts)}: {self.well}"))

    def _numbers(self, drives: list[Mapping[str, Any]], mounts: list[Mapping[str, Any]]) -> Iterator[Any]:
        for metric, table, key, unit in (("wear", drives, "wear", "%"), ("write", mounts, "write_s", "s")):
            known = [value for row in table if (value := number(row, key)) is not None]
            if known:
                yield Metric(metric, max(known), unit, min=0, context=metric)
        if any("bad" in row for row in drives):
            yield Metric("bad_sectors", sum(number(row, "bad") or 0 for row in drives), min=0, context="bad_sectors")

    def _array(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        name, error = short(named(row)), text(row, "error")
        if error is not None:
            yield Finding("software RAID was not read", impaired=True, cause=error, step="`cat /proc/mdstat`")
            return
        disks, up = number(row, "disks"), number(row, "up")
        action, percent = text(row, "action", 20) or "", number(row, "percent")
        finish = number(row, "finish")
        if disks is not None and up is not None and up < disks:
            spare = SPARE.get(text(row, "level", 20) or "", 0)
            gone = up < (1 if spare < 0 else disks - spare)
            failed = row.get("failed")
            names = ", ".join(str(one) for one in failed) if isinstance(failed, list) else ""
            rebuilt = f"; {action} at {percent:g} %" if percent is not None and action in REBUILDS else ""
            yield Finding(
                f"{name} has lost too many disks" if gone else f"{name} runs on {up:.0f} of {disks:.0f} disks",
                impaired=True,
                pages=gone,
                cause=f"failed: {names}" if names else "a disk is missing",
                evidence=f"{text(row, 'level', 20) or 'array'}, {up:.0f} of {disks:.0f} up{rebuilt}",
                step="replace the disk: `mdadm --manage`; until then the next one that fails may take the pictures",
            )
        elif action in REBUILDS:
            until = None if finish is None else self.document.at + finish
            yield Finding(
                f"{name} {action} {percent or 0:.0f} %",
                impaired=True,
                until=until,
                cause="its disks are made equal again, after a fault or an unclean stop",
                evidence="" if until is None else f"done by {instant(until, self.document.now)}",
                step="wait for it; `cat /proc/mdstat` shows it",
            )
        elif text(row, "state", 20) == "inactive":
            yield Finding(
                f"{name} is not active",
                impaired=True,
                cause="it was not assembled",
                step="`mdadm --detail`, then assemble it",
            )

    def _drive(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        name = short(named(row).removeprefix("/dev/"))
        model = text(row, "model", 40) or "drive"
        which = f"{model}, serial {text(row, 'serial', 40) or 'unknown'}"
        if row.get("passed") is False:
            yield Finding(
                f"{name} foretells its failure",
                impaired=True,
                loss_at=self.document.at + DAY,
                cause="SMART: loss of data is likely within 24 hours",
                evidence=which,
                step="replace it now; what is proven elsewhere is safe",
            )
        bits = int(number(row, "warning") or 0)
        for bit, why in NVME.items():
            if bits & bit:
                yield Finding(f"{name}: {why}", impaired=True, evidence=which, step="replace it, or cool it")
        if grew := number(row, "grew"):
            yield Finding(
                f"{name} has {grew:.0f} more bad sectors",
                impaired=True,
                cause="they grew within a week: it wears out",
                evidence=f"{which}; {number(row, 'bad') or 0:.0f} in all",
                step="replace it at the next visit",
            )

    def _mount(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        document, name = self.document, named(row)
        error, since = text(row, "error", 150), number(row, "since")
        owner = None if name == DATA or name.startswith("/") else f"transfer {name}"
        if error is not None or row.get("ro"):
            said = "is read-only" if error is None else "fails"
            where = text(row, "at", 60)
            yield Finding(
                f"{short(name)} {said}" + ("" if since is None else f" since {instant(since, document.now)}"),
                losing=document.pace() if name == DATA else 0.0,
                impaired=True,
                owner=owner,
                cause=error or f"{where or 'it'} was remounted read-only after an error, or mounted so",
                step="`dmesg`; then mount it again, after a check of the file system",
            )
            return
        ends = part(row, "full")
        soonest, days = number(ends, "soonest"), number(ends, "days")
        if owner is not None and days is not None and (soonest or days) * DAY < SOON:
            latest = number(ends, "latest")
            range_ = f"{soonest or days:g} to {'any' if latest is None else f'{latest:g}'} days"
            yield Finding(
                f"{short(name)} is full in {span(days * DAY)}",
                impaired=True,
                until=document.at + (soonest or days) * DAY,
                cause="it fills at the pace of the last weeks",
                evidence=f"{range_} in nine cases of ten; {size(number(row, 'free') or 0)} free",
                step="make room there, or a larger disk",
            )
