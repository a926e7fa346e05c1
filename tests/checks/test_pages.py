"""The pages in docs/checks: their examples are run, their options and thresholds are those of the programs."""

from __future__ import annotations

import copy
import importlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from peers.guidelines import violations
from peers.statuses import DAY, HOUR, NOW, Change, put, redundant, with_

from checks.base import options
from checks.base.run import of_body
from checks.thresholds import DEFAULTS

PAGES = Path(__file__).parent.parent.parent / "docs" / "checks"


class Example(NamedTuple):
    """A command line, and what is wrong in the document that it reads."""

    command: str
    changes: tuple[Change, ...] = ()


GONE = (
    put("cameras.0.row", {"missed": 4, "since": NOW - 2100}),
    put("cameras.0.last", {"slot": NOW - 300, "outcome": "missed", "cause": "camera gone"}),
    put("cameras.0.picture", {"slot": NOW - 2700}),
    put("cameras.0.error", "no camera with serial 063021002222 on USB"),
    put("cameras.0.rung", 3),
)
DOWN = (
    put("destinations.1.error", {"class": "DestinationUnreachable", "text": "no route to host", "since": NOW - 7200}),
    put("destinations.1.waiting", 12),
    put("destinations.1.bytes", 72_000_000),
    put("destinations.1.oldest", NOW - 7200),
)
DIES = "at this rate the first unproven slot dies on"
SILENT = put("at", NOW - HOUR), put("next", NOW - HOUR + 60)
ARRAY = {"name": "md0", "state": "active", "level": "raid1", "disks": 2}
DRIVE = {"name": "/dev/nvme0", "model": "A drive", "serial": "S1", "passed": True, "wear": 94, "bad": 0}
NAS: dict[str, Any] = {
    "name": "nas",
    "kind": "nas",
    "expect": {"disks": 4, "raids": 1},
    "destination": "nas",
    "snmp": {
        "vendor": "Synology",
        "model": "DS923+",
        "uptime": 30 * DAY,
        "disks": [{"name": f"Drive {n}", "status": "normal", "temperature": 37 + n, "bad": 0} for n in (1, 2, 3, 4)],
        "raids": [{"name": "Volume 1", "status": "normal", "free": 2e12, "total": 11e12}],
        "at": NOW - 60,
    },
    "place": {"seconds": 0.31, "free": 2e12, "at": NOW - 1200},
    "count": {"here": 29_990, "objects": 29_990, "at": NOW - HOUR},
}
WALL: dict[str, Any] = {
    "name": "wall",
    "kind": "firewall",
    "snmp": {
        "uptime": 90 * DAY,
        "running": True,
        "interfaces": [
            {"name": "wan", "wanted": True, "up": True, "errors": 4, "grew": 0},
            {"name": "lan", "wanted": True, "up": True, "errors": 0, "grew": 0},
        ],
        "at": NOW - 60,
    },
    "opnsense": {
        "states": 912,
        "limit": 397_000,
        "rules": 41,
        "gateways": [{"name": "WAN_GW", "status": "none", "loss": 0.0, "delay": 31.2}],
        "at": NOW - 60,
    },
    "flows": {"total": 6, "violated": 0, "not_proven": 0, "wrong": [], "at": NOW - 5 * HOUR},
}


def watching(row: dict[str, Any]) -> Change:
    return lambda document: put("watch", [copy.deepcopy(row)])(document)


def raid(status: str) -> Change:
    return put("watch.0.snmp.raids", [{**NAS["snmp"]["raids"][0], "status": status}])


def flow(verdict: str, outcome: str, why: str) -> dict[str, Any]:
    told = {"to": "10.1.0.0/24:445", "vantage": "", "expect": "blocked", "control": None}
    return {**told, "outcome": outcome, "verdict": verdict, "why": why}


