"""Two simulated nodes, one that takes in what the other delivers, through cuts of either and of the link."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from peers.simulation import BEGIN, CALM, site_toml

from core.catalogue import deliveries, pictures, receipts, slots, states
from core.catalogue.pictures import Picture
from core.node.keeping.outlook import ANNOUNCED, look
from core.retention.model import Space
from core.simulate.disk import File
from core.simulate.handover import SimulatedDrop, hand_on
from core.simulate.invariants import broken, every, lost, not_rebuilt, twice, unproven
from core.simulate.links import Outage, outages_at_random
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.transfer import drops
from core.values import Fence, PictureName, Sha256

TEXT = site_toml(
    destinations=(),
    shoots="raw+jpeg",
    every="30m",
    camera='primary = "unit1"',
    routes="",
    extra="""
[[node]]
name = "fr"
kind = "cloud"
inbox = "/inbox"
[[recipe]]
name = "web"
steps = [{ resize = "1920x1280" }]
[[destination]]
name = "fr"
node = "fr"
address = "folder:/inbox/unit1"
[[destination]]
name = "nas"
address = "folder:/nas"
[[route]]
what = ["raw", "jpeg"]
to = "fr"
[[route]]
at = "fr"
what = ["raw", "jpeg"]
to = "nas"
[[route]]
what = ["web"]
to = "nas"
""",
)


PACE = replace(CALM, drop=120.0)


class Watched(SimulatedDrop):
    """Looks at each receipt that goes back: what it tells of must be in the taker's day book, durably."""

    def __init__(self, taker: SimulatedSite) -> None:
        super().__init__()
        self.site = taker
        self.told = 0
        self.too_early: list[drops.Json] = []

    def settle(self, put: Iterable[drops.Json], remove: Iterable[str]) -> drops.Json:
        for one in put:
            if f"/{drops.RECEIPTS}/" in one["name"]:
                said = [line for line in drops.unpack(base64.b64decode(one["data"])) if "s" in line]
                self.told += len(said)
                known = booked(self.site)
                self.too_early += [line for line in said if line["s"] not in known]
        return super().settle(put, remove)


class Pair:
    def __init__(self, text: str = TEXT) -> None:
        self.world = World(BEGIN)
        self.unit = SimulatedSite(self.world, text, pace=PACE)
        self.fr = SimulatedSite(self.world, text, pace=PACE, node="fr")
        self.drop = Watched(self.fr)
        hand_on(self.world, self.unit, "fr", self.fr, self.drop)
        self.node = SimulatedNode(self.world, [self.unit, self.fr])

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))


def ledger(site: SimulatedSite) -> set[slots.Outcome]:
    return set(slots.between(site.catalogue, "north", -(2**40), 2**40))


def facts(found: Iterable[Picture]) -> set[object]:
    """Return what both must know of a picture."""
    return {(one.name, one.slot, one.index, one.shutter, one.source_time, one.sha256) for one in found}


def assert_all_is_there(pair: Pair) -> None:
    pair.run(minutes=10)  # what was shot just now gets there
    assert broken(pair.unit, BEGIN, pair.world.now() - timedelta(minutes=2)) == []
    for promise in (lost, twice, unproven, not_rebuilt):
        assert list(promise(pair.fr)) == [], promise.__name__
    ours = {one.name: one for one in every(pair.unit.catalogue)}
    theirs = {one.name: one for one in every(pair.fr.catalogue)}
    assert ours
    assert ours.keys() == theirs.keys()
    assert facts(ours.values()) == facts(theirs.values())
    assert ledger(pair.unit) == ledger(pair.fr)
    heard = pair.world.now() - timedelta(hours=2)  # copies further on are heard of with the next that is sent
    for picture in ours.values():
        if picture.name.at > heard:
            continue
        copies = {one.destination for one in receipts.of_picture(pair.unit.catalogue, picture.id)}
        assert copies == {"fr", "nas"}
    assert pair.drop.files == {}


