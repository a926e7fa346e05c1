"""Every check on every document that is wrong: the guidelines hold, whatever it is."""

from __future__ import annotations

import copy
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.guidelines import violations
from peers.plugin import program
from peers.statuses import DAY, NOW, put, redundant, well, with_, write

from checks.base.finding import UNKNOWN
from checks.base.run import answer
from checks.evaluate import evaluate
from core.status.read import LIMIT

CHECKS = ("camera", "transfer", "storage", "redundancy", "nas", "firewall", "node")
Fault = Callable[[Path], object]


def says(text: str | bytes) -> Fault:
    content = text.encode() if isinstance(text, str) else text
    return lambda path: path.write_bytes(content)


def holds(*changes: Any) -> Fault:
    def fault(path: Path) -> None:
        document = well(time.time())
        for change in changes:
            change(document)
        write(path, document)

    return fault


def silent_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(os.path.relpath(path) if len(str(path)) > 100 else str(path))


NAMES = ["é" * 30, "‮gpj", "\x1b[2J", "\ud800", "'=|;", " ", "%s%n", "x" * 4000]
FAULTS: dict[str, Fault] = {
    "not-there": lambda path: None,
    "a-folder": lambda path: path.mkdir(),
    "a-pipe": lambda path: os.mkfifo(path),
    "a-socket": silent_socket,
    "a-link": lambda path: path.symlink_to("/etc/hostname"),
    "an-endless-device": lambda path: path.symlink_to("/dev/zero"),
    "empty": says(""),
    "garbage": says(b"\xff\xfe\x00\x01"),
    "cut": says(json.dumps(well(time.time()))[:-7]),
    "huge": says(" " * (LIMIT + 1)),
    "deep": says("[" * (LIMIT - 1)),
    "a-list": says("[1]"),
    "of-another-version": holds(put("version", 2)),
    "of-no-version": holds(lambda document: document.pop("version")),
    "without-time": holds(lambda document: document.pop("at")),
    "not-a-number": holds(put("at", float("nan"))),
    "endless": holds(put("next", float("inf"))),
    "a-text-for-a-time": holds(put("at", "yesterday")),
    "a-number-of-400-digits": holds(put("at", 10**400)),
    "from-the-future": holds(put("at", time.time() + DAY)),
    "from-long-ago": holds(put("at", 0), put("next", 1)),
    "from-the-year-500000": holds(put("at", 1.5e13), put("next", 1.5e13)),
    **{f"names-{n}": holds(*(put(f"cameras.{k}.name", f"{name}{k}") for k in (0, 1))) for n, name in enumerate(NAMES)},
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_check_answers_whatever_its_document_is(check: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    FAULTS[fault](path)
    state, text = answer(check, ["--status", str(path)])
    assert violations(state, text) == []
    if not fault.startswith(("names", "from")):
        assert state == UNKNOWN


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("fault", ["not-there", "cut", "deep", "names-3"])
def test_so_do_the_programs(check: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    FAULTS[fault](path)
    ended = program(f"check_{check}", "--status", path)
    assert violations(*ended) == []


@pytest.mark.parametrize("check", CHECKS)
def test_a_site_file_that_is_not_there_is_told(check: str, tmp_path: Path) -> None:
    state, text = answer(check, ["--site", str(tmp_path / "site.toml")])
    assert (violations(state, text), state) == ([], UNKNOWN)


def test_a_full_disk_behind_standard_output_leaves_the_state() -> None:
    with Path("/dev/full").open("wb") as full:
        import subprocess
        import sys

        path = Path(sys.executable).with_name("check_node")
        done = subprocess.run([path, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (UNKNOWN, b"")


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the ways to all values of a document."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(way for key, below in steps for way in places(below, (*at, key)))]


NAS = {
    "name": "nas",
    "kind": "nas",
    "snmp": {
        "disks": [{"name": "Drive 1", "status": "crashed", "bad": 3}],
        "raids": [],
        "fans": [],
        "trouble": ["power"],
    },
    "expect": {"disks": 4},
    "destination": "nas",
    "place": {"error": "no route", "since": NOW - 60},
    "count": {"here": 9, "objects": 7},
}
WALL = {
    "name": "wall",
    "kind": "firewall",
    "snmp": {"uptime": 60.0, "interfaces": [{"name": "wan", "up": False, "wanted": True, "grew": 3}], "running": False},
    "wanted": ["lan"],
    "opnsense": {"gateways": [{"name": "wan", "status": "down", "loss": 100.0}], "rules_changed": NOW - 60, "rules": 9},
    "flows": {
        "at": NOW - 60,
        "total": 3,
        "violated": 1,
        "not_proven": 1,
        "wrong": [{"to": "a:1", "verdict": "violated"}],
    },
}
RICH = with_(
    put("redundancy", redundant()),
    put("cameras.0.paused", {"until": NOW + 1, "by": "ana", "text": "crane"}),
    put("cameras.1.row", {"missed": 4, "since": NOW - 2400}),
    put("cameras.1.view", {"verdict": "black", "pictures": 4, "since": NOW - 2400}),
    put("cameras.1.drift", {"iso": {"wanted": "100", "found": "200"}}),
    put("destinations.0.error", {"class": "DestinationUnreachable", "text": "no route", "since": NOW - 60}),
    put("destinations.0.waiting", 3),
    put("destinations.0.eta", "never"),
    put("destinations.0.oldest", NOW - DAY),
    put("links.0.override", {"rung": "status", "until": NOW + DAY, "why": "data plan"}),
    put("buffer.dies", NOW + DAY),
    put("buffer.thinned", 4),
    put("stuck", [{"name": "camera gate", "why": "D"}]),
    put("host", {"temperature": 50, "undervoltage": False}),
    put("thresholds", {"act_hours": 10}),
    put("watch", [NAS, WALL]),
    put("arrays", [{"name": "md0", "state": "active", "level": "raid5", "disks": 3, "up": 2, "action": "recovery"}]),
    put("drives", [{"name": "/dev/sda", "passed": False, "wear": 91, "bad": 4, "grew": 2, "warning": 3}]),
    put(
        "mounts", [{"name": "nas", "full": {"days": 5.0, "soonest": 3.0}, "write_s": 9.0}, {"name": "data", "ro": True}]
    ),
)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.one_of(st.text(), st.floats(), st.none()), max_size=2),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(way=st.sampled_from([way for way in places(RICH) if way]), odd=ODD)
def test_whatever_stands_where_in_a_document_every_service_has_a_verdict(way: tuple[Any, ...], odd: Any) -> None:
    document = copy.deepcopy(RICH)
    at: Any = document
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = odd
    found = evaluate(document, NOW)
    assert found
    for one in found:
        assert violations(one.state, one.text().encode("utf-8", "backslashreplace")) == []
    assert json.loads(json.dumps([one.to_json() for one in found]))
