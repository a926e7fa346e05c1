"""The first screen: every camera and node of every site, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Snapshot
from console.pages import fleet
from console.screens.listing import Item, Listing
from console.widgets.looks import Text
from console.widgets.table import Column


class FleetScreen(Listing):
    """Rows of cameras and nodes; Enter opens one."""

    TITLE = "the fleet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "nothing", "back", show=False),
        Binding("n", "nodes", "show every node, or only those with a trouble"),
    ]
    filter_fields = fleet.FIELDS
    heading_lines = 2
    empty = "nothing is known of any node yet"
    all_nodes = False
    found: Sequence[fleet.Entry] = ()

    def __init__(self) -> None:
        super().__init__()
        self._known: fleet.Known = {}

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns for a screen so wide."""
        return fleet.columns(width)

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return a row for each camera and node."""
        self.found = fleet.entries(snapshot, all_nodes=self.all_nodes, known=self._known)
        several = len(snapshot.sites) > 1
        return [Item(fleet.row(one, snapshot.at, several), one.plain) for one in self.found]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return how many, and the worst."""
        return fleet.heading(self.found, shown)

    def open(self, key: str) -> None:
        """Open a camera, or a node."""
        self.console.open_row(key)

    def action_nothing(self) -> None:
        """Stay: nothing is below the first screen."""

    def action_nodes(self) -> None:
        """Show the rows of all nodes, or of those with a trouble."""
        self.all_nodes = not self.all_nodes
        self.draw(self.console.snapshot)
