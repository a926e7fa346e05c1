"""Twenty rows that change: what the benchmark of the console measures, drawn by our blocks or by Textual's own table.

PERIOD: seconds between two changes of five cells (default 5; 0: nothing changes). ROWS. BLOCKS=stock: a DataTable.
"""

from __future__ import annotations

import os
import sys

from console.thrift import launch
from console.thrift.capabilities import UnfitTerminal

launch.hurry()
launch.prepare(**({} if os.environ.get("BLOCKS") == "stock" else {"TEXTUAL_THEME": "ansi-dark"}))

import random  # noqa: E402
from datetime import UTC, datetime, timedelta  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

from textual.app import App, ComposeResult  # noqa: E402
from textual.binding import Binding  # noqa: E402
from textual.screen import Screen  # noqa: E402

from console.widgets.daystrip import LEGEND, day_strip  # noqa: E402
from console.widgets.lean import LeanApp  # noqa: E402
from console.widgets.lines import Lines  # noqa: E402
from console.widgets.prompting import PromptingScreen  # noqa: E402
from console.widgets.status import Status, StatusLine  # noqa: E402
from console.widgets.table import Column, LineTable, Row  # noqa: E402

if TYPE_CHECKING:
    from textual.driver import Driver

    from console.widgets.confirm import Outcome
    from console.widgets.filtering import Filter
    from console.widgets.prompts import CommandLine, FilterLine

PERIOD, ROWS = float(os.environ.get("PERIOD", "5")), int(os.environ.get("ROWS", "20"))
STALE = os.environ.get("STALE", "")
COLUMNS = (
    Column(key="state", label="STATE", width=8),
    Column(key="name", label="CAMERA", width=12, grows=True),
    Column(key="age", label="AGE", width=6, right=True, from_width=30),
    Column(key="strip", label="LAST DAY", width=24, from_width=80),
    Column(key="undelivered", label="UNDELIV", width=8, right=True, from_width=60),
    Column(key="left", label="DAYS", width=5, right=True, from_width=70),
    Column(key="owner", label="OWNER", width=8, from_width=50),
)
STATES = ("late", "missed", "captured", "captured", "captured", "captured", "excused", "captured")
LOOK = {"late": "warn", "missed": "crit"}


