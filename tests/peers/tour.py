"""A Textual program with a bit of everything, to be drawn by any driver: `THRIFT=off` takes Textual's own."""

from __future__ import annotations

import os
import sys

from console.thrift import launch
from console.thrift.capabilities import UnfitTerminal

launch.prepare()

from rich.text import Text  # noqa: E402
from textual.app import App, ComposeResult  # noqa: E402
from textual.binding import Binding  # noqa: E402
from textual.containers import Horizontal, Vertical  # noqa: E402
from textual.screen import ModalScreen, Screen  # noqa: E402
from textual.widgets import DataTable, Footer, Input, Label, RichLog, Static  # noqa: E402

WORDS = ("captured", "late", "missed", "excused", "漢字かな", "é à ü ñ", "┌─┬─┐", "e\u0301te\u0301")
HOSTILE = "cam\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202eevil\u2066\u200b" + "x" * 300


class Question(ModalScreen[None]):
    CSS = "Question { align: center middle } Vertical { width: 40; height: 9; border: round red; background: blue }"
    BINDINGS = [Binding("escape", "dismiss", "close")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label("Hand over [b]north[/b] to unit2?")
            yield Input(placeholder="type 漢字 here", select_on_focus=False)


class Log(Screen[None]):
    BINDINGS = [Binding("escape", "app.pop_screen", "back")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield RichLog(markup=True)
        yield Footer()

    def on_mount(self) -> None:
        log = self.query_one(RichLog)
        for number in range(200):
            log.write(f"[b]{number:04}[/b] {WORDS[number % len(WORDS)]} [reverse]x{number * 7 % 13}[/reverse] tail")


class Tour(App[None]):
    CSS = "DataTable { height: 1fr } #top { background: $panel }" + (
        "#side { width: 30; background: darkgreen; color: yellow }"
    )
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [  # noqa: RUF012
        Binding("q", "quit", "quit"),
        Binding("m", "push_screen('question')", "modal"),
        Binding("l", "push_screen('log')", "log"),
        Binding("u", "change", "update"),
        Binding("h", "hostile", "hostile"),
        Binding("z", "suspend_process", "stop"),
        Binding("b", "ring", "bell"),
    ]
    SCREENS = {"question": Question, "log": Log}  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Static("Tour of 漢字 and [reverse]more[/reverse]", id="top")
        with Horizontal():
            yield DataTable(cursor_type="row", zebra_stripes=True)
            yield Static("side\n\n  text " + "─" * 20, id="side")
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("name", "state", "strip")
        for number in range(60):
            table.add_row(f"cam{number}", WORDS[number % len(WORDS)], Text("#x+e."[number % 5] * 24, "bold green"))

    def action_change(self) -> None:
        table = self.query_one(DataTable)
        table.update_cell_at(table.cursor_coordinate, "changed")
        self.query_one("#side", Static).update("side\n\n" + "changed text\n" * 5)

    def action_hostile(self) -> None:
        self.query_one("#side", Static).update(Text(HOSTILE))

    def action_ring(self) -> None:
        self.bell()


if __name__ == "__main__":
    try:
        driver = launch.driver_class()
    except UnfitTerminal as error:
        sys.exit(str(error))
    tour = Tour(driver_class=driver)
    tour.run(mouse="MOUSE" in os.environ)
    sys.exit(tour.return_code)