def test_a_day_reaches_the_second_node_and_the_unit_hears_of_every_copy() -> None:
    pair = Pair(TEXT.replace('name = "unit1"\n', 'name = "unit1"\ncheck_in = "24h"\n', 1))
    pair.run(days=1)
    assert_all_is_there(pair)
    taken = len(list(every(pair.unit.catalogue)))
    assert taken == 98
    assert pair.unit.images.made == {}, "renditions are made where the originals go anyway"
    assert len([name for name in pair.fr.destinations["nas"].store if name.endswith(".web.jpg")]) == 49
    assert pair.drop.batched / 49 < 900, "bytes of lines and receipts for each slot of a pair"


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_cut_nothing_is_lost_or_doubled(seed: int) -> None:
    pair, dice = Pair(), random.Random(seed)
    end = BEGIN + timedelta(days=1)
    outages = outages_at_random(seed, BEGIN, end, timedelta(hours=3), timedelta(hours=2))
    pair.unit.destinations["fr"].outages = [one for one in outages if one.what != "full"]
    pair.fr.destinations["nas"].outages = outages_at_random(
        seed + 100, BEGIN, end, timedelta(hours=7), timedelta(hours=3)
    )
    pair.run(minutes=1)
    while pair.world.now() < end:
        pair.run(minutes=240 * dice.random())
        pair.node.cut_one(dice.choice((pair.unit, pair.fr)))
    pair.run(hours=9)
    assert_all_is_there(pair)
    assert pictures.newest(pair.fr.catalogue, "north") is not None


def booked(site: SimulatedSite) -> set[str]:
    """Return the hashes of the pictures of which a durable line tells."""
    return {
        str(line.fields["sha256"]) for line in site.disk.lines() if line.fields and line.fields["line"] == "picture"
    }


def proven(site: SimulatedSite, destination: str) -> set[str]:
    """Return the hashes of the originals that are proven at a destination."""
    return {
        str(one.sha256)
        for picture in every(site.catalogue)
        for one in receipts.of_picture(site.catalogue, picture.id)
        if one.destination == destination and not one.rendition
    }


def test_no_receipt_goes_back_before_a_failing_disk_has_the_picture() -> None:
    pair, dice = Pair(), random.Random(11)
    pair.run(minutes=1)
    pair.fr.disk.failing = {number for number in range(4000) if dice.random() < 0.35}
    pair.run(hours=8)
    assert pair.drop.told > 20
    assert pair.drop.too_early == []
    pair.fr.disk.failing = set()
    pair.run(hours=4)
    assert_all_is_there(pair)


def until_one_stands_there(pair: Pair) -> str:
    """Let time pass until a picture stands in the drop; return its name."""
    for _ in range(3600):
        if pair.drop.files:
            return next(iter(pair.drop.files))
        pair.run(seconds=0.5)
    raise AssertionError("no picture came")


def test_what_is_lost_in_the_drop_is_sent_again() -> None:
    pair = Pair()
    pair.drop.files.pop(until_one_stands_there(pair))
    pair.run(hours=4)
    assert len(pair.unit.told("lost on the way")) == 1
    assert_all_is_there(pair)


@pytest.mark.parametrize("said", [{"lacks": "unit1", "has": [1]}, {"has": "unit1"}, {"n": {}}, {"line": 1}], ids=str)
def test_a_receipt_that_makes_no_sense_holds_up_no_other(said: drops.Json) -> None:
    pair = Pair()
    pair.run(minutes=1)
    pair.drop.batches[drops.receipts("quarry", "fr", 1)] = drops.pack([said])
    pair.run(hours=2)
    assert pair.unit.told("internal fault") == []
    assert_all_is_there(pair)


