"""Orders as the catalogue remembers them: those that were given here, and those that came."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from core.catalogue import states
from core.catalogue.store import Catalogue
from core.coordination.orders import ENDED, Order, Report, Sealed, is_over
from core.node.jobs import Json

Side = Literal["given", "received"]
REMEMBERED = 200  # orders that have ended, on each side
MOST = 1000  # orders that are remembered on one side: what comes beyond is refused
NOWHERE = "?"  # the place of an order that is still to be put into the shared store
_KEY = "order/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One order and what became of it. `place`: its key in the shared store, "": it went by a drop.

    `claim`: by what this node takes it there; from its `report` on it is begun.
    """

    order: Order
    sealed: Sealed | None = None  # of one that was given here
    report: Report | None = None
    place: str = ""
    sent: int | None = None  # milliseconds: when it stood in the store, or in the drop
    noted: int = 0  # milliseconds: when it came here, or was asked
    told: bool = False  # its report went back
    claim: Report | None = None

    @property
    def state(self) -> str:
        """How far it has come."""
        return "asked" if self.report is None else self.report.state

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.report is not None and self.report.state in ENDED

    def row(self) -> Json:
        """Return it for people and programs; instants are seconds since the epoch."""
        report, order = self.report, self.order
        return {
            "id": order.id,
            "from": order.origin,
            "to": order.to,
            "verb": order.verb,
            "args": order.args,
            "who": order.who,
            "state": self.state,
            "asked": order.asked / 1000,
            "expires": order.expires / 1000,
            "sent": _seconds(self.sent),
            "taken": _seconds(report.taken if report else None),
            "ended": _seconds(report.ended if report else None),
            "result": report.result if report else None,
            "error": report.error if report else None,
            "text": report.text if report else None,
            "way": "engine" if self.place else "drop",
        }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


class Memory:
    """The orders of one side, in the catalogue and at hand."""

    def __init__(self, catalogue: Catalogue, side: Side) -> None:
        self._catalogue, self._prefix = catalogue, f"{_KEY}{side}/"
        self.by_id: dict[str, Kept] = {}
        self.open: dict[str, Kept] = {}  # those of them that have no end
        for key in states.keys(catalogue, self._prefix):
            kept = _parse(states.get(catalogue, key))
            self._hold(kept)

    def _hold(self, kept: Kept) -> None:
        self.by_id[kept.order.id] = kept
        if kept.ended:
            self.open.pop(kept.order.id, None)
        else:
            self.open[kept.order.id] = kept

    def put(self, kept: Kept) -> None:
        """Remember it, durably; raise StorageError or CatalogueError."""
        states.put(self._catalogue, self._prefix + kept.order.id, asdict(kept))
        self._hold(kept)

    def change(self, number: str, **fields: object) -> Kept:
        """Remember something else of it."""
        kept = replace(self.by_id[number], **fields)  # type: ignore[arg-type]
        self.put(kept)
        return kept

    def tidy(self, now_ms: int) -> None:
        """Forget the oldest of those that have ended and that nobody could bring again, beyond what is shown."""
        over = sorted(
            (one for one in self.by_id.values() if one.ended and one.told and is_over(one.order, now_ms - 86_400_000)),
            key=lambda one: one.noted,
        )
        for one in over[: max(0, len(over) - REMEMBERED)]:
            states.forget(self._catalogue, self._prefix + one.order.id)
            del self.by_id[one.order.id]

    @property
    def is_full(self) -> bool:
        """Whether no more is remembered."""
        return len(self.by_id) >= MOST

    def rows(self) -> list[Json]:
        """Return all, the newest last."""
        return [one.row() for one in sorted(self.by_id.values(), key=lambda one: (one.noted, one.order.id))]


def _parse(said: Json) -> Kept:
    sealed, report, claim = said["sealed"], said["report"], said["claim"]
    return Kept(
        **{
            **said,
            "order": Order(**said["order"]),
            "sealed": None if sealed is None else Sealed(**sealed),
            "report": None if report is None else Report(**report),
            "claim": None if claim is None else Report(**claim),
        }
    )
