"""A coordination engine as nodes see it: linearizable, sometimes not there, restored from a snapshot now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from core.coordination.base import Held
from core.coordination.protocol.messages import Call, Done, Found, Listed, Result
from core.coordination.protocol.records import EPOCH, encode, parse_epoch

Commit = Callable[[str, Held, Held | None], None]  # key, what it holds now, what it held before


class Engine:
    """Keys with revisions. `on_commit` hears of each change at its instant."""

    def __init__(self, on_commit: Commit) -> None:
        self.keys = {EPOCH: Held(1, encode(1))}
        self.is_up = True
        self.generation = 0  # counts the restores: with each, all connections to the voters end
        self._rev = 1
        self._on_commit = on_commit

    def apply(self, call: Call) -> Result:
        """Do what is asked, at this instant."""
        if call.op != "cas":
            return look(self.keys, call)
        held = self.keys.get(call.key)
        if (held.rev if held is not None else 0) != call.rev:
            return _CONFLICT
        return Done(self._put(call.key, call.value))

    def put(self, key: str, value: bytes) -> None:
        """Change a key as the console does: read, then compare-and-set."""
        self._put(key, value)

    def snapshot(self) -> tuple[int, dict[str, Held]]:
        """Return all that it holds."""
        return self._rev, dict(self.keys)

    def restore(self, snapshot: tuple[int, dict[str, Held]], raise_epoch: bool) -> None:
        """Go back to what it held once: revisions are given anew. The operator's procedure raises the epoch."""
        highest = parse_epoch(EPOCH, self.keys[EPOCH].value)
        self.generation += 1
        self._rev, self.keys = snapshot[0], dict(snapshot[1])
        if raise_epoch:
            self._put(EPOCH, encode(highest + 1))

    def _put(self, key: str, value: bytes) -> int:
        self._rev += 1
        before = self.keys.get(key)
        held = self.keys[key] = Held(self._rev, value)
        self._on_commit(key, held, before)
        return self._rev


def look(keys: Mapping[str, Held], call: Call) -> Found | Listed:
    """Return what `keys` hold for a call that changes nothing."""
    if call.op == "read":
        return Found(keys.get(call.key))
    return Listed({key: held for key, held in keys.items() if key.startswith(call.key)})


_CONFLICT: Literal["conflict"] = "conflict"
