"""Status documents as results for Nagios and Icinga 2, service by service. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.base.verdict import LONG, Verdict
from checks.evaluate import evaluate
from core.site.monitored import Monitored, Service
from core.text import safe

LATE = "[late] "  # begins the long output of a state that had ended before it could be told

Documents = Mapping[str, Mapping[str, Any]]  # node -> its newest


@dataclass(frozen=True, slots=True)
class Result:
    """What is told of a service, or of a host where `service` is empty; `state` of a host: as hosts.py has it.

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
