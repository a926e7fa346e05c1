"""What nodes see when voters die, answers are lost, and credentials are wrong: real servers, real faults."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from peers import natsd
from peers.natsd import Voters
from peers.relay import relaying

from core.clock import SystemClock
from core.coordination import certs, copies
from core.coordination.base import (
    Conflict,
    Coordination,
    CoordinationError,
    CoordinationRefused,
    CoordinationUnavailable,
    Held,
    Unknown,
)
from core.coordination.credentials import Credentials
from core.coordination.epoch import Guarded, Memory
from core.coordination.founding import found, put_back, raise_epoch, raze, state
from core.coordination.nats import NatsCoordination
from core.site.load import reparse

pytestmark = pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)
T = TypeVar("T")


def soon(work: Callable[[], T], seconds: float = 15.0) -> T:
    """Return what `work` does as soon as the voters let it."""
    end = time.monotonic() + seconds
    while True:
        try:
            return work()
        except CoordinationError:
            if time.monotonic() > end:
                raise


@pytest.fixture
def fleet(three: Voters) -> Iterator[Voters]:
    """Three voters with an empty store, all alive again afterwards."""
    three.anew()
    yield three
    dead = [n for n in range(3) if n not in three.running]
    if dead:
        three.start(*dead)


def written(store: Coordination, key: str, value: bytes) -> bool | None:
    """Write as a node does; return whether it was done, None when that is not known."""
    held = store.read(key)
    try:
        store.cas(key, held.rev if held else 0, value)
    except Unknown:
        return None
    except CoordinationUnavailable:
        return False
    return True


def test_the_store_is_kept_on_three_disks_and_nobody_may_empty_it(fleet: Voters) -> None:
    said = state(fleet.operator)
    assert said is not None
    expected = {
        "num_replicas": 3,
        "storage": "file",
        "max_msgs_per_subject": 1,
        "deny_delete": True,
        "deny_purge": True,
    }
    assert expected.items() <= said["config"].items()
    fleet.operator.cas("own.gate", 0, b"one")
    assert "error" in fleet.operator.api("STREAM.PURGE.KV_coord", {})
    assert fleet.operator.read("own.gate") is not None


def test_one_voter_dead_is_not_noticed(fleet: Voters) -> None:
    store = fleet.open("fr")
    rev = store.cas("own.gate", 0, b"before")
    fleet.kill(next(n for n in range(3) if n != fleet.leader()))
    begun = time.monotonic()
    assert soon(lambda: store.read("own.gate"), 5) == Held(rev, b"before")
    assert soon(lambda: written(store, "own.gate", b"after"), 5)
    assert time.monotonic() - begun < 3


def test_when_the_leader_dies_another_leads_and_nothing_is_lost(fleet: Voters) -> None:
    store = fleet.open("fr", deadline=1.0)
    rev = store.cas("own.gate", 0, b"before")
    fleet.kill(fleet.leader())
    begun = time.monotonic()
    assert soon(lambda: store.cas("own.gate", rev, b"after")) > rev
    assert time.monotonic() - begun < 12  # an election takes 4 to 9 s
    found = store.read("own.gate")
    assert found is not None
    assert found.value == b"after"


def test_with_two_voters_dead_nobody_writes_and_nothing_old_is_told_as_new(fleet: Voters) -> None:
    store = fleet.open("fr", deadline=1.0)
    rev = store.cas("own.gate", 0, b"before")
    leader = fleet.leader()
    for n in {0, 1, 2} - {leader}:
        fleet.kill(n)
    told: list[Held | None] = []
    try:
        outcome = written(store, "own.gate", b"alone")
        told.append(store.read("own.gate"))
    except CoordinationUnavailable:
        outcome = None
    assert not outcome
    assert told in ([], [Held(rev, b"before")])  # the newest that was committed, or nothing
    fleet.kill(leader)
    with pytest.raises(CoordinationUnavailable):
        store.read("own.gate")
    with pytest.raises(CoordinationUnavailable):
        store.list("own.")
    fleet.start(0, 1, 2)
    found = soon(lambda: store.read("own.gate"))
    assert found is not None
    assert found.value in (b"before", b"alone")  # what was not known may have been kept


def test_a_voter_whose_disk_was_lost_is_filled_again_by_the_others(fleet: Voters) -> None:
    store = fleet.open("fr")
    rev = store.cas("own.gate", 0, b"one")
    lost = next(n for n in range(3) if n != fleet.leader())
    fleet.kill(lost)
    shutil.rmtree(fleet.place(lost) / "store")
    fleet.start(lost)
    fleet.await_follower(lost, behind=10)
    others = {0, 1, 2} - {lost}
    fleet.kill(min(others - {fleet.leader()}))  # now the one that was empty is needed
    found = soon(lambda: store.read("own.gate"))
    assert found == Held(rev, b"one")
    assert soon(lambda: store.cas("own.gate", rev, b"two")) > rev


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own for a voter needs root")
def test_a_voter_whose_disk_is_full_stops_nobody(fleet: Voters) -> None:
    full = next(n for n in range(3) if n != fleet.leader())
    fleet.kill(full)
    fleet.start(full, disk="300k")
    fleet.await_follower(full)
    store, log = fleet.open("fr"), fleet.place(full) / "log"
    count, end = 0, time.monotonic() + 20
    try:
        while "no space left" not in log.read_text() and time.monotonic() < end:
            count += bool(soon(partial(written, store, f"note.unit1.{count}", bytes(7000))))
        assert "no space left" in log.read_text()
        assert any(soon(lambda: written(store, "note.unit1.after", b"done")) for _ in range(5))
        assert len(store.list("note.")) >= count + 1  # one whose answer was lost may be there too
    finally:
        fleet.kill(full)  # the fixture starts it again, on the disk that it had


def test_a_store_moves_from_one_voter_to_three_and_nodes_believe_it_once_its_epoch_was_raised(
    one: Voters, fleet: Voters, tmp_path: Path
) -> None:
    one.anew()
    raise_epoch(one.operator, 2)
    node = Guarded(one.open("fr"), Memory(tmp_path / "seen"))
    node.cas("own.gate", 0, b"unit1")
    node.close()
    held = copies.take(one.operator, datetime(2026, 11, 22, tzinfo=UTC))
    file = copies.write(held, tmp_path, "harbour")
    node = Guarded(fleet.open("fr"), Memory(tmp_path / "seen"))
    with pytest.raises(CoordinationError, match="no epoch"):
        node.read("own.gate")
    assert soon(lambda: put_back(fleet.operator, copies.read(file))) == 1
    assert soon(lambda: raise_epoch(fleet.operator, (held.epoch or 0) + 1)) == 3
    found = soon(lambda: node.read("own.gate"))
    assert found is not None
    assert found.value == b"unit1"
    assert soon(lambda: node.cas("own.gate", found.rev, b"fr")) > found.rev
    assert node.epoch == 3


def test_a_lost_answer_is_unknown_and_read_back(one: Voters) -> None:
    one.anew()
    with relaying(one.all[0].port) as relay:
        store, other = one.open("unit1", 1.0, [f"tls://127.0.0.1:{relay.port}"]), one.open("fr")
        rev = store.cas("sess.unit1", 0, b"0")
        relay.eats_answers = True
        with pytest.raises(Unknown):
            store.cas("sess.unit1", rev, b"1")
        found = other.read("sess.unit1")
    assert found is not None
    assert found.value == b"1"  # it was done all the same


def test_a_connection_on_which_nothing_is_heard_is_given_up(one: Voters) -> None:
    one.anew()
    with relaying(one.all[0].port) as relay:
        unit = one.open("unit1", 0.5, [f"tls://127.0.0.1:{relay.port}"])
        assert unit.read("own.gate") is None
        before, relay.holds = unit.generation, True
        with pytest.raises(CoordinationUnavailable):
            unit.read("own.gate")
        end = time.monotonic() + 5
        while unit.connected and time.monotonic() < end:
            time.sleep(0.01)
        assert not unit.connected
        relay.holds = False
        assert soon(lambda: unit.read("own.gate")) is None
        assert unit.generation > before


def test_a_write_that_comes_late_changes_nothing_that_was_changed_since(one: Voters) -> None:
    one.anew()
    with relaying(one.all[0].port) as relay:
        unit, other = one.open("unit1", 0.5, [f"tls://127.0.0.1:{relay.port}"]), one.open("fr")
        rev = unit.cas("own.gate", 0, b"unit1")
        relay.holds, before = True, relay.arrived
        with pytest.raises(Unknown):
            unit.cas("own.gate", rev, b"zombie")
        taken = other.cas("own.gate", rev, b"fr")
        relay.holds = False
        end = time.monotonic() + 5
        while relay.arrived < before + 100 and time.monotonic() < end:
            pass
        assert soon(lambda: unit.read("own.gate")) == Held(taken, b"fr")  # over the same line: the zombie was first
        assert relay.arrived > before + 100
        assert other.read("own.gate") == Held(taken, b"fr")


KEYS = (
    "sess.unit1", "sess.unit2", "sess.fr", "sess.nobody", "own.gate", "own.north", "own.south", "cfg.cam.north",
    "cfg.node.unit2", "epoch", "fence.unit2", "order.unit1.00", "order.unit2.00", "note.unit1.a-1.down",
    "note.unit2.a-1.down",
)  # fmt: skip


@pytest.mark.parametrize(
    ("node", "its"),
    [
        ("unit1", {"sess.unit1", "sess.unit2", "sess.fr", "own.gate", "own.north", "order.unit1.00"}),
        ("unit2", {"sess.unit2", "sess.unit1", "own.north", "order.unit2.00"}),
    ],
)
def test_a_unit_writes_only_what_is_its_own_and_may_end_who_stands_beside_it(
    one: Voters, node: str, its: set[str]
) -> None:
    one.anew()
    unit = one.open(node)
    for key in KEYS:
        if key in its:
            assert unit.cas(key, 0, b"mine") > 0
            continue
        with pytest.raises(CoordinationRefused, match=f"{key} is not changed.*(?i:permissions violation)"):
            unit.cas(key, 0, b"mine")  # it is told at once: an answer that never comes would be Unknown
    assert one.open("fr").list("").keys() == its


@pytest.mark.parametrize(
    "verb",
    [
        "STREAM.DELETE.KV_coord",
        "STREAM.PURGE.KV_coord",
        "STREAM.UPDATE.KV_coord",
        "STREAM.SNAPSHOT.KV_coord",
        "STREAM.MSG.DELETE.KV_coord",
        "STREAM.CREATE.KV_mine",
        "CONSUMER.CREATE.KV_coord",
    ],
)
def test_a_unit_does_nothing_to_the_store_itself(one: Voters, verb: str) -> None:
    with pytest.raises(CoordinationRefused):
        one.open("unit1").api(verb, {})


def test_two_sites_on_the_same_voters_have_cameras_and_nodes_of_the_same_names(one: Voters) -> None:
    one.anew()
    quay = reparse(natsd.SITE.replace("harbour", "quay"))
    with one.sharing(quay) as opened:
        ours, theirs, operator = one.open("unit1"), opened("unit1"), opened(natsd.OPERATOR)
        soon(lambda: found(operator, 1))
        soon(lambda: ours.cas("own.gate", 0, b"harbour"))
        assert theirs.read("own.gate") is None
        theirs.cas("own.gate", 0, b"quay")
        assert [each.list("").keys() for each in (ours, theirs)] == [{"own.gate"}, {"own.gate"}]
        assert [each.value for store in (ours, theirs) if (each := store.read("own.gate"))] == [b"harbour", b"quay"]
        raze(operator)


def test_a_login_that_was_taken_away_is_shut_out_at_once(one: Voters) -> None:
    one.anew()
    unit = one.open("unit1", deadline=2.0)
    assert unit.read("own.gate") is None
    one.write_accounts([account for account in one.accounts() if not account.user.startswith("unit1@")])
    one.reload()
    try:
        with pytest.raises(CoordinationRefused, match=r"(?i)authorization violation"):
            until_refused(unit, 10)
    finally:
        one.write_accounts(one.accounts())
        one.reload()


def until_refused(store: Coordination, seconds: float) -> None:
    """Read until that is refused for another reason than that nobody answers, or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(CoordinationUnavailable):
            store.read("own.gate")


