"""check_node: is the node there, and sound? The only check that pages for silence and for what nobody knows."""

from __future__ import annotations

import sys

from nagiosplugin.metric import Metric
from nagiosplugin.resource import Resource

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import scales
from checks.base.options import TEXT, Option
from checks.base.run import of_document
from checks.base.say import fixed, instant, span
from checks.document import Document, number, part, rows, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "node"
METRICS = ("silence", "temperature", "uptime")  # the first is what -w and -c without a name are for
OPTIONS = (Option("--expect-version", TEXT, "VERSION", "warn when the node runs another version of Overlapse"),)


def check(values: dict[str, Any]) -> Verdict:
    """Answer a command line; raise Usage, CheckError or Unreadable."""
    return of_document(sys.modules[__name__], values, "")


def subjects(document: Document) -> list[str]:
    """Return the one subject: the node itself."""
    return [""]


def verdict(document: Document, subject: str = "", limits: Limits | None = None) -> Verdict:
    """Judge the node; raise ValueError for limits that are none."""
    defaults: Limits = {
        "silence": (None, None),
        "temperature": (f"~:{fixed(document.limits['temperature'])}", None),
        "uptime": (None, None),
    }
    return judge(CHECK, subject, [Node(document)], document.when(), scales(defaults, limits))


class Node(Resource):
    """One node: its silence, its clock, its workers, its host."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def probe(self) -> Iterator[Any]:
        """Yield numbers, then findings; raise CheckError."""
        document, body = self.document, self.document.body
        yield Metric("silence", max(0.0, document.now - document.last), "s", min=0, context="silence")
        if document.is_ahead:
            yield found(self._ahead())
            return
        if document.is_stale:
            yield found(self._silent())
        started = number(body, "started")
        yield Metric("uptime", None if started is None else max(0.0, document.at - started), "s", context="uptime")
        if "temperature" in part(body, "host"):
            yield Metric("temperature", number(part(body, "host"), "temperature"), context="temperature")
        for finding in (*self._clock(), *self._workers(), *self._host(), *self._version()):
            yield found(finding)
        if not document.is_stale:
            since = "" if started is None else f"started {instant(started, document.now)}"
            yield found(Finding(f"{document.node} runs, heard {instant(document.last, document.now)}", evidence=since))

    def _ahead(self) -> Finding:
        document = self.document
        return Finding(
            f"{document.node}'s clock is {span(document.at - document.now)} ahead",
            unknown=True,
            cause="its clock or this machine's is wrong: silence cannot be judged",
            step="compare both clocks with a third one",
        )

    def _silent(self) -> Finding:
        """Say what silence means: here a node that does not run, elsewhere a link or a node, until it is too long."""
        document = self.document
        said = f"{document.node} silent since {instant(document.last, document.now)}"
        announced = f"it announced to be heard by {instant(document.due, document.now)}"
        if document.ended is not None:
            cause = "the node has ended" if document.ended else "the node runs, and does not get on"
            step = "`systemctl status overlapse`, then start it"
            words: dict[str, Any] = {"cause": cause, "evidence": announced, "step": step}
            return Finding(said, losing=document.pace(), pages=True, **words)
        lasts = document.buffer_lasts()
        good = "" if lasts is None else f"; its buffer holds until {instant(lasts, document.now)}"
        words = {
            "cause": "the node, its power or its link",
            "evidence": announced + good,
            "step": "is its link or router up? Then its power; what it took meanwhile is in its buffer",
        }
        if document.now - document.last <= document.act:
            return Finding(said, impaired=True, until=document.last + document.act, **words)
        spent = lasts is not None and lasts <= document.now
        rate = document.pace() if spent else 0.0
        return Finding(said, losing=rate, loss_at=lasts, pages=True, **words)

    def _clock(self) -> Iterator[Finding]:
        clock = part(self.document.body, "clock")
        if clock and clock.get("trusted") is not True:
            yield Finding(
                f"{self.document.node}'s clock is not trusted",
                impaired=True,
                cause=text(clock, "why", 200) or "",
                step="give it a time service; until then nothing is deleted",
            )

    def _workers(self) -> Iterator[Finding]:
        for worker in rows(self.document.body, "stuck"):
            yield Finding(
                f"worker {text(worker, 'name')} is stuck",
                impaired=True,
                cause=text(worker, "why") or "it was killed and has not ended: a dead mount or device",
                step="free the mount or the device; a restart of the machine is the last resort",
            )

    def _host(self) -> Iterator[Finding]:
        host = part(self.document.body, "host")
        if host.get("undervoltage"):
            yield Finding("the supply voltage is too low", impaired=True, step="another power supply or cable")
        if host.get("throttled"):
            yield Finding("the processor is throttled", impaired=True, step="cool it, or give it a better supply")

    def _version(self) -> Iterator[Finding]:
        theirs, ours = text(self.document.body, "overlapse", 40), self.document.version
        if theirs and ours and theirs != ours:
            yield Finding(
                f"{self.document.node} runs {theirs}, not {ours}",
                impaired=True,
                step="bring both to the same version",
            )
