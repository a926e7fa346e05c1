"""Telling Nagios and Icinga 2: the documents of all nodes that are heard here go to the gateway's child, in rounds.

The child judges them and tells (`checks/gateway/`, by dotted name); here is only what came since, and what it answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from core.catalogue import states
from core.errors import ConfigurationError
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Setting, Worker
from core.site.model.health import Monitoring as Feed
from core.site.monitored import monitored
from core.site.secrets import read_secret
from core.status.fleet import Document
from core.text import safe

log = logging.getLogger(__name__)

ROUND = 15.0  # seconds between two rounds, when nothing new came
SOON = 2.0  # after something new came: several nodes that check in together make one round
AT_ONCE = 40  # documents of one round: 64 kB each, and a line to a child holds 4 MB
DEADLINE = 120.0  # seconds for a round
SHOWN = 20  # unknown services that are named
NEVER = float("inf")
_SEQUENCES, _UNKNOWN, _HANDED = "monitoring/sequences", "monitoring/unknown", "monitoring/handed"


@dataclass
class Monitoring:
    """Hands what is heard to the gateway, where this node is the one that tells."""

    context: Context
    document: Callable[[], Document]
    heard: Callable[[], dict[str, Document]]
    _feed: Feed | None = None
    _pending: list[Document] = field(default_factory=list)
    _job: Job | None = None
    _at: float = NEVER
    _all: bool = True  # what the child knew is lost, or it never knew anything
    _errors: dict[str, str] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)  # by feed, when its error began
    _handled: list[Json] = field(default_factory=list)
    _stopping: bool = False

    def apply(self) -> None:
        """Take over who is told, as the site is configured now."""
        site, only = self.context.site, len(self.context.site.node) == 1
        name = self.context.node.name
        self._feed = next((one for one in site.monitoring if one.at == name or (one.at is None and only)), None)
        self._all = True
        self._at = self.context.monotonic() + SOON if self._feed is not None else NEVER
        if self._feed is None:
            self._errors.clear()
            return
        try:
            self.context.hands.equip(self._worker, Setting(opening=self._opening(self._feed), idle=None))
        except ConfigurationError as error:
            self._at = NEVER
            self._failed({"configuration": str(error)})

    def heard_of(self, document: Document) -> None:
        """Take in a document that came: each, since it carries what changed since the one before."""
        if self._feed is not None:
            self._pending.append(document)
            self._at = min(self._at, self.context.monotonic() + SOON)

    def tick(self) -> None:
        """Begin a round when it is time."""
        if self._job is None and not self._stopping and self.context.monotonic() >= self._at:
            self._round()

    def wake(self) -> float:
        """Return the monotonic time of the next round."""
        return NEVER if self._job is not None or self._stopping else self._at

    def stop(self) -> None:
        """Begin no round any more."""
        self._stopping = True

    def handle(self, report: Report) -> None:
        """Take in what the child told, and what people did there."""
        if not isinstance(report, Done | Failed) or report.job is not self._job:
            return
        self._job = None
        self._at = self.context.monotonic() + (SOON if self._pending else ROUND)
        if isinstance(report, Failed):
            self._all = True
            self._failed({"gateway": str(report.error)})
            return
        result = report.result
        if result["fresh"] and not report.job.about:
            self._all, self._at = True, self.context.monotonic()
        self._failed(result["errors"])
        self._lost(result["gaps"])
        self._tell_unknown(result["unknown"])
        if not result["errors"]:
            self._people(result["handled"])
        for key, said in ((_SEQUENCES, result["sequences"]), (_HANDED, result["handed"])):
            if said != states.get(self.context.catalogue, key, {}):
                states.put(self.context.catalogue, key, said)

    def row(self) -> Json | None:
        """Return what the status document says of it; None: this node tells nobody."""
        if self._feed is None:
            return None
        rows = [{"name": name, "text": text, "since": self._since[name]} for name, text in self._errors.items()]
        return {"errors": rows or None, "handled": self._handled[:SHOWN] or None}

    @property
    def _worker(self) -> Worker:
        return Worker("monitor", self.context.site.site.name)

    def _opening(self, feed: Feed) -> Json:
        """Return what the child is opened with; raise ConfigurationError for a password that cannot be read."""
        base, icinga = self.context.base, None
        if feed.icinga is not None:
            icinga = asdict(feed.icinga) | {"password": read_secret(base / feed.icinga.password_file)}
            if feed.icinga.ca_file is not None:
                icinga["ca_file"] = str(base / feed.icinga.ca_file)
        nagios = None
        if feed.nagios is not None:
            nagios = {key: str(base / one) for key, one in asdict(feed.nagios).items() if one is not None}
        return {
            "monitored": asdict(monitored(self.context.site, feed)),
            "every": feed.every.total_seconds(),
            "nagios": nagios,
            "icinga": icinga,
            "sequences": states.get(self.context.catalogue, _SEQUENCES, {}),
        }

    def _round(self) -> None:
        whole = self._all
        if whole:
            known = {id(one) for one in self._pending}
            self._pending = [*(one for one in self.heard().values() if id(one) not in known), *self._pending]
            self._all = False
        documents, self._pending = self._pending[:AT_ONCE], self._pending[AT_ONCE:]
        args: dict[str, Any] = {"documents": [*documents, self.document()], "now": self.context.now().timestamp()}
        args["handed"] = states.get(self.context.catalogue, _HANDED, {})
        self._job = Job(self._worker, "tell", args, DEADLINE, about=whole)
        self.context.hands.give(self._job)

    def _failed(self, errors: dict[str, str]) -> None:
        """Tell what goes wrong, once, and that it is over."""
        for name in [each for each in self._errors if each not in errors]:
            self.context.tell("monitoring works", name, f"again, after {self._errors.pop(name)}")
            del self._since[name]
        for name, text in errors.items():
            if name not in self._errors:
                self._since[name] = round(self.context.now().timestamp(), 3)
                self.context.tell("monitoring fails", name, text)
            self._errors[name] = safe(text, 200)

    def _lost(self, gaps: dict[str, int]) -> None:
        for node, count in gaps.items():
            self.context.tell("changes lost", node, f"{count} changes of its verdicts never came")

    def _tell_unknown(self, unknown: list[list[str]]) -> None:
        """Say loudly what Nagios or Icinga does not know: nobody would be woken for it."""
        if unknown == states.get(self.context.catalogue, _UNKNOWN, []):
            return
        states.put(self.context.catalogue, _UNKNOWN, unknown)
        for feed in sorted({one[0] for one in unknown}):
            names = [f"{one[1]};{one[2]}" if one[2] else one[1] for one in unknown if one[0] == feed]
            told = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
            log.error("not known to %s, so nobody is woken for it: %s", feed, safe(told, 500))
            self.context.tell("monitoring lacks", feed, f"{told}: make its configuration anew with `overlapse nagios`")

    def _people(self, handled: list[Json]) -> None:
        """Tell what people acknowledged or planned in Nagios or Icinga 2."""
        for one in handled:
            if one not in self._handled:
                what = " ".join(str(one[key]) for key in ("check", "subject") if one[key])
                text = f"{what}: {one['kind']} in {one['feed']} by {one['by']}: {one['text']}"
                self.context.tell("handled elsewhere", one["node"], text)
        self._handled = handled
