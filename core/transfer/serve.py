"""The child's side of a destination: the kind "destination" of worker.

| op | args | result |
|---|---|---|
| open | destination (site.toml's keys, paths absolute), secrets | scheme, features |
| deliver | name, path, size, sha256, resume, level, chunk, replace, protected | name, size, level, sent, way... |
| prove | name, size, sha256, level | level |
| audit | name, size, sha256, read | level, read |
| lay | name | {} |
| rob | name | overwritten, deleted |
| stat | name | name, size |
| list | prefix | says `objects` in batches; count |
| delete | name | {} |
| free | | free |
| probe | name, write | seconds, free |
| count | | objects |
| read | name, into, make: the folder of `into` too | size, sha256 |
| survey | prefixes, begin, end | days, listed |
| restore | name, size, part, into, sha256, chunk | size, sha256, proof, received |
| close | | {} |

Those of a drop, between two nodes of ours, are in handover.py.

`deliver` asks before it sends anything, for at most `chunk` bytes at once and for fewer where the link is thin:
{"grant": bytes wanted, "offset", "resume"} is answered {"granted": bytes}; 0 ends it with {"paused": true, "offset",
"resume"}. Where `granted` says so, that many first bytes of a new file go without a question; if it then fails, it
says {"offset", "resume"} before. A long proof says {"proving": bytes}. `way` is what its connections measured, as
core.transfer.ways has it. `restore` asks in the same way before it goes on receiving, without a resume. `survey` asks
{"held": [[name, size, remote]...]} and is answered {"missing": [bool...]}, or nothing to end there; its days are
core.transfer.holdings.Day. `audit` asks for what it reads back, and says in `read` how many bytes that were; 0 ends it
with what is known. All but `open` and `close`, which are asked while nothing else goes on, may be asked in several
lanes at once.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import ChildError, DestinationRefused
from core.site.model import places
from core.text import safe
from core.transfer import handover, place
from core.transfer.audit import Audit, audit
from core.transfer.base import Destination, Level, Progress, SharesConnection
from core.transfer.delivery import Delivery, Paused, Stride, deliver
from core.transfer.fetch import Fetch, Unfinished, fetch, make_folder, restore
from core.transfer.holdings import Held, survey
from core.transfer.registry import make
from core.transfer.resting import Resting
from core.transfer.theft import lay, rob
from core.transfer.ways import HERE
from core.worker import Talk

Json = dict[str, Any]
BATCH = 500  # objects in one line of a listing
_KEYS = ("name", "address", "key_file", "password_file", "host_key", "ca_file", "region")


class DestinationService:
    """Serves one destination, opened by the first request."""

    def __init__(self) -> None:
        self._lanes: dict[int, Destination] = {}  # the one that was opened under 0, the others are lanes of it
        self._strides: dict[int, Stride] = defaultdict(Stride)  # of each lane
        self._resting = Resting(self._hang_up)
        self._ops: Mapping[str, Callable[[Json, Talk], Json]] = {
            "open": self._connect,
            "deliver": self._deliver,
            "prove": self._prove,
            "audit": self._audit,
            "lay": lambda args, talk: lay(self._in(talk.lane), args["name"]),
            "rob": lambda args, talk: rob(self._in(talk.lane), args["name"]),
            "stat": self._stat,
            "list": self._list,
            "delete": self._delete,
            "free": self._free,
            "read": self._read,
            "probe": lambda args, talk: place.probe(self._in(talk.lane), args["name"], args["write"]),
            "count": lambda args, talk: place.count(self._in(talk.lane)),
            "survey": self._survey,
            "restore": self._restore,
            "close": self._close,
            **{op: partial(self._hand_over, op) for op in handover.OPS},
        }

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do one of the operations of this module's table."""
        if op not in self._ops:
            raise ChildError(f"a destination cannot {safe(op)}")
        if op in ("open", "close"):
            return self._ops[op](args, talk)
        return self._resting.do(talk, partial(self._ops[op], args))

    def close(self) -> None:
        """Let go of the connections."""
        lanes, self._lanes = self._lanes, {}
        for destination in reversed(list(lanes.values())):
            destination.close()

    def _hang_up(self, lane: int) -> None:
        destination = self._lanes.get(lane)
        if isinstance(destination, SharesConnection):
            destination.hang_up()
        elif destination is not None:
            destination.close()

    def _in(self, lane: int) -> Destination:
        """Return the destination for the thread of `lane`."""
        if 0 not in self._lanes:
            raise ChildError("no destination is open")
        if lane not in self._lanes:
            self._lanes[lane] = self._lanes[0].lane()
        return self._lanes[lane]

    def _connect(self, args: Json, talk: Talk) -> Json:
        self.close()
        given = args["destination"]
        try:
            destination = make(places.Destination(**{key: given.get(key) for key in _KEYS}), args.get("secrets"))
        except ValueError as error:
            raise DestinationRefused(str(error)) from error
        self._lanes[0] = destination
        destination.free()  # connects: whoever opens wants to know at once whether it is there
        return {"scheme": destination.scheme, "features": asdict(destination.features)}

    def _deliver(self, args: Json, talk: Talk) -> Json:
        job = Delivery.of(args)

        def grant(wanted: int, offset: int, resume: bytes) -> int:
            reply = talk.ask(grant=wanted, offset=offset, resume=_text(resume))
            return max(0, min(wanted, int(reply.get("granted", 0))))

        def left(offset: int, resume: bytes) -> None:
            talk.say(offset=offset, resume=_text(resume))

        try:
            found = deliver(self._in(talk.lane), job, grant, _progress(talk), self._strides[talk.lane], left)
        except Paused as paused:
            found = {"paused": True, "offset": paused.offset, "resume": _text(paused.resume)}
        passed = HERE.passed()
        return found if passed is None else found | {"way": passed}

    def _prove(self, args: Json, talk: Talk) -> Json:
        level = Level.named(args["level"])
        found = self._in(talk.lane).prove(args["name"], args["size"], args["sha256"], level, _progress(talk))
        return {"level": found.word}

    def _audit(self, args: Json, talk: Talk) -> Json:
        def grant(wanted: int) -> int:
            return int(talk.ask(grant=wanted, offset=0).get("granted", 0))

        job = Audit(args["name"], args["size"], args["sha256"], bool(args.get("read", False)))
        return audit(self._in(talk.lane), job, grant)

    def _stat(self, args: Json, talk: Talk) -> Json:
        return asdict(self._in(talk.lane).stat(args["name"]))

    def _list(self, args: Json, talk: Talk) -> Json:
        batch: list[Json] = []
        count = 0
        for found in self._in(talk.lane).list(args.get("prefix", "")):
            batch.append(asdict(found))
            count += 1
            if len(batch) == BATCH:
                talk.say(objects=batch)
                batch = []
        if batch:
            talk.say(objects=batch)
        return {"count": count}

    def _delete(self, args: Json, talk: Talk) -> Json:
        self._in(talk.lane).delete(args["name"])
        return {}

    def _free(self, args: Json, talk: Talk) -> Json:
        return {"free": self._in(talk.lane).free()}

    def _read(self, args: Json, talk: Talk) -> Json:
        into = Path(args["into"])
        if args.get("make"):
            make_folder(into.parent)
        return fetch(self._in(talk.lane), args["name"], into, _progress(talk))

    def _survey(self, args: Json, talk: Talk) -> Json:
        def ask(some: Sequence[Held]) -> list[bool] | None:
            said = talk.ask(held=[[str(one.name), one.size, one.remote] for one in some])
            missing: list[bool] | None = said.get("missing")
            return missing

        days, listed = survey(self._in(talk.lane), args["prefixes"], args["begin"], args["end"], ask)
        return {"days": [asdict(day) for day in days], "listed": listed}

    def _restore(self, args: Json, talk: Talk) -> Json:
        def grant(wanted: int, offset: int) -> int:
            return max(0, min(wanted, int(talk.ask(grant=wanted, offset=offset).get("granted", 0))))

        paths = {key: Path(args[key]) for key in ("part", "into")}
        job = Fetch(name=args["name"], size=args["size"], sha256=args["sha256"], chunk=args["chunk"], **paths)
        try:
            return restore(self._in(talk.lane), job, grant, _progress(talk))
        except Unfinished as unfinished:
            return {"paused": True, "offset": unfinished.offset}

    def _hand_over(self, op: str, args: Json, talk: Talk) -> Json:
        return handover.OPS[op](self._in(talk.lane), args, _progress(talk))

    def _close(self, args: Json, talk: Talk) -> Json:
        self.close()
        return {}


def _text(resume: bytes) -> str:
    return base64.b64encode(resume).decode()


def _progress(talk: Talk) -> Progress:
    return lambda done: talk.say(proving=done)
