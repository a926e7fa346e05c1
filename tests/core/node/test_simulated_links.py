"""Destinations that fail in every way, seen by the very same loop: all is delivered, nothing waits for another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from peers.simulation import Simulation, simulate, site_toml

from core.catalogue import buffer, deliveries
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import VERBS, Role
from core.node.context import Pace
from core.node.jobs import Worker
from core.simulate.disk import File
from core.simulate.links import Outage, SimulatedDestination, Trouble
from core.site.load import reparse
from core.values import PictureName, Sha256

MINUTE = timedelta(minutes=1)
LIVE = """
[[route]]
what = ["jpeg"]
to = "nas"
[[route]]
what = ["jpeg"]
to = "nas"
live = "{camera}.jpg"
required = false
"""

QUICK = Pace(judge=60, plan=600, plan_soon=60, report=3600, report_soon=3600)


def archived(destination: SimulatedDestination) -> list[datetime]:
    """Return the instants of the pictures that came, in the order in which they came."""
    names = [arrival.name.rpartition("/")[2] for arrival in destination.arrivals if "_" in arrival.name]
    return [PictureName.parse(name).at for name in names]


def test_three_weeks_without_a_link_and_then_all_is_delivered_oldest_first() -> None:
    world = simulate(every="1h")
    back = world.begin + timedelta(days=21)
    world.destination.outages = [Outage(world.begin, back)]
    world.run(days=21)
    assert world.destination.store == {}
    assert deliveries.backlog(world.site.catalogue, "nas")[0] == 21 * 24
    world.run(hours=3)
    came = archived(world.destination)
    assert len(came) >= 21 * 24 + 2
    assert came == sorted(came)
    assert world.broken() == []


def test_after_an_outage_the_live_picture_comes_first_and_only_the_newest() -> None:
    world = simulate(routes=LIVE)
    world.run(minutes=10)
    world.destination.outages = [Outage(world.world.now(), world.begin + timedelta(days=1))]
    world.run(hours=23, minutes=50)
    before = len(world.destination.arrivals)
    world.run(hours=1)
    came = world.destination.arrivals[before:]
    live = [number for number, arrival in enumerate(came) if arrival.name == "north.jpg"]
    assert live[0] == 0, "a person looks at the live picture first"
    assert len(live) <= 7, "one for what was missed, and one for each slot since"
    assert len(archived(world.destination)) >= 144
    newest = world.site.destinations["nas"].store["north.jpg"]
    assert newest.sha256 == world.site.cameras["north"]._last["jpeg"]
    assert world.broken() == []


def test_the_status_document_says_how_good_a_link_is_by_what_its_deliveries_measured() -> None:
    link = '[[node.link]]\nname = "sim"\n'
    world = simulate(node=link, destination='chunk = "4MB"\nlink = "sim"')
    world.destination.latency, world.destination.loses = 0.4, 0.05
    world.run(hours=2)
    reporting = world.site.running.desks.reporting
    quality = reporting.document()["links"][0]["quality"]
    assert (quality["trip"], quality["loss"]) == (0.4, 5.0)
    world.destination.outages = [Outage(world.world.now(), world.begin + timedelta(days=1))]
    world.run(hours=2)
    assert "quality" not in reporting.document()["links"][0]


def test_a_broken_picture_never_replaces_the_last_good_one() -> None:
    world = simulate(routes=LIVE)
    world.site.images.broken = frozenset({2, 3})
    world.run(minutes=10)
    good = world.destination.store["north.jpg"]
    world.run(minutes=20)
    assert world.site.told("picture broken")
    assert world.destination.store["north.jpg"] == good
    assert len(archived(world.destination)) == 3, "the archive keeps what the camera gave"
    world.run(minutes=10)
    assert world.destination.store["north.jpg"] != good
    assert world.broken() == []


def test_a_broken_picture_does_not_pull_the_good_one_that_waits_out_of_the_queue() -> None:
    world = simulate(routes=LIVE, every="1h")
    world.site.images.broken = frozenset({2})
    world.destination.outages = [Outage(world.begin, world.at("21 10:05"))]
    world.run(minutes=115)
    first = world.site.catalogue.value("SELECT sha256 FROM picture ORDER BY at LIMIT 1")
    assert world.destination.store["north.jpg"].sha256 == first.hex()
    assert world.broken() == []


@pytest.mark.parametrize("trouble", ["out", "hang", "refuse", "full", "lie"])
def test_a_destination_in_trouble_delays_no_other_and_gets_all_in_the_end(trouble: Trouble) -> None:
    world = simulate(destinations=("nas", "home"))
    bad, good = world.site.destinations["nas"], world.site.destinations["home"]
    bad.outages = [Outage(world.at("21 10:00"), world.at("21 16:00"), trouble)]
    world.run(hours=6)
    newest = max(PictureName.parse(arrival.name.rpartition("/")[2]).at for arrival in good.arrivals)
    assert world.world.now() - newest < 15 * MINUTE
    assert all(arrival.at - at < MINUTE for arrival, at in zip(good.arrivals, archived(good), strict=True))
    world.run(hours=8)
    assert len(bad.store) == len(good.store)
    assert world.broken() == []


def test_a_full_destination_takes_the_rest_when_it_has_room_again() -> None:
    world = simulate(shoots="raw+jpeg")
    world.destination.outages = [Outage(world.at("21 10:00"), world.at("22 10:00"), "full")]
    world.run(days=2)
    assert len(world.destination.store) >= 2 * 2 * 143
    assert world.site.told("destination trouble")
    assert world.site.told("destination back")
    assert world.broken() == []


def test_a_cut_transfer_goes_on_at_its_byte() -> None:
    world = simulate(shoots="raw")
    world.destination.rate = 200_000
    world.destination.outages = [Outage(world.at("21 09:01"), world.at("21 09:05"))]
    world.run(minutes=60)
    world.destination.outages = [Outage(world.begin, world.begin)]
    world.run(minutes=30)
    whole = sum(file.size for file in world.destination.store.values())
    assert len(world.destination.store) >= 7
    assert world.destination.bytes < whole + 2 * 24_000_000, "at most what is on its way, and one chunk sent again"
    assert world.broken() == []


def test_a_destination_that_says_it_has_what_it_has_not_is_sent_it_again() -> None:
    world = simulate()
    world.destination.outages = [Outage(world.at("21 10:00"), world.at("21 10:00") + MINUTE, "lie")]
    world.run(hours=2)
    assert len(world.destination.store) == 12
    assert all("~" not in name for name in world.destination.store)
    assert world.broken() == []


def test_another_object_under_our_name_stays_and_ours_goes_beside_it() -> None:
    world = simulate()
    world.run(minutes=1)
    name = f"quarry/north/2026/11/21/north_20261121T090000Z_unit1_{world.site.fence}.jpg"
    world.destination.store[name] = File(77, Sha256("0" * 64))
    world.run(hours=2)
    assert world.destination.store[name].size == 77
    assert any(key.startswith(name.removesuffix(".jpg") + "~") for key in world.destination.store)
    assert len(world.destination.store) == 13
    assert world.broken() == []


def test_a_site_without_a_destination_keeps_all_and_counts_it_as_unproven() -> None:
    world = simulate(destinations=())
    world.run(hours=3)
    assert world.site.document["at_risk"]["pictures"] >= 18
    assert world.broken() == []


def test_a_link_with_a_rate_is_never_faster_on_average() -> None:
    world = simulate(shoots="raw", every="1h", node='[[node.link]]\nname = "lte"\nrate = "20kB/s"\n')
    world.destination.rate = 10e6
    lte = site_toml(shoots="raw", every="1h", node='[[node.link]]\nname = "lte"\nrate = "20kB/s"\n')
    world.run(seconds=1)
    world.site.reload(lte.replace('chunk = "4MB"', 'chunk = "32kB"\nlink = "lte"'))
    world.run(hours=10)
    assert 0.9 <= world.destination.bytes / (20_000 * 36_000) <= 1.01 or len(world.destination.store) >= 10
    assert world.broken() == []


def test_a_route_changed_by_a_reload_applies_from_the_next_picture() -> None:
    nas = '[[route]]\nwhat = ["jpeg"]\nto = "nas"\n'
    home = '[[route]]\nwhat = ["jpeg"]\nto = "home"\n'
    world = simulate(destinations=("nas", "home"), routes=nas)
    world.run(hours=1)
    assert "done" in world.site.reload(site_toml(destinations=("nas", "home"), routes=nas + home))
    world.run(hours=1)
    nas_at, home_at = archived(world.site.destinations["nas"]), archived(world.site.destinations["home"])
    assert len(nas_at) == 12
    assert home_at == [at for at in nas_at if at > world.begin + timedelta(hours=1)]
    assert world.broken() == []


@pytest.mark.parametrize("stopped", [False, True], ids=["reload", "restart"])
def test_a_destination_that_is_called_otherwise_gets_what_waited_for_it_and_goes_on_at_the_byte(stopped: bool) -> None:
    world = simulate(destination='chunk = "500kB"')
    place = world.destination
    place.rate = 8_000.0
    world.site.others[Worker("destination", "shelf")] = place
    world.run(minutes=32)
    assert 0 < len(place.store) < 4
    renamed = site_toml(destination='chunk = "500kB"').replace('"nas"', '"shelf"')
    if stopped:
        world.node.cut()
        world.site.site = reparse(renamed)
    else:
        assert "done" in world.site.reload(renamed)
    world.run(hours=2)
    assert len(world.site.told("deliveries withdrawn")) == 1
    assert "they go to shelf, which is the same place" in world.site.told("deliveries withdrawn")[0]
    place.rate = 1e6
    world.run(hours=1)
    assert len(place.store) == len(world.ledger())
    sent = sum(file.size for file in place.store.values())
    assert place.bytes <= sent + 500_000, "what had come of one was not sent again"


def test_a_destination_taken_out_by_a_reload_in_the_middle_of_a_transfer_stops_nothing() -> None:
    world = simulate(destinations=("nas", "home"), shoots="raw")
    world.site.destinations["nas"].rate = 100_000
    world.run(minutes=6)
    only = site_toml(destinations=("home",), shoots="raw")
    assert "done" in world.site.reload(only)
    world.run(hours=1)
    assert len(world.site.destinations["home"].store) >= 6
    back = site_toml(destinations=("nas", "home"), shoots="raw")
    assert "done" in world.site.reload(back)
    world.run(hours=2)
    assert len(world.site.destinations["nas"].store) == 11, "10:10 to 11:50"
    assert world.broken() == []


RECIPE = """
[[recipe]]
name = "web"
steps = [{ resize = "1920x1280" }]
[[route]]
what = ["web"]
to = "nas"
"""


def test_renditions_are_made_and_delivered_beside_the_originals() -> None:
    world = simulate(extra=RECIPE)
    world.run(hours=2)
    assert sum(name.endswith(".web.jpg") for name in world.destination.store) == 12
    assert world.broken() == []


def test_an_image_child_that_hangs_delays_neither_captures_nor_originals() -> None:
    world = simulate(extra=RECIPE)
    world.site.images.outages = [Outage(world.at("21 10:00"), world.at("21 11:00"), "hang")]
    world.run(hours=4)
    assert world.counted() == {"captured": 24}
    originals = [arrival for arrival in world.destination.arrivals if ".web." not in arrival.name]
    late = [arrival.at - PictureName.parse(arrival.name.rpartition("/")[2]).at for arrival in originals]
    assert max(late) < MINUTE
    assert world.broken() == []


def test_a_stop_in_the_middle_of_a_transfer_goes_on_there_at_the_next_start() -> None:
    world = simulate(shoots="raw", every="1h")
    world.destination.rate = 100_000
    world.run(minutes=7)
    world.node.off(MINUTE)
    world.run(minutes=20)
    assert len(world.destination.store) == 1
    assert world.destination.bytes == 24_000_000
    assert world.broken() == []


OPTIONAL = """
[[route]]
what = ["jpeg"]
to = "nas"
[[route]]
what = ["jpeg"]
to = "slow"
required = false
"""


def test_a_picture_that_leaves_while_its_optional_copy_is_sent_ends_nothing() -> None:
    node = '[node.buffer]\nkeep_free = "1GB"\nwhen_full = "thin"\n'
    world = simulate(destinations=("nas", "slow"), routes=OPTIONAL, node=node, pace=QUICK)
    world.site.destinations["slow"].rate = 12_000
    world.site.disk.size = 1_300_000_000
    world.run(days=2)
    assert buffer.deletions(world.site.catalogue, 1)
    assert world.counted()["captured"] == len(world.outcomes())
    assert world.broken() == []


def test_a_destination_that_is_taken_out_while_its_receipt_waits_ends_nothing() -> None:
    world = simulate(destinations=("nas", "home"), pace=QUICK)
    world.run(minutes=5)
    while not world.site.destinations["home"].arrivals:
        world.run(seconds=0.1)
    assert "done" in world.site.reload(site_toml(destinations=("nas",)))
    world.run(hours=1)
    assert world.counted() == {"captured": 7}
    assert world.broken() == []


def test_a_link_that_only_another_node_has_holds_nothing_up() -> None:
    text = '[[node]]\nname = "fr"\n[[node.link]]\nname = "lan"\n'
    camera = 'primary = "unit1"\n'
    world = simulate(routes="", camera=camera, extra=f'[[route]]\nwhat = ["jpeg"]\nto = "nas"\n{text}')
    site = site_toml(routes="", camera=camera, extra=f'[[route]]\nwhat = ["jpeg"]\nto = "nas"\n{text}')
    world.run(minutes=1)
    world.site.reload(site.replace('name = "nas"\n', 'name = "nas"\nlink = "lan"\n'))
    world.run(hours=1)
    assert len(world.destination.store) == 6
    assert world.broken() == []


def test_progress_that_cannot_be_noted_does_not_stop_the_transfer() -> None:
    world = simulate(shoots="raw", pace=QUICK)
    world.destination.rate = 200_000
    world.run(minutes=5, seconds=40)
    world.site.catalogue.failing = frozenset({world.site.catalogue.statements + 1})
    world.run(hours=3)
    assert len(world.destination.store) >= 17
    assert world.broken() == []


def test_a_destination_that_was_paused_stays_paused_across_a_stop() -> None:
    world = simulate(pace=QUICK)
    world.run(minutes=2)
    world.site.running.desks.delivering.pause("nas", world.at("21 12:00"))
    world.run(hours=1)
    world.node.off(timedelta(minutes=5))
    world.run(hours=1)
    assert world.destination.arrivals == []
    world.run(hours=2)
    assert len(world.destination.store) >= 20
    assert world.broken() == []


def test_a_rendition_that_is_gone_before_it_was_sent_is_made_again() -> None:
    world = simulate(extra=RECIPE, pace=QUICK)
    world.destination.outages = [Outage(world.begin, world.at("21 11:00"))]
    world.run(hours=1)
    world.site.images.made.clear()
    world.run(hours=5)
    assert deliveries.backlog(world.site.catalogue, "nas")[0] == 0
    assert world.broken() == []


def test_a_rebuild_after_a_name_conflict_asks_for_nothing_again() -> None:
    world = simulate(pace=QUICK)
    name = f"quarry/north/2026/11/21/north_20261121T090000Z_unit1_{world.site.fence}.jpg"
    name = name.replace(str(world.site.fence), "1-1")
    world.destination.store[name] = File(5, Sha256("0" * 64))
    world.run(hours=2)
    assert len(world.site.told("name conflict")) == 1
    assert world.site.rebuilt()[1].queued == 0


# --- several at once


def backlog_carried_in(lanes: int) -> timedelta:
    """Return how long half a day's small files take over a link of long round trips."""
    world = simulate(every="10m", destination=f"lanes = {lanes}")
    world.camera.sizes["jpeg"] = 200_000
    world.destination.latency, world.destination.rate = 6.0, 100e6
    world.destination.outages = [Outage(world.begin, world.begin + timedelta(hours=12))]
    world.run(hours=13)
    came = [arrival.at for arrival in world.destination.arrivals if arrival.at < world.begin + timedelta(hours=12.9)]
    assert len(came) >= 72
    assert world.broken() == []
    return came[71] - came[0]


