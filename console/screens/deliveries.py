"""Where pictures go: all destinations, and one of them with its queue and the rungs of its link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Question, Snapshot
from console.pages import deliveries
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.table import Column

ACTS: list[BindingType] = [
    Binding("t", "act('retry')", "try again now what waits"),
    Binding("p", "ask('destination-pause', '2h')", "send nothing there until an end that you say"),
    Binding("u", "act('destination-resume')", "send there again"),
    Binding("l", "rung", "set the rung of its link until an end that you say"),
    Binding("L", "release", "let its link go by its ladder again"),
]


class _Acts(Listing):
    """What can be done to the destination that is meant."""

    def meant(self) -> deliveries.Place | None:
        """Return the destination."""
        raise NotImplementedError

    def action_act(self, verb: str) -> None:
        """Ask before something is done to it."""
        if (one := self.meant()) is not None:
            self.console.command([verb, f"{one.row['name']}@{one.node}"])

    async def action_ask(self, verb: str, until: str) -> None:
        """Let the end be said."""
        if (one := self.meant()) is not None:
            await self.prefill(f"{verb} {one.row['name']}@{one.node} {until}")

    async def action_rung(self) -> None:
        """Let rung and end be said."""
        if (one := self.meant()) is not None and one.link:
            await self.prefill(f"link-rung {one.link['name']}@{one.node} {one.link.get('rung')} 6h")

    def action_release(self) -> None:
        """Ask before the link is released."""
        if (one := self.meant()) is not None and one.link:
            self.console.command(["link-release", f"{one.link['name']}@{one.node}"])


class DeliveriesScreen(_Acts):
    """All destinations of all nodes."""

    TITLE = "deliveries"
    BINDINGS: ClassVar[list[BindingType]] = ACTS
    filter_fields = deliveries.FIELDS
    empty = "no destination is known"
    found: Sequence[deliveries.Place] = ()

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a destination."""
        return deliveries.COLUMNS

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the destinations."""
        self.found = deliveries.places(snapshot)
        return [Item(deliveries.cells(one, snapshot.at), one.plain()) for one in self.found]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return the sum."""
        return [[deliveries.heading(self.found), of_all(shown, count)]]

    def meant(self) -> deliveries.Place | None:
        """Return the destination under the cursor."""
        return next((one for one in self.found if one.key == self.key), None)

    def open(self, key: str) -> None:
        """Open a destination."""
        site, node, name = key.split("/", 2)
        self.console.push_screen(DestinationScreen(site, node, name))


class DestinationScreen(_Acts):
    """One destination: what waits for it, and what each rung of its link would come to."""

    TITLE = "a destination"
    BINDINGS: ClassVar[list[BindingType]] = [
        *ACTS,
        Binding("f", "first", "have the delivery under the cursor go first, or as another class"),
    ]
    filter_fields = deliveries.QUEUE_FIELDS
    empty = "nothing waits here, as far as this node knows"
    wraps = True

    def __init__(self, site: str, node: str, name: str) -> None:
        super().__init__()
        self.site, self.node, self.destination = site, node, name

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a delivery."""
        return deliveries.QUEUE

    def questions(self) -> Sequence[Question]:
        """Ask our own node for its queue; other nodes keep theirs to themselves."""
        view = self.console.snapshot.site(self.site)
        ours = view is not None and view.node == self.node
        return [Question(self.site, "queue", (("destination", self.destination), ("limit", 100)))] if ours else []

    def meant(self) -> deliveries.Place | None:
        """Return this destination."""
        key = f"{self.site}/{self.node}/{self.destination}"
        return next((one for one in deliveries.places(self.console.snapshot) if one.key == key), None)

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the queue."""
        answer = snapshot.answer(self.site, "queue", destination=self.destination)
        return [Item(row, plain) for row, plain in deliveries.queue(answer if self.questions() else None)]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return what is known of it."""
        one = self.meant()
        if one is None:
            return [f"{self.destination} of {self.node}: nothing is known of it any more"]
        answer = snapshot.answer(self.site, "queue", destination=self.destination) if self.questions() else None
        return deliveries.lines(one, answer, snapshot.at)

    async def action_first(self) -> None:
        """Let the class be said as which the delivery under the cursor goes."""
        if (number := self.key) is not None:
            await self.prefill(f"prioritise {self.site}/{self.node} {number} thumbnail")
