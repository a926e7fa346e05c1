"""Days of a node: the very same loop and desks, with modelled cameras."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from peers.simulation import BEGIN, Simulation, simulate, site_toml

from core.catalogue import overrides, pictures, slots, states
from core.catalogue.overrides import Override
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import VERBS, Role
from core.errors import BadRequest
from core.node.context import Pace
from core.simulate.cameras import Fault
from core.simulate.invariants import broken
from core.simulate.links import Outage
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.site.load import reparse

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
WHO = Who(1000, "ana", Role.ADMIN, 1)


def ask(simulation: Simulation, verb: str, **args: Any) -> Any:
    said: list[Any] = []
    simulation.site.ask(Request(verb, args, WHO, said.append))
    return said[0] if said else None


def test_a_day_of_ten_minutes_is_144_slots_each_captured_and_proven() -> None:
    world = simulate()
    world.run(days=1)
    assert world.counted() == {"captured": 144}
    assert len(world.destination.store) == 144
    assert world.broken() == []


def test_a_day_under_the_pace_of_a_real_node_is_the_same() -> None:
    world = simulate(pace=Pace())
    world.run(hours=3)
    assert world.counted() == {"captured": 18}
    assert world.site.documents >= 180
    assert world.broken() == []


def test_a_hung_camera_misses_only_its_own_slot_and_the_next_one_is_on_time() -> None:
    world = simulate(every="5m")
    world.camera.faults.append(Fault("hang", world.at("21 10:00"), world.at("21 10:05")))
    world.run(hours=2)
    assert world.counted() == {"captured": 23, "missed: camera timeout": 1}
    assert world.ledger()["21 10:00"] == "missed: camera timeout"
    assert world.at("21 10:05") in world.camera.shutters
    assert world.broken() == []


@pytest.mark.parametrize("every", [60, 90, 120, 180, 240])
def test_the_slot_after_a_hang_is_on_time_however_short_the_interval(every: int) -> None:
    begin = datetime(2026, 11, 21, tzinfo=UTC)
    world = simulate(begin=begin - SECOND, every=f"{every}s")
    world.camera.faults.append(Fault("hang", begin + 3 * every * SECOND, begin + (4 * every - 1) * SECOND))
    world.run(seconds=8 * every)
    assert world.counted() == {"captured": 7, "missed: camera timeout": 1}
    assert begin + 4 * every * SECOND in world.camera.shutters
    assert world.broken() == []


def test_a_camera_that_hangs_delays_no_other() -> None:
    world = simulate(cameras=("north", "south"), every="1m")
    world.camera.faults.append(Fault("hang", world.at("21 09:30"), world.at("21 10:30")))
    world.run(hours=2)
    assert world.counted("south") == {"captured": 120}
    assert world.counted("north")["captured"] >= 50, "ten minutes after the hour it is asked again"
    on_time = [at for at in world.site.cameras["south"].shutters if at.second == 0 and at.microsecond == 0]
    assert len(on_time) == len(world.site.cameras["south"].shutters) >= 120
    assert world.broken() == []


def test_a_picture_that_a_hang_left_on_the_camera_comes_with_the_next_shot_as_an_extra() -> None:
    world = simulate()
    world.camera.faults.append(Fault("swallow", world.at("21 10:00"), world.at("21 10:10"), times=1))
    world.run(hours=2)
    extras = [one for one in pictures.after(world.site.catalogue, 0) if one.slot is None]
    assert len(extras) == 1
    assert world.camera.card == {}
    assert world.broken() == []


def test_somebody_who_presses_the_shutter_gives_an_extra() -> None:
    world = simulate()
    world.world.at(world.at("21 10:03"), lambda: world.camera.press(world.world.now()))
    world.run(hours=2)
    extras = [one for one in pictures.after(world.site.catalogue, 0) if one.slot is None]
    assert [one.name.at for one in extras] == [world.at("21 10:03")]
    assert world.broken() == []


def test_half_a_pair_is_captured_partial_and_the_node_goes_on() -> None:
    world = simulate(shoots="raw+jpeg")
    world.camera.faults.append(Fault("half", world.at("21 10:00"), world.at("21 10:01")))
    world.run(hours=2)
    assert [one.partial for one in world.outcomes()].count(True) == 1
    assert world.counted() == {"captured": 12}
    assert world.broken() == []


def test_a_camera_that_is_gone_climbs_the_ladder_and_comes_back_down() -> None:
    world = simulate(camera='recovery = { hook = ["relay"], hook_wait = "5s" }')
    world.camera.faults.append(Fault("gone", world.at("21 10:00"), world.at("21 14:00")))
    world.run(hours=5)
    assert world.site.hook.runs, "the power hook was never tried"
    assert world.site.running.desks.shooting.posts["north"].ladder.rung > 0
    assert world.counted()["missed: camera gone"] >= 20
    world.run(hours=2)
    assert world.site.running.desks.shooting.posts["north"].ladder.rung == 0
    last_fault = max(key for key, what in world.ledger().items() if what.startswith("missed"))
    assert last_fault <= "21 14:10"
    assert world.broken() == []


def test_the_memory_of_the_ladder_survives_a_restart() -> None:
    world = simulate(camera='recovery = { hook = ["relay"], hooks_a_day = 2 }')
    world.camera.faults.append(Fault("gone", world.at("21 10:00"), world.at("22 10:00")))
    world.run(hours=5)
    before = world.site.running.desks.shooting.posts["north"].ladder
    assert len(before.hooks) == 2
    world.node.off(timedelta(minutes=5))
    world.run(minutes=30)
    after = world.site.running.desks.shooting.posts["north"].ladder
    assert after.rung == before.rung
    assert len(after.hooks) == 2
    assert len(world.site.hook.runs) == 2
    assert world.broken() == []


def test_five_hours_without_the_node_are_thirty_slots_missed_node_down() -> None:
    world = simulate()
    world.run(hours=2, minutes=2)
    world.node.off(timedelta(hours=5))
    world.run(hours=1)
    down = [when for when, what in world.ledger().items() if what == "missed: node down"]
    assert len(down) == 30
    assert (down[0], down[-1]) == ("21 11:00", "21 15:50")
    assert world.counted()["captured"] == len(world.outcomes()) - 30
    assert world.broken() == []


def test_a_power_cut_loses_nothing_that_was_on_the_disk() -> None:
    world = simulate()
    for cut_after in (301.0, 600.5, 601.9, 602.05, 603.3, 604.0):
        world.run(seconds=cut_after)
        world.node.cut()
        world.world.skip(20)
    world.run(hours=1)
    assert world.broken() == []


def test_each_start_has_a_fence_of_its_own() -> None:
    world = simulate()
    world.run(minutes=20)
    world.node.off(MINUTE)
    world.run(minutes=20)
    fences = {one.name.fence for one in pictures.after(world.site.catalogue, 0)}
    assert len(fences) == 2


def test_a_paused_camera_is_excused_before_and_across_a_stop() -> None:
    world = simulate()
    world.run(minutes=30)
    ask(world, "pause", camera="north", until=world.at("21 13:00"), reason="crane")
    world.run(hours=1)
    world.node.off(timedelta(hours=1))
    world.run(hours=2)
    excused = [when for when, what in world.ledger().items() if what.startswith("excused")]
    assert (excused[0], excused[-1], len(excused)) == ("21 09:30", "21 12:50", 21)
    assert "missed: node down" not in world.counted()
    assert world.broken() == []


def test_a_resumed_camera_shoots_again_at_its_next_slot() -> None:
    world = simulate()
    world.run(minutes=30)
    ask(world, "pause", camera="north", until=world.at("22 09:00"), reason="crane")
    world.run(hours=1)
    ask(world, "resume", camera="north")
    world.run(hours=1)
    assert sum(what.startswith("excused") for what in world.ledger().values()) == 6
    assert world.ledger()["21 10:30"] == "captured"
    assert world.broken() == []


def test_a_shot_by_hand_is_an_extra_and_takes_no_slot() -> None:
    world = simulate()
    world.run(minutes=8)
    ask(world, "capture", camera="north")
    world.run(minutes=30)
    extras = [one for one in pictures.after(world.site.catalogue, 0) if one.slot is None]
    assert len(extras) == 1
    assert world.broken() == []


@pytest.mark.parametrize(
    ("begin", "count"),
    [
        pytest.param(datetime(2026, 3, 28, 23, 0, tzinfo=UTC), 23 * 6, id="spring"),
        pytest.param(datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 25 * 6, id="autumn"),
    ],
)
def test_a_local_day_on_which_clocks_change_has_its_slots_once_each(begin: datetime, count: int) -> None:
    world = simulate(begin=begin - 30 * SECOND, zone="Europe/Paris")
    world.run(seconds=count * 600)
    assert world.counted() == {"captured": count}
    assert world.broken() == []


def test_three_sites_in_one_loop_do_not_touch_each_other() -> None:
    begin = datetime(2026, 11, 21, 8, 55, tzinfo=UTC)
    world = World(begin)
    rhythms = {"a": "10m", "b": "5m", "c": "1m"}
    sites = [SimulatedSite(world, site_toml(name=name, every=every)) for name, every in rhythms.items()]
    sites[0].cameras["north"].faults.append(Fault("hang", begin, begin + timedelta(hours=1)))
    sites[1].destinations["nas"].outages = [Outage(begin, begin + timedelta(hours=1), "hang")]
    node = SimulatedNode(world, sites)
    node.run(timedelta(minutes=1))
    sites[2].disk.others = sites[2].disk.size
    node.run(timedelta(minutes=59))
    sites[2].disk.others = 0
    node.run(timedelta(hours=1))
    assert len(sites[1].cameras["north"].taken) == 25
    assert len(sites[1].destinations["nas"].store) >= 24
    node.off(timedelta(hours=1))
    node.run(timedelta(hours=1))
    for site in sites:
        assert broken(site, begin, world.now() - MINUTE) == []


def test_telemetry_sets_a_camera_clock_that_drifts() -> None:
    world = simulate()
    world.camera.drift = 12.0
    world.run(hours=1)
    assert world.camera.drift == 0.0
    assert states.get(world.site.catalogue, "telemetry/north")["battery"] == 90


def test_a_pause_until_the_end_of_time_is_refused_and_an_old_one_ends_nothing() -> None:
    with pytest.raises(BadRequest):
        VERBS["pause"].parse({"camera": "north", "until": "9999-12-31T23:59:59.999999Z", "reason": "works"})
    world = simulate()
    world.run(minutes=2)
    overrides.add(
        world.site.catalogue,
        Override(camera="north", at=1, what="pause", who="ana", until=253_402_300_800_000, why="an older program"),
    )
    world.run(hours=1)
    world.node.off(MINUTE)
    world.run(hours=1)
    assert set(world.counted()) == {"excused: paused by ana"}


def test_a_camera_that_a_reload_adds_owes_nothing_from_before() -> None:
    world = simulate()
    world.run(days=3)
    both = site_toml(cameras=("north", "south"))
    world.site.plug_in(reparse(both).camera[1])
    assert "done" in world.site.reload(both)
    world.run(seconds=30)
    world.node.off(MINUTE)
    world.run(minutes=30)
    assert world.counted("south") == {"captured": 3}


def test_a_folder_in_which_nothing_comes_is_looked_into_at_each_slot_and_told_once() -> None:
    text = site_toml(every="1m").replace('kind = "gphoto2"', 'kind = "folder"\npath = "drop"')
    world = simulate()
    site = SimulatedSite(world.world, text, pace=world.site.pace)
    node = SimulatedNode(world.world, [site], longest_sleep=600)
    begin = world.world.now()
    site.cameras["north"].faults.append(Fault("gone", begin, begin + 90 * MINUTE))
    node.run(timedelta(hours=2))
    caught = [one for one in slots.between(site.catalogue, "north", -(2**40), 2**40) if one.outcome == "captured"]
    assert len(caught) >= 29, "from the first slot on at which something lies there"
    assert len(site.told("shot failed")) <= 2


class SlowWorld(World):
    """A machine on which everything takes a while: each look at the clock finds it 0.13 s later."""

    def now(self) -> datetime:
        self._advance(self._monotonic + 0.13)
        return super().now()


def test_a_start_that_takes_long_leaves_no_slot_out() -> None:
    world = SlowWorld(BEGIN)
    site = SimulatedSite(world, site_toml(destinations=(), every="1s", routes=""))
    site.cameras["north"].seconds = 0.1
    node = SimulatedNode(world, [site])
    for _ in range(6):
        node.run(timedelta(seconds=11))
        node.stop()
    rows = [row.slot for row in slots.between(site.catalogue, "north", 0, 2**40)]
    assert rows == list(range(rows[0], rows[0] + len(rows)))
