"""Status documents as the states of hosts: parents before what stands behind them, one cause one page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nagiosplugin.error import CheckError

from checks import transfer
from checks.base.finding import CRITICAL
from checks.base.say import instant
from checks.document import Document
from checks.gateway.results import Documents, Result
from checks.watch import row_of, silent_since
from core.site.monitored import Host, Monitored

UP, DOWN, UNREACHABLE = range(3)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is known of a host by itself, whatever stands before it; `sure`: it is certainly there."""

    state: int
    text: str
    sure: bool


def host_results(made: Monitored, documents: Documents, now: float) -> Iterator[Result]:
    """Yield the state of each host.

    A node is DOWN when its silence pages: check_node says so by the same rule. A link, or a firewall that stands before
    nodes, is DOWN when all behind it are; a NAS, when it answers nothing and its transfers lose pictures by that; any
    other device when it has answered nothing for longer than act_hours. What stands behind a host that is not UP, and
    is not heard in another way, is UNREACHABLE.
    """
    known = _Known(made, documents, now)
    states: dict[str, int] = {}
    for host in made.hosts:
        said = known.of(host)
        if said is None:
            continue  # nothing was ever heard: stale there, by its own clock
        cut = bool(host.parents) and all(states.get(parent, UP) != UP for parent in host.parents)
        if cut and not said.sure:
            said = _Said(UNREACHABLE, f"UNREACHABLE: behind {', '.join(host.parents)}", False)
        states[host.name] = said.state
        yield Result(host.name, "", said.state, said.text, now)


def is_silent(body: Mapping[str, Any], now: float) -> bool:
    """Return whether a node says nothing though it should."""
    document = _read(body, now)
    return document is not None and document.is_stale


class _Known:
    """What the documents say of nodes and devices."""

    def __init__(self, made: Monitored, documents: Documents, now: float) -> None:
        self._made, self._now = made, now
        self._documents = {node: _read(body, now) for node, body in documents.items()}
        self._silent = {node: one for node, one in self._documents.items() if one is not None and one.is_stale}

    def of(self, host: Host) -> _Said | None:
        """Return what is known of a host, None where nobody ever told of it."""
        if host.kind == "node":
            return self._node(host)
        if host.kind == "link":
            return self._before(host, "link")
        readers = [one.node for one in self._made.told_of[host.name] if one.check == host.kind]
        if not any(node in self._documents for node in (*readers, *host.nodes)):
            return None
        return self._device(host)

    def _node(self, host: Host) -> _Said | None:
        name = host.nodes[0]
        if name not in self._documents:
            return None
        if name not in self._silent:
            return _Said(UP, "UP: heard in time", True)
        if self._pages(name):
            return _Said(DOWN, f"DOWN: silent since {self._since(host)}", False)
        return _Said(UP, f"UP as far as is known: silent since {self._since(host)}", True)

    def _before(self, host: Host, what: str) -> _Said | None:
        """Return what is known of a way by the nodes behind it."""
        told = [node for node in host.nodes if node in self._documents]
        heard = [node for node in told if node not in self._silent]
        if not told:
            return None
        if all(self._pages(node) for node in told):
            names = ", ".join(host.nodes)
            text = f"DOWN: none of {names} heard since {self._since(host)}: this {what}, or the power there"
            return _Said(DOWN, text, False)
        if not heard:
            return _Said(UP, f"UP as far as is known: nothing heard over it since {self._since(host)}", True)
        return _Said(UP, f"UP: {len(heard)} of {len(host.nodes)} nodes behind it are heard", True)

    def _device(self, host: Host) -> _Said:
        """Return what is known of a firewall or NAS: by its own answers, else by what stands behind it."""
        readings = [*self._readings(host)]
        if any(since is None for since in readings):
            return _Said(UP, "UP: it answers", True)
        since = max((one for one in readings if one is not None), default=None)
        told = "" if since is None else f"no answer since {instant(since, self._now)}"
        if (way := self._before(host, "firewall")) is not None:
            return _Said(way.state, f"{way.text}; itself {told}" if told else way.text, way.sure)
        if since is None:
            return _Said(UP, "UP as far as is known: who reads it is silent", False)
        if self._loses(host, since):
            return _Said(DOWN, f"DOWN: {told}", False)
        return _Said(UP, f"UP as far as is known: {told}, and nothing is lost by that yet", False)

    def _readings(self, host: Host) -> Iterator[float | None]:
        """Yield, for each node that is heard and reads it, since when it answers nothing; None: it does."""
        for one in self._made.told_of[host.name]:
            document = self._heard(one.node)
            if one.check != host.kind or document is None:
                continue
            try:
                row = row_of(document, host.kind, one.subject)
                if row is not None and any(key in row for key in ("snmp", "opnsense", "place")):
                    yield silent_since(row)
            except CheckError:
                continue

    def _loses(self, host: Host, since: float) -> bool:
        """Return whether its silence pages: by its transfers where it has any, else when it is long."""
        transfers = [one for one in self._made.told_of[host.name] if one.check == "transfer"]
        if not transfers:
            act = min((one.act for one in self._documents.values() if one is not None), default=0.0)
            return self._now - since > act
        heard = [(document, one.subject) for one in transfers if (document := self._heard(one.node)) is not None]
        return any(transfer.verdict(document, name).state == CRITICAL for document, name in heard)

    def _heard(self, node: str) -> Document | None:
        return None if node in self._silent else self._documents.get(node)

    def _pages(self, node: str) -> bool:
        document = self._silent.get(node)
        return document is not None and document.now - document.last > document.act

    def _since(self, host: Host) -> str:
        """Return since when nothing was heard of the nodes of a host."""
        return instant(max(self._silent[node].last for node in host.nodes if node in self._silent), self._now)


def _read(body: Mapping[str, Any], now: float) -> Document | None:
    """Return a document, None for what is none: it is not silent."""
    try:
        return Document(body, now)
    except CheckError:
        return None
