"""What the checks say, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Snapshot
from console.pages import alerts, node
from console.screens.base import Page
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.scrolled import Scrolled
from console.widgets.table import Column


class AlertsScreen(Listing):
    """All services that are not well; of one node, when it is said which."""

    TITLE = "alerts"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "everything", "show also what is well, or hide it")]
    filter_fields = alerts.FIELDS
    empty = "no alerts"

    def __init__(self, site: str = "", name: str = "") -> None:
        super().__init__()
        self.site, self.node = site, name
        self.everything = self.wraps = bool(name)

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of an alert."""
        return alerts.COLUMNS

    def _found(self, snapshot: Snapshot) -> list[alerts.Alert]:
        found = alerts.alerts(snapshot, everything=self.everything)
        return [one for one in found if not self.node or (one.site, one.node) == (self.site, self.node)]

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the alerts."""
        return [Item(alerts.cells(one, snapshot.at), one.plain()) for one in self._found(snapshot)]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return how many there are."""
        above = node.lines(snapshot, self.site, self.node) if self.node else []
        return [*above, [alerts.heading(self._found(snapshot)), of_all(shown, count)]]

    def action_everything(self) -> None:
        """Show what is well, too."""
        self.everything = not self.everything
        self.draw(self.console.snapshot)

    def open(self, key: str) -> None:
        """Say what to do about it."""
        self.console.push_screen(AlertScreen(key))


class AlertScreen(Page):
    """One alert, and the runbook for its kind."""

    TITLE = "an alert"

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def draw(self, snapshot: Snapshot) -> None:
        """Show it as it is now."""
        found = alerts.alerts(snapshot, everything=True)
        one = next((one for one in found if one.key == self.key), None)
        said = ["this is over: nothing says it any more"] if one is None else alerts.lines(one, snapshot.at)
        self.head(("What to do", "strong"))
        self.query_one(Scrolled).show(said)
