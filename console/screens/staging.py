"""A backup chosen from a list, and what is staged: seen whole before it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Answer, Question, Snapshot
from console.pages import redundancy, staged
from console.screens.base import Page
from console.screens.listing import Item, Listing, of_all
from console.widgets.looks import Text
from console.widgets.scrolled import Scrolled
from console.widgets.table import Column


class BackupScreen(Listing):
    """The nodes that may stand by for some cameras; Enter stages one."""

    TITLE = "the choice of a backup"
    filter_fields = staged.FIELDS
    heading_lines = 2
    empty = "not known yet"

    def __init__(self, site: str, cameras: Sequence[str]) -> None:
        super().__init__()
        self.site, self.cameras = site, tuple(cameras)

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a node."""
        return staged.COLUMNS

    def questions(self) -> Sequence[Question]:
        """Ask who is fit, with what is staged already."""
        return [Question(self.site, "redundancy-candidates", (("cameras", self.cameras),), redundancy.LASTS)]

    def _answer(self, snapshot: Snapshot) -> Answer | None:
        return snapshot.answer(self.site, "redundancy-candidates", cameras=self.cameras)

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the nodes."""
        return [Item(row, plain) for row, plain in staged.candidates(self._answer(snapshot))]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Say for which cameras."""
        return [[("Who is to stand by: Enter stages it", "strong"), of_all(shown, count)], ", ".join(self.cameras)]

    def open(self, key: str) -> None:
        """Stage it, or say why it cannot stand by."""
        if said := staged.against(self._answer(self.console.snapshot), key):
            self.console.push_screen(SaidScreen(said))
            return
        self.console.command(["redundancy-assign", f"{self.site}/{key}", *self.cameras])


class SaidScreen(Page):
    """What a node said to something that was to be staged, whole."""

    TITLE = "an answer"

    def __init__(self, said: Sequence[Text]) -> None:
        super().__init__()
        self.said = said

    def draw(self, snapshot: Snapshot) -> None:
        """Show it."""
        self.head(("Esc goes back", "strong"))
        self.query_one(Scrolled).show(self.said)


class StagedScreen(Page):
    """All that is staged at a site, and what it comes to; applied together, or dropped."""

    TITLE = "what is staged"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "act('redundancy-apply')", "apply all of it, together"),
        Binding("d", "act('redundancy-drop')", "drop all of it"),
    ]

    def __init__(self, site: str) -> None:
        super().__init__()
        self.site = site

    def questions(self) -> Sequence[Question]:
        """Ask what is staged."""
        return redundancy.questions(self.console.snapshot)

    def draw(self, snapshot: Snapshot) -> None:
        """Show it."""
        self.head((f"{self.site}: a applies all of it, d drops it", "strong"))
        self.query_one(Scrolled).show(staged.lines(staged.staged_of(snapshot, self.site), snapshot.at))

    def action_act(self, verb: str) -> None:
        """Ask before it is done."""
        self.console.command([verb, self.site])
