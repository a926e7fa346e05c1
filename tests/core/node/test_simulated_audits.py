"""Copies that were proven once are looked at again: what is lost there is found out, told and delivered anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from peers.simulation import CALM, Simulation, simulate

from core.catalogue import buffer, copies, deliveries, pictures, receipts
from core.intake.entries import DisproofEntry
from core.node.context import Pace
from core.simulate.links import Outage, SimulatedDestination
from core.values import PictureName

QUICK = Pace(judge=600, plan=600, plan_soon=60, report=3600, report_soon=3600)
JPEG = 6_000_000  # bytes of a simulated picture, about


def audited(audit: str = "2d", read: int = 0, pace: Pace = CALM, **words: Any) -> Simulation:
    """Return a node whose destinations look at every copy again within `audit`, and read one in `read` back."""
    words = {"every": "2h", **words}
    return simulate(pace=pace, destination=f'audit = "{audit}"\naudit_read = {read}', **words)


def first(destination: SimulatedDestination, nth: int = 3) -> str:
    return sorted(destination.store)[nth]


def ages(world: Simulation, destination: str = "nas") -> timedelta:
    """Return for how long the longest unseen copy was not looked at."""
    oldest = copies.oldest_look(world.site.catalogue, destination)
    assert oldest is not None
    return timedelta(milliseconds=world.site.running.context.now_ms() - oldest)


def status(world: Simulation, destination: str = "nas") -> Any:
    document = world.site.running.desks.reporting.document()
    return next(one for one in document["destinations"] if one["name"] == destination)


def test_every_copy_is_looked_at_within_the_stated_time_by_size_alone_and_no_byte_is_read() -> None:
    world = audited("2d", every="2h")
    worst = timedelta()
    for _ in range(16):
        world.run(hours=12)
        worst = max(worst, ages(world))
    assert timedelta(days=1) < worst <= timedelta(days=2)
    there = world.destination
    assert there.read == 0
    assert {look.name for look in there.looks} >= set(sorted(there.store)[: 6 * 12])
    assert len(there.looks) < 4 * 8 * 12 * 1.6, "none is looked at much more often than that"
    assert status(world)["audit"]["looked"] == len(there.looks)
    assert world.broken() == []


def test_copies_that_nobody_wants_looked_at_are_left_alone() -> None:
    world = audited("0s")
    world.run(days=7)
    assert world.destination.looks == []
    assert status(world)["audit"].keys() == {"looked", "lost", "read", "oldest"}
    assert world.broken() == []


@pytest.mark.parametrize(
    ("harm", "hashes", "read"),
    [
        pytest.param(SimulatedDestination.lose, False, 0, id="lost-later"),
        pytest.param(SimulatedDestination.truncate, False, 0, id="truncated-after-the-commit"),
        pytest.param(SimulatedDestination.flip, True, 0, id="flipped-and-the-server-hashes"),
        pytest.param(SimulatedDestination.flip, False, 1, id="flipped-and-read-back"),
    ],
)
def test_a_copy_that_is_lost_is_found_out_told_and_delivered_again_in_its_place(
    harm: Any, hashes: bool, read: int
) -> None:
    world = audited(read=read)
    world.destination.hashes = hashes
    world.run(days=1)
    name, before = first(world.destination), dict(world.destination.store)
    harm(world.destination, name)
    world.run(days=2)
    assert {key: world.destination.store[key] for key in before} == before
    (told,) = world.site.told("copy lost")
    assert "it is delivered again" in told
    audit = status(world)["audit"]
    assert (audit["lost"], audit["within"]) == (1, 172_800)
    assert audit["read"] == world.destination.read
    assert (audit["read"] > 0) == bool(hashes or read)
    assert world.broken() == []


def test_a_flipped_bit_that_only_reading_back_shows_stays_hidden_from_looks_at_the_size() -> None:
    world = audited()
    world.run(days=1)
    world.destination.flip(first(world.destination))
    world.run(days=3)
    assert world.site.told("copy lost") == []


def test_a_disk_that_was_replaced_by_an_empty_one_is_refilled_within_hours() -> None:
    world = audited("30d", every="30m")
    world.run(days=1)
    there = dict(world.destination.store)
    world.destination.store.clear()
    world.run(hours=12)
    assert there.items() <= world.destination.store.items()
    told = world.site.told("copy lost")
    assert 10 <= len(told) < 40, "not one by one"
    assert status(world)["audit"]["lost"] == len(there)
    assert world.broken() == []


def test_what_was_lost_is_not_deleted_here_before_it_is_there_again() -> None:
    world = audited(pace=QUICK, every="1h")
    disk = world.site.disk
    world.run(days=1)
    name = first(world.destination, 0)
    world.destination.lose(name)
    world.destination.outages = [Outage(world.world.now(), world.begin + timedelta(days=9), "full")]
    world.site.running.desks.delivering.audit("nas")
    world.run(minutes=10)
    assert len(world.site.told("copy lost")) == 1
    disk.others = disk.size - disk.used - 1_990_000_000  # from now on the buffer is short of room
    world.run(hours=20)
    assert disk.removed, "pictures whose copies stand"
    kept = {path.rpartition("/")[2] for path in disk.pictures}
    assert name.rpartition("/")[2] in kept
    assert world.broken() == []


def test_what_leaves_next_is_looked_at_first() -> None:
    world = audited("5d", pace=QUICK)
    disk = world.site.disk
    world.run(days=3)
    oldest = first(world.destination, 0)
    world.destination.lose(oldest)
    disk.others = disk.size - disk.used - 2_060_000_000  # room for less than a day
    before = len(world.destination.looks)
    world.run(hours=3)
    assert oldest in [look.name for look in world.destination.looks[before : before + 5]]
    assert oldest in world.destination.store, "delivered again"
    world.run(days=1)
    assert disk.removed
    assert world.broken() == []


def test_a_copy_of_a_picture_that_has_left_is_missed_too_and_told_with_where_else_it_is() -> None:
    world = audited(destinations=("nas", "home"), node='buffer = { keep_free = "1GB", keep = "1d" }')
    nas = world.site.destinations["nas"]
    world.run(days=2)
    gone = PictureName.parse(world.site.disk.removed[0].rpartition("/")[2])
    remote = next(name for name in nas.store if name.endswith(str(gone)))
    nas.lose(remote)
    world.run(days=2)
    told = [text for text in world.site.told("copy lost") if "at nas" in text]
    assert len(told) == 1
    assert "it has left this node; other copies: home (hash)" in told[0]
    assert remote not in nas.store
    picture = pictures.by_name(world.site.catalogue, gone)
    assert picture is not None
    assert [one.destination for one in receipts.of_picture(world.site.catalogue, picture.id)] == ["home"]
    assert world.broken() == []


def test_a_rebuild_believes_the_last_line_of_each_copy() -> None:
    world = audited()
    world.run(days=1)
    again, lost = first(world.destination, 2), first(world.destination, 3)
    world.destination.lose(again)
    world.destination.lose(lost)
    world.run(days=2)
    assert {again, lost} <= set(world.destination.store)
    world.destination.outages = [Outage(world.world.now(), world.begin + timedelta(days=99), "full")]
    world.destination.lose(lost)
    world.site.running.desks.delivering.audit("nas")
    world.run(hours=2)
    lines = [line for book in world.site.disk.books.values() for line in book if isinstance(line, DisproofEntry)]
    assert sorted(line.remote for line in lines) == sorted([again, lost, lost])
    anew, done = world.site.rebuilt()
    assert done.told == []
    proven = {one.remote for day in anew.rows("SELECT id FROM picture") for one in receipts.of_picture(anew, day[0])}
    assert again in proven
    assert lost not in proven
    assert buffer.at_risk(anew) == buffer.at_risk(world.site.catalogue)
    assert world.broken() == []


class OnceALineTellsOfIt(frozenset[int]):
    """Numbers of statements that fail: all that come when a day book has a disproof."""

    def __new__(cls, world: Simulation) -> OnceALineTellsOfIt:
        made = super().__new__(cls)
        made.books = world.site.disk.books  # type: ignore[attr-defined]
        return made

    def __contains__(self, number: object) -> bool:
        books = self.books.values()  # type: ignore[attr-defined]
        return any(isinstance(line, DisproofEntry) for book in books for line in book)


def test_a_power_cut_between_the_line_and_the_catalogue_revives_nothing() -> None:
    world = audited("0s")
    world.run(days=1)
    name = first(world.destination)
    world.destination.lose(name)
    world.site.catalogue.failing = OnceALineTellsOfIt(world)
    world.site.running.desks.delivering.audit("nas")
    world.run(minutes=10)
    world.node.cut()
    world.site.catalogue.failing = frozenset()
    state = world.site.catalogue.value("SELECT state FROM delivery WHERE remote = ?", (name,))
    assert state == "proven", "the catalogue has not heard of it"
    world.run(hours=1)
    assert name in world.destination.store
    assert world.broken() == []


@pytest.mark.parametrize(
    ("rate", "speed"),
    [pytest.param("50kB/s", 10e6, id="a-thin-link"), pytest.param("10MB/s", 50e3, id="a-slow-destination")],
)
def test_read_backs_keep_to_the_rate_of_the_link_and_nothing_waits_for_them(rate: str, speed: float) -> None:
    lte = f'[[node.link]]\nname = "lte"\nrate = "{rate}"\n'
    slow = 'link = "lte"\nchunk = "500kB"\naudit = "1d"\naudit_read = 1'
    world = simulate(every="20m", shoots="raw", node=lte, destination=slow, pace=CALM)
    there = world.destination
    there.rate = speed
    world.run(days=1)
    size = next(iter(there.store.values())).size
    assert there.read > 5 * size
    assert there.read + there.bytes <= 50_000 * 86_400 * 1.01
    waits = [arrival.at - PictureName.parse(arrival.name.rpartition("/")[2]).at for arrival in there.arrivals]
    assert max(waits) < timedelta(seconds=size / 50_000 + 60), "a read-back of another picture takes as long again"
    assert world.broken() == []


def test_a_read_back_that_no_bytes_are_left_for_holds_nobody_up() -> None:
    lte = '[[node.link]]\nname = "lte"\n'
    world = simulate(every="20m", node=lte, destination='link = "lte"\naudit = "0s"', pace=CALM)
    world.run(hours=3)
    delivering = world.site.running.desks.delivering
    delivering.linking.order("lte", "status", world.world.now() + timedelta(hours=2), "a test")
    delivering.audit("nas", world.site.catalogue.value("SELECT max(delivery) FROM copy"))
    world.run(hours=1)
    assert (delivering.stations["nas"].looking, world.destination.read) == (None, 0)
    world.run(hours=2)
    assert deliveries.backlog(world.site.catalogue, "nas")[0] == 0
    assert world.broken() == []


def test_a_destination_that_is_full_is_looked_at_all_the_same() -> None:
    world = audited("1d", read=1)
    world.run(hours=18)
    world.destination.outages = [Outage(world.world.now(), world.begin + timedelta(days=3), "full")]
    world.run(days=1)
    assert ages(world) <= timedelta(days=1)
    assert world.destination.read > 8 * JPEG, "read back, too, although others wait for room"
    lost = first(world.destination)
    world.destination.lose(lost)
    world.run(days=1)
    assert len(world.site.told("copy lost")) == 1
    world.run(hours=12)
    assert lost in world.destination.store
    assert world.broken() == []


def test_a_destination_that_lets_nobody_look_is_told_once_and_its_receipts_stand() -> None:
    world = audited()
    world.run(days=1)
    proven = copies.count(world.site.catalogue, "nas")
    world.destination.outages = [Outage(world.world.now(), world.begin + timedelta(days=99), "refuse")]
    world.site.running.desks.delivering.pause("nas", None)
    world.run(hours=12)
    assert copies.count(world.site.catalogue, "nas") == proven
    assert len(world.site.told("audit not possible")) <= 1
    assert world.site.told("copy lost") == []


def test_an_operator_has_a_copy_read_back_at_once() -> None:
    world = audited("0s")
    world.run(days=2)
    name = first(world.destination)
    world.destination.flip(name)
    number = world.site.catalogue.value("SELECT id FROM delivery WHERE remote = ?", (name,))
    assert world.site.running.desks.delivering.audit("nas", number) == 1
    world.run(minutes=5)
    assert len(world.site.told("copy lost")) == 1
    assert world.broken() == []


def test_an_operator_has_all_copies_of_a_destination_looked_at_at_once_and_each_once() -> None:
    world = audited("0s", every="1m")
    world.run(hours=9)
    there = world.destination
    name, count = first(there), copies.count(world.site.catalogue, "nas")
    there.lose(name)
    assert count > 500, "more than one round holds"
    assert world.site.running.desks.delivering.audit("nas") == count
    world.run(hours=1)
    names = [look.name for look in there.looks]
    assert len(world.site.told("copy lost")) == 1
    assert set(names) >= set(sorted(there.store)[:count])
    assert len(names) <= count + 10 + 1, "and ten others after the one that was lost"
    world.run(hours=3)
    assert len(there.looks) == len(names)
    assert world.broken() == []


def test_a_rendition_that_is_lost_there_is_made_again_and_delivered() -> None:
    web = '[[recipe]]\nname = "web"\nsteps = [{ resize = "640x480" }]\n[[route]]\nwhat = ["jpeg", "web"]\nto = "nas"\n'
    world = audited(routes="", extra=web)
    world.run(hours=12)
    name = next(name for name in sorted(world.destination.store) if ".web." in name)
    assert not [path for path in world.site.images.made if path.endswith(name.rpartition("/")[2])], "its file is gone"
    world.destination.lose(name)
    world.site.running.desks.delivering.audit("nas")
    world.run(hours=1)
    assert name in world.destination.store
    assert len(world.site.told("copy lost")) == 1
    assert world.broken() == []