def test_a_certificate_of_another_fleet_is_refused_and_told(one: Voters, tmp_path: Path) -> None:
    theirs = Credentials(tmp_path, "unit1@harbour")
    other = certs.new_authority("another fleet")
    pair = certs.issue(other, "unit1", address="unit1@harbour")
    for path, content in (
        (theirs.ca, one.credentials("fr@harbour").ca.read_bytes()),
        (theirs.certificate, pair.certificate),
    ):
        path.write_bytes(content)
    theirs.key.write_bytes(pair.key)
    theirs.key.chmod(0o600)
    store = NatsCoordination([one.all[0].url], theirs.context(), "unit1@harbour", SystemClock(), deadline=2.0)
    with pytest.raises(CoordinationRefused):
        store.read("own.gate")
    store.close()


def test_a_voter_of_another_fleet_is_not_believed(one: Voters, tmp_path: Path) -> None:
    ours = one.credentials("unit1@harbour")
    wrong = Credentials(tmp_path, ours.user)
    wrong.ca.write_bytes(certs.new_authority("another fleet").certificate)
    wrong.certificate.write_bytes(ours.certificate.read_bytes())
    wrong.key.write_bytes(ours.key.read_bytes())
    wrong.key.chmod(0o600)
    store = NatsCoordination([one.all[0].url], wrong.context(), ours.user, SystemClock(), deadline=2.0)
    with pytest.raises(CoordinationRefused, match="certificate verify failed"):
        store.read("own.gate")
    store.close()


