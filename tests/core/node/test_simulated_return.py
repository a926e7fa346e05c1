"""An emptied unit asks the node that took its pictures in, by the drop alone, through cuts of both and of the link."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from peers.simulation import BEGIN, CALM, site_toml

from core.catalogue import slots
from core.catalogue.pictures import Picture
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import Role
from core.node.between import givingback
from core.node.between.drop import Drop, may_have
from core.simulate.handover import DropEnd, DropTaker, SimulatedDrop, hand_on
from core.simulate.invariants import broken, every, not_rebuilt
from core.simulate.links import Outage
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.site.model.places import Destination
from core.transfer import drops

WHO = Who(1000, "ana", Role.ADMIN, 1)
PACE = replace(CALM, drop=30.0, judge=60.0)


def text(node: str = "", link: str = "", every: str = "30m") -> str:
    return site_toml(
        destinations=(),
        shoots="raw+jpeg",
        every=every,
        camera='primary = "unit1"',
        node=node,
        routes="",
        extra=f"""
[[node]]
name = "fr"
kind = "cloud"
inbox = "/inbox"
[[destination]]
name = "fr"
node = "fr"
address = "folder:/inbox/unit1"
{link}
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
""",
    )


class Pair:
    """A unit that shoots for some days and is emptied then, and the node that takes its pictures in."""

    def __init__(self, said: str = "", **days: float) -> None:
        self.text = said or text()
        self.world, self.drop = World(BEGIN), SimulatedDrop()
        self.fr = SimulatedSite(self.world, self.text, pace=PACE, node="fr")
        self.unit = self.made()
        self.run(**days or {"days": 0.7})
        self.before = {facts(one) for one in every(self.unit.catalogue) if one.gone == 0}
        self.ledger = ledger(self.unit)
        self.emptied_at = self.world.now()
        self.node.stop()
        self.drop.batches.clear()
        self.unit = self.made()

    def made(self) -> SimulatedSite:
        unit = SimulatedSite(self.world, self.text, pace=PACE)
        hand_on(self.world, unit, "fr", self.fr, self.drop)
        self.node = SimulatedNode(self.world, [unit, self.fr])
        return unit

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    def restore(self, **args: Any) -> None:
        """Order it of a unit that has just started."""
        self.run(seconds=10)
        said: list[Any] = []
        self.unit.ask(Request("restore", {"from": "fr", **args}, WHO, said.append))
        assert "done" in said[0], said

    @property
    def state(self) -> dict[str, Any]:
        return self.unit.running.desks.errands.state()

    @property
    def taker(self) -> DropTaker:
        found = next(iter(self.fr.places.values()))
        assert isinstance(found, DropTaker)
        return found

    def back(self) -> set[object]:
        """Return what the unit has again of what it had."""
        return {facts(one) for one in every(self.unit.catalogue)} & self.before


def facts(one: Picture) -> object:
    return (one.name, one.slot, one.index, one.shutter, one.source_time, one.sha256)


def ledger(site: SimulatedSite, until: datetime | None = None) -> set[slots.Outcome]:
    return set(slots.between(site.catalogue, "north", -(2**40), 2**40))


def copies(names: Iterable[str]) -> list[str]:
    return [name for name in names if f"/{drops.BACK}/" in name]


def assert_it_is_as_before(pair: Pair) -> None:
    state = pair.state
    assert (state["ended"], state["error"], state["trouble"]) == (True, None, None)
    assert pair.back() == pair.before
    assert ledger(pair.unit) >= pair.ledger
    pair.run(minutes=10)
    assert copies(pair.drop.files) == []
    assert [name for name in pair.drop.batches if drops.ANSWERS in name] == []
    assert broken(pair.unit, pair.emptied_at + timedelta(minutes=2), pair.world.now() - timedelta(minutes=2)) == []
    assert list(not_rebuilt(pair.unit)) == []


def test_all_comes_back_newest_day_first_with_its_slots_and_its_proofs() -> None:
    pair = Pair()
    pair.restore()
    pair.run(hours=3)
    state = pair.state
    assert state["plan"]["pictures"] == len(pair.before) == state["restored"] == state["proofs"]["day_book"]
    assert [day["day"] for day in state["plan"]["days"]] == ["2026-11-22", "2026-11-21"]
    assert_it_is_as_before(pair)
    came = [one.name for one in sorted(every(pair.unit.catalogue), key=lambda one: one.id) if facts(one) in pair.before]
    assert [name.at for name in came] == sorted((name.at for name in came), reverse=True)
    assert 0 < pair.taker.most <= givingback.WINDOW
    assert pair.fr.told("inbox refused") == []
    pair.restore()
    pair.run(minutes=10)
    assert (pair.state["ended"], pair.state["restored"], pair.state["plan"]["pictures"]) == (True, 0, 0)


def test_a_node_that_fetches_gives_back_as_well_where_it_fetches() -> None:
    fetching = text(every="1h").replace('inbox = "/inbox"', 'pull = ["unit1"]')
    fetching = fetching.replace('"folder:/inbox/unit1"', '"folder:/left"\nfetch = { address = "folder:/left" }')
    pair = Pair(fetching, days=0.3)
    assert [worker.name for worker in pair.fr.places] == ["fr"]
    pair.restore()
    pair.run(hours=3)
    assert_it_is_as_before(pair)


def test_a_dry_run_says_what_would_come_and_leaves_nothing_in_the_drop() -> None:
    pair = Pair(days=0.3)
    pair.restore(dry_run=True)
    pair.run(minutes=10)
    state = pair.state
    assert (state["ended"], state["error"]) == (True, None)
    assert (state["plan"]["pictures"], state["restored"]) == (len(pair.before), 0)
    assert state["plan"]["bytes"] == sum(one.size for one in every(pair.fr.catalogue) if facts(one) in pair.before)
    assert pair.back() == set()
    assert copies(pair.drop.files) == []
    assert [name for name in pair.drop.batches if drops.ANSWERS in name] == []


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_cut_it_goes_on_and_nothing_is_fetched_twice(seed: int) -> None:
    pair, dice = Pair(days=0.3), random.Random(seed)
    size = sum(one.size for one in every(pair.fr.catalogue) if facts(one) in pair.before)
    begin, end = pair.world.now(), pair.unit.destinations["fr"]
    assert isinstance(end, DropEnd)
    end.rate = size / 3600
    end.outages = [Outage(begin + timedelta(minutes=m), begin + timedelta(minutes=m + 10)) for m in (15, 45)]
    pair.restore()
    for _ in range(6):
        pair.run(seconds=60 + 600 * dice.random())
        victim = dice.choice((pair.unit, pair.fr))
        pair.node.cut_one(victim)
        if victim is pair.unit:
            pair.unit.running.desks.errands.resume()
    pair.run(hours=8)
    assert_it_is_as_before(pair)
    assert end.brought < 1.02 * size


def test_a_node_that_does_not_run_is_told_of_in_words() -> None:
    pair = Pair(days=0.2)
    pair.fr.places[next(iter(pair.fr.places))] = Deaf(pair.world)
    pair.restore()
    pair.run(minutes=15)
    words = "fr has not answered for 10 minutes; is it running?"
    assert pair.state["error"] == {"error": "DestinationUnreachable", "message": words}


def test_one_that_falls_silent_is_waited_for() -> None:
    pair = Pair(days=0.3)
    pair.restore()
    pair.run(minutes=3)
    place, taker = next(iter(pair.fr.places.items()))
    pair.fr.places[place] = Deaf(pair.world)
    pair.node.cut_one(pair.fr)
    pair.run(hours=2)
    words = "fr has not answered for 10 minutes; is it running?"
    assert (pair.state["ended"], pair.state["trouble"]) == (False, words)
    errand = pair.unit.running.desks.reporting.document()["errand"]
    assert (errand["kind"], errand["by"]) == ("restore", "ana")
    assert errand["text"].startswith("from fr: ")
    assert errand["text"].endswith(f"; waits: {words}")
    pair.fr.places[place] = taker
    pair.node.cut_one(pair.fr)
    pair.run(hours=4)
    assert_it_is_as_before(pair)
    assert "errand" not in pair.unit.running.desks.reporting.document()


def test_copies_that_nobody_fetches_are_removed_after_a_day() -> None:
    pair = Pair(text(every="3h"), days=0.3)
    pair.restore()
    while not copies(pair.drop.files):
        pair.run(seconds=1)
    pair.unit.running.desks.errands.end()
    pair.run(hours=1)
    assert copies(pair.drop.files)
    pair.run(days=1)
    assert copies(pair.drop.files) == []
    [told] = pair.fr.told("giving back ended")
    assert "unit1 has not fetched what it asked for" in told


def test_it_waits_for_a_link_whose_rung_does_not_carry_it_and_is_counted_there() -> None:
    said = text(
        node='[[node.link]]\nname = "sim"\nrate = "2MB/s"\nladder = ["everything", "status"]', link='link = "sim"'
    )
    pair = Pair(said, days=0.3)
    pair.run(seconds=10)
    linking = pair.unit.running.desks.delivering.linking
    until = pair.world.now() + timedelta(hours=2)
    linking.order("sim", "status", until, "roaming")
    pair.restore()
    pair.run(hours=1)
    assert pair.state["trouble"] == "link sim carries no restore now: its rung is status"
    assert pair.state["restored"] == 0
    pair.run(hours=3)
    assert_it_is_as_before(pair)
    [row] = linking.rows()
    assert row["month"]["classes"]["audit"] >= pair.state["restored_bytes"] > 0
    assert row["month"]["classes"]["status"] >= pair.state["batches"] > 0


class Deliverer:
    """Speaks into a folder of fr's inbox, as who has the key of that folder can."""

    def __init__(self, pair: Pair, prefix: str, node: str) -> None:
        self.pair, self.prefix, self.node = pair, prefix, node

    def says(self, *said: drops.Json) -> None:
        name = f"{self.prefix}{drops.lines('quarry', self.node, 1_800_000_000_000)}"
        self.pair.drop.batches[name] = drops.pack(said)
        self.pair.run(minutes=5)

    def heard(self) -> list[drops.Json]:
        """Return what it was answered, without the end of an answer."""
        names = [name for name in self.pair.drop.batches if name.startswith(f"{self.prefix}quarry/{drops.ANSWERS}/")]
        found = [line for name in names for line in drops.unpack(self.pair.drop.batches[name])]
        return [line for line in found if "end" not in line]


