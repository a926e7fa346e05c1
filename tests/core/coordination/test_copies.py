"""Copies of the shared store, and what is done with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.coordination import copies
from core.coordination.founding import bury, put_back, raise_epoch, refuse_orders
from core.coordination.orderbook import parse_value, value_of
from core.coordination.orders import Order, OrderRefused, parse_order, parsed, seal
from core.coordination.sqlite import SqliteCoordination
from core.errors import ConfigurationError

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteCoordination]:
    opened = SqliteCoordination(tmp_path / "coordination.db", SystemClock())
    yield opened
    opened.close()


@pytest.mark.parametrize("value", [b"", b"{}", "äöü \n\x1b[31m".encode(), b"\x00\xff" * 100, b"base64:x", bytes(7000)])
def test_a_copy_is_read_as_it_was_written(store: SqliteCoordination, tmp_path: Path, value: bytes) -> None:
    store.cas("own.gate", 0, value)
    raise_epoch(store, 0)
    taken = copies.take(store, NOON)
    file = copies.write(taken, tmp_path / "copies", "harbour")
    assert copies.read(file) == taken
    assert taken.epoch == 2
    assert file.name == "harbour-20261121T120000Z.coordination.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "\x1b" not in file.read_text()


def test_only_so_many_are_kept_and_those_of_other_sites_left_alone(store: SqliteCoordination, tmp_path: Path) -> None:
    for site in ("harbour", "quay"):
        for hour in range(5):
            copies.write(copies.take(store, NOON + timedelta(hours=hour)), tmp_path, site, keep=3)
    found = [copies.taken_at(file) for file in copies.all_in(tmp_path, "harbour")]
    assert found == ["20261121T160000Z", "20261121T150000Z", "20261121T140000Z"]
    assert len(copies.all_in(tmp_path, "quay")) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text[: len(text) // 2], id="cut-short"),
        pytest.param(lambda text: text.replace("one", "two"), id="changed"),
        pytest.param(lambda text: "[]", id="something-else"),
        pytest.param(lambda text: text.replace("own.gate", "own gate"), id="a-key-that-is-none"),
    ],
)
def test_a_copy_that_is_not_whole_is_refused(store: SqliteCoordination, tmp_path: Path, spoil: object) -> None:
    store.cas("own.gate", 0, b"one")
    file = copies.write(copies.take(store, NOON), tmp_path, "harbour")
    file.write_text(spoil(file.read_text()))  # type: ignore[operator]
    with pytest.raises(ConfigurationError, match=r"not a copy|checksum"):
        copies.read(file)


def test_a_restore_fills_an_empty_store_and_is_taken_up_where_it_was_broken_off(tmp_path: Path) -> None:
    old, new = (SqliteCoordination(tmp_path / name, SystemClock()) for name in ("old.db", "new.db"))
    for n, key in enumerate(("own.gate", "cfg.cam.gate", "sess.unit1")):
        old.cas(key, 0, b"%d" % n)
    raise_epoch(old, 5)
    taken = copies.take(old, NOON)
    new.cas("own.gate", 0, b"0")
    new.cas("sess.unit1", 0, b"something newer")
    assert put_back(new, taken) == 2
    assert put_back(new, taken) == 0
    assert raise_epoch(new, (taken.epoch or 0) + 1) == 6
    assert {key: held.value for key, held in new.list("").items()} == {
        "own.gate": b"0",
        "cfg.cam.gate": b"1",
        "sess.unit1": b"2",
        "epoch": b'{"e": 6}',
    }
    old.close()
    new.close()


def test_the_lease_of_a_node_that_is_shut_out_ends_and_its_orders_are_refused(store: SqliteCoordination) -> None:
    store.cas("sess.unit1", 0, b'{"sid": "a", "n": 4}')
    for key, origin in (("order.unit1.00", "fr"), ("order.unit2.00", "unit1"), ("order.unit2.01", "fr")):
        store.cas(key, 0, ordered(origin, key.split(".")[1]))
    assert bury(store, "unit1", "operator")
    assert not bury(store, "unit9", "operator")
    assert refuse_orders(store, "unit1", "operator") == 2
    assert refuse_orders(store, "unit1", "operator") == 0
    held = store.list("")
    assert json.loads(held["sess.unit1"].value) == {"sid": "a", "n": 4, "dead": {"by": "operator"}}
    assert held["order.unit2.01"].value == ordered("fr", "unit2")
    for key in ("order.unit1.00", "order.unit2.00"):
        with pytest.raises(OrderRefused):
            parse_order(parsed(parse_value(held[key].value)[0].text))


def ordered(origin: str, to: str) -> bytes:
    text = {"id": "0" * 32, "site": "harbour", "origin": origin, "to": to, "verb": "capture", "who": "ann"}
    times = {"asked": 1_000, "expires": 2_000}
    given = Order(**text, **times, args={}, uid=1000, role="operate", key=None)  # type: ignore[arg-type]
    return value_of(seal(given, "secret"), None)
