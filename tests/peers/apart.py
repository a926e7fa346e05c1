"""Machines apart: a network namespace for each node of a fleet, all on one switch, whose cables can be pulled."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from peers.thinlink import inside, ip, missing, new_namespace

__all__ = ["HOME", "Switch", "missing", "switched"]

HOME = "10.98.0.1"  # where voters and cameras are


@dataclass
class Switch:
    """The switch and its machines: `home` is one of them, with what stands in the rack."""

    home: int = field(default_factory=new_namespace)
    machines: dict[str, int] = field(default_factory=dict)

    def plug_in(self, name: str) -> None:
        """Make a machine and its cable."""
        machine = self.machines[name] = new_namespace()
        nth = len(self.machines)
        with inside(self.home):
            where = f"/proc/{os.getpid()}/fd/{machine}"
            ip("link", "add", f"port{nth}", "type", "veth", "peer", "name", "eth0", "netns", where)
            ip("link", "set", f"port{nth}", "master", "switch0", "up")
        with inside(machine):
            ip("link", "set", "lo", "up")
            ip("addr", "add", f"10.98.0.{nth + 1}/24", "dev", "eth0")
            ip("link", "set", "eth0", "up")

    def pull(self, name: str) -> None:
        """Pull a machine's cable out."""
        with inside(self.home):
            ip("link", "set", self._port(name), "down")

    def push(self, name: str) -> None:
        """Put it in again."""
        with inside(self.home):
            ip("link", "set", self._port(name), "up")

    def _port(self, name: str) -> str:
        return f"port{list(self.machines).index(name) + 1}"


@contextlib.contextmanager
def switched(names: Sequence[str]) -> Iterator[Switch]:
    """Have machines of these names on one switch."""
    switch = Switch()
    try:
        with inside(switch.home):
            ip("link", "set", "lo", "up")
            ip("link", "add", "switch0", "type", "bridge")
            ip("addr", "add", f"{HOME}/24", "dev", "switch0")
            ip("link", "set", "switch0", "up")
        for name in names:
            switch.plug_in(name)
        yield switch
    finally:
        for one in (switch.home, *switch.machines.values()):
            os.close(one)
