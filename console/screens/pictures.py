"""The last pictures of a camera, and what its node says of its settings and its recovery."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.feed.snapshot import Answer, Question, Snapshot
from console.pages import pictures, preview, recovery
from console.screens.base import Page
from console.screens.listing import Item, Listing, of_all
from console.widgets.blocks import Blocks
from console.widgets.looks import Text
from console.widgets.scrolled import Scrolled
from console.widgets.table import Column

LASTS = 30.0  # seconds: a picture comes in minutes


class PicturesScreen(Listing):
    """The last pictures that the node of this site has, its own or taken in."""

    TITLE = "the pictures of a camera"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("i", "preview", "look at one: its price first")]
    filter_fields = pictures.FIELDS
    wraps = True
    empty = "no picture of it is here"

    def __init__(self, site: str, camera: str) -> None:
        super().__init__()
        self.site, self.camera = site, camera

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a picture."""
        return pictures.COLUMNS

    def questions(self) -> Sequence[Question]:
        """Ask for them."""
        return [Question(self.site, "pictures", (("camera", self.camera), ("limit", pictures.SHOWN)), LASTS)]

    def _answer(self, snapshot: Snapshot) -> Answer | None:
        return snapshot.answer(self.site, "pictures", camera=self.camera)

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the pictures."""
        found = (pictures.cells(one, snapshot.at) for one in pictures.rows(self._answer(snapshot)))
        return [Item(row, plain) for row, plain in found]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return what the looks found, as lines."""
        first, *more = pictures.heading(self.camera, pictures.rows(self._answer(snapshot)))
        return [[first, of_all(shown, count)], *more]

    def open(self, key: str) -> None:
        """Show all that is known of a picture."""
        found = pictures.rows(self._answer(self.console.snapshot))
        one = next((one for one in found if one["name"] == key), None)
        if one is not None:
            self.console.push_screen(PictureScreen(self.site, self.camera, key))

    def action_preview(self) -> None:
        """Say what looking at it costs."""
        if (name := self.key) is not None:
            self.console.push_screen(PreviewScreen(self.site, self.camera, name))


class PictureScreen(Page):
    """One picture and its receipts."""

    TITLE = "a picture"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("i", "preview", "look at it: its price first")]

    def __init__(self, site: str, camera: str, name: str) -> None:
        super().__init__()
        self.site, self.camera, self.picture = site, camera, name

    def questions(self) -> Sequence[Question]:
        """Ask for the last ones: this is one of them."""
        return [Question(self.site, "pictures", (("camera", self.camera), ("limit", pictures.SHOWN)), LASTS)]

    def draw(self, snapshot: Snapshot) -> None:
        """Show it."""
        found = pictures.rows(snapshot.answer(self.site, "pictures", camera=self.camera))
        one = next((one for one in found if one["name"] == self.picture), None)
        self.head((f"A picture of {self.camera}", "strong"))
        said = ["it is none of the last ones any more"] if one is None else pictures.lines(one, snapshot.at)
        self.query_one(Scrolled).show(said)

    def action_preview(self) -> None:
        """Say what looking at it costs."""
        self.console.push_screen(PreviewScreen(self.site, self.camera, self.picture))


class PreviewScreen(Page):
    """A picture on the terminal, drawn when its price has been seen."""

    TITLE = "a preview"
    heading_lines = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "draw('colour')", "draw it in colours"),
        Binding("a", "draw('ascii')", "draw it in ASCII"),
    ]

    def __init__(self, site: str, camera: str, name: str = "") -> None:
        super().__init__()
        self.site, self.camera, self.picture = site, camera, name
        self.how = ""  # "colour" or "ascii", once it is drawn
        self.asked: Sequence[Question] = ()

    def body(self) -> Sequence[Widget]:
        """Return what it is drawn on."""
        return [Blocks(id="body")]

    def questions(self) -> Sequence[Question]:
        """Ask for it once, as large as the screen was then."""
        if not self.asked:
            width, height = self.app.size
            room: dict[str, int | str] = {
                "columns": min(60, max(width - 1, 2)),
                "rows": min(20, max(height - 4, 2)),
                "colours": 8,
            }
            room |= {"most": preview.MOST} | ({"picture": self.picture} if self.picture else {})
            self.asked = [Question(self.site, "preview", (("camera", self.camera), *room.items()), preview.LASTS)]
        return self.asked

    def draw(self, snapshot: Snapshot) -> None:
        """Say what it would cost; show it once that was asked for."""
        answer, blocks = snapshot.answers.get(self.questions()[0]), self.query_one(Blocks)
        self.head(*preview.heading(answer, self.camera, self.how))
        if self.how == "colour":
            blocks.picture(preview.lines(answer))
        else:
            blocks.show(preview.grey(answer) if self.how else [])

    def action_draw(self, how: str) -> None:
        """Draw it; without colours in ASCII."""
        self.how = "ascii" if "NO_COLOR" in os.environ else how
        self.draw(self.console.snapshot)


class RecoveryScreen(Page):
    """Settings, drift, and the recovery ladder of a camera that this node drives."""

    TITLE = "the recovery of a camera"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "next", "do the next rung now, then shoot")]

    def __init__(self, site: str, node: str, camera: str) -> None:
        super().__init__()
        self.site, self.node, self.camera = site, node, camera

    def questions(self) -> Sequence[Question]:
        """Ask our own node; others keep it to themselves."""
        view = self.console.snapshot.site(self.site)
        ours = view is not None and view.node == self.node
        return [Question(self.site, "camera", (("camera", self.camera),))] if ours else []

    def draw(self, snapshot: Snapshot) -> None:
        """Show it as it is now."""
        self.head((f"Settings and recovery of {self.camera} at {self.node}", "strong"))
        answer = snapshot.answer(self.site, "camera", camera=self.camera)
        if not self.questions():
            answer = Answer(error=f"{self.node} keeps its transcript: log in there; n orders its next rung from here")
        self.query_one(Scrolled).show(recovery.lines(answer, self.camera, snapshot.at))

    def action_next(self) -> None:
        """Ask before it is done."""
        self.console.command(["recover", f"{self.camera}@{self.node}"])
