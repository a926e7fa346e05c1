"""Redundancy by server: switches, camera slots, and the lists `primary for` and `backup for`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.feed.snapshot import Question, Snapshot
from console.pages import redundancy, servers, staged
from console.screens.base import Page
from console.screens.listing import Item, Listing, of_all
from console.screens.staging import BackupScreen, StagedScreen
from console.widgets.looks import Text
from console.widgets.scrolled import Scrolled
from console.widgets.table import Column

ACTS: list[BindingType] = [
    *(Binding(key[0], f"switch('{key}')", f"stage: switch {key} on or off") for key in servers.SWITCHES),
    Binding("b", "backup", "choose a backup for all that it is primary of"),
    Binding("w", "staged", "look at what is staged, to apply or drop it"),
]


class _Acts(Page):
    """What can be done to the server that is meant."""

    def meant(self) -> servers.Server | None:
        """Return the server."""
        raise NotImplementedError

    def questions(self) -> Sequence[Question]:
        """Ask for all assignments."""
        return redundancy.questions(self.console.snapshot)

    def action_switch(self, key: str) -> None:
        """Stage the other position of a switch, of what is staged already."""
        if (one := self.meant()) is not None and key in one.row:
            now = staged.switch(staged.staged_of(self.console.snapshot, one.site), one.node, key, bool(one.row[key]))
            self.console.command(["redundancy-mode", one.key, key, "off" if now else "on"])

    def action_backup(self) -> None:
        """Show who may stand by for its cameras."""
        if (one := self.meant()) is not None and (names := one.cameras.get("primary")):
            self.console.push_screen(BackupScreen(one.site, names))

    def action_staged(self) -> None:
        """Show what is staged."""
        if (one := self.meant()) is not None:
            self.console.push_screen(StagedScreen(one.site))


class ServersScreen(_Acts, Listing):
    """All servers that have a part in it."""

    TITLE = "redundancy by server"
    BINDINGS: ClassVar[list[BindingType]] = ACTS
    filter_fields = servers.FIELDS
    heading_lines = 2
    empty = "no server has a part in redundancy"
    found: Sequence[servers.Server] = ()

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns of a server."""
        return servers.COLUMNS

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the servers."""
        self.found = servers.servers(snapshot)
        return [Item(servers.cells(one), one.plain()) for one in self.found]

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Say what is to be seen, and what is staged."""
        waiting = staged.heading(snapshot)
        return [[("By server; c f m a stage a switch", "strong"), of_all(shown, count)], waiting]

    def meant(self) -> servers.Server | None:
        """Return the server under the cursor."""
        return next((one for one in self.found if one.key == self.key), None)

    def open(self, key: str) -> None:
        """Open a server."""
        self.console.push_screen(ServerScreen(key))


class ServerScreen(_Acts):
    """One server: what its switches mean, what it carries, and for which cameras."""

    TITLE = "a server"
    BINDINGS: ClassVar[list[BindingType]] = ACTS

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def meant(self) -> servers.Server | None:
        """Return this server."""
        return next((one for one in servers.servers(self.console.snapshot) if one.key == self.key), None)

    def draw(self, snapshot: Snapshot) -> None:
        """Show it as it is now."""
        one = next((one for one in servers.servers(snapshot) if one.key == self.key), None)
        self.head(("c constant  f fast  m mail  a autoback  b backup", "strong"))
        self.query_one(Scrolled).show(["nothing is known of it any more"] if one is None else servers.lines(one))
