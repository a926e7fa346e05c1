"""Documents that both ends have: what a taker was told whole, and has since said that it has, is told by its changes.

A taker names what it has among its receipts, {"has": {node: name}}, and says what it lacks: {"lacks": node}. Then, and
now and then anyway, the whole goes again. A taker that never says so gets whole documents.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from core.catalogue import states
from core.errors import CatalogueError, StorageError
from core.node.context import Context
from core.node.jobs import Json
from core.status.changed import applied, as_sent, difference, named
from core.status.document import Document, encode

OLDEST = 6 * 3600.0  # seconds after which the whole goes again
OFFERED = 3600.0  # seconds that an answer may take, before it is asked for again
MOST = 0.5  # of a whole: changes that are longer are not worth it
KEPT = 2  # whole documents of a node: the one that its changes refer to until it hears that the next one came
APART = ("changes",)  # goes with each document for itself


class Base(NamedTuple):
    """A document that was sent whole. `at`: monotonic seconds."""

    name: str
    document: Document
    at: float


class Lacking(Exception):
    """What a document's changes refer to is not known here."""


@dataclass
class Told:
    """The deliverer's side: what each taker has of each node."""

    context: Context
    _has: dict[tuple[str, str], Base] = field(default_factory=dict)
    _offered: dict[tuple[str, str], Base] = field(default_factory=dict)

    def line(self, taker: str, document: Document) -> Json:
        """Return what tells a taker this document: the whole, or its changes."""
        about, now = (taker, str(document["node"])), self.context.monotonic()
        said = as_sent({key: one for key, one in document.items() if key not in APART})
        apart = {key: document[key] for key in APART if key in document}
        base = self._has.get(about)
        if base is not None and now < base.at + OLDEST:
            changes = difference(base.document, said)
            if changes is not None and len(encode(changes)) <= MOST * len(encode(said)):
                of = {} if about[1] == self.context.node.name else {"node": about[1]}
                return {"status": changes, **of, "since": base.name, "is": named(said), **apart}
        offered = self._offered.get(about)
        if offered is not None and now < offered.at + OFFERED:
            return {"status": {**said, **apart}}
        self._offered[about] = Base(named(said), said, now)
        return {"status": {**said, **apart}, "as": self._offered[about].name}

    def forget(self, taker: str) -> None:
        """Forget what a taker was offered: it never got there."""
        self._offered = {about: one for about, one in self._offered.items() if about[0] != taker}

    def hear(self, taker: str, said: Json) -> bool:
        """Take in what a taker says of them; return whether it lacks something that it is to be told at once."""
        for node, name in said.get("has", {}).items():
            offered = self._offered.get((taker, node))
            if offered is not None and offered.name == name:
                self._has[taker, node] = self._offered.pop((taker, node))
        return self._has.pop((taker, str(said.get("lacks"))), None) is not None


@dataclass
class Heard:
    """The taker's side: whole documents are kept in the catalogue, since a start must not have all sent anew.

    `way`: by which deliverer they came.
    """

    context: Context

    def document(self, way: str, node: str, said: Json) -> object:
        """Return the document that a line tells of; raise Lacking, or ValueError for changes that make no sense."""
        if "since" not in said:
            return said["status"]
        base = next((one for name, one in self._kept(way, node) if name == said["since"]), None)
        if base is None:
            raise Lacking("what it refers to is not known here")
        made = applied(base, said["status"])
        if named(made) != said.get("is"):
            raise Lacking("its changes make another document than was told")
        return made | {key: said[key] for key in APART if key in said}

    def keep(self, way: str, node: str, said: Json) -> bool:
        """Keep a whole document that others may refer to; return whether that is done, durably."""
        if "as" not in said:
            return False
        document = {key: one for key, one in said["status"].items() if key not in APART}
        if named(document) != said["as"]:
            return False
        kept = [*((name, one) for name, one in self._kept(way, node) if name != said["as"]), (said["as"], document)]
        with suppress(StorageError, CatalogueError):  # of a disk that fails, others tell
            states.put(self.context.catalogue, _key(way, node), kept[-KEPT:])
            return True
        return False

    def _kept(self, way: str, node: str) -> list[tuple[str, Document]]:
        return list(states.get(self.context.catalogue, _key(way, node), []))


def _key(way: str, node: str) -> str:
    return f"status/{way}/{node}"