def test_files_side_by_side_share_the_round_trips() -> None:
    assert backlog_carried_in(4) < backlog_carried_in(1) / 3


def test_a_live_picture_overtakes_what_is_on_its_way() -> None:
    raw = """
[[route]]
what = ["raw"]
to = "nas"
"""
    world = simulate(routes=raw + LIVE, shoots="raw+jpeg", destination='lanes = 2\nchunk = "1MB"')
    world.destination.rate = 40_000.0  # a RAW takes longer than a slot
    world.run(hours=2)
    live = [arrival for arrival in world.destination.arrivals if arrival.name == "north.jpg"]
    raws = [arrival for arrival in world.destination.arrivals if arrival.name.endswith((".cr2", ".nef", ".raw"))]
    assert len(live) >= 11, "each slot's live picture came before the next slot"
    assert raws, "and the archive went on beside"


def test_a_cut_in_the_middle_of_a_file_goes_on_at_the_byte_however_little_has_gone() -> None:
    world = simulate(destination='chunk = "500kB"')
    world.destination.rate = 50_000.0
    world.run(minutes=5, seconds=30)
    assert 0 < world.destination.bytes < 2_000_000, "it is cut in the middle of the first picture"
    world.destination.outages = [Outage(world.world.now(), world.world.now() + timedelta(minutes=5))]
    world.run(hours=2, minutes=5)
    assert len(world.destination.store) > 3
    assert world.destination.bytes == sum(file.size for file in world.destination.store.values()), "nothing went twice"


