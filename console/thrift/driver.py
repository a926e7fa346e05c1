"""The driver: Textual writes into a grid, the terminal gets the differences, one write a frame, the newest state only.

All of it runs in the thread of the program's loop. What the terminal does not take is not queued: the next frame is
made when there is room, of what the screen shall show then.
"""

from __future__ import annotations

import os
import sys
import threading
from asyncio import TimerHandle
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from textual import events, messages
from textual.driver import Driver
from textual.geometry import Size

from console.thrift.capabilities import Capabilities, capabilities
from console.thrift.diff import Shown, cleared, paint
from console.thrift.grid import Grid
from console.thrift.launch import Options, settled
from console.thrift.line import Gone, Line
from console.thrift.pace import Pace
from console.thrift.reader import Reader
from console.thrift.signals import Signals
from console.thrift.typed import ESCAPE_DELAY, Typed
from console.thrift.wire import OVERHEAD, PROBE, Answers, Figures, Meter

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h"  # alternate screen, no cursor, no wrapping, pastes marked
LEAVE = "\x1b[m\x1b[?2004l\x1b[?7h\x1b[?1049l\x1b[?25h"
AGAIN = "\x1b[r\x1b(B\x0f\x1b[?25l\x1b[?7l"  # after noise on the line: no margins, ASCII, no cursor, no wrapping
MOUSE_ON, MOUSE_OFF = "\x1b[?1000h\x1b[?1003h\x1b[?1006h", "\x1b[?1006l\x1b[?1003l\x1b[?1000l"
MOST_WAITING = 65536  # bytes; what a program passes on to a terminal that takes nothing is dropped beyond that
HUNG_UP, TERMINATED = 129, 143  # exit statuses, as a shell says them of SIGHUP and SIGTERM


