"""Each of the four ways to use an Internet link for a month, on a modelled link with outages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from peers.simulation import CALM, Simulation

from core.catalogue import buffer, deliveries
from core.simulate.links import Outage
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.site.init import Choices, Way, site_text

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SLOTS = 30 * 144
WIRE = 1.045


@dataclass(frozen=True)
class Month:
    """What a way is given, and what it must come to: bytes over the link for each slot."""

    way: Way
    rate: str
    budget: int  # GB
    chunk: str  # of a grant: as much as a minute carries
    each: int


# Sizes are those of the modelled camera: JPEG 8 MB, RAW 24 MB; a rendition has 90 kB.
MONTHS = (
    Month("everything", "120kB/s", 200, "7MB", 32_000_000),
    Month("jpeg", "25kB/s", 50, "1500kB", 8_000_000),
    Month("reduced", "10kB/s", 2, "64kB", 2 * 90_000),  # in the archive, and as the live picture
    Month("monitoring", "1kB/s", 1, "64kB", 0),
)


def simulated(month: Month) -> Simulation:
    text = site_text(Path("/site/site.toml"), Choices(way=month.way, nas=False))
    link = f'rate = "{month.rate}"\nbudget = {{ bytes = "{month.budget}GB" }}'
    text = text.replace('name = "internet"\n', f'name = "internet"\n{link}\n', 1)
    text = text.replace('link = "internet"\naddress', f'link = "internet"\nchunk = "{month.chunk}"\naddress')
    if month.way == "everything":
        text = text.replace('\nshoots = "jpeg"', '\nshoots = "raw+jpeg"')
    if month.way == "reduced":
        text += '[[route]]\nwhat = ["web"]\nto = "remote"\nlive = "{camera}.jpg"\nrequired = false\n'
    world = World(BEGIN)
    site = SimulatedSite(world, text, pace=CALM)
    for destination in site.destinations.values():
        destination.outages = [
            Outage(BEGIN + 3 * DAY, BEGIN + 4 * DAY),
            Outage(BEGIN + 10 * DAY, BEGIN + 10 * DAY + timedelta(hours=5), "hang"),
            Outage(BEGIN + 20 * DAY, BEGIN + 20 * DAY + timedelta(minutes=40)),
        ]
    return Simulation(world, SimulatedNode(world, [site], longest_sleep=CALM.judge), site, BEGIN)


@pytest.mark.parametrize("month", MONTHS, ids=lambda month: month.way)
def test_a_month_loses_nothing_keeps_the_budget_and_shows_a_fresh_picture(month: Month) -> None:
    simulation = simulated(month)
    simulation.run(days=30)
    assert simulation.broken() == []
    assert set(simulation.counted()) == {"captured"}
    remote = simulation.site.destinations.get("remote")
    sent = 0 if remote is None else remote.bytes
    assert sent <= month.each * SLOTS
    assert sent * WIRE <= month.budget * 1e9
    if remote is None:
        assert buffer.at_risk(simulation.site.catalogue).count == SLOTS
        return
    assert sent >= month.each * (SLOTS - 150), "all but the day of the outage, less than which live pictures need"
    assert deliveries.backlog(simulation.site.catalogue, "remote")[0] <= 2
    assert simulation.world.now() - remote.arrivals[-1].at <= timedelta(minutes=20)
    row = simulation.site.document["links"][0]
    assert row["month"]["used"] == pytest.approx(sent * WIRE, rel=0.01)
