"""All services of one status document at once: for the node itself, for the console, and at a hub for each unit.

The node is given `verdicts` by dotted name, since core never imports the checks.
"""

from __future__ import annotations

import importlib

from nagiosplugin.error import CheckError

from checks.base.finding import Finding
from checks.base.judge import When, found, judge
from checks.document import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from checks.base.verdict import Verdict

CHECKS = ("camera", "transfer", "link", "storage", "redundancy", "nas", "firewall", "node")


def evaluate(
    body: Mapping[str, Any],
    now: float,
    given: Mapping[str, float] | None = None,
    *,
    version: str | None = None,
    ended: bool | None = None,
) -> list[Verdict]:
    """Return the verdict of every service of a status document, read at `now` (seconds since the epoch).

    `given` are thresholds that go before the document's own, `version` is this program's, `ended` whether the process
    that wrote the document has ended (None: it ran on another machine). Never raises: what cannot be judged is
    UNKNOWN, and of a document that is none there is one verdict, of the node.
    """
    try:
        document = Document(body, now, given, version=version, ended=ended)
    except CheckError as error:
        return [judge("node", "", [_Told(str(error))], When(now, 12 * 3600))]
    return [one for check in CHECKS for one in _of_check(check, document)]


def verdicts(body: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """Return the verdicts of a document that was just made, as the document itself carries them."""
    return [one.to_json() for one in evaluate(body, now)]


def _of_check(check: str, document: Document) -> list[Verdict]:
    module = importlib.import_module(f"checks.{check}")
    try:
        return [module.verdict(document, subject) for subject in module.subjects(document)]
    except CheckError as error:
        return [judge(check, "", [_Told(str(error))], When(now=document.now, act=document.act))]


class _Told:
    """A resource that has nothing but a reason."""

    def __init__(self, why: str) -> None:
        self._why = why

    def probe(self) -> list[Any]:
        """Return the reason as what nobody knows."""
        return [found(Finding(self._why, unknown=True))]
