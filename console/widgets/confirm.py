"""The page before a dangerous act: what it does, how to undo it, and four characters that nobody types by accident.

It follows what operators of other tools lost machines by: no act on one key, on Enter or on `y`; the safe answer has
the focus; the data must be fresh; a key pressed twice, as on a slow link, acts once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from console.widgets.lines import Lines
from console.widgets.looks import Part, Text

LETTERS, DIGITS = "acdefhjkprtxy", "3467"  # none that look alike in some font: b 8, g 9 q, i l 1, o 0, s 5, u v w, z 2
LENGTH = 4
SAFE = "Leave it as it is"
Stage = Literal["asking", "armed", "sent", "over"]


def new_code() -> str:
    """Return characters to be typed; a digit after each letter, so that no telephone makes a word of them."""
    return "".join(secrets.choice(DIGITS if at % 2 else LETTERS) for at in range(LENGTH))


@dataclass(frozen=True, kw_only=True)
class Act:
    """A dangerous act, in sentences for the operator."""

    title: str  # "Hand north over to unit2"
    verb: str  # of the button: "Hand over"
    target: str  # "camera north of site quay"
    state: str  # "held by unit1, epoch 3, as of 14:02Z"
    effect: str
    undo: str
    rehearsal: str = ""  # what a dry run found


@dataclass(frozen=True)
class Outcome:
    """What became of an act. `again`: it is not known whether it was done; the same key may be sent again."""

    text: str
    done: bool = False
    audit: str = ""
    again: bool = False


@dataclass
class Confirmation:
    """The rules of the page, without a screen. `code` is shown and typed, `key` makes a repeated act one act."""

    code: str = field(default_factory=new_code)
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    typed: str = ""
    stage: Stage = "asking"
    on_act: bool = False  # which answer has the focus
    said: str = ""

    def type(self, character: str, stale: str) -> None:
        """Take one typed character; a wrong one begins anew. With `stale` data nothing is taken."""
        if self.stage != "asking":
            return
        if stale:
            self.said = f"refused: {stale}"
            return
        wanted = self.code[len(self.typed)]
        self.typed, self.said = (
            (self.typed + wanted, "") if character.lower() == wanted else ("", "not these characters")
        )
        if self.typed == self.code:
            self.stage, self.on_act = "armed", True

    def erase(self) -> None:
        """Take the last character back, and with it the act."""
        if self.stage in ("asking", "armed"):
            self.typed, self.stage, self.on_act = self.typed[:-1], "asking", False

    def turn(self) -> None:
        """Give the focus to the other answer, where it may be chosen."""
        self.on_act = self.stage == "armed" and not self.on_act

    def enter(self, stale: str) -> Literal["act", "leave", "stay"]:
        """Choose the answer with the focus; return what to do. Data that went stale meanwhile refuses."""
        if self.stage == "sent":
            return "stay"
        if not self.on_act:
            return "leave"
        if stale:
            self.typed, self.stage, self.on_act, self.said = "", "asking", False, f"refused: {stale}"
            return "stay"
        self.stage, self.said = "sent", "asked; waiting for the answer"
        return "act"

    def answered(self, outcome: Outcome) -> None:
        """Take the outcome; only one that is not known may be asked for again, under the same key."""
        audit = f"  (audit {outcome.audit})" if outcome.audit else ""
        self.said = f"{'DONE' if outcome.done else 'NOT KNOWN' if outcome.again else 'NOT DONE'}: {outcome.text}{audit}"
        self.stage, self.on_act = ("armed", True) if outcome.again else ("over", False)


def page(act: Act, state: Confirmation) -> list[Text]:
    """Return the lines of the page."""
    facts = [("What", act.target), ("Now", act.state), ("Effect", act.effect), ("Undo", act.undo)]
    facts = [(name, text) for name, text in (*facts, ("Rehearsed", act.rehearsal)) if text]
    lines: list[Text] = [(act.title, "strong"), ""]
    lines += [[(f"{name:<10}", "strong"), text] for name, text in facts]
    asks = f"To {act.verb.lower()} type  {state.code}  and then Enter: {state.typed:_<{LENGTH}}"
    lines += ["", asks if state.stage in ("asking", "armed") else "", "", _answers(act, state), "", _said(state)]
    return lines


def _answers(act: Act, state: Confirmation) -> list[Part]:
    if state.stage == "over":
        return [("> Back", "chosen")]
    verb = act.verb if state.stage == "armed" else f"({act.verb})"
    if state.on_act:
        return [f"  {SAFE}    ", (f"> {verb}", "crit")]
    return [(f"> {SAFE}", "chosen"), f"      {verb}"]


def _said(state: Confirmation) -> Part:
    return (state.said, "strong" if state.said.startswith("DONE") else "crit" if state.said else "plain")


class ConfirmPage(Screen[Outcome | None]):
    """Asks, acts once, and keeps the result on the screen; dismissed with it, or with None when nothing was done.

    `do(key)` acts and may block: it runs in a thread. `stale()` says why the data is too old to act on, else "".
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "choose", show=False),
        Binding("escape", "leave", "leave it as it is", show=False),
        Binding("left,right,up,down,tab", "turn", "the other answer", show=False),
        Binding("backspace", "erase", "take a character back", show=False),
    ]

    def __init__(
        self, act: Act, do: Callable[[str], Outcome], stale: Callable[[], str], state: Confirmation | None = None
    ) -> None:
        super().__init__()
        self.act, self._do, self._stale = act, do, stale
        self.state = state or Confirmation()
        self.outcome: Outcome | None = None

    def compose(self) -> ComposeResult:
        """Show the page."""
        yield Lines(*page(self.act, self.state), wraps=True)

    def on_key(self, event: events.Key) -> None:
        """Take letters and digits as the code."""
        if event.character is not None and event.character.isalnum():
            event.stop()
            self.state.type(event.character, self._stale())
            self._show()

    def on_paste(self, event: events.Paste) -> None:
        """Take nothing that was not typed."""
        event.stop()

    def action_enter(self) -> None:
        """Choose the answer that has the focus."""
        chosen = self.state.enter(self._stale())
        if chosen == "act":
            self._act()
        elif chosen == "leave":
            self.action_leave()
        self._show()

    def action_leave(self) -> None:
        """Go back; what was asked for already goes on."""
        self.dismiss(self.outcome)

    def action_turn(self) -> None:
        """Give the focus to the other answer."""
        self.state.turn()
        self._show()

    def action_erase(self) -> None:
        """Take a character back."""
        self.state.erase()
        self._show()

    @work(thread=True, exit_on_error=False)
    def _act(self) -> None:
        outcome = self._do(self.state.key)
        self.app.call_from_thread(self._answered, outcome)

    def _answered(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.state.answered(outcome)
        self._show()

    def _show(self) -> None:
        if self.is_mounted and self.is_current:
            self.query_one(Lines).show(page(self.act, self.state))