class World:
    """What the rows show; the same every time."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.rows = [self._row(number) for number in range(ROWS)]

    def _row(self, number: int) -> dict[str, str]:
        letters = "".join(self.random.choice("#######+xe") if hour < 21 else " " for hour in range(24))
        return {
            "state": STATES[number % len(STATES)],
            "name": f"north-{number:02}",
            "age": f"{self.random.randrange(1, 59)} min",
            "strip": letters,
            "undelivered": str(self.random.randrange(400)),
            "left": str(self.random.randrange(5, 90)),
            "owner": f"unit{number % 4 + 1}",
        }

    def plain(self, name: str) -> dict[str, str]:
        """Return a row as text."""
        return next(row for row in self.rows if row["name"] == name)

    def change(self) -> None:
        """Change five cells, as a minute of a site does."""
        for row in self.random.sample(self.rows, 5):
            key = self.random.choice(("age", "undelivered", "left", "state"))
            row[key] = {
                "age": f"{self.random.randrange(1, 59)} min",
                "undelivered": str(self.random.randrange(400)),
                "left": str(self.random.randrange(5, 90)),
                "state": self.random.choice(STATES),
            }[key]


def lines_of(world: World) -> list[Row]:
    """Return the rows of the table."""
    made = []
    for row in world.rows:
        cells = row | {"state": (row["state"], LOOK.get(row["state"], "plain")), "strip": day_strip(row["strip"])}
        made.append(Row(row["name"], cells))  # type: ignore[arg-type]
    return made


class Camera(Screen[None]):
    BINDINGS = [Binding("escape", "app.pop_screen", "back")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        facts = [f"fact {number:02}     value {number * 37 % 101} of {number * 53 % 997}" for number in range(26)]
        yield Lines(("north-00", "strong"), "", *facts, LEGEND)


class Fleet(PromptingScreen):
    BINDINGS = [  # noqa: RUF012
        Binding("c", "confirm", "hand over"),
        Binding("i", "camera", "camera"),
    ]
    filter_fields = [column.key for column in COLUMNS]  # noqa: RUF012
    command_words = ("status", "queue")
    filter: Filter | None = None

    def compose(self) -> ComposeResult:
        yield Lines(("site quay   20 cameras, 3 late, 2 missed", "strong"), id="head")
        yield LineTable(COLUMNS)
        yield StatusLine()

    def on_mount(self) -> None:
        self.query_one("#head").styles.height = 1
        self.world = World()
        self.read()
        self.query_one(LineTable).focus()
        if PERIOD:
            self.set_interval(PERIOD, self.change)

    def change(self) -> None:
        self.world.change()
        self.read()

    def read(self) -> None:
        rows = lines_of(self.world)
        passing = [row for row in rows if self.filter is None or self.filter.accepts(self.world.plain(row.key))]
        self.query_one(LineTable).put(passing)
        now = datetime.now(UTC)
        status = Status(now=now, as_of=now, refresh=timedelta(seconds=PERIOD), stale_after=timedelta(seconds=30))
        app = self.app
        self.query_one(StatusLine).tell(status, app.figures() if isinstance(app, LeanApp) else None)

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self.filter = event.filter
        self.read()

    def on_command_line_entered(self, event: CommandLine.Entered) -> None:
        self.query_one("#head", Lines).show([f"done: {' '.join(event.words)}"])

    def on_command_line_refused(self, event: CommandLine.Refused) -> None:
        self.query_one("#head", Lines).show([event.text])

    def action_camera(self) -> None:
        self.app.push_screen(Camera())

    def action_confirm(self) -> None:
        from console.widgets.confirm import Act, Confirmation, ConfirmPage

        act = Act(
            title="Hand north-00 over to unit2",
            verb="Hand over",
            target="camera north-00 of site quay",
            state="held by unit1, epoch 3 token 17, as of 14:02Z, 40 s ago",
            effect="unit2 shoots from 14:10 on; about 20 s dark; unit1 then carries 11 MB an hour less",
            undo="hand back on this screen, or `overlapse redundancy hand-back north-00`",
        )
        state = Confirmation(code="k4t7", key="the-key")
        self.app.push_screen(ConfirmPage(act, self.act, lambda: STALE, state))

    def act(self, key: str) -> Outcome:
        from console.widgets.confirm import Outcome

        with open(os.environ["ACTED"], "a") as file:  # noqa: PTH123
            file.write(f"{key}\n")
        return Outcome("unit2 holds north-00 since 14:02:31Z", done=True, audit="a-1181")


class Demo(LeanApp):
    def on_mount(self) -> None:
        self.push_screen(Fleet())


class Stock(App[int]):
    """The same with Textual's own table, as its tutorial would have it."""

    def compose(self) -> ComposeResult:
        from textual.widgets import DataTable, Footer, Header

        yield Header()
        yield DataTable(cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        from textual.widgets import DataTable

        self.world = World()
        table = self.query_one(DataTable)
        for column in COLUMNS:
            table.add_column(column.label, key=column.key)
        for row in self.world.rows:
            table.add_row(*row.values(), key=row["name"])
        if PERIOD:
            self.set_interval(PERIOD, self.change)

    def change(self) -> None:
        from textual.widgets import DataTable

        before = [dict(row) for row in self.world.rows]
        self.world.change()
        table = self.query_one(DataTable)
        for old, row in zip(before, self.world.rows, strict=True):
            for key in row:
                if old[key] != row[key]:
                    table.update_cell(row["name"], key, row[key])


def main() -> int:
    try:
        driver: type[Driver] | None = launch.driver_class()
    except UnfitTerminal as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stock = os.environ.get("BLOCKS") == "stock"
    app = Stock(driver_class=driver) if stock else Demo(driver)
    app.run(mouse=stock)
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
