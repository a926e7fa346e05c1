"""Who holds each camera and who would take it over; handing on, rehearsing, and choosing another backup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Question, Snapshot
from console.pages import redundancy, staged
from console.screens.base import Page
from console.screens.listing import Item, Listing, of_all
from console.screens.staging import BackupScreen, StagedScreen
from console.widgets.looks import Text
from console.widgets.scrolled import Scrolled
from console.widgets.table import Column, Row

ACTS: list[BindingType] = [
    Binding("b", "backup", "choose a backup, for all that are marked"),
    Binding("h", "act('redundancy-handover')", "hand over to its backup"),
    Binding("B", "act('redundancy-handback')", "hand back to its primary"),
    Binding("e", "act('redundancy-rehearse')", "rehearse: over for two slots, and back"),
    Binding("w", "staged", "look at what is staged, to apply or drop it"),
]


class _Acts(Page):
    """What can be done to the camera that is meant."""

    def meant(self) -> redundancy.Held | None:
        """Return the camera."""
        raise NotImplementedError

    def chosen(self) -> Sequence[redundancy.Held]:
        """Return the cameras that an edit of many is for."""
        one = self.meant()
        return [] if one is None else [one]

    def questions(self) -> Sequence[Question]:
        """Ask for all assignments."""
        return redundancy.questions(self.console.snapshot)

    def action_act(self, verb: str) -> None:
        """Ask before it is done."""
        if (one := self.meant()) is not None:
            self.console.command([verb, one.key])

    def action_backup(self) -> None:
        """Show who may stand by."""
        found = self.chosen()
        sites = {one.site for one in found}
        if len(sites) > 1:
            self.console.say("the marked cameras are of several sites: filter one with /site:")
        elif found:
            self.console.push_screen(BackupScreen(found[0].site, [str(one.row["name"]) for one in found]))

    def action_staged(self) -> None:
        """Show what is staged: of this site, or of the first that has something."""
        one, views = self.meant(), self.console.snapshot.sites
        first = next((view.site for view in views if staged.staged_of(self.console.snapshot, view.site)), "")
        here = one.site if one is not None else views[0].site
        self.console.push_screen(StagedScreen(here if len(views) == 1 or not first else first))


class RedundancyScreen(_Acts, Listing):
    """Cameras that have a backup, or might have one, the worst first."""

    TITLE = "redundancy"
    BINDINGS: ClassVar[list[BindingType]] = [
        *ACTS,
        Binding("space", "mark", "mark a camera for an edit of many, or take the mark off"),
        Binding("s", "servers", "by server: switches, slots, primary for, backup for"),
    ]
    filter_fields = redundancy.FIELDS
    heading_lines = 2
    empty = "no camera has a backup"
    found: Sequence[redundancy.Held] = ()

    def __init__(self) -> None:
        super().__init__()
        self.marked: set[str] = set()

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a camera."""
        return redundancy.COLUMNS

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the cameras."""
        self.found = redundancy.held(snapshot)
        self.marked &= {one.key for one in self.found}
        return [Item(self._row(one, snapshot), one.plain()) for one in self.found]

    def _row(self, one: redundancy.Held, snapshot: Snapshot) -> Row:
        changed = one.row.get("name") in staged.staged_of(snapshot, one.site).get("cameras", ())
        return redundancy.cells(one, snapshot.at, one.key in self.marked, changed)

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return how many, what is marked, and what is known of the engines, or what is staged while they are well."""
        backed, bad = (
            sum(bool(one.row.get("backup")) for one in self.found),
            sum(one.look != "plain" for one in self.found),
        )
        marked = f", {len(self.marked)} marked" if self.marked else ""
        first = (f"{backed} cameras with a backup, {bad} to look at{marked}", "strong")
        engine, waiting = redundancy.engines(snapshot)[0], staged.heading(snapshot)
        return [[first, of_all(shown, count)], waiting if waiting and engine[1] != "crit" else engine]

    def meant(self) -> redundancy.Held | None:
        """Return the camera under the cursor."""
        return next((one for one in self.found if one.key == self.key), None)

    def chosen(self) -> Sequence[redundancy.Held]:
        """Return those that are marked, else the one under the cursor."""
        return [one for one in self.found if one.key in self.marked] or super().chosen()

    def action_mark(self) -> None:
        """Mark the camera under the cursor, and go on to the next one."""
        if self.key is not None:
            self.marked ^= {self.key}
            self.draw(self.console.snapshot)
            self.query_one("LineTable").action_move(1)  # type: ignore[attr-defined]

    def action_servers(self) -> None:
        """Show the servers."""
        from console.screens.servers import ServersScreen

        self.console.push_screen(ServersScreen())

    def open(self, key: str) -> None:
        """Show all that is known of a camera's redundancy."""
        self.console.push_screen(HeldScreen(key))


class HeldScreen(_Acts):
    """One camera: who holds it, who would, in which mode and by which setting."""

    TITLE = "the redundancy of a camera"
    BINDINGS: ClassVar[list[BindingType]] = [*ACTS, Binding("o", "camera", "open the camera")]

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def meant(self) -> redundancy.Held | None:
        """Return this camera."""
        return next((one for one in redundancy.held(self.console.snapshot) if one.key == self.key), None)

    def draw(self, snapshot: Snapshot) -> None:
        """Show it as it is now."""
        one = next((one for one in redundancy.held(snapshot) if one.key == self.key), None)
        self.head(("b backup  h hand over  B hand back  e rehearse  o camera", "strong"))
        said = ["nothing is known of it any more"] if one is None else redundancy.lines(one, snapshot)
        self.query_one(Scrolled).show(said)

    def action_camera(self) -> None:
        """Open the camera at the node that holds it."""
        if (one := self.meant()) is not None:
            self.console.open_row(f"{one.site}/{one.row.get('owner') or one.row.get('primary')}/{one.row.get('name')}")
