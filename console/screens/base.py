"""What all screens share: a heading, a body, the status line, and being told what was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.feed.snapshot import Question, Snapshot
from console.widgets.lines import Lines
from console.widgets.looks import Text, parts_of
from console.widgets.prompting import PromptingScreen
from console.widgets.scrolled import Scrolled
from console.widgets.status import StatusLine

if TYPE_CHECKING:
    from console.app import Console
    from console.widgets.filtering import Filter
    from console.widgets.prompts import CommandLine, FilterLine


class Page(PromptingScreen):
    """Subclass this: `body` makes the widgets between heading and status line, `draw` fills them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("r", "app.read", "read again now"),
        Binding("plus", "app.pace(-1)", "refresh faster", key_display="+"),
        Binding("minus", "app.pace(1)", "refresh slower", key_display="-"),
    ]
    heading_lines: ClassVar[int] = 1
    wraps = False  # the heading: it is as high as it needs, and leaves some rows
    filter: Filter | None = None

    def compose(self) -> ComposeResult:
        """Show heading, body and status line."""
        head = Lines(id="head", wraps=self.wraps)
        head.styles.height = self.heading_lines
        yield head
        yield from self.body()
        yield StatusLine()

    def body(self) -> Sequence[Widget]:
        """Return the widgets of this screen."""
        return [Scrolled(id="body")]

    def on_mount(self) -> None:
        """Show what is known already, and ask for the rest."""
        self.draw(self.console.snapshot)
        self.tell(self.console.snapshot)
        self.set_focus(next(iter(self.query("LineTable, Scrolled")), None))
        if self.questions():
            self.console.action_read()

    @property
    def command_words(self) -> Sequence[str]:  # type: ignore[override]
        """Return what can be typed behind `:`."""
        return self.console.command_words

    @property
    def console(self) -> Console:
        """Return the program."""
        return self.app  # type: ignore[return-value]

    def questions(self) -> Sequence[Question]:
        """Return what this screen asks for beside the documents."""
        return ()

    def show(self, snapshot: Snapshot) -> None:
        """Show what was read."""
        if self.is_mounted:
            self.draw(snapshot)
            self.tell(snapshot)

    def draw(self, snapshot: Snapshot) -> None:
        """Fill the widgets."""

    def tell(self, snapshot: Snapshot) -> None:
        """Say how fresh it is."""
        self.query_one(StatusLine).tell(self.console.status(snapshot), self.console.figures())

    def head(self, *lines: Text) -> None:
        """Show the heading."""
        self.query_one("#head", Lines).show(lines)

    async def prefill(self, text: str) -> None:
        """Open the command line with a command that is to be finished or changed."""
        from console.widgets.prompts import Prompt

        await self.action_prompt("command")
        entry = self.query_one("#command", Prompt).entry
        entry.value = text
        entry.cursor_position = len(text)

    def action_back(self) -> None:
        """Go back to the fleet."""
        self.console.pop_screen()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        """Show the rows that pass."""
        self.filter = event.filter
        self.draw(self.console.snapshot)

    def on_command_line_entered(self, event: CommandLine.Entered) -> None:
        """Do what was typed."""
        self.console.command(event.words)

    def on_command_line_refused(self, event: CommandLine.Refused) -> None:
        """Say that it is no command."""
        self.console.say("".join(text for text, _ in parts_of(event.text)))
