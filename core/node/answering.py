"""Answers to a deliverer who compares: what this node has of the pictures that it may speak of.

{"ask": ID, "what": "digest" or "names", "camera", "from", "to"} (days since the epoch) is answered by
{"of": ID, "c": camera, "d": day, "w": shooting node, "n": count, "b": bytes, "h": digest} for each group, or by
{"of": ID, "n": name, "h": hash, "b": bytes} for each picture. After the answers to the question that says "last" comes
{"of": ID, "end": true}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.catalogue import digests
from core.catalogue.digests import SHORT
from core.catalogue.store import Catalogue
from core.node.jobs import Json
from core.values import parse_name

LONGEST = {"digest": 31, "names": 1}  # days of one question, so that none takes long


def answer(catalogue: Catalogue, asked: Json, may_speak: Callable[[str], bool]) -> Iterator[Json]:
    """Yield what is answered to one question; raise ValueError, KeyError or TypeError for one without sense."""
    number, camera = str(asked["ask"])[:32], parse_name(asked["camera"])
    first, last = int(asked["from"]), int(asked["to"])
    if not 0 <= first <= last < first + LONGEST[asked["what"]] or last > 10**6:
        raise ValueError("days that nobody may ask for at once")
    members = [one for one in digests.held(catalogue, camera, first, last) if may_speak(one.group[2])]
    if asked["what"] == "names":
        for one in members:
            yield {"of": number, "n": one.name, "h": one.sha256[:SHORT], "b": one.size}
        return
    for (of, day, node), found in sorted(digests.digests(members).items()):
        yield {"of": number, "c": of, "d": day, "w": node, "n": found.count, "b": found.size, "h": found.digest}
