"""The child's side of a destination: the kind "destination" of worker.

| op | args | result |
|---|---|---|
| open | destination (site.toml's keys, paths absolute), secrets | scheme, features |
| deliver | name, path, size, sha256, resume, level, chunk, replace | name, size, sha256, level, sent, already |
| prove | name, size, sha256, level | level |
| stat | name | name, size |
| list | prefix | says `objects` in batches; count |
| delete | name | {} |
| free | | free |
| read | name, into | size, sha256 |
| close | | {} |

`deliver` asks for every chunk before it sends it: {"grant": bytes wanted, "offset", "resume"} and is answered
{"granted": bytes}; 0 ends it with {"paused": true, "offset", "resume"}. A long proof says {"proving": bytes}.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import ChildError, DestinationRefused
from core.site import model
from core.text import safe
from core.transfer.base import Destination, Level, Progress
from core.transfer.delivery import Delivery, Paused, deliver
from core.transfer.fetch import fetch
from core.transfer.registry import make
from core.worker import Talk

Json = dict[str, Any]
BATCH = 500  # objects in one line of a listing
_KEYS = ("name", "address", "key_file", "password_file", "host_key", "ca_file", "region")


class DestinationService:
    """Serves one destination, opened by the first request."""

    def __init__(self) -> None:
        self._open: Destination | None = None
        self._ops: Mapping[str, Callable[[Json, Talk], Json]] = {
            "open": self._connect,
            "deliver": self._deliver,
            "prove": self._prove,
            "stat": self._stat,
            "list": self._list,
            "delete": self._delete,
            "free": self._free,
            "read": self._read,
            "close": self._close,
        }

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do one of the operations of this module's table."""
        if op not in self._ops:
            raise ChildError(f"a destination cannot {safe(op)}")
        return self._ops[op](args, talk)

    def close(self) -> None:
        """Let go of the connection."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _destination(self) -> Destination:
        if self._open is None:
            raise ChildError("no destination is open")
        return self._open

    def _connect(self, args: Json, talk: Talk) -> Json:
        self.close()
        given = args["destination"]
        try:
            destination = make(model.Destination(**{key: given.get(key) for key in _KEYS}), args.get("secrets"))
        except ValueError as error:
            raise DestinationRefused(str(error)) from error
        self._open = destination
        destination.free()  # connects: whoever opens wants to know at once whether it is there
        return {"scheme": destination.scheme, "features": asdict(destination.features)}

    def _deliver(self, args: Json, talk: Talk) -> Json:
        job = Delivery.of(args)

        def grant(wanted: int, offset: int, resume: bytes) -> int:
            reply = talk.ask(grant=wanted, offset=offset, resume=_text(resume))
            return max(0, min(wanted, int(reply.get("granted", 0))))

        try:
            return deliver(self._destination, job, grant, _progress(talk))
        except Paused as paused:
            return {"paused": True, "offset": paused.offset, "resume": _text(paused.resume)}

    def _prove(self, args: Json, talk: Talk) -> Json:
        level = Level.named(args["level"])
        found = self._destination.prove(args["name"], args["size"], args["sha256"], level, _progress(talk))
        return {"level": found.word}

    def _stat(self, args: Json, talk: Talk) -> Json:
        return asdict(self._destination.stat(args["name"]))

    def _list(self, args: Json, talk: Talk) -> Json:
        batch: list[Json] = []
        count = 0
        for found in self._destination.list(args.get("prefix", "")):
            batch.append(asdict(found))
            count += 1
            if len(batch) == BATCH:
                talk.say(objects=batch)
                batch = []
        if batch:
            talk.say(objects=batch)
        return {"count": count}

    def _delete(self, args: Json, talk: Talk) -> Json:
        self._destination.delete(args["name"])
        return {}

    def _free(self, args: Json, talk: Talk) -> Json:
        return {"free": self._destination.free()}

    def _read(self, args: Json, talk: Talk) -> Json:
        return fetch(self._destination, args["name"], Path(args["into"]), _progress(talk))

    def _close(self, args: Json, talk: Talk) -> Json:
        self.close()
        return {}


def _text(resume: bytes) -> str:
    return base64.b64encode(resume).decode()


def _progress(talk: Talk) -> Progress:
    return lambda done: talk.say(proving=done)
