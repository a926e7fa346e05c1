"""The program: reads on a clock of its own, hands what it read to the screen, and does what a person may."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.timer import Timer

from console.acts.intended import COMMANDS, NotUnderstood, intended
from console.feed.reader import Reader
from console.feed.snapshot import Snapshot
from console.screens.base import Page
from console.screens.fleet import FleetScreen
from console.widgets.lean import LeanApp
from console.widgets.status import Status

if TYPE_CHECKING:
    from console.widgets.confirm import Outcome

SCREENS = {  # by their keys 1, 2, 3 ...; each is imported when it is asked for
    "fleet": "",
    "queue": "console.screens.deliveries:DeliveriesScreen",
    "retention": "console.screens.storage:StorageScreen",
    "alerts": "console.screens.alerts:AlertsScreen",
    "redundancy": "console.screens.redundancy:RedundancyScreen",
    "events": "console.screens.events:EventsScreen",
    "orders": "console.screens.orders:OrdersScreen",
}
PACES = (1, 2, 5, 10, 30, 60, 300)  # seconds between two readings
DEFAULT = 5
MOST_STALE = timedelta(seconds=30)


class Console(LeanApp):
    """`now` is the clock of the screens; a test gives its own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"go('{name}')", name) for number, name in enumerate(SCREENS, 1)),
        Binding("q", "quit", "quit"),
        Binding("ctrl+z", "stop", "stop", show=False, priority=True),
    ]

    def __init__(self, reader: Reader, now: Callable[[], datetime], driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class)
        self.reader, self.now = reader, now
        self.snapshot = reader.snapshot
        self.pace = DEFAULT
        self.note = ""
        self.printed = ""  # for whoever started the program, when it has ended
        self._reading = False
        self._again = False
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Show the fleet, and read."""
        self.push_screen(FleetScreen())
        self.action_read()
        self._timer = self.set_interval(self.pace, self.tick)

    @property
    def page(self) -> Page | None:
        """Return the screen when it is one of pages."""
        return self.screen if isinstance(self.screen, Page) else None

    def tick(self) -> None:
        """Read again. When what is shown has become too old meanwhile, say so."""
        if self._reading:
            self._old()
        self.action_read()

    def action_read(self) -> None:
        """Ask the nodes, unless they are being asked: then once more behind that."""
        if self._reading:
            self._again = True
            return
        self._reading = True
        self._read()

    @work(thread=True, exit_on_error=False, group="reading")
    def _read(self) -> None:
        page = self.page
        found = self.reader.read(page.questions() if page is not None else ())
        self.call_from_thread(self._found, found)

    def _found(self, snapshot: Snapshot) -> None:
        self._reading = False
        self.snapshot = snapshot
        if (page := self.page) is not None:
            page.show(snapshot)
        if self._again:
            self._again = False
            self.action_read()

    def _old(self) -> None:
        """Tell the status line the time, so that it says STALE when it is."""
        self.snapshot = replace(self.snapshot, at=self.now())
        if (page := self.page) is not None:
            page.show(self.snapshot)

    def action_pace(self, step: int) -> None:
        """Read more often, or less."""
        at = PACES.index(self.pace) + step
        self.pace = PACES[min(max(at, 0), len(PACES) - 1)]
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(self.pace, self.tick)
        self.say("")

    def action_stop(self) -> None:
        """End where the login is the console and nothing else; elsewhere give no shell, either."""
        if self._driver is not None and not self._driver.can_suspend:
            self.exit()

    def say(self, note: str) -> None:
        """Show a note in the status line until the next one."""
        self.note = note
        if (page := self.page) is not None:
            page.tell(self.snapshot)

    def status(self, snapshot: Snapshot) -> Status:
        """Return what the status line says."""
        refresh = timedelta(seconds=self.pace)
        return Status(
            now=self.now(),
            as_of=snapshot.as_of,
            refresh=refresh,
            stale_after=max(MOST_STALE, 3 * refresh),
            read_only=not any(site.verbs & COMMANDS.keys() for site in snapshot.sites),
            trouble=snapshot.trouble,
            note=self.note or self._unanswered(snapshot),
        )

    def _unanswered(self, snapshot: Snapshot) -> str:
        """Say why something that this screen asked for is not there."""
        page = self.page
        asked = page.questions() if page is not None else ()
        answers = (snapshot.answers[one] for one in asked if one in snapshot.answers)
        return next((one.error for one in answers if one.error), "")

    @property
    def command_words(self) -> Sequence[str]:
        """Return what can be typed behind `:`: the screens, and what this person may do."""
        may = {verb for site in self.snapshot.sites for verb in site.verbs}
        return [*SCREENS, "quit", *(verb for verb in COMMANDS if verb in may)]

    def command(self, words: Sequence[str]) -> None:
        """Do what was typed: open a screen, or ask before an act."""
        if words[0] == "quit":
            self.exit()
        elif words[0] in SCREENS:
            self.action_go(words[0])
        else:
            self._ask(words)

    def _ask(self, words: Sequence[str]) -> None:
        from console.acts.asking import act_page, done, too_old
        from console.widgets.confirm import ConfirmPage

        try:
            one = intended(words, self.snapshot)
        except NotUnderstood as error:
            self.say(str(error))
            return

        def stale() -> str:
            now = replace(self.snapshot, at=self.now())
            return too_old(one, now, self.status(now).stale)

        page = ConfirmPage(act_page(one, self.snapshot), lambda key: done(one, self.reader.act, key), stale)
        self.push_screen(page, self._acted)

    def _acted(self, outcome: Outcome | None) -> None:
        """Say what came of it, and look at once."""
        if outcome is not None:
            self.say(outcome.text)
            self.action_read()

    def action_go(self, name: str) -> None:
        """Open a screen over the fleet."""
        while not isinstance(self.screen, FleetScreen) and len(self.screen_stack) > 2:
            self.pop_screen()
        if name != "fleet":
            module, _, attribute = SCREENS[name].partition(":")
            self.push_screen(getattr(importlib.import_module(module), attribute)())

    def open_row(self, key: str) -> None:
        """Open a camera, or what the checks say of a node."""
        site, node, camera = key.split("/", 2)
        if camera:
            from console.screens.camera import CameraScreen

            self.push_screen(CameraScreen(site, node, camera))
        else:
            from console.screens.alerts import AlertsScreen

            self.push_screen(AlertsScreen(site, node))

    def leave_with(self, text: str) -> None:
        """End; the text is printed on the terminal that is there again."""
        self.printed = text
        self.exit()
