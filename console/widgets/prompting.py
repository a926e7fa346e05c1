"""A screen with `/` and `:`. What is typed behind them at once, as on a slow link, is typed into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from console.widgets.status import StatusLine

if TYPE_CHECKING:
    from console.widgets.prompts import Prompt


class PromptingScreen(Screen[None]):
    """Say the fields and the commands; take FilterLine.Changed, CommandLine.Entered and CommandLine.Refused.

    The two keys have priority: the program deals with them before it passes the next key on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "prompt('filter')", "filter rows", key_display="/", priority=True),
        Binding("colon", "prompt('command')", "type a command", key_display=":", priority=True),
    ]
    filter_fields: ClassVar[Sequence[str]] = ()
    command_words: ClassVar[Sequence[str]] = ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave both keys to what is being typed."""
        typing = self.focused is not None and self.focused.parent is not None and self.focused.parent.has_class("open")
        return not (action == "prompt" and typing and not self.focused.disabled)  # type: ignore[union-attr]

    async def action_prompt(self, which: str) -> None:
        """Open one of the two lines, made when first asked for."""
        (await self._made(which)).open()

    async def _made(self, which: str) -> Prompt:
        from console.widgets.prompts import CommandLine, FilterLine, Prompt  # nobody waits for it at the first paint

        for prompt in self.query(Prompt):
            if prompt.id == which:
                return prompt
        made = FilterLine(self.filter_fields, which) if which == "filter" else CommandLine(self.command_words, which)
        await self.mount(made, before=self.query_one(StatusLine))
        return made