def test_what_is_altered_in_the_drop_is_not_kept_and_sent_again() -> None:
    pair = Pair()
    name = until_one_stands_there(pair)
    pair.drop.files[name] = File(pair.drop.files[name].size, Sha256("6" * 64))
    pair.run(hours=4)
    assert len(pair.unit.told("not taken in")) == 1
    assert len(pair.fr.told("inbox refused")) == 1
    assert_all_is_there(pair)


def test_a_taker_without_room_leaves_pictures_where_they_are_until_it_has_some() -> None:
    pair = Pair()
    pair.run(minutes=1)
    pair.fr.disk.others = pair.fr.disk.size - 20_000_000
    pair.run(hours=3)
    assert proven(pair.unit, "fr") == set()
    assert len(pair.drop.files) == 12
    assert pair.fr.told("inbox trouble") == ["no room for what is there: it waits until retention makes some"]
    pair.fr.disk.others = 0
    pair.run(hours=4)
    assert_all_is_there(pair)


def test_a_taker_knows_how_long_its_buffer_takes_what_comes_and_keeps_the_newest_two_days() -> None:
    pair = Pair()
    pair.run(days=1)
    bytes_a_day = sum(one.size for one in every(pair.fr.catalogue))
    at_fr = next(one for one in pair.fr.site.node if one.name == "fr")
    full = Space(0, 10**12)
    seen = look(pair.fr.catalogue, pair.fr.site, at_fr, Space(10 * bytes_a_day, 10**12), pair.world.now(), True)
    days = 10 + 1 - at_fr.buffer.keep_free / bytes_a_day  # what it holds is proven, and makes room
    assert seen.forecast.buffer_days == pytest.approx(days, abs=0.5)
    assert "a day are produced" in seen.forecast.sentence
    ahead = pair.world.now() + timedelta(days=30)  # of a clock that ran away
    for number in pair.fr.catalogue.rows("SELECT id FROM delivery WHERE state = 'proven'"):
        receipts.disprove(pair.fr.catalogue, number[0], "ObjectNotFound", "lost there")
    states.put(pair.fr.catalogue, ANNOUNCED, 0)
    gone = look(pair.fr.catalogue, pair.fr.site, at_fr, full, ahead, True).plan
    assert (gone.deletions, gone.beyond, gone.refused) == ([], 0, None)


def test_a_picture_waits_for_its_line_a_while_and_is_then_taken_in_by_its_name_alone() -> None:
    pair = Pair()
    pair.run(minutes=1)
    name = PictureName("north", BEGIN.replace(minute=30), "unit1", Fence(1, 1), "jpg")
    pair.drop.files[drops.picture("quarry", name)] = File(5_000_000, Sha256("5" * 64))
    pair.run(minutes=3)
    assert pictures.by_name(pair.fr.catalogue, name) is None
    pair.run(minutes=10)
    found = pictures.by_name(pair.fr.catalogue, name)
    assert found is not None
    assert (found.slot, found.index, found.shutter) == (int(name.at.timestamp()), 17, None)
    assert {one.outcome for one in ledger(pair.fr) if one.slot == found.slot} == {"captured"}
    assert list(not_rebuilt(pair.fr)) == []


def linked(link: str) -> str:
    """Return the site with a link between unit and node."""
    node, place = '[[node]]\nname = "unit1"\n', 'node = "fr"\naddress'
    assert TEXT.count(node) == TEXT.count(place) == 1
    more = f'{node}[[node.link]]\nname = "sim"\n{link}\n'
    return TEXT.replace(node, more).replace(place, 'node = "fr"\nlink = "sim"\naddress')


def test_what_is_said_between_nodes_is_counted_as_status_beside_the_pictures() -> None:
    pair = Pair(linked('rate = "2MB/s"'))
    pair.run(days=1)
    [row] = pair.unit.running.desks.delivering.linking.rows()
    classes = row["month"]["classes"]
    assert pair.drop.batched <= classes["status"] < 49 * 20_000
    assert classes["raw"] == sum(one.size for one in every(pair.unit.catalogue) if one.kind == "raw")


