"""Orders from one node to another: what is said, what proves whose it is, when it is refused. Pure rules.

An order is a JSON text with its proof: HMAC-SHA256 (RFC 2104) under a secret that those two nodes share and no other
has. So it does not matter by which way it came, the shared store or a drop. Its report goes back by the same way,
proved by the same secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal

from core.coordination.base import CoordinationError
from core.text import safe
from core.values import NAME

Json = dict[str, Any]
State = Literal["asked", "taken", "done", "failed", "refused", "expired"]

ENDED = ("done", "failed", "refused", "expired")
LONGEST = timedelta(days=7)  # that an order may wait
SLACK = timedelta(seconds=60)  # by which two trusted clocks may differ (core.clock.AGREE)
AHEAD = timedelta(hours=1)  # an order may be younger than now by that: no clock is that wrong and trusted
MAX_ORDER, MAX_REPORT = 2000, 4000  # bytes: both together fit into 8 kB, the engine's largest message
_ID = re.compile(r"[0-9a-f]{32}")
_VERB = re.compile(r"[a-z][a-z-]{0,39}")
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


class OrderRefused(CoordinationError):
    """What came is no order that this node may obey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one node asks of another. Instants are milliseconds since the epoch by the asking node's clock."""

    id: str
    site: str
    origin: str
    to: str
    verb: str
    args: Json
    who: str  # the account that asked at the origin
    uid: int
    role: str  # of that account there
    key: str | None  # fingerprint of the key of its login, for the audit
    asked: int
    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of an order. Instants are milliseconds since the epoch by the clock of the node that obeyed."""

    id: str
    state: State
    taken: int | None = None
    ended: int | None = None
    result: Json | None = None
    error: str | None = None  # the class of an error
    text: str | None = None  # why, in words


@dataclass(frozen=True, slots=True)
class Sealed:
    """A text and the proof of whose it is."""

    text: str
    proof: str

    def to_json(self, word: str) -> Json:
        """Return it as a line of a batch or a part of a value; `word`: order or report."""
        return {word: self.text, "proof": self.proof}

    @classmethod
    def of(cls, said: object, word: str) -> Sealed:
        """Return what `to_json` wrote; raise OrderRefused for anything else, and for what is too long."""
        most = MAX_ORDER if word == "order" else MAX_REPORT
        if not isinstance(said, dict) or not isinstance(said.get(word), str) or not isinstance(said.get("proof"), str):
            raise OrderRefused(f"not an {word}" if word == "order" else f"not a {word}")
        if len(said[word]) > most or len(said[word].encode(errors="replace")) > most or len(said["proof"]) > 64:
            raise OrderRefused(f"more than {most} bytes")
        return cls(said[word], said["proof"])


@dataclass(frozen=True, slots=True)
class Times:
    """By what a node judges an order: its clock (milliseconds), whether that is trusted, and what it remembers."""

    now: int
    trusted: bool
    last_seen: int | None  # the latest time at which the clock was trusted
    born: int | None  # since when it remembers orders: its catalogue may have been lost


def seal(said: Order | Report, secret: str) -> Sealed:
    """Return an order or a report with its proof; raise OrderRefused for one that is too long."""
    word = "order" if isinstance(said, Order) else "report"
    text = json.dumps(asdict(said), separators=(",", ":"))
    if len(text) > (MAX_ORDER if word == "order" else MAX_REPORT):
        raise OrderRefused(f"the {word} has {len(text)} bytes, more than may be sent")
    return Sealed(text, _proof(word, text, secret))


def seal_short(report: Report, secret: str) -> Sealed:
    """Return a report with its proof; a result that does not fit is left out, and that is said."""
    try:
        return seal(report, secret)
    except OrderRefused:
        size = len(json.dumps(report.result))
        short = {**asdict(report), "result": {"too_long": size}, "text": safe(report.text or "", 300) or None}
        return seal(Report(**short), secret)


def open_order(sealed: Sealed, secrets: Mapping[str, str]) -> Order:
    """Return the order in `sealed`; `secrets`: those of the nodes that are obeyed, by name. Raise OrderRefused."""
    said = parsed(sealed.text)
    origin = said.get("origin")
    if not isinstance(origin, str) or origin not in secrets:
        raise OrderRefused(f"no orders of {safe(origin, 40)} are obeyed here")
    if not _proves("order", sealed, secrets[origin]):
        raise OrderRefused(f"it says that it comes from {origin}, and proves it wrongly")
    try:
        return parse_order(said)
    except (KeyError, TypeError, ValueError) as error:
        raise OrderRefused(f"{origin} says what is no order: {safe(error, 80)}") from None


def open_report(sealed: Sealed, secret: str) -> Report:
    """Return the report in `sealed`; raise OrderRefused."""
    if not _proves("report", sealed, secret):
        raise OrderRefused("a report that proves wrongly whose it is")
    said = parsed(sealed.text)
    try:
        report = Report(**said)
    except TypeError as error:
        raise OrderRefused(f"not a report: {safe(error, 80)}") from None
    if report.state not in ("taken", *ENDED) or not isinstance(report.id, str):
        raise OrderRefused("not a report")
    return report


def why_not(order: Order, site: str, node: str, times: Times, dangerous: bool) -> Report | None:
    """Return how an order ends that is not to be carried out, None: it may be.

    Whether it is too late is judged by a clock that is trusted. While none is, the latest time that was trusted here
    still ends orders that were over by then; beyond that, only what does no harm late is carried out.
    """
    over = order.expires + _ms(SLACK)
    if (order.site, order.to) != (site, node):
        return _refused(order, times, f"it is for {safe(order.to, 40)} of {safe(order.site, 40)}")
    if not 0 < order.expires - order.asked <= _ms(LONGEST):
        return _refused(order, times, f"it would wait for more than {LONGEST.days} days, or for no time at all")
    if times.last_seen is not None and times.last_seen > over:
        return _ended(order, times, "expired", "it came too late")
    if not times.trusted:
        if dangerous:
            return _refused(order, times, "the clock here is not trusted, so nobody knows whether it comes too late")
        return None
    if times.now > over:
        return _ended(order, times, "expired", "it came too late")
    if order.asked > times.now + _ms(AHEAD):
        return _refused(order, times, "it was asked in the future: one of the two clocks is wrong")
    if times.born is not None and order.asked + _ms(SLACK) < times.born:
        return _refused(order, times, "it was asked before this node's memory begins: ask again")
    return None


def is_over(order: Order, now_ms: int) -> bool:
    """Return whether nobody can obey an order any more, by the asking node's clock."""
    return now_ms > order.expires + 2 * _ms(SLACK)


