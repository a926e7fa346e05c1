"""Flows through a real firewall: what passes, what is blocked and how, and what cannot be proven."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import sshd, walls
from peers.guidelines import violations
from peers.walls import NOBODY, THERE, Wall

from checks.base.finding import CRITICAL, OK, WARNING
from core.probes.flows import Flow, audit, connected, same_machine, split, targets

RULES = """
        tcp dport 80 accept
        tcp dport 443 accept
        tcp dport 22 accept
        tcp dport 445 drop
        tcp dport 446 reject with icmpx type admin-prohibited
        tcp dport 447 reject with tcp reset
"""
AUDIT = """
import json
from core.probes.flows import Flow, audit
flows = [Flow(*one) for one in json.loads(sys.argv[1])]
print(json.dumps(audit(flows, {}, rate=float(sys.argv[2]), wait=1.5)))
"""


@pytest.fixture(scope="module")
def wall() -> Iterator[Wall]:
    if not walls.possible():
        pytest.skip(walls.MISSING)
    with walls.built(RULES, 80, 443, 445, 446, 447) as made:
        yield made


def tried(wall: Wall, *flows: tuple[str, str, str | None], rate: float = 100) -> list[Any]:
    told = json.loads(wall.inside(AUDIT, json.dumps(flows), str(rate)))
    return [(one["verdict"], one["outcome"], one["why"]) for one in told]


LIVE = f"{THERE}:80"


def test_what_must_pass_passes_and_what_must_not_is_dropped_or_rejected(wall: Wall) -> None:
    assert tried(
        wall,
        (f"{THERE}:443", "pass", None),
        (f"{THERE}:445", "blocked", LIVE),
        (f"{THERE}:446", "blocked", LIVE),
    ) == [
        ("as designed", "open", "it answers"),
        ("as designed", "dropped", "by DROP"),
        ("as designed", "rejected", "by REJECT"),
    ]


def test_a_hole_and_a_flow_that_is_shut_are_violations(wall: Wall) -> None:
    hole, shut = tried(wall, (f"{THERE}:443", "blocked", LIVE), (f"{THERE}:445", "pass", LIVE))
    assert hole == ("violated", "open", f"it is open at {THERE}")
    assert shut == ("violated", "dropped", "it is dropped, though its machine is alive")


def test_without_a_live_control_nothing_that_is_blocked_is_proven(wall: Wall) -> None:
    without, dead, silent, other, reset, nothing = tried(
        wall,
        (f"{THERE}:445", "blocked", None),
        (f"{NOBODY}:445", "blocked", f"{NOBODY}:80"),
        (f"{THERE}:445", "blocked", f"{THERE}:444"),
        (f"{NOBODY}:445", "blocked", LIVE),
        (f"{THERE}:447", "blocked", LIVE),
        (f"{THERE}:22", "blocked", LIVE),
    )
    assert {one[0] for one in (without, dead, silent, other, reset, nothing)} == {"not proven"}
    assert "no control" in without[2]
    assert f"its control {NOBODY}:80 is" in dead[2]
    assert "another machine" in other[2]
    assert (reset[1], nothing[1]) == ("reset", "reset")


def test_a_whole_network_is_tried_and_its_control_first(wall: Wall) -> None:
    (found,) = tried(wall, ("10.77.2.0/29:445", "blocked", LIVE))
    assert found == ("as designed", "dropped", "by DROP")
    (found,) = tried(wall, ("10.77.2.0/29:443", "blocked", LIVE))
    assert found[0] == "violated"


def test_the_program_tries_flows_by_hand(wall: Wall) -> None:
    import sys

    path = str(Path(sys.executable).with_name("check_firewall"))
    cases = (
        (OK, [f"pass={THERE}:443", f"blocked={THERE}:446,control={LIVE}"], b"2 of 2 flows as designed"),
        (WARNING, [f"blocked={THERE}:445"], b"not proven"),
        (CRITICAL, [f"blocked={THERE}:443,control={LIVE}"], b"443 open - act before"),
    )
    for state, flows, said in cases:
        ended = wall.program(path, *(word for flow in flows for word in ("--flow", flow)))
        assert violations(ended.returncode, ended.stdout, ended.stderr) == []
        assert (ended.returncode, said in ended.stdout) == (state, True), ended.stdout


def test_no_more_connections_are_begun_a_second_than_it_may_be() -> None:
    asked = [("127.0.0.1", port) for port in range(1, 11)]
    begin = time.monotonic()
    found = connected(asked, rate=20)
    assert time.monotonic() - begin >= 9 / 20
    assert set(found.values()) == {"reset"}


def test_a_name_that_nobody_has_is_no_block() -> None:
    (found,) = audit([Flow("no-such-name.invalid:80", "blocked", "no-such-name.invalid:81")], {}, wait=1)
    assert found["verdict"] == "not proven"


@pytest.mark.parametrize(
    ("to", "control", "same"),
    [
        ("10.1.0.5:445", "10.1.0.5:80", True),
        ("10.1.0.5:445", "10.1.0.6:80", False),
        ("10.1.0.0/24:445", "10.1.0.6:80", True),
        ("10.1.0.0/24:445", "10.2.0.6:80", False),
        ("10.1.0.0/24:445", "fr.example:80", False),
    ],
)
def test_a_control_is_of_the_same_machine_or_network(to: str, control: str, same: bool) -> None:
    assert same_machine(to, control) is same


@pytest.mark.parametrize("address", ["", "x", "x:", ":80", "x:0", "x:99999", "x:y", "10.0.0.0/8:80", "10.0.0.0/99:80"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError):
        targets(address, None)
    assert split("[fe80::1]:22") == ("fe80::1", 22)


@pytest.mark.skipif(sshd.SSHD is None, reason=sshd.MISSING)
def test_a_host_over_ssh_is_a_vantage_and_needs_nothing_there(tmp_path: Path) -> None:
    from core.probes.flows import Way, over_ssh

    with socket.create_server(("127.0.0.1", 0)) as listening, sshd.running(tmp_path, True) as server:
        vantage, port = f"{server.user}@127.0.0.1:{server.port}", listening.getsockname()[1]
        known, empty = tmp_path / "known_hosts", tmp_path / "empty"
        known.write_text(f"[127.0.0.1]:{server.port} {(tmp_path / 'host_ed25519.pub').read_text()}")
        empty.touch()
        ways = {vantage: Way(str(server.key_file), str(known))}
        free = sshd.free_port()
        flows = [Flow(f"127.0.0.1:{port}", "pass", None, vantage), Flow(f"127.0.0.1:{free}", "pass", None, vantage)]
        assert [one["outcome"] for one in audit(flows, ways, wait=10)] == ["open", "reset"]
        for key, hosts, said in (
            (server.other_key, known, "it does not let us in"),
            (server.key_file, empty, "its host key is another one"),
        ):
            assert over_ssh(vantage, Way(str(key), str(hosts)), "127.0.0.1", port, 10) == said
    assert over_ssh(vantage, ways[vantage], "127.0.0.1", port, 10) == "nothing listens for SSH there"