EXAMPLES: Mapping[str, Mapping[str, Example]] = {
    "camera": {
        "OK": Example("check_camera --camera gate"),
        "OK: paused by an operator": Example(
            "check_camera --camera gate",
            (put("cameras.0.paused", {"until": NOW + 5 * HOUR, "by": "ana", "text": "paused by ana: crane"}),),
        ),
        "WARNING: a battery that ends": Example(
            "check_camera --camera gate -w battery=30:", (put("cameras.0.telemetry.battery", 27),)
        ),
        "CRITICAL: no pictures": Example("check_camera --camera gate", GONE),
        "CRITICAL: pictures that show nothing": Example(
            "check_camera --camera gate",
            (put("cameras.0.view", {"verdict": "black", "pictures": 5, "since": NOW - 3300, "text": "mean 1 of 255"}),),
        ),
        "UNKNOWN: the node is silent": Example("check_camera --camera gate", SILENT),
    },
    "transfer": {
        "OK": Example("check_transfer --destination nas"),
        "WARNING: a server that is down": Example("check_transfer --destination nas", DOWN),
        "WARNING: a month's budget that does not last": Example(
            "check_transfer --link sim", (put("links.0.month.at_end", 18_000_000_000),)
        ),
        "CRITICAL: down, and the buffer ends": Example(
            "check_transfer --destination nas", (*DOWN, put("buffer.dies", NOW + 7 * HOUR))
        ),
        "CRITICAL: more is made than the link carries": Example(
            "check_transfer --destination fr", (put("destinations.0.waiting", 900), put("destinations.0.eta", "never"))
        ),
        "UNKNOWN: there is no such destination": Example("check_transfer --destination nass"),
    },
    "storage": {
        "OK": Example("check_storage"),
        "WARNING: full in some days": Example(
            "check_storage",
            (put("buffer.dies", NOW + 5 * DAY), put("buffer.sentence", f"{DIES} Thu 26 Nov 2026 12:00 UTC")),
        ),
        "WARNING: full because of a transfer, which pages": Example(
            "check_storage",
            (*DOWN, put("buffer.dies", NOW + 7 * HOUR), put("buffer.sentence", f"{DIES} Sat 21 Nov 2026 19:00 UTC")),
        ),
        "OK: a monthly check of the RAID": Example(
            "check_storage", (put("arrays", [{**ARRAY, "up": 2, "action": "check", "percent": 12.6, "finish": 5400}]),)
        ),
        "WARNING: a RAID that rebuilds": Example(
            "check_storage",
            (put("arrays", [{**ARRAY, "up": 1, "action": "recovery", "percent": 8.5, "finish": 8412}]),),
        ),
        "WARNING: a worn drive": Example("check_storage", (put("drives", [DRIVE]),)),
        "WARNING: a dead mount, whose transfer pages": Example(
            "check_storage",
            (put("mounts", [{"name": "nas", "error": "no answer within 20 s; killed", "since": NOW - HOUR}]),),
        ),
        "CRITICAL: a disk that fails": Example("check_storage", (put("storage", "data/pictures: Input/output error"),)),
        "UNKNOWN: the node is silent": Example("check_storage", SILENT),
    },
    "redundancy": {
        "OK": Example("check_redundancy", (put("redundancy", redundant()),)),
        "WARNING: failed over": Example(
            "check_redundancy", (put("redundancy", redundant()), put("redundancy.cameras.0.owner", "fr"))
        ),
        "CRITICAL: nobody holds a camera": Example(
            "check_redundancy",
            (put("redundancy", redundant()), put("redundancy.cameras.0.owner", None), put("node", "fr")),
        ),
        "UNKNOWN: the node is silent": Example("check_redundancy", (put("redundancy", redundant()), *SILENT)),
    },
    "nas": {
        "OK": Example("check_nas --name nas", (watching(NAS),)),
        "OK: a RAID that scrubs": Example("check_nas --name nas", (watching(NAS), raid("scrubbing"))),
        "WARNING: pictures that are there no more": Example(
            "check_nas --name nas",
            (watching(NAS), put("watch.0.count", {"here": 29_990, "objects": 29_871, "at": NOW - HOUR})),
        ),
        "WARNING: no answer, and its transfer pages": Example(
            "check_nas --name nas",
            (
                watching(NAS),
                put(
                    "watch.0.snmp",
                    {"error": "192.168.1.20, UDP port 161: no answer, asked 4 times", "since": NOW - HOUR},
                ),
            ),
        ),
        "CRITICAL: a disk that vanished": Example(
            "check_nas --name nas", (watching(NAS), put("watch.0.snmp.disks", NAS["snmp"]["disks"][:3]))
        ),
        "CRITICAL: a RAID that is degraded": Example("check_nas --name nas", (watching(NAS), raid("degraded"))),
        "UNKNOWN: not read yet": Example("check_nas --name nas", (put("watch", [{"name": "nas", "kind": "nas"}]),)),
    },
    "firewall": {
        "OK": Example("check_firewall --name wall", (watching(WALL),)),
        "WARNING: an interface is down": Example(
            "check_firewall --name wall", (watching(WALL), put("watch.0.snmp.interfaces.0.up", False))
        ),
        "WARNING: a gateway that loses packets": Example(
            "check_firewall --name wall", (watching(WALL), put("watch.0.opnsense.gateways.0.loss", 12.0))
        ),
        "WARNING: a flow that is not proven": Example(
            "check_firewall --name wall",
            (
                watching(WALL),
                put("watch.0.flows.not_proven", 1),
                put(
                    "watch.0.flows.wrong",
                    [flow("not proven", "dropped", "it has no control: a dead machine looks the same")],
                ),
            ),
        ),
        "CRITICAL: a hole": Example(
            "check_firewall --name wall",
            (
                watching(WALL),
                put("watch.0.flows.violated", 1),
                put("watch.0.flows.wrong", [flow("violated", "open", "it is open at 10.1.0.5")]),
            ),
        ),
        "UNKNOWN: there is no such firewall": Example("check_firewall --name well", (watching(WALL),)),
    },
    "node": {
        "OK": Example("check_node"),
        "WARNING: silent, and its buffer lasts": Example("check_node", SILENT),
        "WARNING: a clock that nobody vouches for": Example(
            "check_node", (put("clock", {"trusted": False, "why": "the kernel says it is not synchronised"}),)
        ),
        "CRITICAL: silent for too long": Example("check_node", (put("at", NOW - DAY), put("next", NOW - DAY + 60))),
        "UNKNOWN: a document from the future": Example(
            "check_node", (put("at", NOW + 3 * HOUR), put("next", NOW + 3 * HOUR + 60))
        ),
    },
}


