"""The pages in docs/checks: their examples are run, their options and thresholds are those of the programs."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

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
            "check_redundancy", (put("redundancy", redundant()), put("redundancy.cameras.0.owner", None))
        ),
        "UNKNOWN: the node is silent": Example("check_redundancy", (put("redundancy", redundant()), *SILENT)),
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
    subject: str | None = {"camera": values.get("camera"), "transfer": values.get("destination")}.get(check, "")
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
