"""Which slot a picture belongs to that nobody shot just now: by its name, the timetable and the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.catalogue import slots
from core.catalogue.slots import Outcome
from core.intake.entries import FilledEntry
from core.ledger.outcomes import Entry
from core.ledger.outcomes import shot as entry_of
from core.node.context import Context
from core.schedule.slots import Slot, Timetable
from core.values import PictureName, seconds_of

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Placed:
    """The slot of a picture (None: it is an extra), the outcome that it gives it, or the missed one that it fills."""

    slot: int | None = None
    index: int | None = None
    entry: Entry | None = None
    fills: Outcome | None = None

    def filled(self, name: PictureName) -> list[FilledEntry]:
        """Return the line that tells of the picture `name` as the spare of a missed slot; none of another one."""
        if self.fills is None:
            return []
        return [FilledEntry(camera=self.fills.camera, slot=self.fills.slot, node=self.fills.node, name=name)]


@dataclass
class Placing:
    """Finds the slots of pictures; for one errand, while the site does not change."""

    context: Context
    _timetables: dict[str, Timetable] = field(default_factory=dict)

    def of(self, name: PictureName) -> Placed:
        """Return the slot of the picture `name`: one that was missed and is filled, or one that has no outcome yet."""
        row = slots.get(self.context.catalogue, name.camera, seconds_of(name.at), name.node)
        if row is not None and row.outcome in ("missed", "excused"):
            return Placed(row.slot, row.index, fills=row)
        if row is not None:
            half = name.node != self.context.node.name and name.nth == 1  # of a pair: the other one came before
            return Placed(row.slot, row.index) if half else Placed()
        slot = self.slot(name)
        if slot is None:
            return Placed()
        entry = entry_of(slot, name.camera, name.node, slot.at)
        return Placed(seconds_of(slot.at), slot.index, replace(entry, shutter=None))  # nobody knows it any more

    def slot(self, name: PictureName) -> Slot | None:
        """Return the slot that a picture is named after; None for an extra, or for a camera that is not known."""
        timetable = self._timetable(name.camera)
        return None if timetable is None else next(timetable.slots(name.at, name.at + SECOND), None)

    def _timetable(self, name: str) -> Timetable | None:
        camera, where = self.context.camera(name), self.context.site.site
        if camera is None:
            return None
        if name not in self._timetables:
            self._timetables[name] = Timetable(camera, where.zone, where.latitude, where.longitude)
        return self._timetables[name]
