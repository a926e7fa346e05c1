"""Orders between two simulated nodes, by a drop and by a shared store: obeyed once, audited, reported, or refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from peers.simulation import BEGIN, CALM, site_toml

from core.catalogue import states
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import Role
from core.coordination.base import Coordination, CoordinationError, CoordinationUnavailable, Unknown
from core.coordination.orderbook import value_of
from core.coordination.orders import Order, Report, Sealed, seal
from core.coordination.sqlite import SqliteCoordination
from core.node.engine import Local
from core.node.loop import Event
from core.simulate.handover import SimulatedDrop, hand_on
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.transfer import drops
from core.values import milliseconds_of

SECRET = "0123456789abcdef0123456789abcdef"
ANA = Who(1000, "ana", Role.OPERATE, 1, "SHA256:" + "A" * 43)
ROOT = Who(0, "root", Role.ADMIN, 1)
PACE = replace(CALM, drop=60.0, judge=60.0)


def text(obeys: str = '{ node = "fr", key_file = "secret" }') -> str:
    return site_toml(
        destinations=(),
        every="30m",
        camera='primary = "unit1"',
        routes="",
        node=f"obeys = [{obeys}]\n",
        extra="""
[[node]]
name = "fr"
kind = "cloud"
inbox = "/inbox"
[[node]]
name = "ca"
kind = "cloud"
[[destination]]
name = "fr"
node = "fr"
address = "folder:/inbox/unit1"
[[route]]
what = ["jpeg"]
to = "fr"
""",
    )


class Pair:
    """A unit and its hub, on one clock, with a drop between them, or a store that they share."""

    def __init__(self, folder: Path, said: str, store: Coordination | None = None, world: World | None = None) -> None:
        self.world = world or World(BEGIN)
        (folder / "secret").write_text(SECRET)
        (folder / "secret").chmod(0o600)
        self.unit = SimulatedSite(self.world, said, pace=PACE)
        self.fr = SimulatedSite(self.world, said, pace=PACE, node="fr")
        for site in (self.unit, self.fr):
            site.base = folder
            site.engine = None if store is None else Local(store)
        self.drop = SimulatedDrop()
        hand_on(self.world, self.unit, "fr", self.fr, self.drop)
        self.node = SimulatedNode(self.world, [self.unit, self.fr])
        self.run(minutes=2)

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    def ask(self, site: SimulatedSite, asked: str, who: Who = ANA, **args: Any) -> Any:
        said: list[Any] = []
        site.ask(Request(asked, args, who, said.append))
        return said[0]

    def order(self, verb: str, who: Who = ANA, lasts: int | None = None, node: str = "unit1", **args: Any) -> str:
        more = {} if lasts is None else {"lasts": lasts}
        answer = self.ask(self.fr, "order", who, node=node, verb=verb, args=args, **more)
        assert "done" in answer, answer
        return str(answer["done"]["order"])

    def row(self, number: str, site: SimulatedSite | None = None) -> Any:
        rows = self.ask(site or self.fr, "orders")["done"]
        return next((one for one in [*rows["given"], *rows["received"]] if one["id"] == number), None)

    def extras(self) -> list[str]:
        return [told for told in self.unit.told("shot") if told.startswith("extra")]

    def forged(self, **changed: Any) -> Order:
        """Return an order as the hub would give it, with something changed."""
        now = milliseconds_of(self.world.now())
        order = Order(
            id="0" * 31 + "1", site="quarry", origin="fr", to="unit1", verb="capture", args={"camera": "north"},
            who="ana", uid=1000, role="operate", key=None, asked=now, expires=now + 3_600_000,
        )  # fmt: skip
        return replace(order, **changed)


def put_in_drop(pair: Pair, *lines: Any, name: str = "quarry/_receipts/fr_0000000000001") -> None:
    pair.drop.settle([{"name": name, "data": base64.b64encode(drops.pack(lines)).decode()}], [])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteCoordination]:
    made = SqliteCoordination(tmp_path / "shared.db", World(BEGIN))
    yield made
    made.close()


@pytest.fixture(params=["drop", "engine"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, store: SqliteCoordination) -> Pair:
    return Pair(tmp_path, text(), store if request.param == "engine" else None)


def test_a_unit_that_nobody_reaches_takes_a_shot_that_the_hub_orders(pair: Pair) -> None:
    number = pair.order("capture", camera="north")
    assert pair.row(number)["state"] == "asked"
    pair.run(minutes=17)
    row = pair.row(number)
    assert (row["state"], row["who"], row["verb"]) == ("done", "ana", "capture")
    assert row["asked"] <= row["sent"] <= row["taken"] <= row["ended"]
    (picture,) = row["result"]["pictures"]
    assert picture.startswith("north_")
    assert pair.row(number, pair.unit)["state"] == "done"
    assert pair.unit.audit.lines == [("ana@fr", "capture", "asked"), ("ana@fr", "capture", "done")]
    assert len(pair.extras()) == 1
    assert pair.fr.told("order ended") == ["capture by ana: done"]


def test_what_fails_there_is_told_here(pair: Pair) -> None:
    number = pair.order("capture", camera="south")
    pair.run(minutes=17)
    row = pair.row(number)
    assert (row["state"], row["error"]) == ("failed", "NoSuchThing")
    assert "south" in row["text"]


def test_a_pause_has_its_reason_and_its_person(pair: Pair) -> None:
    until = (pair.world.now() + timedelta(hours=5)).isoformat()
    number = pair.order("pause", camera="north", until=until, reason="the lens is cleaned")
    pair.run(minutes=17)
    assert pair.row(number)["state"] == "done"
    assert pair.unit.told("pause") == ["by ana@fr: the lens is cleaned"]


def test_an_order_waits_for_a_unit_that_is_away_and_ends_when_it_is_too_late(pair: Pair) -> None:
    pair.unit.cut()
    pair.node.sites = [pair.fr]
    late, kept = pair.order("capture", camera="north", lasts=600), pair.order("retry", destination="fr", lasts=86400)
    pair.run(hours=3)
    assert (pair.row(late)["state"], pair.row(late)["text"]) == ("expired", "nothing was heard of it")
    assert pair.row(kept)["state"] == "asked"
    pair.node.sites = [pair.unit, pair.fr]
    pair.unit.start(pair.node._queue)
    pair.run(minutes=17)
    assert pair.row(kept)["state"] == "done"
    assert pair.extras() == []
    assert pair.row(late, pair.unit)["state"] == "expired"


def test_stops_of_either_end_carry_nothing_out_twice(pair: Pair) -> None:
    numbers = []
    for n in range(8):
        numbers.append(pair.order("capture", camera="north"))
        pair.run(seconds=0.1 + n / 3)
        pair.node.cut_one(pair.fr if n % 2 else pair.unit)
        pair.run(seconds=n)
        pair.node.cut_one(pair.unit)
        pair.run(minutes=10)
    pair.run(minutes=40)
    rows = [pair.row(number) for number in numbers]
    assert {row["state"] for row in rows} <= {"done", "failed"}
    assert all("stopped in the middle" in row["text"] for row in rows if row["state"] == "failed")
    assert len(pair.extras()) <= len(numbers)
    begun = [line for line in pair.unit.audit.lines if line[2] == "asked"]
    assert len(begun) <= len(numbers)


@pytest.mark.parametrize(
    ("who", "obeys", "verb", "args", "said"),
    [
        pytest.param(ANA, 'role = "view"', "capture", {"camera": "north"}, "your role is view", id="the-node-may-less"),
        pytest.param(ROOT, 'role = "operate"', "stop", {}, "your role is operate", id="admin-here-is-not-admin-there"),
    ],
)
def test_the_units_own_configuration_decides(
    tmp_path: Path, who: Who, obeys: str, verb: str, args: dict[str, Any], said: str
) -> None:
    pair = Pair(tmp_path, text(f'{{ node = "fr", key_file = "secret", {obeys} }}'))
    number = pair.order(verb, who, **args)
    pair.run(minutes=17)
    row = pair.row(number)
    assert (row["state"], row["error"]) == ("refused", "Forbidden")
    assert said in row["text"]
    assert [line[:2] for line in pair.unit.audit.lines] == [(f"{who.user}@fr", verb)]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param({"node": "ca", "verb": "capture", "args": {"camera": "x"}}, "ca does not obey fr", id="nobody"),
        pytest.param({"node": "fr", "verb": "capture", "args": {"camera": "x"}}, "no other node fr", id="itself"),
        pytest.param({"node": "unit1", "verb": "stop", "args": {}}, "your role is operate", id="role"),
        pytest.param({"node": "unit1", "verb": "order", "args": {}}, "on the node itself", id="no-chains"),
        pytest.param({"node": "unit1", "verb": "fly", "args": {}}, "no verb 'fly'", id="unknown"),
        pytest.param({"node": "unit1", "verb": "capture", "args": {"x": 1}}, "camera is missing", id="arguments"),
        pytest.param({"node": "unit1", "verb": "events", "args": {}, "lasts": 10**6}, "at most 7 days", id="too-long"),
    ],
)
def test_what_cannot_be_ordered_is_refused_at_once(tmp_path: Path, args: dict[str, Any], said: str) -> None:
    pair = Pair(tmp_path, text())
    assert said in pair.ask(pair.fr, "order", **args)["message"]
    assert pair.ask(pair.fr, "orders")["done"]["given"] == []


def test_a_dry_run_orders_nothing(pair: Pair) -> None:
    told = pair.ask(pair.fr, "order", node="unit1", verb="capture", args={"camera": "north"}, dry_run=True)["done"]
    assert told["does"].startswith("Take one shot")
    pair.run(hours=1)
    assert pair.extras() == []


def put_in_store(pair: Pair, order: Sealed, key: str = "order.unit1.07") -> None:
    engine = pair.unit.engine
    assert isinstance(engine, Local)
    held = engine.coordination.read(key)
    engine.coordination.cas(key, held.rev if held else 0, value_of(order, None))


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {  # what is said otherwise, and what is told of it
    "another-node": ({"to": "unit2"}, "it is for unit2"),
    "another-site": ({"site": "quay"}, "it is for unit1 of quay"),
    "expired": ({"asked": 1, "expires": 2}, "expired: it came too late"),
    "unknown-verb": ({"verb": "fly"}, "there is no verb 'fly'"),
    "a-chain": ({"verb": "order", "args": {"node": "ca", "verb": "stop", "args": {}}}, "on the node itself"),
    "a-role-of-its-own": ({"role": "god"}, "god is no role"),
    "no-arguments": ({"args": {}}, "camera is missing"),
}


@pytest.mark.parametrize("way", ["drop", "engine"])
def test_an_order_that_says_what_it_may_not_is_refused_told_and_audited(
    tmp_path: Path, store: SqliteCoordination, way: str
) -> None:
    pair = Pair(tmp_path, text(), store if way == "engine" else None)
    orders = [
        seal(pair.forged(id=f"{n:032x}", **changed), SECRET) for n, (changed, _) in enumerate(HOSTILE.values(), 1)
    ]
    if way == "engine":
        for n, order in enumerate(orders):
            put_in_store(pair, order, f"order.unit1.{n:02d}")
    else:
        put_in_drop(pair, *(order.to_json("order") for order in orders))
    pair.run(minutes=17)
    told = pair.unit.told("order refused")
    assert len(told) == len(HOSTILE)
    for case, (_, said) in HOSTILE.items():
        assert any(said in one for one in told), case
    assert (pair.extras(), pair.unit.told("order taken")) == ([], [])
    rows = pair.ask(pair.unit, "orders")["done"]["received"]
    assert {row["state"] for row in rows} == {"refused", "expired"}
    assert {line[2].partition(":")[0] for line in pair.unit.audit.lines} == {"refused"}


def test_what_is_no_order_of_anybody_is_told_and_not_kept(tmp_path: Path, store: SqliteCoordination) -> None:
    pair = Pair(tmp_path, text(), store)
    for n, secret in enumerate(("x" * 32, SECRET)):
        order = pair.forged() if secret != SECRET else pair.forged(origin="ca")
        put_in_store(pair, seal(order, secret), f"order.unit1.{n:02d}")
        pair.run(minutes=3)
    store.cas("order.unit1.09", 0, b"\xff" * 6900)
    pair.run(minutes=3)
    first, second, third = pair.unit.told("order refused")
    assert "proves it wrongly" in first
    assert "no orders of ca are obeyed here" in second
    assert "more bytes" in third
    assert pair.ask(pair.unit, "orders")["done"]["received"] == []
    pair.run(hours=1)
    assert len(pair.unit.told("order refused")) == 3, "each is told once"


def test_a_replay_is_known_and_answered_with_what_became_of_the_first(tmp_path: Path) -> None:
    pair = Pair(tmp_path, text())
    order = seal(pair.forged(), SECRET).to_json("order")
    for n in range(5):
        put_in_drop(pair, order, name=f"quarry/_receipts/fr_000000000000{n}")
        pair.run(minutes=20)
        pair.node.cut_one(pair.unit)
    assert len(pair.extras()) == 1
    assert pair.unit.told("order refused") == []


def test_an_order_that_another_deliverer_carries_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("y" * 32)
    (tmp_path / "other").chmod(0o600)
    both = '{ node = "fr", key_file = "secret" }, { node = "ca", key_file = "other" }'
    pair = Pair(tmp_path, text(both))
    put_in_drop(pair, seal(pair.forged(origin="ca"), "y" * 32).to_json("order"))
    pair.run(minutes=17)
    assert pair.unit.told("order refused") == ["an order of ca does not come from fr"]
    assert pair.extras() == []


def test_a_flood_of_forged_orders_fills_neither_journal_nor_memory(tmp_path: Path) -> None:
    pair = Pair(tmp_path, text())
    lines = [seal(pair.forged(id=f"{n:032x}"), "x" * 32).to_json("order") for n in range(400)]
    for n in range(3):
        put_in_drop(pair, *lines, name=f"quarry/_receipts/fr_000000000010{n}")
    pair.run(minutes=30)
    assert 1 <= len(pair.unit.told("order refused")) <= 3
    assert pair.ask(pair.unit, "orders")["done"]["received"] == []


def test_a_catalogue_that_was_lost_does_not_make_old_orders_new(tmp_path: Path, store: SqliteCoordination) -> None:
    pair = Pair(tmp_path, text(), store)
    number = pair.order("capture", camera="north", lasts=86400)
    pair.run(minutes=5)
    assert pair.row(number)["state"] == "done"
    order = seal(pair.forged(id="e" * 32, asked=milliseconds_of(pair.world.now()) - 600_000), SECRET)
    for key in states.keys(pair.unit.catalogue, "order"):
        states.forget(pair.unit.catalogue, key)
    before = store.list("order.unit1.")
    pair.node.cut_one(pair.unit)
    pair.run(minutes=5)
    assert store.list("order.unit1.") == before
    assert pair.unit.told("order refused") == []
    put_in_store(pair, order)
    pair.run(minutes=5)
    assert len(pair.extras()) == 1
    assert "before this node's memory begins" in pair.unit.told("order refused")[-1]


@pytest.mark.parametrize("ahead", [timedelta(days=400), -timedelta(days=400)], ids=["ahead", "behind"])
def test_a_clock_that_nobody_trusts_judges_no_harmless_order_and_obeys_no_dangerous_one(
    tmp_path: Path, ahead: timedelta
) -> None:
    pair = Pair(tmp_path, text('{ node = "fr", key_file = "secret", role = "admin" }'))
    pair.unit.synchronised = False
    pair.run(minutes=5)
    now = milliseconds_of(pair.world.now() - ahead)
    harmless = seal(pair.forged(asked=now, expires=now + 60_000), SECRET)
    restart = pair.forged(id="a" * 32, verb="restart", args={}, role="admin")
    put_in_drop(pair, harmless.to_json("order"), seal(restart, SECRET).to_json("order"))
    pair.run(minutes=17)
    told = " ".join(pair.unit.told("order refused"))
    assert "the clock here is not trusted" in told
    if ahead > timedelta(0):  # by the last time that was trusted here it was over already
        assert "expired: it came too late" in told
        assert pair.extras() == []
    else:
        assert len(pair.extras()) == 1


class Shaky:
    """A store whose answers get lost, before or after it did what was asked."""

    def __init__(self, store: SqliteCoordination) -> None:
        self.store, self.calls = store, 0

    def cas(self, key: str, rev: int, value: bytes) -> int:
        self.calls += 1
        if self.calls % 3 == 1:
            raise CoordinationUnavailable("it does not answer")
        found = self.store.cas(key, rev, value)
        if self.calls % 3 == 2:
            raise Unknown("whether it was done is not known")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_a_store_that_is_shaky_delays_orders_and_doubles_none(tmp_path: Path, store: SqliteCoordination) -> None:
    shaky: Any = Shaky(store)
    pair = Pair(tmp_path, text(), shaky)
    numbers = [pair.order("capture", camera="north") for _ in range(5)]
    pair.run(minutes=30)
    assert [pair.row(number)["state"] for number in numbers] == ["done"] * 5
    assert len(pair.extras()) == 5
    assert shaky.calls > 15


class Far:
    """A store that answers after a while, so that others get in between."""

    def __init__(self, pair: Pair, site: SimulatedSite, store: Coordination) -> None:
        self.pair, self.site, self.store = pair, site, store

    def ask(self, work: Callable[[Coordination], Any], then: Callable[[Any], None], line: str = "") -> None:
        def done() -> None:
            try:
                result = work(self.store)
            except CoordinationError as error:
                result = error
            self.pair.world.after(0.5, lambda: self.hear(then, result))

        self.pair.world.after(0.5, done)

    def hear(self, then: Callable[[Any], None], result: Any) -> None:
        then(result)
        self.pair.node._queue.put(Event(self.site.running, None))

    def hint(self, prefix: str, callback: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    def close(self) -> None:
        """The store is another's to close."""


