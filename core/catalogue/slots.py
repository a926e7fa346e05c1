"""The ledger's rows: for every slot that this node was to drive exactly one outcome, which never changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from core.catalogue.store import Catalogue, Row
from core.values import Fence

END = 2**62  # later than any slot

OutcomeKind = Literal["captured", "late", "missed", "excused"]
_COLUMNS = "camera, slot, node, idx, outcome, partial, cause, shutter, epoch, token, filled"
_SLOTS = f"SELECT {_COLUMNS} FROM slot "  # noqa: S608 - constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one slot of one camera at one node."""

    camera: str
    slot: int  # seconds since the epoch
    node: str
    outcome: OutcomeKind
    index: int | None = None
    partial: bool = False  # half of a RAW and JPEG pair did not come
    cause: str = ""  # why it was missed or excused
    shutter: int | None = None  # host milliseconds since the epoch
    fence: Fence | None = None
    filled: str | None = None  # the spare that came later

    @property
    def day(self) -> int:
        """Days since the epoch."""
        return self.slot // 86400


def _outcome(row: Row) -> Outcome:
    return Outcome(
        camera=row["camera"],
        slot=row["slot"],
        node=row["node"],
        index=row["idx"],
        outcome=row["outcome"],
        partial=bool(row["partial"]),
        cause=row["cause"],
        shutter=row["shutter"],
        fence=None if row["epoch"] is None else Fence(row["epoch"], row["token"]),
        filled=row["filled"],
    )


def record(catalogue: Catalogue, outcome: Outcome) -> bool:
    """Write down an outcome; return False, and change nothing, when the slot has one."""
    values = {
        "camera": outcome.camera,
        "slot": outcome.slot,
        "node": outcome.node,
        "idx": outcome.index,
        "outcome": outcome.outcome,
        "partial": int(outcome.partial),
        "cause": outcome.cause,
        "shutter": outcome.shutter,
        "epoch": None if outcome.fence is None else outcome.fence.epoch,
        "token": None if outcome.fence is None else outcome.fence.token,
        "filled": outcome.filled,
    }
    return catalogue.insert("slot", values, "ON CONFLICT DO NOTHING") is not None


def fill(catalogue: Catalogue, camera: str, slot: int, node: str, spare: str) -> bool:
    """Add to an outcome the name of a spare that came later; return False when there is one, or no outcome."""
    where, key = "camera = ? AND slot = ? AND node = ?", (camera, slot, node)
    with catalogue.transaction():
        sql = f"UPDATE slot SET filled = ? WHERE {where} AND filled IS NULL"  # noqa: S608 - constants
        if catalogue.run(sql, (spare, *key)) == 0:
            return False
        catalogue.seal("slot", where, key)
    return True


def get(catalogue: Catalogue, camera: str, slot: int, node: str) -> Outcome | None:
    """Return what became of a slot, None while nothing is known."""
    row = catalogue.row(_SLOTS + "WHERE camera = ? AND slot = ? AND node = ?", (camera, slot, node))
    return None if row is None else _outcome(row)


def latest(catalogue: Catalogue, camera: str, node: str, until: int = END) -> Outcome | None:
    """Return the outcome of the last slot of a camera, up to `until`, that has one at `node`."""
    where = "WHERE camera = ? AND node = ? AND slot <= ? ORDER BY slot DESC LIMIT 1"
    row = catalogue.row(_SLOTS + where, (camera, node, until))
    return None if row is None else _outcome(row)


def latest_first(catalogue: Catalogue, camera: str, node: str, until: int, at_most: int = 1000) -> list[Outcome]:
    """Return the outcomes of a camera at `node` from the one at `until` back, up to the newest picture; `at_most`."""
    where = "WHERE camera = ? AND node = ? AND slot <= ? ORDER BY slot DESC LIMIT ?"
    found = []
    for row in catalogue.each(_SLOTS + where, (camera, node, until, at_most)):
        found.append(_outcome(row))
        if row["outcome"] in ("captured", "late"):
            break
    return found


class Extent(NamedTuple):
    """The first and the last slot of a stretch that have an outcome, and how many have one."""

    first: int
    last: int
    known: int


def extent(catalogue: Catalogue, camera: str, node: str, begin: int) -> Extent | None:
    """Return what is known of a camera's slots at `node` from `begin` on; None: nothing."""
    row = catalogue.row(
        "SELECT min(slot), max(slot), count(*) FROM slot WHERE camera = ? AND slot >= ? AND node = ?",
        (camera, begin, node),
    )
    return None if row is None or not row[2] else Extent(*row)


def between(catalogue: Catalogue, camera: str, begin: int, end: int, at_most: int = -1) -> list[Outcome]:
    """Return the outcomes of a camera with begin <= slot < end (seconds since the epoch), of all nodes, in order.

    `at_most` of them, the first ones; negative: all.
    """
    rows = catalogue.rows(
        _SLOTS + "WHERE camera = ? AND slot >= ? AND slot < ? ORDER BY slot, node LIMIT ?",
        (camera, begin, end, at_most),
    )
    return [_outcome(row) for row in rows]


def counts(catalogue: Catalogue, camera: str, first_day: int, last_day: int) -> dict[int, dict[str, int]]:
    """Return {day: {outcome: number}} for the UTC days first_day..last_day (days since the epoch), from the tally."""
    rows = catalogue.rows(
        "SELECT day, outcome, n FROM outcome_tally WHERE camera = ? AND day BETWEEN ? AND ? ORDER BY day",
        (camera, first_day, last_day),
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["day"], {})[row["outcome"]] = row["n"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many slots of one stretch had one outcome, for one cause."""

    cell: int  # of the stretch, from 0; -1: before it
    outcome: OutcomeKind
    cause: str  # its first word, of a missed slot
    n: int


def in_cells(catalogue: Catalogue, camera: str, node: str, begin_us: int, cell_us: int, end: int) -> list[Counted]:
    """Count the outcomes of a camera at `node` by cells of `cell_us` from `begin_us` (microseconds since the epoch) on.

    From the second in which they begin, to before `end` (seconds).
    """
    rows = catalogue.rows(
        "SELECT iif(slot * 1000000 < ?1, -1, (slot * 1000000 - ?1) / ?2) AS cell, outcome, "
        "iif(outcome = 'missed', substr(cause, 1, instr(cause || ': ', ': ') - 1), '') AS cause, count(*) AS n "
        "FROM slot WHERE camera = ?3 AND slot >= ?1 / 1000000 AND slot < ?4 AND node = ?5 GROUP BY 1, 2, 3",
        (begin_us, cell_us, camera, end, node),
    )
    return [Counted(**dict(row)) for row in rows]
