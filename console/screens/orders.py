"""Orders to other nodes, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from console.feed.snapshot import Question, Snapshot
from console.pages import orders
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.table import Column


class OrdersScreen(Listing):
    """All orders that this machine's nodes know of, the newest first."""

    TITLE = "orders"
    filter_fields = orders.FIELDS
    empty = "no orders"

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of an order."""
        return orders.COLUMNS

    def questions(self) -> Sequence[Question]:
        """Ask every site's node."""
        return [Question(site.site, "orders") for site in self.console.snapshot.sites]

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the orders."""
        return [Item(row, plain) for row, plain in orders.rows(snapshot)]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Say what is to be seen."""
        return [[("Orders between nodes, the newest first", "strong"), of_all(shown, count)]]
