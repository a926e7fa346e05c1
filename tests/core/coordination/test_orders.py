"""Orders as pure rules: what proves whose they are, when they are too late, where they stand in the shared store."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from core.coordination.base import MAX_VALUE, Held, check_key
from core.coordination.orderbook import MOST, PLACES, free_place, parse_value, prefix_of, value_of
from core.coordination.orders import (
    MAX_ORDER,
    Order,
    OrderRefused,
    Report,
    Sealed,
    Times,
    open_order,
    open_report,
    seal,
    seal_short,
    why_not,
)

SECRET, OTHER = "a" * 64, "b" * 64
NOW = 1_795_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
ORDER = Order(
    id="0" * 32,
    site="quay",
    origin="fr",
    to="unit1",
    verb="capture",
    args={"camera": "north"},
    who="ana",
    uid=1000,
    role="operate",
    key="SHA256:" + "A" * 43,
    asked=NOW,
    expires=NOW + HOUR,
)
KNOWN = {"fr": SECRET}
RIGHT = seal(ORDER, SECRET)


def forged(**changed: Any) -> Sealed:
    """Return what fr would prove, however senseless."""
    text = json.dumps({**asdict(ORDER), **changed})
    return Sealed(text, proof_of(text))


def proof_of(text: str) -> str:
    """Return the proof of an order as docs/orders.md describes it."""
    return hmac.new(SECRET.encode(), f"order\n{text}".encode(), hashlib.sha256).hexdigest()


def test_an_order_arrives_as_it_was_given() -> None:
    assert open_order(seal(ORDER, SECRET), KNOWN) == ORDER
    line = json.loads(json.dumps(seal(ORDER, SECRET).to_json("order")))
    assert open_order(Sealed.of(line, "order"), KNOWN) == ORDER


@pytest.mark.parametrize(
    ("sealed", "said"),
    [
        pytest.param(seal(ORDER, OTHER), "proves it wrongly", id="another-secret"),
        pytest.param(replace(RIGHT, text=RIGHT.text.replace("capture", "stop")), "proves it wrongly", id="changed"),
        pytest.param(replace(RIGHT, text=RIGHT.text + " "), "proves it wrongly", id="one-byte-more"),
        pytest.param(replace(RIGHT, proof=""), "proves it wrongly", id="no-proof"),
        pytest.param(replace(RIGHT, proof="é\ud800"), "proves it wrongly", id="proof-is-no-text"),
        pytest.param(seal(replace(ORDER, origin="ca"), SECRET), "no orders of ca are obeyed", id="not-obeyed"),
        pytest.param(Sealed("[" * 1000, ""), "not JSON", id="nested"),
        pytest.param(Sealed("[]", ""), "not an object", id="no-object"),
        pytest.param(Sealed('{"origin": ["fr"]}', ""), "no orders of", id="origin-is-no-text"),
        pytest.param(forged(id="1"), "id", id="number"),
        pytest.param(forged(who="\x1b[2J"), "who", id="name"),
        pytest.param(forged(verb="Stop it"), "verb", id="verb"),
        pytest.param(forged(args=[]), "args", id="args"),
        pytest.param(forged(asked=True), "whole numbers", id="true-is-no-time"),
        pytest.param(forged(expires=1e400), "whole numbers", id="infinite"),
        pytest.param(forged(more=1), "what is no order", id="a-key-more"),
        pytest.param(forged(key="SHA256:x"), "key", id="fingerprint"),
        pytest.param(forged(to="../x"), "names", id="path"),
    ],
)
def test_what_proves_nothing_or_makes_no_sense_is_refused(sealed: Sealed, said: str) -> None:
    with pytest.raises(OrderRefused, match=said) as raised:
        open_order(sealed, KNOWN)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(None, id="nothing"),
        pytest.param({}, id="empty"),
        pytest.param({"order": 7, "proof": ""}, id="a-number"),
        pytest.param({"order": "x" * 2001, "proof": ""}, id="long"),
        pytest.param({"order": "é" * 1500, "proof": ""}, id="long-in-bytes"),
        pytest.param({"order": "x", "proof": "x" * 65}, id="long-proof"),
    ],
)
def test_what_has_not_the_shape_of_an_order_is_refused(line: object) -> None:
    with pytest.raises(OrderRefused):
        Sealed.of(line, "order")


def test_an_order_that_is_too_long_is_not_given() -> None:
    with pytest.raises(OrderRefused, match="bytes"):
        seal(replace(ORDER, args={"reason": "x" * MAX_ORDER}), SECRET)


def test_the_proof_of_an_order_proves_no_report() -> None:
    text = seal(Report(id=ORDER.id, state="done"), SECRET).text
    with pytest.raises(OrderRefused, match="wrongly"):
        open_report(Sealed(text, proof_of(text)), SECRET)


def test_a_report_arrives_as_it_was_given_and_a_long_one_says_that_it_was() -> None:
    report = Report(id=ORDER.id, state="done", taken=NOW, ended=NOW + 1, result={"pictures": ["x"]})
    assert open_report(seal_short(report, SECRET), SECRET) == report
    long = open_report(seal_short(replace(report, result={"x": "y" * 10_000}), SECRET), SECRET)
    assert (long.state, long.result) == ("done", {"too_long": 10_009})


TRUSTED = Times(now=NOW + 1000, trusted=True, last_seen=NOW, born=NOW - DAY)
DOUBTED = replace(TRUSTED, trusted=False)
OVER = ORDER.expires + 60_000


@pytest.mark.parametrize(
    ("times", "dangerous", "state"),
    [
        pytest.param(TRUSTED, True, None, id="in-time"),
        pytest.param(replace(TRUSTED, now=OVER), True, None, id="at-the-last-instant"),
        pytest.param(replace(TRUSTED, now=OVER + 1), False, "expired", id="past-it"),
        pytest.param(replace(TRUSTED, now=NOW - HOUR), False, None, id="our-clock-is-an-hour-behind"),
        pytest.param(replace(TRUSTED, now=NOW - HOUR - 1), False, "refused", id="from-the-future"),
        pytest.param(replace(TRUSTED, born=NOW + 60_000), False, None, id="as-old-as-our-memory"),
        pytest.param(replace(TRUSTED, born=NOW + 60_001), False, "refused", id="older-than-our-memory"),
        pytest.param(replace(DOUBTED, now=OVER + DAY), False, None, id="a-clock-ahead-that-nobody-trusts"),
        pytest.param(replace(DOUBTED, now=0), False, None, id="a-clock-behind-that-nobody-trusts"),
        pytest.param(DOUBTED, True, "refused", id="dangerous-and-not-trusted"),
        pytest.param(replace(DOUBTED, last_seen=OVER + 1), False, "expired", id="over-when-it-was-trusted-last"),
        pytest.param(replace(TRUSTED, last_seen=None, born=None), True, None, id="nothing-is-remembered"),
    ],
)
def test_when_an_order_is_too_late(times: Times, dangerous: bool, state: str | None) -> None:
    end = why_not(ORDER, "quay", "unit1", times, dangerous)
    assert (None if end is None else end.state) == state


@pytest.mark.parametrize("lasts", [0, -1, 7 * DAY + 1], ids=["none", "less", "eight-days"])
def test_an_order_waits_for_a_week_at_most(lasts: int) -> None:
    end = why_not(replace(ORDER, expires=NOW + lasts), "quay", "unit1", TRUSTED, False)
    assert end is not None
    assert end.state == "refused"


def held(*reports: Report | None) -> dict[str, Held]:
    return {
        f"{prefix_of('unit1')}{n:02d}": Held(
            n + 1, value_of(seal(ORDER, SECRET), None if one is None else seal(one, SECRET))
        )
        for n, one in enumerate(reports)
    }


def test_places_are_used_again_when_their_order_is_over_and_never_before() -> None:
    assert free_place({}, "unit1", NOW) == ("order.unit1.00", 0)
    assert free_place(held(None, None), "unit1", NOW) == ("order.unit1.02", 0)
    full = [None] * PLACES
    with pytest.raises(OrderRefused, match="64 orders wait"):
        free_place(held(*full), "unit1", NOW)
    assert free_place(held(*full), "unit1", OVER + 60_001) == ("order.unit1.00", 1)
    done = Report(id=ORDER.id, state="done")
    assert free_place(held(*full[:40], done, *full[41:]), "unit1", NOW) == ("order.unit1.40", 41)
    taken = replace(done, state="taken")
    with pytest.raises(OrderRefused):
        free_place(held(*[taken] * PLACES), "unit1", NOW)


def test_a_place_with_garbage_is_no_place_lost() -> None:
    full = held(*[None] * PLACES)
    full["order.unit1.33"] = Held(7, b"\xff" * 100)
    assert free_place(full, "unit1", NOW) == ("order.unit1.33", 7)


def test_order_and_report_fit_into_one_message_of_the_engine() -> None:
    order = seal(replace(ORDER, args={"reason": '"\\' * 330}), SECRET)
    report = seal(Report(id=ORDER.id, state="done", result={"x": '"\\' * 900}), SECRET)
    value = value_of(order, report)
    assert parse_value(value) == (order, report)
    assert len(value) <= MOST < min(8000, MAX_VALUE)
    check_key("order.unit1.63")


@pytest.mark.parametrize("value", [b"", b"\n", b"a b\nc d\ne f", b"x" * 10_000])
def test_a_value_that_is_neither_is_refused_or_proves_nothing(value: bytes) -> None:
    with pytest.raises(OrderRefused):
        open_order(parse_value(value)[0], KNOWN)
