"""How long the room lasts on every node, and what goes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Question, Snapshot
from console.pages import hardware, storage
from console.screens.base import Page
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.scrolled import Scrolled
from console.widgets.table import Column


class StorageScreen(Listing):
    """The storage of all nodes."""

    TITLE = "storage"
    filter_fields = storage.FIELDS

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a node's storage."""
        return storage.COLUMNS

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the nodes."""
        return [Item(storage.cells(one, snapshot.at), one.plain()) for one in storage.stores(snapshot)]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Say what is to be seen."""
        return [[("Storage, the shortest first", "strong"), of_all(shown, count)]]

    def open(self, key: str) -> None:
        """Open a node's storage."""
        site, node = key.split("/", 1)
        self.console.push_screen(StoreScreen(site, node))


class StoreScreen(Listing):
    """The storage of one node, and what goes next there."""

    TITLE = "the storage of a node"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "hardware", "its RAID, drives, mounts and NAS")]
    filter_fields = ("name", "why", "copies")
    wraps = True
    empty = "nothing goes, as far as this node knows"

    def __init__(self, site: str, node: str) -> None:
        super().__init__()
        self.site, self.node = site, node

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of what goes."""
        return storage.PLAN

    def questions(self) -> Sequence[Question]:
        """Ask our own node for its plan."""
        view = self.console.snapshot.site(self.site)
        return [Question(self.site, "retention-plan")] if view is not None and view.node == self.node else []

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return what goes next."""
        _, rows = storage.plan(snapshot.answer(self.site, "retention-plan") if self.questions() else None)
        return [Item(row, {key: str(cell) for key, cell in row.cells.items()}) for row in rows]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return what is known of it."""
        one = next((one for one in storage.stores(snapshot) if (one.site, one.node) == (self.site, self.node)), None)
        if one is None:
            return [f"{self.node}: nothing is known of it any more"]
        said, _ = storage.plan(snapshot.answer(self.site, "retention-plan") if self.questions() else None)
        return [*storage.lines(one, snapshot.at), *said]

    def action_hardware(self) -> None:
        """Show what it is made of."""
        self.console.push_screen(HardwareScreen(self.site, self.node))


class HardwareScreen(Page):
    """RAID, drives, mounts and NAS of one node."""

    TITLE = "the drives of a node"

    def __init__(self, site: str, node: str) -> None:
        super().__init__()
        self.site, self.node = site, node

    def draw(self, snapshot: Snapshot) -> None:
        """Show them as they were read last."""
        one = next((one for one in storage.stores(snapshot) if (one.site, one.node) == (self.site, self.node)), None)
        stale = "; as it was when the node was last heard" if one is not None and one.silent else ""
        self.head((f"RAID, drives, mounts and NAS of {self.node}{stale}", "strong"))
        self.query_one(Scrolled).show(hardware.lines({} if one is None else one.document, snapshot.at))