def test_a_trouble_that_ends_several_files_counts_once() -> None:
    world = simulate(destination="lanes = 4")
    world.camera.sizes["jpeg"] = 200_000
    world.destination.outages = [Outage(world.begin, world.begin + timedelta(hours=3), "full")]
    world.run(hours=3)
    world.destination.latency = 30.0
    assert world.site.part is not None
    station = world.site.part.desks.delivering.stations["nas"]
    until = world.world.now() + timedelta(hours=2)
    while (len(station.sending) < 4 or station.trouble) and world.world.now() < until:
        world.run(seconds=5)
    assert len(station.sending) == 4
    world.destination.outages = [Outage(world.world.now(), world.begin + timedelta(days=1))]
    while station.sending:
        world.run(seconds=1)
    assert station.trouble is not None
    assert station.trouble.failures == 2, "the four files together, and the knock at once after them"


def test_a_server_that_allows_fewer_files_at_once_gets_fewer_and_nobody_is_told() -> None:
    world = simulate(destination="lanes = 4")
    world.camera.sizes["jpeg"] = 200_000
    world.destination.allows, world.destination.latency = 2, 5.0
    world.destination.outages = [Outage(world.begin, world.begin + timedelta(hours=3))]
    world.run(hours=5)
    assert len(world.destination.store) >= 29
    assert len(world.site.told("destination trouble")) == 1, "the outage"
    assert len(world.site.told("destination back")) == 1