@pytest.mark.parametrize(
    ("prefix", "node", "gets"),
    [
        pytest.param("unit1/", "unit1", True, id="its-own"),
        pytest.param("unit1/in/", "unit1", True, id="its-own-further-down"),
        pytest.param("unit2/", "unit2", False, id="another-unit"),
        pytest.param("ca/", "ca", True, id="a-node-that-hands-on"),
        pytest.param("stranger/", "unit1", False, id="a-folder-of-nobody"),
        pytest.param("fr/", "fr", False, id="a-folder-of-the-taker-itself"),
    ],
)
def test_only_whom_pictures_concern_hears_of_them_and_gets_them(prefix: str, node: str, gets: bool) -> None:
    more = '[[node]]\nname = "unit2"\n[[node]]\nname = "ca"\nkind = "cloud"\ninbox = "/in"\n'
    pair = Pair(text(every="1h") + more, days=0.05)
    names = sorted(str(one.name) for one in every(pair.fr.catalogue))
    asker, day = Deliverer(pair, prefix, node), int(BEGIN.timestamp()) // 86400
    span = {"camera": "north", "from": day, "to": day}
    asker.says(*[{"ask": "1", "what": what, **span} for what in ("stock", "stored", "book")])
    heard = asker.heard()
    assert bool(heard) is gets
    assert {line["n"] for line in heard if "h" in line and "d" not in line} == (set(names) if gets else set())
    asker.says({"back": "2", "want": names})
    assert sorted(name.rpartition("/")[2] for name in copies(pair.drop.files)) == (names if gets else [])
    assert all(name.startswith(f"{prefix}quarry/{drops.BACK}/{node}/") for name in copies(pair.drop.files))
    refused = {line["n"]: line["no"] for line in asker.heard() if "no" in line}
    assert refused == ({} if gets else dict.fromkeys(names, "it concerns another unit"))
    asker.says({"back": "3", "want": []})
    assert copies(pair.drop.files) == []