class ThriftDriver(Driver):
    """Draws on the terminal of stdin and stderr (stdout where that is none)."""

    options: ClassVar[Options] = Options()
    can: ClassVar[Capabilities | None] = None

    @classmethod
    def made(cls, options: Options, can: Capabilities) -> type[Self]:
        """Return a driver class with these options, for this terminal."""
        return type(cls.__name__, (cls,), {"options": options, "can": can})

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._terminal = self.can or capabilities(os.environ.get("TERM", ""), os.environ)
        self._thread = threading.get_ident()
        self._line = _line()
        self._typed = Typed()
        self._signals = Signals(self._loop)
        self._size = self._line.size()
        options = self.options
        self.pace = Pace(options.frames_a_second, options.urgent_for, options.budget)
        self.meter = Meter()
        self.answers = Answers(options.ask_every)
        ascii_only, colour = options.ascii_only, options.colour
        self._reader = Reader(Grid(*self._size), colour=colour, mouse=mouse, ascii_only=ascii_only)
        self._shown = Shown([])
        self._ahead = ""  # goes before the next frame, in one write with it
        self._timer: TimerHandle | None = None
        self._active = self._gone = self._resuming = False

    # What Textual asks of a driver

    @property
    def can_suspend(self) -> bool:
        """Tell whether Ctrl-Z and App.suspend leave the screen to others for a while."""
        return self.options.may_suspend

    def write(self, data: str) -> None:
        """Draw into the grid, or pass a control on; safe from any thread."""
        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.write, data)
            return
        passed = self._reader.read(data)
        if not passed:
            self._schedule()
        elif self._active and len(self._line.waiting) < MOST_WAITING:
            self._send(passed)

    def start_application_mode(self) -> None:
        """Take the terminal over: raw, alternate screen, nothing shown."""
        self._line.raw()
        self._active = True
        self._loop.add_reader(self._line.reading, self._readable)
        self._signals.take(
            resized=self._resized,
            hung_up=self._hang_up,
            terminated=lambda: self._app.exit(return_code=TERMINATED),
            stopped=self._stop,
            continued=self._continue,
        )
        self._ahead = ENTER + (MOUSE_ON if self._mouse else "")
        self.pace.key(self._loop.time())
        self._take_size()
        self._forget()
        if self._resuming:
            self._resuming = False
            self.send_message(self.SignalResume())

    def disable_input(self) -> None:
        """Read no more keys."""
        self._loop.remove_reader(self._line.reading)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was found."""
        if self._active:
            self._active = False
            self._hold()
            self.disable_input()
            self._signals.give_back()
            self._loop.remove_writer(self._line.writing)
            if not self._gone:
                self._say_goodbye()
        self._line.cooked()

    def close(self) -> None:
        """Close what was opened."""
        self._line.close()

    def resume_application_mode(self) -> None:
        """Take the terminal over again after others had it."""
        self._line = _line()
        super().resume_application_mode()

    # For the program that is drawn

    def redraw(self) -> None:
        """Clear the terminal and send all of it again, at once."""
        self._ahead = AGAIN
        self._forget()
        self.pace.key(self._loop.time())
        self._schedule()

    def figures(self) -> Figures:
        """Return what this session has cost, and how far away the terminal is."""
        now = self._loop.time()
        local = any(os.environ.get(name) for name in ("TMUX", "STY"))  # they answer in the terminal's place
        return Figures(
            content=self.meter.content,
            on_the_wire=self.meter.on_the_wire,
            frames=self.meter.frames,
            last_minute=self.meter.last_minute(now),
            round_trip=None if local else self.answers.round_trip,
            interval=self.pace.interval(now),
        )

    # Frames

    def _schedule(self) -> None:
        """Have a frame made as soon as one may go."""
        if not self._active or self._line.waiting:
            return
        now = self._loop.time()
        due = max(self.pace.due(now), self.answers.wait(now))
        if self._timer is None or due < self._timer.when():
            self._hold()
            self._timer = self._loop.call_at(due, self._emit)

    def _hold(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _emit(self) -> None:
        """Send what differs now."""
        self._timer = None
        now = self._loop.time()
        if self.answers.wait(now) > now:
            self._schedule()
            return
        assert self._terminal is not None
        frame, self._shown = paint(self._terminal, self._shown, self._reader.grid)
        frame, self._ahead = self._ahead + frame, ""
        if frame:
            self._send(frame, may_ask=True)
            settled()

    def _send(self, text: str, may_ask: bool = False) -> None:
        data, now = text.encode(errors="replace"), self._loop.time()
        asks = may_ask and self.options.ask_every > 0 and self.answers.wants(len(data), now)
        if asks:
            data += PROBE.encode()
        self.meter.sent(len(data), now)
        self.pace.sent(len(data) + OVERHEAD, now)
        self.answers.sent(len(data), asks, now)
        try:
            if not self._line.write(data):
                self._loop.add_writer(self._line.writing, self._writable)
        except Gone:
            self._hang_up()

    def _writable(self) -> None:
        """Go on with what the terminal did not take before, then with the newest state."""
        try:
            if self._line.write():
                self._loop.remove_writer(self._line.writing)
                self._schedule()
        except Gone:
            self._hang_up()

    def _forget(self) -> None:
        """Begin again with a blank terminal."""
        assert self._terminal is not None
        grid = self._reader.grid
        clear, self._shown = cleared(self._terminal, grid.width, grid.height)
        self._ahead += clear

    def _say_goodbye(self) -> None:
        goodbye = (MOUSE_OFF if self._mouse else "") + LEAVE
        try:
            self._line.write(goodbye.encode())
        except Gone:
            self._gone = True
            return
        self.meter.sent(len(goodbye), self._loop.time())
        self._line.drain()

    # What comes from the terminal and the system

    def _readable(self) -> None:
        try:
            data = self._line.read()
        except Gone:
            self._hang_up()
            return
        if not data:
            return
        self._take(self._typed.feed(data))
        self._loop.call_later(ESCAPE_DELAY, lambda: self._take(self._typed.tick()))

    def _take(self, typed: Iterable[Message]) -> None:
        for message in typed:
            if isinstance(message, events.CursorPosition):
                if self.answers.answered(self._loop.time()):
                    self._schedule()
            elif isinstance(message, events.Key) and message.key == "ctrl+l":
                self.redraw()
            elif not isinstance(message, messages.InBandWindowResize | messages.TerminalSupportsSynchronizedOutput):
                self._answer_at_once()
                self.process_message(message)

    def _answer_at_once(self) -> None:
        self.meter.keys += 1
        self.pace.key(self._loop.time())
        if self._timer is not None:
            self._schedule()

    def _resized(self) -> None:
        """Take the new size over; a change to the same size is how a terminal that came back asks for all of it."""
        self.pace.resized(self._loop.time())
        self._ahead = AGAIN
        self._take_size()
        self._forget()
        self._schedule()

    def _take_size(self) -> None:
        width, height = self._line.size()
        self._reader.resize(width, height)
        size = Size(width, height)
        self._loop.create_task(self._app._post_message(events.Resize(size, size)))

    def _hang_up(self) -> None:
        """End the program: its terminal is gone."""
        if not self._gone:
            self._gone = True
            self._hold()
            self.disable_input()
            self._loop.remove_writer(self._line.writing)
            self._active = False
            self._app.exit(return_code=HUNG_UP)

    def _stop(self) -> None:
        """Stop like any program that is sent SIGTSTP, the screen given back first."""
        if not self.options.may_suspend:
            self._app.exit(return_code=TERMINATED)
            return
        if self._auto_restart and self._active:
            self.suspend_application_mode()
            self._resuming = True
        self._signals.stop_process()

    def _continue(self) -> None:
        if self._resuming:
            self.resume_application_mode()
        elif self._active:
            self.redraw()


def _line() -> Line:
    """Return the line of the terminal that the program was started on."""
    streams = [stream for stream in (sys.__stderr__, sys.__stdout__) if stream is not None]
    shows = next((stream for stream in streams if stream.isatty()), streams[0])
    assert sys.__stdin__ is not None
    return Line(sys.__stdin__.fileno(), shows.fileno())
