"""Status documents ride along with the lines for a taker; with nothing to send they make a check-in of their own.

A node that hands on passes on what it heard of others, so that a hub further on sees the units, too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core.errors import StorageError
from core.node.between.bases import Heard, Lacking, Told
from core.node.between.changes import Changes
from core.node.between.drop import Drop, may_speak
from core.node.context import Context
from core.node.jobs import Json
from core.status.fleet import Document, is_newer, read_fleet, received
from core.status.read import LIMIT
from core.text import safe
from core.transfer.drops import Found

log = logging.getLogger(__name__)

STAYS = ("verdicts", "pid", "boot", "heard")  # of a document: who hears it judges by itself, and knows when it came


@dataclass
class CheckIns:
    """Says how this node is, and keeps what others say of themselves."""

    context: Context
    document: Callable[[], Document]
    on_heard: Callable[[Document], None]
    changes: Changes
    heard: dict[str, Document] = field(default_factory=dict)  # node -> the newest of its documents
    vitals: dict[str, Document] = field(default_factory=dict)  # node -> what its session said, and when it was heard
    _seen: dict[str, int] = field(default_factory=dict)  # node -> revision of its session
    _told_at: dict[str, float] = field(default_factory=dict)  # taker -> monotonic
    _told: dict[str, dict[str, float]] = field(default_factory=dict)  # taker -> node -> time of the document it has
    _under_way: dict[str, dict[str, float]] = field(default_factory=dict)
    _has: dict[str, int] = field(default_factory=dict)  # taker -> number of the last change that it has
    _sent: dict[str, int] = field(default_factory=dict)  # the same, under way
    _offers: dict[str, bool] = field(default_factory=dict)  # whether an answer to what is under way is awaited
    bases: Told = field(init=False)
    kept: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.bases, self.kept = Told(self.context), Heard(self.context)

    def begin(self) -> None:
        """Take up what was heard before a stop."""
        for document in read_fleet(self.context.folders.fleet):
            if any(node.name == document["node"] for node in self.context.site.node):
                self.heard[str(document["node"])] = document

    def due(self, taker: str) -> float:
        """Return the monotonic time at which this node checks in with a taker again."""
        every = self.context.node.check_in.total_seconds()
        return self._told_at[taker] + every if taker in self._told_at else 0.0

    def lines(self, taker: str) -> list[Json]:
        """Return what goes along now: nothing when the taker was told a short while ago."""
        if self.context.monotonic() < self.due(taker):
            return []
        if taker in self._under_way:  # what went last never arrived
            self.bases.forget(taker)
        known = self._told.get(taker, {})
        ours = self.document()
        if changes := self.changes.after(self._has.get(taker, 0)):
            ours["changes"] = changes
        self._sent[taker] = self.changes.last
        others = [one for node, one in self.heard.items() if one["at"] > known.get(node, 0.0)]
        self._under_way[taker] = {str(one["node"]): one["at"] for one in (ours, *others)}
        told = ({key: one[key] for key in one if key not in STAYS} for one in (ours, *others))
        lines = [self.bases.line(taker, one) for one in told]
        self._offers[taker] = any("as" in one for one in lines)
        return lines

    def offers(self, taker: str) -> bool:
        """Return whether an answer will be looked for to what goes along now."""
        return self._offers.get(taker, False)

    def told(self, taker: str) -> bool:
        """Take note that what `lines` gave has arrived; return whether an answer to it is awaited."""
        if (sent := self._under_way.pop(taker, None)) is not None:
            self._told_at[taker] = self.context.monotonic()
            self._told[taker] = self._told.get(taker, {}) | sent
            self._has[taker] = self._sent.pop(taker)
            return self._offers.pop(taker)
        return False

    def answered(self, taker: str, said: Iterable[Json]) -> None:
        """Take note of which whole documents a taker has, or lacks: those go again with the next that it is told."""
        for one in said:
            if self.bases.hear(taker, one):
                self._told_at.pop(taker, None)

    def freshen(self, node: str, said: Mapping[str, Any], rev: int) -> None:
        """Take note of what the session of a node says; `rev` grows with each renewal."""
        known = any(one.name == node for one in self.context.site.node)
        if known and node != self.context.node.name and rev != self._seen.get(node):
            self._seen[node] = rev
            self.vitals[node] = {**said, "heard": round(self.context.now().timestamp(), 3)}

    def documents(self) -> dict[str, Document]:
        """Return what is known of each other node: its newest document, with the vitals that came after it."""
        found = dict(self.heard)
        for node, said in self.vitals.items():
            document = found.get(node) or {"site": self.context.site.site.name, "node": node, "at": said["a"]}
            if said["heard"] >= document.get("heard", 0.0):
                found[node] = {**document, "vitals": said, "heard": said["heard"]}
        return found

    def hear(self, drop: Drop, found: Found, said: Iterable[Json]) -> None:
        """Keep the newest documents of a batch, if its deliverer may speak for those nodes."""
        for one in said:
            try:
                self._hear(drop, found, one)
            except Lacking as error:
                log.info("status not understood: drop=%s object=%s why=%s", drop.name, safe(found.name), error)
                drop.receipts.setdefault(found.prefix, []).append({"lacks": _of(found, one)})
            except (ValueError, RecursionError) as error:
                told = "status not believed: drop=%s object=%s error=%s"
                log.error(told, drop.name, safe(found.name), safe(str(error)))

    def _hear(self, drop: Drop, found: Found, line: Json) -> None:
        node, way = _of(found, line), f"{drop.name}/{found.prefix}"
        known = {one.name for one in self.context.site.node} - {self.context.node.name}
        if node not in known or not may_speak(self.context, found.prefix, node):
            raise ValueError("its deliverer does not speak for that node")
        document = self._believed(node, self.kept.document(way, node, line))
        if self.kept.keep(way, node, line):
            drop.receipts.setdefault(found.prefix, []).append({"has": {node: line["as"]}})
        self._take(node, document)

    def read(self, node: str, said: object) -> None:
        """Keep the document of a node that was read where it leaves it; raise ValueError for one that is none.

        The first may have stood there for long: it counts as heard when it was written.
        """
        document = self._believed(node, said)
        if node not in self.heard:
            document["heard"] = min(document["heard"], document["at"])
        self._take(node, document)

    def _believed(self, node: str, said: object) -> Document:
        document = received(said, self.context.site.site.name, node, self.context.now().timestamp())
        if len(json.dumps(document, allow_nan=False)) > LIMIT:  # infinity: no answer of ours could pass it on
            raise ValueError("it is too long")
        return document

    def _take(self, node: str, document: Document) -> None:
        if not is_newer(document, self.heard.get(node)):
            return
        if verdicts := self.context.evaluate(document, self.context.now().timestamp()):
            document["verdicts"] = verdicts
        self.heard[node] = document
        self.on_heard(document)
        with suppress(StorageError):  # of a run folder that is full, `status.json` tells
            self.context.publish(self.context.folders.fleet / f"{node}.json", document)


def _of(found: Found, line: Json) -> str:
    """Return the node that a line of status is about; what changed of the deliverer's own names it in the batch."""
    if "since" in line:
        return str(line.get("node", found.node))
    return str(line["status"].get("node")) if isinstance(line["status"], dict) else ""