@pytest.mark.parametrize(("prefix", "node"), [("unit1/", "unit2"), ("unit1/", "stranger"), ("unit2/", "unit1")])
def test_a_unit_has_copies_put_there_under_no_other_name_than_its_own(prefix: str, node: str) -> None:
    pair = Pair(text(every="1h") + '[[node]]\nname = "unit2"\n', days=0.05)
    Deliverer(pair, prefix, node).says({"back": "1", "want": [str(one.name) for one in every(pair.fr.catalogue)]})
    assert copies(pair.drop.files) == []


def test_however_much_is_wanted_no_more_than_a_window_stands_in_the_drop_also_after_a_kill() -> None:
    pair = Pair(text(every="1h"), days=0.2)
    names = sorted(str(one.name) for one in every(pair.fr.catalogue))
    asker = Deliverer(pair, "unit1/", "unit1")
    asker.says({"back": "1", "want": names})
    first = sorted(copies(pair.drop.files))
    assert 0 < len(first) < len(names)
    pair.node.cut_one(pair.fr)
    pair.run(minutes=5)
    assert sorted(copies(pair.drop.files)) == first, "what is wanted is known over a kill"
    del pair.drop.files[first[0]]
    pair.run(minutes=5)
    assert sorted(copies(pair.drop.files)) == first, "one that somebody removed is put there again"
    asker.says({"back": "2", "want": names[2:]})
    second = sorted(name.rpartition("/")[2] for name in copies(pair.drop.files))
    assert second == names[2 : 2 + len(first)]
    assert pair.taker.most <= givingback.WINDOW
    asker.says({"back": "3", "want": []})
    assert copies(pair.drop.files) == []
    pair.run(days=1.1)
    assert pair.fr.told("giving back ended") == [], "it has all that it wanted"


