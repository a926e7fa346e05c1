"""What happened, filterable; the time line of what is shown can be taken along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Question, Snapshot
from console.pages import events
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.table import Column


class EventsScreen(Listing):
    """Events of all sites, the newest first."""

    TITLE = "events"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "export", "leave the console and print what is shown as a time line (at most 5 KB)")
    ]
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

    def action_export(self) -> None:
        """End the program with the time line of what passes the filter."""
        snapshot = self.console.snapshot
        found = [one for one in self.items(snapshot) if self.filter is None or self.filter.accepts(one.plain)]
        whens = [str(one.row.cells["at"]) for one in found]
        self.console.leave_with(events.timeline(snapshot, [dict(one.plain) for one in found], whens))
