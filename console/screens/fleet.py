"""The first screen: every camera and node of every site, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.feed.snapshot import Snapshot
from console.pages import fleet
from console.screens.base import Page
from console.widgets.table import LineTable


class FleetScreen(Page):
    """Rows of cameras and nodes; Enter opens one."""

    TITLE = "the fleet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "nothing", "back", show=False),
        Binding("n", "nodes", "show every node, or only those with a trouble"),
    ]
    filter_fields = fleet.FIELDS
    heading_lines = 2
    all_nodes = False

    def body(self) -> Sequence[Widget]:
        """Return the table."""
        return [LineTable(fleet.WIDE, empty="nothing is known of any node yet")]

    def on_resize(self, event: events.Resize) -> None:
        """Have the columns that fit."""
        self.query_one(LineTable).columns = fleet.columns(event.size.width)

    def draw(self, snapshot: Snapshot) -> None:
        """Show the rows that pass the filter."""
        found = fleet.entries(snapshot, all_nodes=self.all_nodes)
        passing = [one for one in found if self.filter is None or self.filter.accepts(one.plain())]
        several = len(snapshot.sites) > 1
        self.head(*fleet.heading(found, len(passing)))
        self.query_one(LineTable).put([fleet.cells(one, snapshot.at, several) for one in passing])

    def action_nothing(self) -> None:
        """Stay: nothing is below the first screen."""

    def action_nodes(self) -> None:
        """Show the rows of all nodes, or of those with a trouble."""
        self.all_nodes = not self.all_nodes
        self.draw(self.console.snapshot)

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Open the row."""
        self.console.open_row(event.key)
