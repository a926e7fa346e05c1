"""The states of hosts, from the documents of their nodes: what answers, what is silent, and what stands behind what."""

from __future__ import annotations

from typing import Any

import pytest
from peers.hub import NAGIOS, made, status
from peers.statuses import HOUR, NOW, Change, Document, put

from checks.gateway.hosts import DOWN, UNREACHABLE, UP, host_results
from core.site.load import reparse
from core.site.monitored import Monitored, monitored

LONG, SHORT = 13 * HOUR, HOUR  # longer and shorter than act_hours


def unanswered(since: float, **more: Any) -> Document:
    return {"error": "no answer, asked 4 times", "since": NOW - since, **more}


def told(
    site: Monitored, *changes: Change, silent: float | None = None, **others: Change
) -> dict[str, tuple[int, str]]:
    """Return state and output of each host: `changes` of unit1, `others` of nodes by name; `silent`: both units."""
    bodies = {node: status(node, NOW) for node in ("fr", "unit1", "unit2")}
    for change in changes:
        change(bodies["unit1"])
    for node, change in others.items():
        change(bodies[node])
    if silent is not None:
        for node in ("unit1", "unit2"):
            bodies[node]["at"] = bodies[node]["heard"] = NOW - silent
    found = host_results(site, bodies, NOW)
    return {one.host.removeprefix("harbour_"): (one.state, one.line) for one in found}


def plain() -> Monitored:
    """Return the example site with a NAS that nothing is delivered to."""
    site = reparse((NAGIOS / "site.toml").read_text().replace('at = "unit1"\ndestination = "nas"\n', 'at = "unit1"\n'))
    return monitored(site, site.monitoring[0])


def test_of_a_site_that_is_well_every_host_is_up() -> None:
    assert {state for state, _ in told(made()).values()} == {UP}


@pytest.mark.parametrize(
    ("since", "state", "text"),
    [
        pytest.param(SHORT, UP, "UP as far as is known: no answer since Sat 11:00Z, and nothing is lost", id="short"),
        pytest.param(LONG, DOWN, "DOWN: no answer since Fri 23:00Z", id="longer-than-act-hours"),
    ],
)
def test_a_nas_that_is_no_destination_is_down_when_it_is_silent_for_long(since: float, state: int, text: str) -> None:
    found = told(plain(), put("watch.0", {"name": "box", "kind": "nas", "snmp": unanswered(since)}))
    assert found["nas_box"][0] == state
    assert found["nas_box"][1].startswith(text)


def test_a_nas_that_answers_in_one_way_is_up() -> None:
    assert told(plain(), put("watch.0.snmp", unanswered(LONG)))["nas_box"] == (UP, "UP: it answers")


def test_a_device_that_could_not_be_asked_is_not_silent() -> None:
    change = put("watch.0", {"name": "front", "kind": "firewall", "opnsense": unanswered(LONG, unasked=True)})
    assert told(made(), fr=change)["firewall_front"][0] == UP


def test_a_firewall_that_answers_nothing_is_up_while_something_is_heard_through_it() -> None:
    state, line = told(made(), put("watch.1.snmp", unanswered(LONG)))["firewall_wall"]
    assert (state, line) == (UP, "UP: 2 of 2 nodes behind it are heard; itself no answer since Fri 23:00Z")


def test_all_that_stands_behind_a_dead_link_is_unreachable() -> None:
    found = {host: state for host, (state, _) in told(made(), silent=LONG).items()}
    beside = {"fr": UP, "firewall_front": UP, "link_sim": DOWN}
    assert found == beside | dict.fromkeys(("firewall_wall", "unit1", "unit2", "nas_box"), UNREACHABLE)


def test_of_a_dead_firewall_that_another_node_shares_the_link_with_the_firewall_is_down() -> None:
    text = (NAGIOS / "site.toml").read_text().replace('name = "wall"\n', 'name = "wall"\nbehind = ["unit1"]\n')
    site = reparse(text)
    change = put("at", NOW - LONG)
    found = told(monitored(site, site.monitoring[0]), change, put("heard", NOW - LONG))
    states = {host: state for host, (state, _) in found.items() if state != UP}
    assert states == {"firewall_wall": DOWN, "unit1": UNREACHABLE, "nas_box": UNREACHABLE}
    assert found["firewall_wall"][1].startswith(
        "DOWN: none of unit1 heard since Fri 23:00Z: this firewall, or the power"
    )
