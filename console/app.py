"""The program: reads on a clock of its own, hands what it read to the screen, and does what a person may."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import Screen
from textual.timer import Timer

from console.acts.intended import COMMANDS, STAGING, Intended, NotUnderstood, intended
from console.feed.reader import Reader
from console.feed.snapshot import Snapshot
from console.screens.base import Page
from console.screens.fleet import FleetScreen
from console.widgets.lean import LeanApp
from console.widgets.looks import Text
from console.widgets.status import Status
from core.errors import OverlapseError
from core.text import safe

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
    "audit-log": "console.screens.events:AuditScreen",
}
PACES = (1, 2, 5, 10, 30, 60, 300)  # seconds between two readings
DEFAULT = 5
LONGEST = 2000  # characters of what a node says against something
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

    def get_default_screen(self) -> Screen[None]:
        """Return the fleet: no blank screen is made, laid out and drawn below it first."""
        return FleetScreen()

    def on_mount(self) -> None:
        """Read, at once and then by the clock."""
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
        try:
            one = intended(words, self.snapshot)
        except NotUnderstood as error:
            self.say(str(error))
            return
        if one.verb in STAGING:
            self._stage(one)
        else:
            self._rehearse(one)

    def _stale(self, one: Intended) -> str:
        """Say why what is shown is too old to act on; "": it is not."""
        from console.acts.asking import too_old

        now = replace(self.snapshot, at=self.now())
        return too_old(one, now, self.status(now).stale)

    def _rehearse(self, one: Intended) -> None:
        """Ask before it is done; where the node can say first what it would do, with that."""
        from console.acts.asking import takes_dry_run

        if takes_dry_run(one) and not self._stale(one):
            self._look_ahead(one)
        else:
            self._confirm(one, "")

    @work(thread=True, exit_on_error=False, group="acting")
    def _look_ahead(self, one: Intended) -> None:
        from console.acts.asking import rehearsed

        try:
            bound, said = rehearsed(one, self.reader.act)
        except OverlapseError as error:
            self.call_from_thread(self._told, [(f"{one.verb}: NOT DONE", "crit"), safe(error, LONGEST)])
            return
        self.call_from_thread(self._confirm, bound, said)

    def _confirm(self, one: Intended, rehearsal: str) -> None:
        from console.acts.asking import act_page, done
        from console.widgets.confirm import ConfirmPage

        page = act_page(one, self.snapshot, rehearsal)
        act = lambda key: done(one, self.reader.act, key)  # noqa: E731
        self.push_screen(ConfirmPage(page, act, lambda: self._stale(one)), self._acted)

    def _stage(self, one: Intended) -> None:
        if (why := self._stale(one)) != "":
            self.say(f"refused: {why}")
        else:
            self._staged(one)

    @work(thread=True, exit_on_error=False, group="acting")
    def _staged(self, one: Intended) -> None:
        from console.acts.asking import done

        outcome = done(one, self.reader.act, token_hex(16))
        self.call_from_thread(self._has_staged, one, outcome)

    def _has_staged(self, one: Intended, outcome: Outcome) -> None:
        """Show what was staged and what it comes to, or why not."""
        from console.screens.staging import StagedScreen

        if not outcome.done:
            self._told([("NOT STAGED", "crit"), *outcome.text.split("; ")])
            return
        self.say(outcome.text)
        self.push_screen(StagedScreen(one.site))

    def _told(self, said: Sequence[Text]) -> None:
        """Show what a node said, whole."""
        from console.screens.staging import SaidScreen

        self.push_screen(SaidScreen(said))

    def _acted(self, outcome: Outcome | None) -> None:
        """Say what came of it, and look at once."""
        if outcome is not None:
            self.say(outcome.text)
            self.action_read()

    def action_go(self, name: str) -> None:
        """Open a screen over the fleet."""
        while len(self.screen_stack) > 1:
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
