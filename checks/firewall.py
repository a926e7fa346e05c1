"""check_firewall: does it answer, is it well, and does it let through what it must and nothing else?"""

from __future__ import annotations

import sys

from nagiosplugin.metric import Metric

from checks.base.finding import Finding
from checks.base.judge import found, judge
from checks.base.limits import scales
from checks.base.options import MANY, NUMBER, TEXT, Option, Usage, limits_of
from checks.base.run import of_document
from checks.base.say import DAY, HOUR, instant, short, span
from checks.document import Document, named, number, part, rows, text
from checks.watch import PROBE, Device, asked, reading, watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from checks.base.limits import Limits
    from checks.base.verdict import Verdict

CHECK = "firewall"
METRICS = ("states_percent", "states", "gateway_loss", "errors", "uptime", "violated", "not_proven", "flows")
OPTIONS = (
    Option("--name", TEXT, "NAME", "one firewall of site.toml (default: all that this node watches)"),
    *PROBE,
    Option("--flow", MANY, "FLOW", "try this now: pass=HOST:PORT, or blocked=HOST:PORT,control=HOST:PORT; repeat it"),
    Option("--rate", NUMBER, "PER_SECOND", "with --flow: connections a second, at most (default 20)", 20.0),
)
NONE = "this node watches no firewall"
STATES, LOSS, ERRORS = 80, 5, 100  # per cent; per cent; errors and discards between two readings
FRESH = HOUR  # seconds after a start within which it is told
CHANGED = 7 * DAY  # seconds for which a change of its rules is told
FINE = ("none", "online", "")  # OPNsense's words for a gateway that is well


def check(values: dict[str, Any]) -> Verdict:
    """Answer a command line; raise Usage, CheckError or Unreadable."""
    if values["host"] is None and not values["flow"]:
        return of_document(sys.modules[__name__], values, values["name"])
    import time

    limits, now = limits_of(values, METRICS), time.time()
    name = values["name"] or values["host"] or "flows"
    row: dict[str, Any] = {"name": name, "kind": CHECK}
    if values["host"] is not None:
        row["snmp"] = asked(values, "core.probes.wall:wall")
    if values["flow"]:
        row["flows"] = _tried(values["flow"], values["rate"], now)
    return verdict(Document({"at": now, "next": now + 60, "watch": [row]}, now), name, limits)


def _tried(words: list[str], rate: float, now: float) -> dict[str, Any]:
    """Try the flows of --flow from here; raise Usage."""
    from core.probes.flows import Flow, audit

    flows = []
    for word in words:
        first, _, rest = word.partition(",")
        expect, _, to = first.partition("=")
        key, _, control = rest.partition("=")
        if expect not in ("pass", "blocked") or not to or (rest and key != "control"):
            raise Usage("--flow is pass=HOST:PORT or blocked=HOST:PORT,control=HOST:PORT")
        flows.append(Flow(to, expect, control or None))
    try:
        told = audit(flows, {}, rate)
    except ValueError as error:
        raise Usage(str(error)) from None
    wrong = [one for one in told if one["verdict"] != "as designed"]
    violated = sum(one["verdict"] == "violated" for one in told)
    counts = {"total": len(told), "violated": violated, "not_proven": len(wrong) - violated}
    return {"at": now, **counts, "wrong": wrong}


def subjects(document: Document) -> list[str]:
    """Return the firewalls that the node watches."""
    return watched(document, CHECK)


def verdict(document: Document, subject: str, limits: Limits | None = None) -> Verdict:
    """Judge one firewall; raise ValueError for limits that are none."""
    defaults: Limits = dict.fromkeys(METRICS, (None, None)) | {
        "states_percent": (f"~:{STATES}", None),
        "gateway_loss": (f"~:{LOSS}", None),
        "errors": (f"~:{ERRORS}", None),
    }
    return judge(CHECK, subject, [Firewall(document, subject)], document.when(), scales(defaults, limits))


