"""One camera: what is known, the slots of the day, and what may be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Question, Snapshot
from console.pages import camera, fleet
from console.screens.listing import Item, Listing
from console.widgets.looks import Text
from console.widgets.table import Column

MOST_SLOTS = 300
DAY = timedelta(days=1)


class CameraScreen(Listing):
    """Facts above, slots below."""

    TITLE = "a camera"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "act('capture')", "take one shot now"),
        Binding("p", "ask('pause', '2h')", "pause until an end that you say"),
        Binding("u", "act('resume')", "shoot on schedule again"),
        Binding("v", "pictures", "its last pictures: what they show, where they are proven"),
        Binding("i", "preview", "look at its newest picture: the price first"),
        Binding("R", "recovery", "its settings, their drift, and its recovery ladder"),
        Binding("n", "act('recover')", "do the next rung of its recovery now, then shoot"),
    ]
    filter_fields = camera.FIELDS
    wraps = True
    empty = "no slots of this camera are known here"

    def __init__(self, site: str, node: str, name: str) -> None:
        super().__init__()
        self.site, self.node, self.camera = site, node, name

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a slot."""
        return camera.COLUMNS

    def questions(self) -> Sequence[Question]:
        """Ask for the slots of the last day, of a camera that shoots often for the last ones."""
        entry = self._entry(self.console.snapshot)
        interval = float((entry.row.get("interval") if entry is not None else None) or 600)
        begin = self.console.now() - min(DAY, timedelta(seconds=interval * MOST_SLOTS))
        since = begin.replace(minute=begin.minute // 10 * 10, second=0, microsecond=0).isoformat()
        return [Question(self.site, "ledger", (("camera", self.camera), ("since", since)))]

    def _entry(self, snapshot: Snapshot) -> fleet.Entry | None:
        return camera.entry_of(snapshot, self.site, self.node, self.camera)

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the slots."""
        answer = snapshot.answer(self.site, "ledger", camera=self.camera)
        return [Item(row, plain) for row, plain in camera.slots(answer, snapshot.at)]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return what is known of the camera; the slots get the room that it leaves."""
        entry = self._entry(snapshot)
        if entry is None:
            return [f"{self.camera} @ {self.node}: nothing is known of it any more"]
        return camera.lines(entry, snapshot.at)

    def action_act(self, verb: str) -> None:
        """Ask before something is done to this camera."""
        self.console.command([verb, f"{self.camera}@{self.node}"])

    def action_pictures(self) -> None:
        """Show its last pictures."""
        from console.screens.pictures import PicturesScreen

        self.console.push_screen(PicturesScreen(self.site, self.camera))

    def action_preview(self) -> None:
        """Say what looking at its newest picture costs."""
        from console.screens.pictures import PreviewScreen

        self.console.push_screen(PreviewScreen(self.site, self.camera))

    def action_recovery(self) -> None:
        """Show its settings and its ladder."""
        from console.screens.pictures import RecoveryScreen

        self.console.push_screen(RecoveryScreen(self.site, self.node, self.camera))

    async def action_ask(self, verb: str, until: str) -> None:
        """Let the end be said."""
        await self.prefill(f"{verb} {self.camera}@{self.node} {until}")
