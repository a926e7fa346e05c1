"""The child's side of a hub's gateway: the kind "monitor" of worker.

| op | args | result |
|---|---|---|
| open | monitored, every, nagios, icinga, sequences | {} |
| tell | documents, now, handed | fresh, told, unknown, errors, handled, handed, sequences, gaps |

`monitored`: core.site.monitored.Monitored as JSON. `every`: seconds after which an unchanged state is told again.
`nagios` and `icinga`: as in site.toml, paths absolute, with the `password`. `documents`: status documents that came
since; those that came before are kept here, and judged by `now` (seconds since the epoch), so that silence becomes
stale. `fresh`: nothing was known here before, send all. `errors`: by feed. `unknown`: [feed, host, service] that it has
not. `handled`: {"node", "check", "subject", "kind", "by", "text", "feed"}, what people acknowledged and planned there.
`handed`: by feed, what was passed on of people and has not ended, for a child that begins: what ends while none runs is
taken back, too. `sequences`: by node, the number of the last change of a verdict that was seen; `gaps`: by node, how
many were lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from checks.gateway.feeds import FAILURES, Feed, Key, feeds
from checks.gateway.hosts import host_results, is_silent
from checks.gateway.results import Result, late_results, rows_of, service_results
from core.errors import ChildError, OverlapseError
from core.site.monitored import Host, Monitored, Service
from core.status.fleet import is_newer
from core.text import safe

Json = dict[str, Any]
MARGIN = 5.0  # seconds before `every` is over at which a state is told again: rounds are not exact
OVERLAPSE = version("overlapse")


@dataclass(slots=True)
class Judged:
    """What a document came to, and until when that holds if nothing happens."""

    body: Json
    silent: bool
    until: float
    results: list[Result]


class GatewayService:
    """Tells Nagios and Icinga 2 what the documents of a site come to."""

    def __init__(self) -> None:
        self._gateway: Gateway | None = None

    def handle(self, op: str, args: Json, talk: object) -> Json:
        """Do one of the operations of this module's table."""
        if op == "open":
            self.close()
            made = monitored_of(args["monitored"])
            self._gateway = Gateway(made, feeds(made, args), args["every"], args.get("sequences") or {})
            return {}
        if op != "tell" or self._gateway is None:
            raise ChildError(f"a gateway cannot {safe(op)}")
        return self._gateway.tell(args["documents"], args["now"], args["handed"])

    def close(self) -> None:
        """Let go of the connections."""
        if self._gateway is not None:
            self._gateway.close()
        self._gateway = None