def test_a_unit_gets_what_a_backup_shot_with_its_camera() -> None:
    pair = Pair(text(every="1h") + '[[node]]\nname = "unit2"\n', days=0.02)
    site = pair.fr.site
    camera = replace(site.camera[0], primary="unit2")
    pair.run(seconds=10)
    context = replace(pair.fr.running.context, site=replace(site, camera=(camera,)))
    drop = Drop("inbox", Destination(name="inbox", address="folder:/inbox"), "", 5.0)
    assert may_have(context, drop, "unit2/", "north", "unit1")
    assert may_have(context, drop, "unit1/", "north", "unit1"), "it shot them"
    assert not may_have(context, drop, "unit1/", "north", "unit2")
    assert not may_have(context, drop, "unit1/", "removed", "unit2")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"back": "1", "want": ["../../etc/passwd"]}, id="no-name"),
        pytest.param({"back": "1", "want": 7}, id="no-list"),
        pytest.param({"back": "1"}, id="nothing"),
        pytest.param({"ask": "1", "what": "book", "camera": "north", "from": 0, "to": 20_000}, id="all-days"),
        pytest.param({"ask": "1", "what": "all", "camera": "north", "from": 0, "to": 1}, id="no-question"),
    ],
)
def test_a_wish_without_sense_changes_nothing(said: drops.Json) -> None:
    pair = Pair(text(every="1h"), days=0.02)
    asker = Deliverer(pair, "unit1/", "unit1")
    asker.says(said)
    assert asker.heard() == []
    assert copies(pair.drop.files) == []
    left = [name for name in pair.drop.batches if f"/{drops.LINES}/" in name]
    assert left == [], "it was read and is not read again"


class Deaf:
    """Stands for the worker of a drop whose node does not look."""

    def __init__(self, world: World) -> None:
        self.world = world

    def do(self, job: Any, now: datetime) -> Any:
        yield 10.0**9

    def ended(self, worker: Any) -> None:
        """It holds nothing."""