def test_of_two_machines_that_say_they_are_the_same_unit_one_obeys(tmp_path: Path, store: SqliteCoordination) -> None:
    pair = Pair(tmp_path, text(), store)
    twin = SimulatedSite(pair.world, text(), pace=PACE)
    twin.base = tmp_path
    pair.node.stop()
    pair.node.sites = [pair.unit, twin, pair.fr]
    for site in pair.node.sites:
        site.engine = Far(pair, site, store)
    pair.run(minutes=2)
    numbers = [pair.order("capture", camera="north") for _ in range(3)]
    pair.run(minutes=10)
    assert [pair.row(number)["state"] for number in numbers] == ["done"] * 3
    assert len(pair.extras() + [told for told in twin.told("shot") if told.startswith("extra")]) == 3


def test_the_keys_of_a_node_are_used_again(tmp_path: Path, store: SqliteCoordination) -> None:
    pair = Pair(tmp_path, text(), store)
    for _ in range(66):
        pair.order("retry", destination="fr")
        pair.run(seconds=5)
    pair.run(minutes=5)
    assert len(store.list("order.unit1.")) == 64
    assert {one["state"] for one in pair.ask(pair.fr, "orders")["done"]["given"]} == {"done"}
    assert len(store.list("order.")) == 64


def test_more_than_a_node_can_be_asked_is_refused(tmp_path: Path, store: SqliteCoordination) -> None:
    pair = Pair(tmp_path, text(), store)
    pair.unit.cut()
    pair.node.sites = [pair.fr]
    numbers = [pair.order("retry", destination="fr", lasts=86400) for _ in range(66)]
    pair.run(minutes=2)
    ended = [pair.row(number) for number in numbers if pair.row(number)["state"] == "refused"]
    assert len(ended) == 2
    assert ended[0]["text"].startswith("64 orders wait for unit1 already")