def test_a_link_whose_budget_is_used_up_carries_no_batches_either_until_the_month_ends() -> None:
    pair = Pair(linked('budget = { bytes = "200MB", month_starts = 22 }'))
    pair.run(minutes=1)
    linking = pair.unit.running.desks.delivering.linking
    place = next(one for one in pair.unit.site.destination if one.name == "fr")
    linking.charge(place, "jpeg", 200_000_000)
    pair.run(minutes=5)
    spent = linking.rows()[0]["month"]["classes"].get("status", 0)
    pair.run(hours=3)
    assert linking.rows()[0]["month"]["classes"].get("status", 0) == spent
    pair.run(hours=24)
    assert linking.rows()[0]["month"]["classes"]["status"] > 0


def test_the_taker_knows_how_the_unit_is_though_nothing_is_delivered() -> None:
    pair = Pair(TEXT.replace('every = "30m"', 'every = "30m"\nfrom = "08:00"\nto = "08:01"'))
    pair.run(hours=3)
    known, now = pair.fr.fleet["unit1"], pair.world.now().timestamp()
    assert now - known["at"] < 600  # a check-in every five minutes, and the taker looks every two
    assert [camera["name"] for camera in known["cameras"]] == ["north"]


def test_a_unit_that_cannot_reach_its_taker_is_known_as_it_was_and_as_it_is_again_afterwards() -> None:
    pair = Pair()
    pair.run(hours=1)
    end = pair.unit.destinations["fr"]
    end.outages = [Outage(pair.world.now(), pair.world.now() + timedelta(hours=5))]
    pair.run(hours=4)
    silent = pair.world.now().timestamp() - pair.fr.fleet["unit1"]["at"]
    pair.run(hours=2)
    assert silent > 3.8 * 3600
    assert pair.world.now().timestamp() - pair.fr.fleet["unit1"]["at"] < 1800


def test_a_node_whose_taker_nobody_simulates_goes_on_and_its_pictures_stay_sent() -> None:
    world = World(BEGIN)
    both = [SimulatedSite(world, TEXT, pace=PACE, node=name) for name in ("unit1", "fr")]
    for site in both:
        SimulatedNode(world, [site], longest_sleep=PACE.judge).run(timedelta(hours=1))
        assert site.told("internal fault") == []
    tally = {one.state for one in deliveries.tally(both[0].catalogue) if one.n}
    assert tally == {"sent"}


def fetching(link: str) -> Pair:
    """Return a pair of which fr fetches what unit1 leaves in a folder, over a link of its own."""
    text = TEXT.replace('inbox = "/inbox"', f'pull = ["unit1"]\n[[node.link]]\nname = "adsl"\n{link}')
    fetch = '"folder:/left"\nfetch = { address = "folder:/left", link = "adsl" }'
    return Pair(text.replace('"folder:/inbox/unit1"', fetch))


def test_what_a_node_fetches_is_counted_on_its_link_by_class() -> None:
    pair = fetching('rate = "100kB/s"')
    pair.run(hours=3)
    raws, jpegs = (sum(one.size for one in every(pair.fr.catalogue) if one.kind == kind) for kind in ("raw", "jpeg"))
    assert raws > 0
    counted = pair.fr.running.desks.delivering.linking.uplinks["adsl"].account.classes
    assert (counted["raw"], counted["jpeg"]) == (raws, jpegs)
    assert 5_000 < counted["status"] < 500_000


def test_what_a_link_does_not_carry_now_is_left_in_the_place_and_fetched_later() -> None:
    pair = fetching('[[node.link.window]]\nfrom = "12:00"\nto = "23:00"')
    pair.run(hours=3)
    assert list(every(pair.fr.catalogue)) == []
    assert len(pair.drop.files) >= 10
    pair.run(hours=3, minutes=24)  # it looks there every 24 minutes when nothing comes
    assert_all_is_there(pair)
