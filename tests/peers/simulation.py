"""A simulated node for tests: sites said in a few words, on a clock that jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.catalogue import slots
from core.catalogue.slots import Outcome
from core.node.context import Pace
from core.simulate.cameras import SimulatedCamera
from core.simulate.invariants import broken
from core.simulate.links import SimulatedDestination
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.values import seconds_of, utc

BEGIN = datetime(2026, 11, 21, 8, 55, tzinfo=UTC)
CALM = Pace(judge=600, reckon=86_400, plan=3600, plan_soon=600, report=3600, report_soon=3600)  # for long times


def site_toml(
    cameras: Sequence[str] = ("north",),
    destinations: Sequence[str] = ("nas",),
    *,
    every: str = "10m",
    shoots: str = "jpeg",
    zone: str = "UTC",
    name: str = "quarry",
    routes: str | None = None,
    head: str = "",
    camera: str = "",
    schedule: str = "",
    node: str = "",
    destination: str = 'chunk = "4MB"',
    extra: str = "",
) -> str:
    """Return a site.toml: every camera alike, everything required everywhere."""
    kinds = ", ".join(f'"{kind}"' for kind in shoots.split("+"))
    text = f'version = 1\n[site]\nname = "{name}"\nzone = "{zone}"\ndata = "data"\n{head}\n'
    text += f'[[node]]\nname = "unit1"\n{node}\n'
    for one in cameras:
        text += f'[[camera]]\nname = "{one}"\nshoots = "{shoots}"\n{camera}\n[camera.source]\nkind = "gphoto2"\n'
        text += f'[[camera.schedule]]\nevery = "{every}"\n{schedule}\n'
    for one in destinations:
        text += f'[[destination]]\nname = "{one}"\naddress = "folder:/{one}"\n{destination}\n'
    if routes is None:
        routes = "".join(f'[[route]]\nwhat = [{kinds}]\nto = "{one}"\n' for one in destinations)
    return text + routes + extra


@dataclass
class Simulation:
    """One node with one site."""

    world: World
    node: SimulatedNode
    site: SimulatedSite
    begin: datetime

    @property
    def camera(self) -> SimulatedCamera:
        return next(iter(self.site.cameras.values()))

    @property
    def destination(self) -> SimulatedDestination:
        return next(iter(self.site.destinations.values()))

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    def outcomes(self, camera: str = "north") -> list[Outcome]:
        return slots.between(self.site.catalogue, camera, -(2**40), 2**40)

    def ledger(self, camera: str = "north") -> dict[str, str]:
        """Return {"21 09:00": "captured"...}, a miss with its cause."""
        return {
            f"{utc(one.slot):%d %H:%M}": one.outcome if not one.cause else f"{one.outcome}: {one.cause.split(':')[0]}"
            for one in self.outcomes(camera)
        }

    def counted(self, camera: str = "north") -> dict[str, int]:
        found: dict[str, int] = {}
        for what in self.ledger(camera).values():
            found[what] = found.get(what, 0) + 1
        return found

    def broken(self, since: datetime | None = None, until: datetime | None = None) -> list[str]:
        """Return the broken promises; a slot that was due in the last minute may still be in hand."""
        end = until or self.world.now() - timedelta(minutes=2)
        return broken(self.site, since or self.begin, end)

    def at(self, text: str) -> datetime:
        """Return "21 09:00" of the month in which the simulation begins."""
        return datetime.strptime(f"{self.begin:%Y %m} {text}", "%Y %m %d %H:%M").replace(tzinfo=UTC)

    def seconds(self, text: str) -> int:
        return seconds_of(self.at(text))


def simulate(begin: datetime = BEGIN, pace: Pace | None = None, synchronised: bool = True, **words: Any) -> Simulation:
    """Return a simulation of the words of `site_toml`; `pace` None is that of long times."""
    world = World(begin)
    site = SimulatedSite(world, site_toml(**words), synchronised=synchronised, pace=pace or CALM)
    return Simulation(world, SimulatedNode(world, [site], longest_sleep=site.pace.judge), site, begin)
