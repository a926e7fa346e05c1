"""Who holds each camera and who would take it over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Snapshot
from console.pages import redundancy
from console.screens.base import Page
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.scrolled import Scrolled
from console.widgets.table import Column


class RedundancyScreen(Listing):
    """Cameras that have a backup, the worst first."""

    TITLE = "redundancy"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "servers", "by server: primary for, backup for")]
    filter_fields = redundancy.FIELDS
    heading_lines = 2
    empty = "no camera has a backup"
    found: Sequence[redundancy.Held] = ()

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a camera."""
        return redundancy.COLUMNS

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the cameras."""
        self.found = redundancy.held(snapshot)
        return [Item(redundancy.cells(one, snapshot.at), one.plain()) for one in self.found]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return what is known of the engines."""
        engines = redundancy.engines(snapshot)
        bad = sum(one.look != "plain" for one in self.found)
        return [[(f"{count} cameras with a backup, {bad} to look at", "strong"), of_all(shown, count)], engines[0]]

    def action_servers(self) -> None:
        """Show the lists of every server."""
        self.console.push_screen(ServersScreen())

    def open(self, key: str) -> None:
        """Open the camera."""
        site, name = key.split("/", 1)
        one = next((one for one in self.found if one.key == key), None)
        if one is not None:
            self.console.open_row(f"{site}/{one.row.get('owner') or one.row.get('primary')}/{name}")


class ServersScreen(Page):
    """What every server is primary and backup for."""

    TITLE = "redundancy by server"

    def draw(self, snapshot: Snapshot) -> None:
        """Show the lists, and the engines."""
        self.head(("By server", "strong"))
        lines = [*redundancy.lists(redundancy.held(snapshot)), "", *redundancy.engines(snapshot)]
        self.query_one(Scrolled).show(lines)
