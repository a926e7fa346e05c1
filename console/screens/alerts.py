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

ACKNOWLEDGE = Binding("a", "acknowledge", "acknowledge until an end that you say; Nagios and Icinga are told")


class _Acts(Page):
    """What can be done about the alert that is meant."""

    def meant(self) -> alerts.Alert | None:
        """Return the alert."""
        raise NotImplementedError

    async def action_acknowledge(self) -> None:
        """Let end and reason be said."""
        if (one := self.meant()) is not None:
            await self.prefill(f"acknowledge {alerts.word(one)} 2h ")


class AlertsScreen(_Acts, Listing):
    """All services that are not well; of one node, when it is said which."""

    TITLE = "alerts"
    BINDINGS: ClassVar[list[BindingType]] = [
        ACKNOWLEDGE,
        Binding("v", "everything", "show also what is well, or hide it"),
    ]
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

    def meant(self) -> alerts.Alert | None:
        """Return the alert under the cursor."""
        return next((one for one in self._found(self.console.snapshot) if one.key == self.key), None)

    def action_everything(self) -> None:
        """Show what is well, too."""
        self.everything = not self.everything
        self.draw(self.console.snapshot)

    def open(self, key: str) -> None:
        """Say what to do about it."""
        self.console.push_screen(AlertScreen(key))


class AlertScreen(_Acts):
    """One alert, and the runbook for its kind."""

    TITLE = "an alert"
    BINDINGS: ClassVar[list[BindingType]] = [ACKNOWLEDGE]

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def _one(self, snapshot: Snapshot) -> alerts.Alert | None:
        return next((one for one in alerts.alerts(snapshot, everything=True) if one.key == self.key), None)

    def meant(self) -> alerts.Alert | None:
        """Return this alert."""
        return self._one(self.console.snapshot)

    def draw(self, snapshot: Snapshot) -> None:
        """Show it as it is now."""
        one = self._one(snapshot)
        said = ["this is over: nothing says it any more"] if one is None else alerts.lines(one, snapshot.at)
        self.head(("What to do", "strong"))
        self.query_one(Scrolled).show(said)
