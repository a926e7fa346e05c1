"""The two that can be told, behind one face: Nagios Core 4 by its command file, Icinga 2 by its API."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from checks.gateway import nagios_status, pipe
from checks.gateway.icinga import Icinga, Unknown
from checks.gateway.results import Result
from core.errors import MonitorRefused, MonitorUnreachable
from core.site.monitored import Monitored

Handled = Mapping[str, Any]  # host, service, kind ("acknowledged", "downtime"), by, text
Key = tuple[str, str]  # host, service
LOOK = 30.0  # seconds between two looks at what people did there


class Feed(Protocol):
    """One that is told. What it raises, MonitorUnreachable or MonitorRefused, is tried again later."""

    unknown: set[Key]

    def tell(self, results: Iterable[Result]) -> Iterable[Key]:
        """Tell results, and return what was taken."""
        ...

    def late(self, results: Iterable[Result], now: float) -> None:
        """Tell what was so at its own time and is over: it wakes nobody."""
        ...

    def acknowledge(self, key: Key, end: float, by: str, text: str, now: float) -> None:
        """Pass on an acknowledgement; `end`: when it ends of itself, 0: with the problem."""
        ...

    def end_acknowledgement(self, key: Key, now: float) -> None:
        """Pass on that its end came while the problem goes on."""
        ...

    def downtime(self, key: Key, begin: float, end: float, by: str, text: str, now: float) -> None:
        """Pass on that a service is paused."""
        ...

    def end_downtime(self, key: Key, begin: float, now: float) -> None:
        """Pass on that it goes on."""
        ...

    def handled(self) -> list[Handled]:
        """Return what people acknowledged and planned there."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class NagiosFeed:
    """A Nagios Core 4 on this machine."""

    def __init__(self, made: Monitored, commands: str, status: str | None) -> None:
        self.unknown: set[Key] = set()
        self._prefix, self._commands, self._status = f"{made.site}_", commands, status
        self._known: nagios_status.Known | None = None
        self._looked = float("-inf")

    def tell(self, results: Iterable[Result]) -> Iterable[Key]:
        wanted = list(results)
        self._look()
        pipe.write(self._commands, map(pipe.passive, wanted))
        if self._known is not None:
            self.unknown |= {one.key for one in wanted if one.key not in self._known.names}
            self.unknown -= self._known.names
        return [one.key for one in wanted]

    def late(self, results: Iterable[Result], now: float) -> None:
        """Each with the notifications of its service off around it, in one write; somebody's own word on them stays."""
        silenced = self._known.silenced if self._known is not None else frozenset()
        lines = []
        for one in results:
            told = pipe.passive(one)
            quiet = one.key in silenced
            lines.append(told if quiet else pipe.quietly(one.host, one.service, [told], now))
        pipe.write(self._commands, lines)

    def acknowledge(self, key: Key, end: float, by: str, text: str, now: float) -> None:
        pipe.write(self._commands, [pipe.acknowledge(*key, by, text, now)])

    def end_acknowledgement(self, key: Key, now: float) -> None:
        pipe.write(self._commands, [pipe.end_acknowledgement(*key, now)])

    def downtime(self, key: Key, begin: float, end: float, by: str, text: str, now: float) -> None:
        there = self._known.handled if self._known is not None else ()
        if not any((one["host"], one["service"], int(one["begin"])) == (*key, int(begin)) for one in there):
            pipe.write(self._commands, [pipe.downtime(*key, begin, end, by, text, now)])

    def end_downtime(self, key: Key, begin: float, now: float) -> None:
        pipe.write(self._commands, [pipe.end_downtime(*key, begin, now)])

    def handled(self) -> list[Handled]:
        self._look()
        return [*self._known.handled] if self._known is not None else []

    def close(self) -> None:
        """Nothing is held between two writes."""

    def _look(self) -> None:
        if self._status is not None and time.monotonic() - self._looked >= LOOK:
            self._known = nagios_status.known(self._status, self._prefix)
            self._looked = time.monotonic()


class IcingaFeed:
    """An Icinga 2, wherever it is."""

    def __init__(self, made: Monitored, line: Icinga, create: bool) -> None:
        self.unknown: set[Key] = set()
        self._made, self._line, self._create = made, line, create
        self._handled: list[Handled] = []
        self._looked = float("-inf")

    def tell(self, results: Iterable[Result]) -> Iterable[Key]:
        for one in results:
            try:
                self._tell(one)
            except Unknown:
                self.unknown.add(one.key)
            else:
                self.unknown.discard(one.key)
            yield one.key

    def _tell(self, one: Result) -> None:
        """Tell a result, and make what it is of where it is not there."""
        made = self._made
        stale = made.stale_after(one.node, one.check)
        try:
            self._line.tell(one, stale, made.hub)
        except Unknown:
            if not self._create:
                raise
            self._line.create(made, one, stale)
            self._line.tell(one, stale, made.hub)

    def late(self, results: Iterable[Result], now: float) -> None:
        """Leave a comment: a result that is older than the last one is not taken."""
        for one in results:
            when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(one.at))
            self._line.comment(one.host, one.service, "Overlapse", f"late, of {when}: {one.line}")

    def acknowledge(self, key: Key, end: float, by: str, text: str, now: float) -> None:
        self._line.acknowledge(*key, end, by, text)

    def end_acknowledgement(self, key: Key, now: float) -> None:
        """Nothing: it was told the end with the acknowledgement."""

    def downtime(self, key: Key, begin: float, end: float, by: str, text: str, now: float) -> None:
        there = {(one["host"], one["service"], one["text"]) for one in self.handled() if one["kind"] == "downtime"}
        if (*key, text) not in there:
            self._line.downtime(*key, begin, end, by, text)

    def end_downtime(self, key: Key, begin: float, now: float) -> None:
        self._line.end_downtime(*key, begin)

    def handled(self) -> list[Handled]:
        if time.monotonic() - self._looked >= LOOK:
            self._handled = [*self._line.handled(f"{self._made.site}_")]
            self._looked = time.monotonic()
        return self._handled

    def close(self) -> None:
        self._line.close()


def feeds(made: Monitored, opening: Mapping[str, Any]) -> dict[str, Feed]:
    """Return those that are told, by name; raise MonitorRefused."""
    found: dict[str, Feed] = {}
    if (nagios := opening.get("nagios")) is not None:
        found["nagios"] = NagiosFeed(made, nagios["commands"], nagios.get("status"))
    if (icinga := opening.get("icinga")) is not None:
        line = Icinga(icinga["url"], icinga["user"], icinga["password"], icinga.get("ca_file"))
        found["icinga"] = IcingaFeed(made, line, bool(icinga.get("create", True)))
    return found


FAILURES = (MonitorUnreachable, MonitorRefused)