class Gateway:
    """What it knows: the newest document of each node, and what was told of it to whom."""

    def __init__(self, made: Monitored, to: Mapping[str, Feed], every: float, sequences: Mapping[str, int]) -> None:
        self._made, self._feeds, self._every = made, to, every
        self._sequences = dict(sequences)
        self._documents: dict[str, Json] = {}
        self._judged: dict[str, Judged] = {}
        self._told: dict[str, dict[Key, tuple[int, float]]] = {name: {} for name in to}  # feed -> state, when
        self._late: dict[str, list[Result]] = {name: [] for name in to}  # feed -> not told yet
        self._handed: dict[str, dict[tuple[Any, ...], str]] = {name: {} for name in to}  # what -> node that said it
        self._fresh = True
        self._keys = {(one.host, one.name): one for one in made.services}

    def tell(self, documents: list[Json], now: float, handed: Mapping[str, list[list[Any]]]) -> Json:
        """Take in documents, and tell what is new or due; see the table of this module."""
        fresh, self._fresh = self._fresh, False
        if fresh:
            self._take_up(handed)
        gaps = {}
        for body in documents:
            if lost := self._take(body):
                gaps[str(body["node"])] = lost
        results = [*host_results(self._made, self._documents, now)]
        results += [one for node in self._documents for one in self._judge(node, now)]
        errors, told = {}, 0
        for name, feed in self._feeds.items():
            try:
                told += self._feed(name, feed, results, now)
            except FAILURES as error:
                errors[name] = str(error)
        return {
            "fresh": fresh,
            "told": told,
            "errors": errors,
            "unknown": [[name, *key] for name, feed in self._feeds.items() for key in sorted(feed.unknown)],
            "handled": []
            if errors
            else [one for name, feed in self._feeds.items() for one in self._theirs(name, feed)],
            "handed": {name: [[node, *one] for one, node in done.items()] for name, done in self._handed.items()},
            "sequences": self._sequences,
            "gaps": gaps,
        }

    def close(self) -> None:
        """Let go of the connections."""
        for feed in self._feeds.values():
            feed.close()

    def _take_up(self, handed: Mapping[str, list[list[Any]]]) -> None:
        """Go on from what another child passed on, where the service is still there."""
        for name, done in self._handed.items():
            for node, kind, key, *rest in handed.get(name, ()):
                if tuple(key) in self._keys:
                    done[kind, tuple(key), *rest] = node

    def _take(self, body: Json) -> int:
        """Keep a document that is newer than the one before; return how many changes were lost between them."""
        node = str(body.get("node"))
        before = self._documents.get(node)
        if not is_newer(body, before):
            return 0  # a replay, or one that was overtaken
        self._documents[node] = body
        numbers = [row["n"] for row in rows_of(body, "changes") if isinstance(row.get("n"), int)]
        if not numbers:
            return 0
        last = self._sequences.get(node)
        if last is not None and max(numbers) < last:
            last = 0  # of a node that was set up anew: it counts from one again
        self._sequences[node] = max(*numbers, last or 0)
        if last is None:
            return 0
        for found in self._late.values():
            found += late_results(self._made, body, last)
        return max(0, min((number for number in numbers if number > last), default=last + 1) - last - 1)

    def _judge(self, node: str, now: float) -> list[Result]:
        """Return what a node's document comes to; judged again when it is new, or the time makes something of it."""
        body, judged = self._documents[node], self._judged.get(node)
        silent = is_silent(body, now)
        if judged is None or judged.body is not body or judged.silent != silent or now >= judged.until:
            results = [*service_results(self._made, {node: body}, now, OVERLAPSE)]
            judged = self._judged[node] = Judged(body, silent, now + self._pause(), results)
        return judged.results

    def _pause(self) -> float:
        """Return the seconds after which an unchanged state is told again."""
        return self._every - min(MARGIN, self._every / 2)

    def _feed(self, name: str, feed: Feed, results: list[Result], now: float) -> int:
        """Tell one of them what is new or due; raise what it raises, with what was taken noted."""
        if late := self._late[name]:
            feed.late(late, now)
            self._late[name] = []
        told = self._told[name]
        wanted = {one.key: one for one in results if self._is_due(told.get(one.key), one, now)}
        count = 0
        for key in feed.tell(wanted.values()):
            told[key] = (wanted[key].state, now)
            count += 1
        self._hand_over(name, feed, told, now)
        return count

    def _is_due(self, before: tuple[int, float] | None, result: Result, now: float) -> bool:
        if before is None or before[0] != result.state:
            return True
        return now - before[1] >= self._pause() or now < before[1]

    def _hand_over(self, name: str, feed: Feed, told: Mapping[Key, tuple[int, float]], now: float) -> None:
        """Pass on what people acknowledged and paused in Overlapse, each once, and what ended.

        Of what an earlier child passed on that is known when the node that said it, and its service, were heard of.
        """
        wanted = {one: node for node, body in self._documents.items() for one in self._handled_of(body)}
        done = self._handed[name]
        for one, node in wanted.items():
            if one in done:
                continue
            kind, key, begin, end, by, text = one
            if kind == "downtime":
                feed.downtime(key, begin, end, by, text, now)
            elif told.get(key, (0, now))[0] and (not end or end > now):
                feed.acknowledge(key, end, by, text, now)
            done[one] = node
        acknowledged = {key for kind, key, *_ in wanted if kind == "acknowledged"}  # anew, where one before it ended
        gone = [each for each, node in done.items() if each not in wanted and node in self._documents]
        for one in [each for each in gone if each[1] in told]:
            kind, key, begin, end, _, _ = one
            if kind == "downtime" and end > now:
                feed.end_downtime(key, begin, now)
            elif kind == "acknowledged" and end and key not in acknowledged and told[key][0]:
                feed.end_acknowledgement(key, now)
            del done[one]

    def _handled_of(self, body: Json) -> list[tuple[Any, ...]]:
        """Return (kind, key, begin, end, by, text) of what a node's document says people did."""
        homes = self._made.homes
        node, found = str(body.get("node")), []
        for camera in rows_of(body, "cameras"):
            pause, home = camera.get("paused"), homes.get((node, "camera", str(camera.get("name"))))
            if isinstance(pause, dict) and home is not None:
                begin = _number(pause.get("since"), body["at"])
                end = _number(pause.get("until"), begin + 365 * 86400)
                by, text = safe(str(pause.get("by")), 40), safe(str(pause.get("text")), 200)
                found.append(("downtime", (home.host, home.name), float(int(begin)), float(int(end)), by, text))
        for row in rows_of(body, "acknowledged"):
            about = str(row.get("node") or node), str(row.get("check")), str(row.get("subject") or "")
            if (home := homes.get(about)) is not None:
                by, text = safe(str(row.get("by")), 40), safe(str(row.get("text")), 200)
                begin, end = _number(row.get("at"), body["at"]), _number(row.get("until"), 0.0)
                found.append(("acknowledged", (home.host, home.name), begin, end, by, text))
        return found

    def _theirs(self, name: str, feed: Feed) -> list[Json]:
        """Return what people did there, as Overlapse knows its services."""
        try:
            handled = feed.handled()
        except FAILURES:
            return []
        found = []
        for one in handled:
            service = self._keys.get((one["host"], one["service"]))
            if service is not None:
                row = {"node": service.node, "check": service.check, "subject": service.subject, "feed": name}
                found.append(row | {key: one[key] for key in ("kind", "by", "text")})
        return found


def monitored_of(row: Mapping[str, Any]) -> Monitored:
    """Return what `dataclasses.asdict` made of a Monitored, after its way through JSON."""

    def filled(kind: Callable[..., Any], one: Mapping[str, Any]) -> Any:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in one.items()})

    try:
        hosts = tuple(filled(Host, one) for one in row["hosts"])
        services = tuple(filled(Service, one) for one in row["services"])
        return Monitored(row["site"], row["hub"], hosts, services, tuple(row["unheard"]), float(row["stale"]))
    except (KeyError, TypeError) as error:
        raise OverlapseError(f"not what a gateway is opened with: {error}") from None


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