def test_a_node_reports_on_its_own_orders_alone(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("y" * 32)
    (tmp_path / "other").chmod(0o600)
    said = text().replace('name = "ca"', 'name = "ca"\nobeys = [{ node = "fr", key_file = "other" }]')
    pair = Pair(tmp_path, said)
    pair.unit.cut()
    pair.node.sites = [pair.fr]
    number = pair.order("capture", camera="north")
    report = seal(Report(id=number, state="done"), "y" * 32)
    put_in_drop(pair, report.to_json("report"), name="quarry/_lines/ca_0000000000001")
    pair.run(minutes=5)
    assert pair.row(number)["state"] == "asked"


def test_who_forges_a_report_is_not_believed(tmp_path: Path) -> None:
    pair = Pair(tmp_path, text())
    pair.unit.cut()
    pair.node.sites = [pair.fr]
    number = pair.order("capture", camera="north")
    forged = {"report": json.dumps({"id": number, "state": "done"}), "proof": "0" * 64}
    echo = Sealed(forged["report"], seal(pair.forged(), SECRET).proof).to_json("report")
    put_in_drop(pair, forged, echo, {"report": 7}, name="quarry/_lines/unit1_0000000000001")
    pair.run(minutes=10)
    assert pair.row(number)["state"] == "asked"