def parse_order(said: Json) -> Order:
    """Return an order as its text says it; raise KeyError, TypeError or ValueError."""
    order = Order(**said)
    texts = (order.site, order.origin, order.to)
    if not all(isinstance(one, str) and NAME.fullmatch(one) for one in texts):
        raise ValueError("site, origin and to are names")
    if not isinstance(order.id, str) or _ID.fullmatch(order.id) is None:
        raise ValueError("id")
    if not isinstance(order.verb, str) or _VERB.fullmatch(order.verb) is None or not isinstance(order.args, dict):
        raise ValueError("verb and args")
    if order.key is not None and (not isinstance(order.key, str) or _KEY.fullmatch(order.key) is None):
        raise ValueError("key")
    if not isinstance(order.who, str) or not 0 < len(order.who) <= 64 or safe(order.who) != order.who:
        raise ValueError("who")
    if any(type(one) is not int or not -1 <= one < 1 << 53 for one in (order.uid, order.asked, order.expires)):
        raise ValueError("uid, asked and expires are whole numbers")
    return order


def parsed(text: str) -> Json:
    """Return the object that a text says; raise OrderRefused."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise OrderRefused("not JSON") from None
    if not isinstance(said, dict):
        raise OrderRefused("not an object")
    return said


def _proves(word: str, sealed: Sealed, secret: str) -> bool:
    said, right = sealed.proof.encode(errors="replace"), _proof(word, sealed.text, secret).encode()
    return hmac.compare_digest(said, right)


def _proof(word: str, text: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"{word}\n{text}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def _refused(order: Order, times: Times, text: str) -> Report:
    return _ended(order, times, "refused", text)


def _ended(order: Order, times: Times, state: State, text: str) -> Report:
    return Report(id=order.id, state=state, ended=times.now, text=text)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
