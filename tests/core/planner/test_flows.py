"""What each node of a site sends to which destination: what its cameras make, and what it hands on."""

from __future__ import annotations

import pytest
from peers.simulation import site_toml

from core.planner.flows import Made, arriving, flows
from core.site.load import reparse

DAY = 86_400
SITE = reparse(
    site_toml(
        destinations=(),
        shoots="raw+jpeg",
        camera='primary = "unit1"',
        routes="",
        extra="""
[[node]]
name = "fr"
kind = "cloud"
inbox = "/inbox"
[[node]]
name = "ca"
kind = "cloud"
inbox = "/inbox"
[[recipe]]
name = "web"
steps = [{ resize = "1920x1280" }]
[[destination]]
name = "fr"
node = "fr"
address = "folder:/fr/unit1"
[[destination]]
name = "ca"
node = "ca"
address = "folder:/ca/fr"
[[destination]]
name = "website"
address = "folder:/www"
[[route]]
what = ["jpeg"]
to = "fr"
every_nth = 2
[[route]]
at = "fr"
what = ["raw", "jpeg"]
to = "ca"
every_nth = 3
[[route]]
what = ["web"]
to = "website"
live = "{camera}.jpg"
at = "fr"
""",
    )
)


@pytest.mark.parametrize(
    ("node", "sent"),
    [
        pytest.param("unit1", {"fr": {"jpeg": 5.0}}, id="the-unit-sends-one-in-two"),
        pytest.param("fr", {"ca": {"jpeg": 10 / 6}, "website": {"live": 0.5}}, id="what-came-goes-on"),
        pytest.param("ca", {}, id="the-last-one"),
    ],
)
def test_each_node_sends_what_its_own_routes_say_of_what_it_has(node: str, sent: dict[str, dict[str, float]]) -> None:
    sizes = {"jpeg": 10, "raw": 30, "web": 1}
    found = flows(SITE, Made({"north": DAY}, lambda camera, what: sizes[what]), node)
    assert {name: classes for name, classes in found.items() if classes} == {
        name: pytest.approx(classes) for name, classes in sent.items()
    }


def test_a_node_gets_what_routes_hand_on_to_it() -> None:
    (north,) = SITE.camera
    nodes = ("unit1", "fr", "ca")
    assert [arriving(SITE, north, "jpeg", node) for node in nodes] == [1, 2, 6]
    assert [arriving(SITE, north, "raw", node) for node in nodes] == [1, None, None]