class Firewall(Device):
    """One firewall, as it tells of itself, and the flows through it."""

    KIND = CHECK

    def judged(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """Yield numbers, then findings, of one; raise CheckError."""
        yield from self._numbers(row)
        told = [key for key in ("snmp", "opnsense") if key in row]
        for key in told or ([] if "flows" in row else ["snmp"]):
            for finding in reading(self.document, row, key):
                yield found(finding)
        for finding in (*self._device(row), *self._gateways(row), *self._rules(row), *self._flows(row)):
            yield found(finding)
        yield found(self._well(row))

    def _numbers(self, row: Mapping[str, Any]) -> Iterator[Any]:
        for told in (part(row, "snmp"), part(row, "opnsense")):
            states, limit = number(told, "states"), number(told, "limit")
            if states is not None and limit:
                yield Metric("states_percent", 100 * states / limit, "%", min=0, context="states_percent")
                yield Metric("states", states, min=0, max=limit, context="states")
                break
        told = part(row, "snmp")
        gates = [one for one in rows(part(row, "opnsense"), "gateways") if text(one, "status", 40) in FINE]
        losses = [one for gate in gates if (one := number(gate, "loss")) is not None]
        if losses:
            yield Metric("gateway_loss", max(losses), "%", min=0, max=100, context="gateway_loss")
        grew = [one for face in rows(told, "interfaces") if (one := number(face, "grew")) is not None]
        if grew:
            yield Metric("errors", sum(grew), min=0, context="errors")
        if (uptime := number(told, "uptime")) is not None:
            yield Metric("uptime", uptime, "s", min=0, context="uptime")
        flows = part(row, "flows")
        for name, key in (("violated", "violated"), ("not_proven", "not_proven"), ("flows", "total")):
            if key in flows:
                yield Metric(name, number(flows, key), min=0, context=name)

    def _device(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        told, now = part(row, "snmp"), self.document.now
        if told.get("running") is False:
            yield Finding(
                f"{self.short} filters nothing",
                pages=True,
                cause="its packet filter is switched off",
                step="switch it on",
            )
        uptime = number(told, "uptime")
        if uptime is not None and uptime < FRESH and "error" not in told:
            yield Finding(
                f"{self.short} restarted {span(uptime)} ago",
                impaired=True,
                until=now + FRESH - uptime,
                cause="power, an update, or a crash",
                step="its own log; `overlapse events` has what was not reached",
            )
        wanted = row.get("wanted")
        names = [str(one) for one in wanted] if isinstance(wanted, list) else None
        there = rows(told, "interfaces")
        for one in there:
            if not one.get("up") and (one.get("wanted") if names is None else named(one) in names):
                yield self._down(named(one), "its cable, its peer, or its modem")
        if names is not None and there:
            known = {named(one) for one in there}
            for name in names:
                if name not in known:
                    yield self._down(name, "it is not there any more")

    def _down(self, name: str, cause: str) -> Finding:
        said = f"{self.short}: {short(name)} is down"
        return Finding(said, impaired=True, cause=cause, step="look at the port; link pages when nothing is reached")

    def _gateways(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        for one in rows(part(row, "opnsense"), "gateways"):
            status = text(one, "status", 40) or ""
            if status not in FINE:
                measured = ", ".join(f"{key} {number(one, key):g}" for key in ("loss", "delay") if key in one)
                yield Finding(
                    f"{self.short}: gateway {short(named(one))} {status}",
                    impaired=True,
                    cause="what it watches beyond this gateway answers badly, or not",
                    evidence=measured,
                    step="the modem or the provider; link pages when nothing is reached",
                )

    def _rules(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        told = part(row, "opnsense")
        at = number(told, "rules_changed")
        if at is not None and self.document.now - at < CHANGED:
            yield Finding(
                f"{self.short}: rules changed {instant(at, self.document.now)}",
                impaired=True,
                until=at + CHANGED,
                cause=f"{number(told, 'rules') or 0:.0f} rules now; it is told for a week",
                step="was it you? Its own log says who; audit the flows again",
            )

    def _flows(self, row: Mapping[str, Any]) -> Iterator[Finding]:
        told = part(row, "flows")
        if "error" in told:
            yield from reading(self.document, row, "flows")
            return
        for one in rows(told, "wrong"):
            to, why = text(one, "to", 60) or "unknown", text(one, "why", 120) or ""
            vantage = text(one, "vantage", 60) or "this node"
            violated, blocked = one.get("verdict") == "violated", one.get("expect") == "blocked"
            state = ("open" if blocked else "blocked") if violated else "not proven"
            close = "close it" if blocked else "open it"
            yield Finding(
                f"{to} {state}",
                impaired=True,
                pages=violated and blocked,
                cause=why,
                evidence=f"from {vantage}, to be {'blocked' if blocked else 'passed'}: {text(one, 'outcome', 60)}; "
                f"control {text(one, 'control', 60) or 'none'}",
                step=close if violated else "give it a control that answers",
            )

    def _well(self, row: Mapping[str, Any]) -> Finding:
        flows, said = part(row, "flows"), "answers"
        if (uptime := number(part(row, "snmp"), "uptime")) is not None:
            said = f"up {span(uptime)}"
        if (total := number(flows, "total")) is not None:
            right = total - (number(flows, "violated") or 0) - (number(flows, "not_proven") or 0)
            said = f"{right:.0f} of {total:.0f} flows as designed"
        at = number(flows, "at")
        evidence = [f"flows tried {instant(at, self.document.now)}"] if at is not None else []
        up = [named(one) for one in rows(part(row, "snmp"), "interfaces") if one.get("up")]
        evidence += [f"up: {', '.join(up)}"] if up else []
        return Finding(f"{self.short}: {said}", evidence="; ".join(evidence))