def shown(check: str, example: Example) -> str:
    """Return what the command of an example prints."""
    module = importlib.import_module(f"checks.{check}")
    name, *arguments = shlex.split(example.command)
    assert name == f"check_{check}"
    values = options.parse(arguments, (*options.COMMON, *options.DOCUMENT, *module.OPTIONS))
    asked = {"camera": "camera", "transfer": "destination", "nas": "name", "firewall": "name"}.get(check)
    subject: str | None = values[asked] if asked else ""
    if values.get("link"):
        module, subject = importlib.import_module("checks.link"), values["link"]
    verdict = of_body(module, with_(*example.changes), NOW, values, subject)
    assert violations(verdict.state, verdict.text().encode()) == []
    return verdict.text()


def page(check: str) -> str:
    return (PAGES / f"{check}.md").read_text()


@pytest.mark.parametrize(("check", "title"), [(check, title) for check, found in EXAMPLES.items() for title in found])
def test_every_example_prints_what_the_page_says(check: str, title: str) -> None:
    example = EXAMPLES[check][title]
    block = f"### {title}\n\n```console\n$ {example.command}\n{shown(check, example)}```\n"
    assert block in page(check)
    assert f" {title.partition(':')[0]}: " in block.splitlines()[4], "the title says another state"


@pytest.mark.parametrize("check", EXAMPLES)
def test_a_page_shows_every_state_and_no_example_that_is_not_run(check: str) -> None:
    titles = re.findall(r"^### (.+)$", page(check), re.MULTILINE)
    assert titles == list(EXAMPLES[check])
    assert {title.partition(":")[0] for title in titles} == {"OK", "WARNING", "CRITICAL", "UNKNOWN"}


@pytest.mark.parametrize("check", EXAMPLES)
def test_a_page_has_every_option_and_every_metric(check: str) -> None:
    module = importlib.import_module(f"checks.{check}")
    for option in module.OPTIONS:
        assert f"| `{option.words[-1]} {option.metavar}` | {option.help} |" in page(check)
    for metric in module.METRICS:
        assert f"| `{metric}` |" in page(check)


def test_the_first_page_has_every_common_option_and_every_threshold() -> None:
    text = page("README")
    for option in (*options.COMMON, *options.DOCUMENT):
        assert all(f"`{word}" in text or f" {word}" in text for word in option.words), option.words
    for key, value in DEFAULTS.items():
        assert re.search(rf"\| `{key}` \| {value:g} \|", text), key
