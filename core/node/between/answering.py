"""Answers to a deliverer who compares, or who was emptied: what this node has of the pictures that concern it.

{"ask": ID, "what", "camera", "from", "to"} (days since the epoch) is answered, by what it asks for:

| what | days | answer |
|---|---|---|
| digest | 31 | {"of": ID, "c": camera, "d": day, "w": shooting node, "n": count, "b": bytes, "h": digest} a group |
| names | 1 | {"of": ID, "n": name, "h": hash, "b": bytes} a picture |
| span | all | {"of": ID, "c": camera, "f": first day, "t": last day}, nothing where there are no pictures |
| stock | 31 | as digest, of what can be given back |
| stored | 1 | as names, of what can be given back |
| book | 1 | {"of": ID, "line"...}: lines of the day book |

After the answers to the question that says "last" comes {"of": ID, "end": true}. `digest` and `names` tell of what a
deliverer may speak of, and count what left here when it was proven further on; the others tell of what it may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.catalogue import digests
from core.catalogue.digests import SHORT, Member
from core.intake.entries import to_json
from core.node.between.drop import Drop, may_have, may_speak
from core.node.between.retelling import retold
from core.node.context import Context
from core.node.jobs import Json
from core.values import parse_name

LONGEST = {"digest": 31, "names": 1, "stock": 31, "stored": 1, "book": 1}  # days of one question: none takes long


@dataclass(frozen=True)
class Asker:
    """Who asks: by which drop, and in which folder of it."""

    context: Context
    drop: Drop
    prefix: str

    def may_speak(self, member: Member) -> bool:
        """Return whether it may speak of an original."""
        return may_speak(self.context, self.prefix, member.group[2])

    def may_have(self, camera: str, node: str) -> bool:
        """Return whether it may have what that node shot with that camera."""
        return may_have(self.context, self.drop, self.prefix, camera, node)


def answer(asker: Asker, asked: Json) -> Iterator[Json]:
    """Yield what is answered to one question; raise ValueError, KeyError or TypeError for one without sense."""
    catalogue = asker.context.catalogue
    number, camera, what = str(asked["ask"])[:32], parse_name(asked["camera"]), asked["what"]
    if what == "span":
        yield from _span(asker, number, camera)
        return
    first, last = int(asked["from"]), int(asked["to"])
    if not 0 <= first <= last < first + LONGEST[what] or last > 10**6:
        raise ValueError("days that nobody may ask for at once")
    if what in ("digest", "names"):
        members = [one for one in digests.held(catalogue, camera, first, last) if asker.may_speak(one)]
    elif what in ("stock", "stored"):
        found = digests.present(catalogue, camera, first, last)
        members = [one for one in found if asker.may_have(camera, one.group[2])]
    else:
        for line in retold(catalogue, camera, first, lambda node: asker.may_have(camera, node)):
            yield {"of": number, **to_json(line)}
        return
    yield from (_names if what in ("names", "stored") else _digests)(number, members)


def _span(asker: Asker, number: str, camera: str) -> Iterator[Json]:
    known = digests.span(asker.context.catalogue, camera)
    nodes = [one.name for one in asker.context.site.node]
    if known is not None and any(asker.may_have(camera, node) for node in nodes):
        yield {"of": number, "c": camera, "f": known[0], "t": known[1]}


def _names(number: str, members: Iterable[Member]) -> Iterator[Json]:
    for one in members:
        yield {"of": number, "n": one.name, "h": one.sha256[:SHORT], "b": one.size}


def _digests(number: str, members: Iterable[Member]) -> Iterator[Json]:
    for (of, day, node), found in sorted(digests.digests(members).items()):
        yield {"of": number, "c": of, "d": day, "w": node, "n": found.count, "b": found.size, "h": found.digest}