def test_a_closed_store_is_unavailable_and_may_be_closed_again(one: Voters) -> None:
    store = one.open("fr")
    store.close()
    store.close()
    with pytest.raises(CoordinationUnavailable, match="closed"):
        store.read("own.gate")
    with pytest.raises(CoordinationUnavailable, match="closed"):
        store.hint("own.", lambda key: None)


def test_after_a_cut_whoever_listens_is_told_to_look_at_all(one: Voters) -> None:
    one.anew()
    heard: list[str] = []
    store = one.open("fr")
    assert store.read("own.gate") is None
    store.hint("own.", heard.append)
    before = store.generation
    one.kill(0)
    one.start(0)
    soon(lambda: store.read("own.gate"))
    assert "own." in heard
    assert store.generation > before


def test_where_there_is_no_store_a_write_is_known_not_to_be_done(one: Voters) -> None:
    raze(one.operator)
    try:
        with pytest.raises(CoordinationUnavailable, match=r"own\.gate is not changed"):
            one.open("fr").cas("own.gate", 0, b"one")
    finally:
        one.anew()


def test_who_watches_one_lease_hears_of_it_and_of_no_other(one: Voters) -> None:
    one.anew()
    heard: list[str] = []
    watching, writing = one.open("unit2"), one.open("fr")
    end = watching.hint("sess.unit1", heard.append)
    assert watching.read("sess.unit1") is None  # it is connected, and the voter knows what it wants
    heard.clear()
    writing.cas("sess.unit10", 0, b"other")
    rev = writing.cas("sess.unit1", 0, b"one")
    until = time.monotonic() + 5
    while not heard and time.monotonic() < until:
        time.sleep(0.01)
    assert heard == ["sess.unit1"]
    end()
    writing.cas("sess.unit1", rev, b"two")
    assert watching.read("sess.unit1") is not None
    assert heard == ["sess.unit1"]


def test_a_store_of_many_keys_is_listed_whole(one: Voters) -> None:
    one.anew()
    store = one.open("fr")
    with ThreadPoolExecutor(16) as pool:
        revs = list(pool.map(lambda n: store.cas(f"note.unit1.{n}", 0, b"%d" % n), range(1100)))
    found = store.list("note.unit1.")
    assert {key: held.value for key, held in found.items()} == {f"note.unit1.{n}": b"%d" % n for n in range(1100)}
    assert sorted(held.rev for held in found.values()) == sorted(revs)


def test_two_who_change_one_key_at_once_never_both_succeed(fleet: Voters) -> None:
    sessions = [fleet.open("fr"), fleet.open(natsd.OPERATOR)]

    def raise_it(store: Coordination) -> int:
        won = 0
        while won < 40:
            held = store.read("own.gate")
            try:
                store.cas("own.gate", held.rev if held else 0, b"%d" % (int(held.value) + 1 if held else 1))
                won += 1
            except (Conflict, CoordinationUnavailable):  # the other was first, or is about to be
                continue
        return won

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(raise_it, sessions)) == 80
    found = sessions[0].read("own.gate")
    assert found is not None
    assert int(found.value) == 80
