"""What happened, and who asked for what; filterable, and the time line of what is shown can be taken along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Question, Snapshot
from console.pages import audit, events
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.table import Column

EXPORT = Binding("x", "export", "leave the console and print what is shown as a time line (at most 5 KB)")


class _Exported(Listing):
    """A list whose rows have `kind`, `subject` and `text`."""

    def action_export(self) -> None:
        """End the program with the time line of what passes the filter."""
        snapshot = self.console.snapshot
        found = [one for one in self.items(snapshot) if self.filter is None or self.filter.accepts(one.plain)]
        whens = [str(one.row.cells["at"]) for one in found]
        self.console.leave_with(events.timeline(snapshot, [dict(one.plain) for one in found], whens))


class EventsScreen(_Exported):
    """Events of all sites, the newest first."""

    TITLE = "events"
    BINDINGS: ClassVar[list[BindingType]] = [EXPORT]
    filter_fields = events.FIELDS
    empty = "nothing has happened, as far as is known"

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of an event."""
        return events.COLUMNS

    def questions(self) -> Sequence[Question]:
        """Ask every site's node."""
        return [Question(site.site, "events", (("limit", events.NEWEST),)) for site in self.console.snapshot.sites]

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the events."""
        return [Item(row, plain) for row, plain in events.rows(snapshot)]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Say what is to be seen; x takes it along."""
        return [[("Events, the newest first", "strong"), of_all(shown, count), "   x: take along"]]


class AuditScreen(_Exported):
    """The audit logs of all sites, a page at a time."""

    TITLE = "the audit log"
    BINDINGS: ClassVar[list[BindingType]] = [
        EXPORT,
        Binding("o", "older", "older ones"),
        Binding("n", "newest", "the newest ones again"),
    ]
    filter_fields = audit.FIELDS
    empty = "nobody has asked for anything, as far as is known"

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, int] = {}  # site -> where the page ends

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a line."""
        return audit.COLUMNS

    def questions(self) -> Sequence[Question]:
        """Ask every site's node for its page."""
        return [
            Question(site.site, "audit-log", (("limit", audit.PAGE), *self._end(site.site)))
            for site in self.console.snapshot.sites
        ]

    def _end(self, site: str) -> tuple[tuple[str, int], ...]:
        return (("before", self.before[site]),) if site in self.before else ()

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the lines."""
        return [Item(row, plain) for row, plain in audit.rows(snapshot)]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Say what is to be seen, and whether there are older ones."""
        more = any(audit.older(snapshot, site.site) for site in snapshot.sites)
        keys = f"   x: take along{'  o: older' if more else ''}{'  n: newest' if self.before else ''}"
        return [[("Who asked for what, the newest first", "strong"), of_all(shown, count), keys]]

    def action_older(self) -> None:
        """Turn to the page before, of each site that has one."""
        snapshot = self.console.snapshot
        found = {site.site: audit.older(snapshot, site.site) for site in snapshot.sites}
        if any(found.values()):
            self.before |= {site: at for site, at in found.items() if at}
            self.console.action_read()

    def action_newest(self) -> None:
        """Turn to the newest page."""
        self.before.clear()
        self.console.action_read()
