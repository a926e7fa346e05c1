"""Clocks that stand at 1970, jump and go back: no slot is shot twice, nothing is overwritten or thrown away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from peers.simulation import Simulation, simulate

from core.catalogue import buffer, pictures
from core.catalogue.pictures import Picture
from core.node.context import Pace
from core.simulate.links import Outage

HOUR = timedelta(hours=1)
QUICK = Pace(judge=60, plan=600, plan_soon=60, report=3600, report_soon=3600)


def extras(simulation: Simulation) -> list[Picture]:
    return [one for one in pictures.after(simulation.site.catalogue, 0) if one.slot is None]


def taken(simulation: Simulation) -> list[datetime]:
    return [one.name.at for one in pictures.after(simulation.site.catalogue, 0)]


def test_a_start_in_1970_that_finds_the_time_later_shoots_on_and_marks_what_it_took() -> None:
    world = simulate(begin=datetime(1970, 1, 1, 0, 3, tzinfo=UTC), synchronised=False, pace=QUICK)
    world.run(hours=2)
    world.world.jump(datetime(2026, 11, 21, 9, 3, tzinfo=UTC) - world.world.now())
    world.site.synchronised = True
    now = world.world.now()
    world.run(hours=2)
    found = list(pictures.after(world.site.catalogue, 0))
    assert [one.trusted for one in found].count(False) >= 12
    assert all(one.trusted for one in found if one.name.at > now + timedelta(minutes=2))
    assert len(found) >= 23
    assert world.broken(since=now) == []


def test_a_jump_far_ahead_without_trust_and_back_misses_nothing_of_the_real_time() -> None:
    world = simulate(pace=QUICK)
    world.run(hours=2)
    world.site.synchronised = False
    world.run(minutes=3)
    world.world.jump(timedelta(days=400))
    world.run(hours=1)
    world.world.jump(-timedelta(days=400))
    world.site.synchronised = True
    world.run(hours=2)
    ledger = world.ledger()
    now = world.at("21 13:50")
    assert world.broken(since=world.begin, until=world.begin + 2 * HOUR) == []
    late = [what for when, what in ledger.items() if "21 12:10" <= when <= "21 13:40"]
    assert late, "after the jump back the real slots are shot again"
    assert set(late) == {"captured"}
    assert buffer.deletions(world.site.catalogue, 1) == []
    in_the_wrong_year = [what for when, what in ledger.items() if "21 11:00" <= when <= "21 11:50"]
    assert in_the_wrong_year == ["missed: clock"] * 6
    assert world.broken(until=now) == []


def test_an_hour_back_repeats_slots_as_extras_and_no_slot_is_shot_twice() -> None:
    world = simulate(pace=QUICK)
    world.run(hours=3, minutes=3)
    world.world.jump(-HOUR)
    world.run(hours=3)
    assert 5 <= len(extras(world)) <= 7
    assert world.broken() == []
    rhythm = sorted(world.camera.taken.values())
    assert len(rhythm) >= 35, "the camera kept its rhythm"


def test_an_hour_ahead_is_missed_by_its_cause() -> None:
    world = simulate(pace=QUICK)
    world.run(hours=2, minutes=2)
    world.world.jump(HOUR)
    world.run(hours=1)
    assert world.counted()["missed: node down"] in (5, 6)
    assert world.broken() == []


def test_a_clock_that_is_not_trusted_deletes_nothing_by_age() -> None:
    node = '[node.buffer]\nkeep_free = "1GB"\nkeep = "5d"\n'
    world = simulate(node=node, every="1h", pace=QUICK)
    world.run(days=7)
    before = len(buffer.deletions(world.site.catalogue, 10**6))
    assert before >= 40
    world.site.synchronised = False
    world.run(days=1)
    assert len(buffer.deletions(world.site.catalogue, 10**6)) == before
    assert any("clock not trusted" in text for text in world.site.told("retention held"))
    world.site.synchronised = True
    world.run(hours=2)
    assert len(buffer.deletions(world.site.catalogue, 10**6)) > before
    assert world.broken() == []


def test_a_trusted_clock_that_jumps_a_year_ahead_does_not_empty_the_buffer() -> None:
    node = '[node.buffer]\nkeep_free = "1GB"\nkeep = "30d"\n'
    world = simulate(node=node, every="1h", pace=QUICK)
    world.run(days=10)
    world.world.jump(timedelta(days=365))
    world.run(hours=2)
    assert buffer.deletions(world.site.catalogue, 10**6) == []


def test_a_stop_across_a_clock_that_went_back_shoots_no_slot_twice() -> None:
    world = simulate(pace=QUICK)
    world.run(hours=3, minutes=3)
    world.node.stop()
    world.world.jump(-HOUR)
    world.run(hours=3)
    assert len(extras(world)) >= 5
    assert world.broken() == []


def test_deliveries_go_on_while_the_clock_jumps() -> None:
    world = simulate(pace=QUICK)
    world.destination.outages = [Outage(world.begin, world.at("21 10:00"))]
    world.run(minutes=63)
    world.world.jump(-HOUR)
    world.destination.outages = []
    world.run(minutes=30)
    assert len(world.destination.store) >= 6, "what waits for its next try waits no hour longer for it"
    world.world.jump(3 * HOUR)
    world.run(hours=1)
    assert world.broken() == []


def test_two_cameras_do_not_vouch_for_a_clock_that_was_set_after_they_were_read() -> None:
    world = simulate(pace=QUICK, synchronised=False, cameras=("north", "south"))
    world.run(minutes=30)
    assert world.site.running.context.trust.trusted, "both cameras agree with it"
    world.world.jump(timedelta(days=400))
    world.run(seconds=90)
    assert not world.site.running.context.trust.trusted
