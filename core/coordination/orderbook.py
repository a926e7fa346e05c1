"""Orders in the shared store: a node's keys `order.NODE.00` and on, each with one order and its report."""

from __future__ import annotations

from collections.abc import Mapping

from core.coordination.base import Held
from core.coordination.orders import (
    ENDED,
    MAX_ORDER,
    MAX_REPORT,
    OrderRefused,
    Sealed,
    is_over,
    parse_order,
    parsed,
)

MOST = MAX_ORDER + MAX_REPORT + 200  # bytes of a value: less than 8 kB, the largest message of the engine
PLACES = 64  # keys of one node: nothing is ever removed from the shared store, so they are used again


def prefix_of(node: str) -> str:
    """Return how the keys of a node's orders begin."""
    return f"order.{node}."


def value_of(order: Sealed, report: Sealed | None) -> bytes:
    """Return what a key holds: a line for the order and one for its report, each with its proof before it."""
    return "\n".join(f"{one.proof} {one.text}" for one in (order, report) if one is not None).encode()


def parse_value(value: bytes) -> tuple[Sealed, Sealed | None]:
    """Return the order and the report that a key holds; raise OrderRefused."""
    if len(value) > MOST:
        raise OrderRefused("more bytes than an order and its report have")
    order, *reports = value.decode(errors="replace").split("\n")
    if len(reports) > 1:
        raise OrderRefused("neither an order nor its report")
    return _sealed(order, "order"), _sealed(reports[0], "report") if reports else None


def _sealed(line: str, word: str) -> Sealed:
    proof, _, text = line.partition(" ")
    return Sealed.of({word: text, "proof": proof}, word)


def free_place(held: Mapping[str, Held], node: str, now_ms: int) -> tuple[str, int]:
    """Return the key and revision under which a new order may be put: an unused one, or one whose order is over.

    Raise OrderRefused when so many wait for that node already.
    """
    keys = [f"{prefix_of(node)}{n:02d}" for n in range(PLACES)]
    for key in keys:
        if key not in held:
            return key, 0
    over = [(at, key) for key in keys if (at := _over_since(held[key].value, now_ms)) is not None]
    if not over:
        raise OrderRefused(f"{PLACES} orders wait for {node} already: see `overlapse orders`")
    key = min(over)[1]
    return key, held[key].rev


def _over_since(value: bytes, now_ms: int) -> int | None:
    """Return until when an order held, None while it still does. What makes no sense may be written over."""
    try:
        sealed, report = parse_value(value)
        order = parse_order(parsed(sealed.text))
        state = None if report is None else parsed(report.text).get("state")
    except (OrderRefused, KeyError, TypeError, ValueError):
        return 0
    return order.expires if state in ENDED or is_over(order, now_ms) else None
