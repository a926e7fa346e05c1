"""Status documents as results for Nagios and Icinga 2: hosts first, parents before what stands behind them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nagiosplugin.error import CheckError

from checks.base.say import instant
from checks.base.verdict import LONG, Verdict
from checks.document import Document
from checks.evaluate import evaluate
from core.site.monitored import Host, Monitored, Service
from core.text import safe

UP, DOWN, UNREACHABLE = range(3)
LATE = "[late] "  # begins the long output of a state that had ended before it could be told

Documents = Mapping[str, Mapping[str, Any]]  # node -> its newest


@dataclass(frozen=True, slots=True)
class Result:
    """What is told of a service, or of a host where `service` is empty; `state` of a host: UP, DOWN, UNREACHABLE.

    `at`: when it was so, in seconds since the epoch.
    """

    host: str
    service: str
    state: int
    line: str
    at: float
    long: str = ""
    perfdata: tuple[str, ...] = ()
    node: str = ""
    check: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it is told of."""
        return self.host, self.service


def service_results(made: Monitored, documents: Documents, now: float, version: str | None = None) -> Iterator[Result]:
    """Yield what the checks say of each node, judged at `now`; `version`: this program's."""
    homes, hosts = made.homes, made.node_hosts
    for node, body in documents.items():
        if node in hosts:
            for verdict in evaluate(body, now, version=version):
                home = homes.get((node, verdict.check, verdict.subject))
                yield _of_service(home or _elsewhere(hosts[node], node, verdict), verdict, now)


def host_results(made: Monitored, documents: Documents, now: float) -> Iterator[Result]:
    """Yield the state of each host.

    A node is DOWN when its silence pages: check_node says so by the same rule. A link is DOWN when all behind it are;
    what stands behind a host that is not UP is UNREACHABLE, so that one cause is one page.
    """
    silent = {node: _silence(body, now) for node, body in documents.items()}
    states: dict[str, int] = {}
    for host in made.hosts:
        told = [silent[node] for node in host.nodes if node in silent]
        if host.nodes and not told:
            continue  # nothing was ever heard: stale there, by its own clock
        down = bool(told) and all(one is not None and one.pages for one in told)
        cut = bool(host.parents) and all(states.get(parent, UP) != UP for parent in host.parents)
        states[host.name] = UNREACHABLE if cut and (down or not host.nodes) else DOWN if down else UP
        yield Result(host.name, "", states[host.name], _said(host, states[host.name], silent, now), now)


@dataclass(frozen=True, slots=True)
class _Silence:
    since: float
    pages: bool


def _silence(body: Mapping[str, Any], now: float) -> _Silence | None:
    """Return since when a node says nothing though it should; None: it does, or its document is none."""
    try:
        document = Document(body, now)
    except CheckError:
        return None
    if not document.is_stale:
        return None
    return _Silence(document.last, document.now - document.last > document.act)


def is_silent(body: Mapping[str, Any], now: float) -> bool:
    """Return whether a node says nothing though it should."""
    return _silence(body, now) is not None


def _said(host: Host, state: int, silent: Mapping[str, _Silence | None], now: float) -> str:
    told = [one for node in host.nodes if (one := silent.get(node)) is not None]
    since = instant(max(one.since for one in told), now) if told else ""
    if state == UNREACHABLE:
        return f"UNREACHABLE: behind {', '.join(host.parents)}"
    if host.kind == "link":
        if state == DOWN:
            return f"DOWN: none of {', '.join(host.nodes)} heard since {since}: this link, or the power there"
        if len(told) == len(host.nodes):
            return f"UP as far as is known: nothing heard over it since {since}"
        return f"UP: {len(host.nodes) - len(told)} of {len(host.nodes)} nodes behind it are heard"
    if host.kind == "node":
        if state == DOWN:
            return f"DOWN: silent since {since}"
        return f"UP as far as is known: silent since {since}" if told else "UP: heard in time"
    return "UP: what stands before it is"


def _elsewhere(host: str, node: str, verdict: Verdict) -> Service:
    return Service(host, verdict.service, node, verdict.check, verdict.subject)


def _of_service(home: Service, verdict: Verdict, now: float) -> Result:
    perfdata = tuple(str(one) for one in verdict.perfdata)
    return Result(home.host, home.name, verdict.state, verdict.line, now, verdict.long, perfdata, home.node, home.check)


def late_results(made: Monitored, body: Mapping[str, Any], after: int) -> Iterator[Result]:
    """Yield the changes of verdicts that a document carries with their own times, of those numbered above `after`.

    Only what had ended by the time the document was written: what is so still is told as of now.
    """
    homes = made.homes
    node, found = str(body.get("node")), []
    for row in rows_of(body, "changes"):
        at, state, number = row.get("at"), row.get("state"), row.get("n")
        home = homes.get((node, str(row.get("check")), str(row.get("subject") or "")))
        if home is None or not isinstance(number, int) or number <= after:
            continue
        if isinstance(at, int | float) and state in (0, 1, 2, 3):
            line = safe(str(row.get("line")), LONG).replace("|", "/")
            long = f"{LATE}it was so at that time"
            found.append(Result(home.host, home.name, state, line, float(at), long, (), node, home.check))
    for n, one in enumerate(found):
        if any(later.key == one.key for later in found[n + 1 :]):
            yield one


def rows_of(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the tables of a list, passing over what is none: another node wrote it."""
    found = body.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
