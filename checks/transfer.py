"""check_transfer: does what was taken reach its destinations, and when will it have?"""

from __future__ import annotations

import sys

from nagiosplugin.metric import Metric

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import scales
from checks.base.options import TEXT, Option, Usage
from checks.base.run import of_document
from checks.base.say import HOUR, fixed, instant, size, span
from checks.document import Document, named, number, part, text
from checks.row import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "transfer"
METRICS = ("oldest", "waiting", "bytes", "eta", "refused", "proven", "at_risk", "at_risk_bytes")
OPTIONS = (
    Option("--destination", TEXT, "NAME", "one destination (default: all of this node)"),
    Option("--link", TEXT, "NAME", "one link instead: its month, and whether anything is reached over it"),
)
NONE = "this node has no destination"
NEVER = "never"
STEPS = {
    "DestinationRefused": "compare user, key and rights with the server",
    "DestinationUnreachable": "look at the link, then at the server",
    "DestinationFull": "make room there",
    "HostKeyChanged": "compare the server's key with host_key in site.toml before anything else",
}
ANY_STEP = "`overlapse queue` has what waits and why"


def check(values: dict[str, Any]) -> Verdict:
    """Answer a command line; raise Usage, CheckError or Unreadable."""
    if values["link"] is None:
        return of_document(sys.modules[__name__], values, values["destination"])
    if values["destination"] is not None:
        raise Usage("--link and --destination are two questions")
    from checks import link

    return of_document(link, values, values["link"])


def subjects(document: Document) -> list[str]:
    """Return the destinations of a document."""
    return [named(place) for place in document.destinations()]


def verdict(document: Document, subject: str, limits: Limits | None = None) -> Verdict:
    """Judge one destination; raise ValueError for limits that are none."""
    defaults: Limits = dict.fromkeys(METRICS, (None, None)) | {
        "oldest": (f"~:{fixed(document.limits['oldest_hours'] * HOUR)}", None)
    }
    return judge(CHECK, subject, [Transfer(document, subject)], document.when(), scales(defaults, limits))


class Transfer(Row):
    """One destination, as its node knows it."""

    KIND = "destination"

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the destinations of the document."""
        return self.document.destinations()

    def judged(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """Yield numbers, then findings, of one; raise CheckError."""
        yield from self._numbers(row)
        for finding in (*self._trouble(row), *self._pace(row), *self._refusals(row)):
            yield found(finding)
        yield found(self._well(row))

    def _numbers(self, row: Mapping[str, Any]) -> Iterator[Any]:
        oldest, eta = number(row, "oldest"), row.get("eta")
        risk = self.document.part("at_risk")
        paused = row.get("state") == "paused"  # what an operator holds back is not late
        age = 0.0 if oldest is None or paused else max(0.0, self.document.now - oldest)
        yield Metric("oldest", age, "s", min=0)
        yield Metric("waiting", number(row, "waiting") or 0, min=0)
        yield Metric("bytes", number(row, "bytes") or 0, "B", min=0)
        if number(row, "waiting"):
            yield Metric("eta", None if eta in (None, NEVER) else number(row, "eta"), "s", min=0)
        yield Metric("refused", number(row, "refused") or 0, min=0)
        yield Metric("proven", number(row, "proven") or 0, "c", min=0)
        yield Metric("at_risk", number(risk, "pictures") or 0, min=0)
        yield Metric("at_risk_bytes", number(risk, "bytes") or 0, "B", min=0)

    def _loss(self, row: Mapping[str, Any]) -> float | None:
        """Return when pictures are lost because of this destination: when the buffer ends, if one is required there."""
        if not row.get("required", True):
            return None
        return self.document.buffer_ends() or self.document.buffer_lasts()

    def _lost(self, row: Mapping[str, Any]) -> float:
        """Return the pictures an hour that are lost now because of this destination: of several, the first has them."""
        return self.document.loses_by_buffer() if self.document.culprit() == f"transfer {named(row)}" else 0.0

    def _trouble(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        """Say what is wrong with the destination itself."""
        error = part(row, "error")
        if not error or row.get("state") == "paused":
            return
        word, since = text(error, "class", 40) or "trouble", number(error, "since")
        link = self.document.dead_link(text(row, "link"))
        yield Finding(
            f"{self.short} fails since {instant(since or self.document.at, self.document.now)}",
            losing=self._lost(row),
            loss_at=self._loss(row) if number(row, "waiting") else None,
            impaired=True,
            owner=link,
            cause=f"{word}: {text(error, 'text', 150)}",
            evidence=self._backlog(row),
            step=STEPS.get(word, ANY_STEP),
        )

    def _pace(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        """Say whether what waits will ever have gone: a backlog that only grows is lost in the end."""
        if row.get("eta") != NEVER or not row.get("required", True) or row.get("state") == "paused":
            return
        yield Finding(
            f"{self.short} never catches up",
            losing=self._lost(row),
            loss_at=self._loss(row),
            pages=True,
            owner=self.document.dead_link(text(row, "link")),
            cause="more is made for it than its link carries on this rung",
            evidence=self._backlog(row),
            step="`overlapse queue` shows what each rung would change; a lower one, or a faster link",
        )

    def _refusals(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        refused, lost = int(number(row, "refused") or 0), int(number(part(row, "audit"), "lost") or 0)
        if refused:
            yield Finding(
                f"{self.short} refused {refused}",
                impaired=True,
                cause="the server will not take them however often they are sent",
                step="`overlapse queue --destination` has the reason of each; `--retry` tries them again",
            )
        if lost and number(row, "waiting"):
            yield Finding(
                f"{self.short} lost {lost} copies",
                impaired=True,
                cause="copies that were proven there are gone or altered",
                evidence=text(part(row, "audit"), "error") or f"{lost} of {part(row, 'audit').get('looked', 0)} looks",
                step="they are sent again; find out who removed them",
            )

    def _well(self, row: Mapping[str, Any]) -> Finding:
        if row.get("state") == "paused":
            return Finding(f"{self.short} paused by an operator", evidence=self._backlog(row))
        waiting = int(number(row, "waiting") or 0)
        if not waiting:
            return Finding(f"{self.short} has all {int(number(row, 'proven') or 0)}", evidence=self._backlog(row))
        eta = row.get("eta")
        done = "" if eta in (None, NEVER) else f", done in {span(number(row, 'eta') or 0)}"
        return Finding(f"{self.short}: {waiting} wait{done}", evidence=self._backlog(row))

    def _backlog(self, row: Mapping[str, Any]) -> str:
        risk, oldest = self.document.part("at_risk"), number(row, "oldest")
        told = f"{int(number(row, 'waiting') or 0)} wait there, {size(number(row, 'bytes') or 0)}"
        if oldest is not None:
            told += f", the oldest of {instant(oldest, self.document.now)}"
        stolen = f"{int(number(risk, 'pictures') or 0)} pictures, {size(number(risk, 'bytes') or 0)}"
        return f"{told}; lost if the box is stolen now: {stolen}"
