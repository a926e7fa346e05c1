"""check_transfer --link: is anything reached over a link, and does its month's budget last?"""

from __future__ import annotations

from nagiosplugin.metric import Metric

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import scales
from checks.base.say import instant, size
from checks.document import Document, counts, named, number, part, text
from checks.row import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "link"
METRICS = ("budget_percent", "used", "at_end", "goodput", "round_trip", "lost")
SLOW, LOSSY = 3, 20  # seconds; per cent of the segments
NONE = "this node has no link"


def subjects(document: Document) -> list[str]:
    """Return the links of a document."""
    return [named(link) for link in document.links()]


def verdict(document: Document, subject: str, limits: Limits | None = None) -> Verdict:
    """Judge one link; raise ValueError for limits that are none."""
    defaults: Limits = dict.fromkeys(METRICS, (None, None)) | {
        "round_trip": (f"~:{SLOW}", None),
        "lost": (f"~:{LOSSY}", None),
    }
    return judge(CHECK, subject, [Link(document, subject)], document.when(), scales(defaults, limits))


class Link(Row):
    """One way out of a node."""

    KIND = "link"

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the links of the document."""
        return self.document.links()

    def judged(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """Yield numbers, then findings, of one; raise CheckError."""
        month, measured = part(row, "month"), part(row, "goodput")
        budget, used = number(month, "budget"), number(month, "used") or 0.0
        if budget:
            yield Metric("budget_percent", 100 * used / budget, "%", min=0)
        yield Metric("used", used, "B", min=0, max=budget)
        yield Metric("at_end", number(month, "at_end"), "B", min=0, max=budget)
        if measured:
            yield Metric("goodput", number(measured, "p50"), "B", min=0)
        quality = part(row, "quality")
        if "trip" in quality:
            yield Metric("round_trip", number(quality, "trip"), "s", min=0)
        if "loss" in quality:
            yield Metric("lost", number(quality, "loss"), "%", min=0, max=100)
        for finding in (*self._dead(), *self._month(month)):
            yield found(finding)
        yield found(self._well(row, month))

    def _dead(self) -> Iterator[Finding]:
        """Say that nothing is reached over it: one cause, one page, and not one for each destination."""
        document = self.document
        if document.dead_link(self.subject) is None:
            return
        there = [place for place in document.destinations() if text(place, "link") == self.subject]
        since = max(number(part(place, "error"), "since") or document.at for place in there)
        required = any(place.get("required", True) and number(place, "waiting") for place in there)
        yield Finding(
            f"{self.short} reaches none of {len(there)} since {instant(since, document.now)}",
            losing=document.loses_by_buffer() if document.culprit() == f"link {self.subject}" else 0.0,
            loss_at=(document.buffer_ends() or document.buffer_lasts()) if required else None,
            impaired=True,
            cause="the link is down, or a firewall on it",
            evidence=f"unreachable: {', '.join(named(place) for place in there)}",
            step="look at modem and router; what is taken meanwhile stays in the buffer",
        )

    def _month(self, month: Mapping[str, Any]) -> Iterator[Finding]:
        budget, used, at_end = number(month, "budget"), number(month, "used"), number(month, "at_end")
        begin, end = number(month, "begin"), number(month, "end")
        if not budget or used is None or at_end is None or end is None or begin is None:
            return
        now = self.document.now
        if used >= budget:
            yield Finding(
                f"{self.short} has used its {size(budget)}",
                loss_at=self.document.buffer_ends(),
                impaired=True,
                cause="the month's budget is spent: only what a budget does not hold back still goes",
                evidence=f"the month ends {instant(end, now)}",
                step="buy bytes and raise `budget`, or wait for the month's end",
            )
        elif at_end > budget and at_end > used and end > now:
            dry = now + (end - now) * (budget - used) / (at_end - used)
            yield Finding(
                f"{self.short} budget is spent by {instant(dry, now)}",
                impaired=True,
                until=dry,
                cause=f"this pace leads to {size(at_end)} of {size(budget)} by the month's end",
                evidence=", ".join(f"{name} {size(cost)}" for name, cost in _most(month)),
                step="`overlapse queue` shows what each rung would save",
            )

    def _well(self, row: Mapping[str, Any], month: Mapping[str, Any]) -> Finding:
        budget, used = number(month, "budget"), number(month, "used") or 0.0
        spent = f"{size(used)} of {size(budget)}" if budget else f"{size(used)} this month"
        override = part(row, "override")
        quality = part(row, "quality")
        way = [f"round trip {trip:.2g} s"] if (trip := number(quality, "trip")) is not None else []
        way += [f"{loss:.2g} % sent again"] if (loss := number(quality, "loss")) is not None else []
        told = f"rung {text(row, 'rung')}" + (f": {text(row, 'why')}" if row.get("why") else "")
        if override:
            until = instant(number(override, "until") or 0, self.document.now)
            told += f"; {text(override, 'rung')} by order until {until}"
        return Finding(f"{self.short} {spent}, rung {text(row, 'rung', 20)}", evidence="; ".join([told, *way]))


def _most(month: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the three classes that cost most, and their bytes."""
    return list(counts(month, "classes"))[:3]