def test_what_comes_through_to_one_place_is_a_sign_for_the_others_on_its_link() -> None:
    world = simulate(destinations=("fr", "ca"))
    fr, ca = world.site.destinations["fr"], world.site.destinations["ca"]
    fr.outages = ca.outages = [Outage(world.begin, world.begin + timedelta(hours=20, minutes=1))]
    world.run(hours=21)
    assert abs(fr.arrivals[0].at - ca.arrivals[0].at) < MINUTE


def asked(world: Simulation, verb: str, **args: object) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    world.site.ask(Request(verb, VERBS[verb].parse(args), Who(1000, "anna", Role.OPERATE, 1), said.append))
    return said[0]


def test_a_delivery_that_an_operator_prioritises_goes_before_all_older_ones() -> None:
    world = simulate(routes=LIVE)
    world.destination.outages = [Outage(world.begin, world.begin + timedelta(hours=10))]
    world.run(hours=9)
    waiting = deliveries.queue(world.site.catalogue, "nas", 100)
    live = next(one for one in waiting if one.priority == deliveries.Priority.LIVE)
    newest = max((one for one in waiting if one is not live and one.state == "queued"), key=lambda one: one.at)
    done = asked(world, "prioritise", delivery=newest.id, **{"class": "thumbnail"})["done"]
    assert done == {"delivery": newest.id, "was": "jpeg", "class": "thumbnail"}
    assert asked(world, "prioritise", delivery=live.id, **{"class": "raw"})["error"] == "Forbidden"
    assert asked(world, "prioritise", delivery=10**9, **{"class": "raw"})["error"] == "NoSuchThing"
    before = len(archived(world.destination))
    world.run(hours=4)
    came = archived(world.destination)[before:]
    assert came[0] == newest.name.at
    assert came[1:] == sorted(came[1:])
    assert asked(world, "prioritise", delivery=newest.id, **{"class": "raw"})["error"] == "Forbidden"
