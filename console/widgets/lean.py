"""The program that screens stand in: the terminal's own colours, no mouse, no palette, nothing that moves by itself."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver

from console.thrift.wire import Figures
from core.text import safe

THEME = "ansi-dark"  # Textual's name for "as the terminal has it"; give it to launch.prepare as TEXTUAL_THEME


class LeanApp(App[int]):
    """Subclass this. Start it with `run(mouse=False)` after `launch.prepare(TEXTUAL_THEME=THEME)`."""

    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    INLINE_PADDING = 0
    CSS = """
    Screen { background: ansi_default; color: ansi_default; layers: base; overflow: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
    ]

    def __init__(self, driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class, watch_css=False)
        self.theme = THEME
        self.animation_level = "none"

    def figures(self) -> Figures | None:
        """Return what the session has cost; None with a driver that does not count."""
        said = getattr(self._driver, "figures", None)
        return said() if said is not None else None

    def action_help(self) -> None:
        """List the keys of this screen; Enter on one runs it here."""
        from console.widgets.help import HelpPage  # nobody waits for it before the first paint

        below = self.screen
        bindings = below.active_bindings

        async def run(action: str | None) -> None:
            chosen = next((active for active in bindings.values() if active.binding.action == action), None)
            if chosen is not None:
                await self.run_action(chosen.binding.action, chosen.node)

        self.push_screen(HelpPage(bindings, below.title or type(below).__name__), run)

    def _fatal_error(self) -> None:
        """Say a fault of the program in one line: a traceback is 20 kB to a thin line, and tells what it should not."""
        if "debug" in self.features:
            super()._fatal_error()
            return
        if self._exception is not None:
            self._exit_renderables.append(Text(fault(self._exception)))
        self._close_messages_no_wait()

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Write no files."""

    def action_suspend_process(self) -> None:
        """Give no shell."""


def fault(error: BaseException) -> str:
    """Return what ended the program, and where, on one line."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        where, trace = f" ({safe(trace.tb_frame.f_globals.get('__name__'), 60)}:{trace.tb_lineno})", trace.tb_next
    return f"the console ended by a fault of its own, the node goes on: {type(error).__name__}: {safe(error)}{where}"
