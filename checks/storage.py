"""check_storage: is there room for the pictures to come, and for how long?"""

from __future__ import annotations

import sys

from nagiosplugin.metric import Metric
from nagiosplugin.resource import Resource

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import Scale, scales
from checks.base.options import TEXT, Option, limits_of
from checks.base.run import of_document
from checks.base.say import DAY, fixed, size, span
from checks.disks import WORN, Disks, body_of
from checks.document import Document, number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "storage"
DISKS = ("wear", "bad_sectors", "write")
METRICS = ("free_percent", "free", "inodes_percent", "buffer_days", "full_days", "unproven", "lost", *DISKS)
OPTIONS = (Option("--probe", TEXT, "PATHS", "probe this machine's drives and these folders now, and read no document"),)
NONE = "this node has no buffer"
PATIENCE = 0.7  # of the time-out, after which a folder that was not read is told
SLOW = 5  # seconds for a synced write of 4 kB, above which it warns
INODES = 5  # per cent free, below which it warns


def check(values: dict[str, Any]) -> Verdict:
    """Answer a command line; raise Usage, CheckError or Unreadable."""
    if values["probe"] is not None:
        return _probed(values)
    return of_document(sys.modules[__name__], values, "")


def _probed(values: dict[str, Any]) -> Verdict:
    """Judge drives, software RAID and the folders of --probe by what they say now; raise Usage."""
    import time

    limits, now = limits_of(values, METRICS), time.time()
    document = Document(body_of(values["probe"].split(","), PATIENCE * values["timeout"], now), now)
    return judge(CHECK, "", [Disks(document, "they can be written")], document.when(), _scales(document, limits))


def subjects(document: Document) -> list[str]:
    """Return the one subject: the node's buffer."""
    return [""]


def verdict(document: Document, subject: str = "", limits: Limits | None = None) -> Verdict:
    """Judge the buffer and its disk; raise ValueError for limits that are none."""
    resources = [Storage(document), Disks(document)]
    return judge(CHECK, subject, resources, document.when(), _scales(document, limits))


def _scales(document: Document, limits: Limits | None) -> list[Scale]:
    defaults: Limits = dict.fromkeys(METRICS, (None, None)) | {
        "inodes_percent": (f"{INODES}:", None),
        "buffer_days": (f"{fixed(document.limits['buffer_days'])}:", None),
        "wear": (f"~:{WORN}", None),
        "write": (f"~:{SLOW}", None),
    }
    return scales(defaults, limits)


class Storage(Resource):
    """The buffer of one node, and the disk that it is on."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def probe(self) -> Iterator[Any]:
        """Yield numbers, then findings; raise CheckError."""
        if (why := self.document.why_not) is not None:
            yield found(Finding(why, unknown=True, step="check_node pages for it"))
            return
        buffer = self.document.part("buffer")
        yield from self._numbers(buffer)
        for finding in (*self._failing(buffer), *self._ends(buffer), *self._held(buffer)):
            yield found(finding)
        yield found(self._well(buffer))

    def _numbers(self, buffer: Mapping[str, Any]) -> Iterator[Any]:
        free, total = number(buffer, "free"), number(buffer, "total")
        ends = self.document.buffer_ends()
        if total:
            yield Metric("free_percent", 100 * (free or 0) / total, "%", min=0, max=100)
        yield Metric("free", free, "B", min=0, max=total)
        if inodes := number(buffer, "inodes"):
            yield Metric("inodes_percent", 100 * (number(buffer, "inodes_free") or 0) / inodes, "%", min=0, max=100)
        yield Metric("buffer_days", number(buffer, "days"), min=0)
        if ends is not None:
            yield Metric("full_days", max(0.0, (ends - self.document.now) / DAY), min=0)
        yield Metric("unproven", (number(buffer, "pictures") or 0) - (number(buffer, "proven") or 0), min=0)
        yield Metric("lost", number(buffer, "lost") or 0, "c", min=0)

    def _failing(self, buffer: Mapping[str, Any]) -> Iterator[Finding]:
        """Say what loses pictures now: a disk that fails, capture that is stopped, pictures that are thinned."""
        document = self.document
        if (trouble := text(document.body, "storage", 200)) is not None:
            yield Finding(
                "disk or catalogue fails",
                losing=document.pace(),
                loss_at=_next_slot(document),
                cause=trouble,
                step="`dmesg` and `df`; free some room, or replace the disk: `overlapse restore` fills it again",
            )
        if buffer.get("stopped"):
            yield Finding(
                "capture is stopped: the buffer is full",
                losing=document.pace(),
                loss_at=_next_slot(document),
                owner=document.culprit(),
                cause='when_full = "stop", and nothing that is proven can leave',
                evidence=self._room(buffer),
                step="make deliveries go again, or allow thinning: `overlapse retention`",
            )
        if thinned := number(buffer, "thinned"):
            yield Finding(
                f"{int(thinned)} unproven pictures thinned in an hour",
                losing=thinned,
                owner=document.culprit(),
                cause="the buffer is full of pictures that are proven nowhere",
                evidence=self._room(buffer),
                step="make deliveries go again; `overlapse retention` has what leaves next",
            )

    def _ends(self, buffer: Mapping[str, Any]) -> Iterator[Finding]:
        """Say when the buffer is full at this pace."""
        ends = self.document.buffer_ends()
        if ends is None or buffer.get("stopped"):
            return
        yield Finding(
            f"buffer full in {span(ends - self.document.now)}",
            loss_at=ends,
            owner=self.document.culprit(),
            cause=text(buffer, "sentence", 150) or "more is taken than is proven elsewhere",
            evidence=self._room(buffer),
            step="`overlapse retention` has what leaves first; `overlapse plan` what a larger disk or link would do",
        )

    def _held(self, buffer: Mapping[str, Any]) -> Iterator[Finding]:
        if (refused := text(buffer, "refused", 150)) is not None:
            yield Finding(
                "deletions are held back",
                impaired=True,
                loss_at=self.document.buffer_lasts() if not number(buffer, "free") else None,
                cause=refused,
                step="`overlapse retention` has the plan; an operator confirms it there",
            )

    def _well(self, buffer: Mapping[str, Any]) -> Finding:
        free, days = number(buffer, "free"), number(buffer, "days")
        room = "room not known" if free is None else f"{size(free)} free"
        lasts = "" if days is None else f", {span(days * DAY)} if links fail"
        return Finding(f"{room}{lasts}", evidence=self._room(buffer))

    def _room(self, buffer: Mapping[str, Any]) -> str:
        free, total = number(buffer, "free") or 0, number(buffer, "total") or 0
        pictures, proven = int(number(buffer, "pictures") or 0), int(number(buffer, "proven") or 0)
        keep = number(buffer, "keep_free") or 0
        return f"{size(free)} free of {size(total)}, {size(keep)} are kept; {proven} of {pictures} pictures are proven"


def _next_slot(document: Document) -> float | None:
    """Return when the next picture is due: the next to be lost."""
    coming = [at for camera in document.cameras() if (at := number(camera, "next")) is not None]
    return min(coming, default=None)
