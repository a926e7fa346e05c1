"""What a month has cost is read where bytes leave the site."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from peers.simulation import Simulation, simulate

from core.node.context import Pace
from core.node.sending.traffic import carried, is_modem
from core.node.sending.uplink import Uplink
from core.simulate.links import Outage
from core.site.model.links import Link

ROUTER = (
    'snmp = { host = "192.168.1.1", interface = "wan", credentials_file = "router" }\nbudget = { bytes = "100GB" }\n'
)
HOME = (
    '[[destination]]\nname = "home"\naddress = "folder:/home"\nlink = "sim"\n[[route]]\nwhat = ["jpeg"]\nto = "home"\n'
)
QUICK = Pace(judge=60, plan=600, plan_soon=60, report=3600, report_soon=3600)
PICTURE = 8_000_000
MB = 1_000_000


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    secret = tmp_path / "router"
    secret.write_text("defVersion 2c\ndefCommunity public\n")
    secret.chmod(0o600)
    world = simulate(
        node=f'[[node.link]]\nname = "sim"\n{ROUTER}', destinations=(), routes="", extra=HOME, pace=QUICK, every="1h"
    )
    world.site.base = tmp_path
    world.run(minutes=2)
    return world


def sim(simulation: Simulation) -> Uplink:
    return simulation.site.running.desks.delivering.linking.uplinks["sim"]


def test_a_router_says_what_has_passed_and_what_was_not_ours(simulation: Simulation) -> None:
    simulation.run(minutes=10)
    simulation.site.router.carried += 20 * MB
    simulation.run(minutes=2)
    usage = sim(simulation).account.usage
    assert (usage.on_the_wire, usage.classes, usage.other) == (20 * MB, {"jpeg": PICTURE}, 12 * MB)


def test_while_a_router_is_silent_our_own_bytes_count_and_it_is_told_once(simulation: Simulation) -> None:
    now = simulation.world.now()
    simulation.site.router.outages = [Outage(now, now + timedelta(hours=2))]
    simulation.run(hours=1)
    assert sim(simulation).account.usage.on_the_wire == round(PICTURE * 1.045)
    assert simulation.site.told("link counter") == [
        "192.168.1.1: no answer; our own bytes are counted until it answers"
    ]
    simulation.site.router.carried += 30 * MB
    simulation.run(hours=1, minutes=10)
    assert sim(simulation).account.usage.on_the_wire == pytest.approx(30 * MB, rel=0.35)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """Return a tree like /sys/class/net: a modem, a cable, and a dialled line."""
    for name, kind, told, size in (("wwan0", "519", "DEVTYPE=wwan\n", 5), ("eth0", "1", "", 7), ("ppp0", "512", "", 9)):
        folder = tmp_path / name / "statistics"
        folder.mkdir(parents=True)
        (tmp_path / name / "type").write_text(f"{kind}\n")
        (tmp_path / name / "uevent").write_text(f"INTERFACE={name}\n{told}")
        for counter in ("rx_bytes", "tx_bytes"):
            (folder / counter).write_text(f"{size}\n")
    return tmp_path


def test_a_modem_is_believed_and_a_cable_only_when_it_is_said(net: Path) -> None:
    assert [is_modem(name, net) for name in ("wwan0", "ppp0", "eth0")] == [True, True, False]
    assert carried(Link(name="sim", interface="wwan0"), net) == 10
    assert carried(Link(name="sim", interface="eth0"), net) is None
    assert carried(Link(name="sim", interface="eth0", counter="interface"), net) == 14
    assert carried(Link(name="sim", interface="wwan0", counter="own"), net) is None


def test_a_modem_that_is_unplugged_is_no_error(net: Path) -> None:
    assert carried(Link(name="sim", interface="wwan7"), net) is None
    assert is_modem("wwan7", net)


def test_the_kernel_counts_on_this_machine() -> None:
    assert carried(Link(name="here", interface="lo", counter="interface")) is not None
