"""Mail: what other desks want told is written down, and sent by a child until the server has taken it.

The seam for others is `notice(cause)`. It is durable when it returns; what became of it is heard by `on_sent`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from core.catalogue import states
from core.errors import ConfigurationError, MailRefused, NoSuchThing, OverlapseError
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Setting
from core.node.telling.kept import DEADLINE, ENDED, KNOWN, LETTER, MAIL, cause_of_test, row_of, server_of
from core.notify.letter import message_id
from core.notify.outbox import REMEMBERED, Cause, Known, Letter, answered, begun, failed, number_of, take, wait_after
from core.site.model.health import Smtp
from core.text import safe

log = logging.getLogger(__name__)

MOST_ENDED = 50  # messages whose end is remembered
NEVER = float("inf")


@dataclass
class Trouble:
    """Why the server takes nothing now: nothing of any letter's own."""

    text: str
    failures: int
    until: float  # monotonic


@dataclass
class Mailing:
    """The outbox of this node. `on_sent` hears of each cause that the server took, or will never take, by its key."""

    context: Context
    on_sent: Callable[[str], None] = lambda key: None
    _letters: dict[str, Letter] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)  # letter -> monotonic: when it is tried next
    _job: Job | None = None
    _trouble: Trouble | None = None
    _stopping: bool = False

    def begin(self) -> None:
        """Take up what waits; a start tries all of it anew."""
        for key in states.keys(self.context.catalogue, LETTER):
            letter = Letter.from_json(states.get(self.context.catalogue, key))
            self._letters[letter.id] = letter
            self._line_up(letter, self._until(letter))

    def apply(self) -> None:
        """Take over the server as it is configured now: what waited for the old one is tried at once."""
        self.context.hands.equip(MAIL, Setting(idle=30.0))
        self._trouble = None
        for letter in self._letters.values():
            self._line_up(letter, self._until(letter))

    @property
    def smtp(self) -> Smtp | None:
        """The server, None where none is named."""
        return self.context.site.notifications.smtp

    def notice(self, cause: Cause, once: bool = False) -> str | None:
        """Have a cause told, durably; return the number of its message, None: it is known, or no server is named.

        Raise StorageError or CatalogueError.
        """
        if self.smtp is None:
            log.info("not mailed, no server is named: %s", safe(cause.subject))
            return None
        site, catalogue = self.context.site.site.name, self.context.catalogue
        known = [Known(*one) for one in states.get(catalogue, KNOWN, [])]
        taken = take(site, cause, self._letters.values(), known)
        if taken is None:
            return None
        letter, remembered = replace(taken[0], once=once), taken[1]
        kept = [*known, remembered][-REMEMBERED:]
        with catalogue.transaction():
            states.put(catalogue, KNOWN, [[one.id, one.at, one.family, one.alone] for one in kept])
            self._keep(letter)
        self._line_up(letter, self._until(letter))
        return letter.id

    def withdraw(self, key: str) -> bool:
        """Take back a cause that another node tells; return whether it had a message of its own that was still here."""
        letter = self._letters.get(number_of(self.context.site.site.name, key))
        if letter is None or letter.digest or (self._job is not None and self._job.about == letter.id):
            return False
        self._forget(letter)
        return True

    def holds(self, key: str) -> bool:
        """Return whether a message that tells of a cause waits here."""
        return any(key in letter.keys for letter in self._letters.values())

    # The queue, as operators see it.

    def state(self) -> Json:
        """Return {"server", "trouble", "waiting": [message], "ended": [message]}, oldest first."""
        smtp, now = self.smtp, self.context.monotonic()
        waiting = sorted(self._letters.values(), key=lambda one: one.at)
        return {
            "server": None if smtp is None else f"{smtp.host}:{smtp.port}",
            "from": None if smtp is None else smtp.sender,
            "to": [] if smtp is None else list(smtp.to),
            "trouble": None if self._trouble is None else safe(self._trouble.text),
            "waiting": [row_of(one) | {"in": round(max(0.0, self._asked_at(one) - now))} for one in waiting],
            "ended": states.get(self.context.catalogue, ENDED, []),
        }

    def row(self) -> Json | None:
        """Return what the status document says of it, None while nothing waits."""
        if not self._letters:
            return None
        oldest = min(one.at for one in self._letters.values())
        error = self._trouble.text if self._trouble is not None else ""
        error = error or next((one.error for one in self._letters.values() if one.error), "")
        return {"waiting": len(self._letters), "oldest": oldest / 1000, "error": safe(error) if error else None}

    def test(self, who: str) -> Json:
        """Send a message that says that mail works, tried once; raise ConfigurationError where no server is named."""
        if self.smtp is None:
            raise ConfigurationError("no mail server is named: write [notifications.smtp] (docs/mail.md)")
        site, node, now = self.context.site.site.name, self.context.node.name, self.context.now_ms()
        cause = cause_of_test(site, node, who, now)
        number = self.notice(cause, once=True)
        self._trouble = None  # whoever tests wants to know now
        return {"message": number, "message_id": message_id(str(number), self.smtp.sender)}

    def retry(self, number: str | None) -> int:
        """Try a message, or all of them, again now, also for those whom the server refused; return how many."""
        found = [self._found(number)] if number is not None else list(self._letters.values())
        self._trouble = None
        for letter in found:
            again = replace(letter, refused={})
            self._keep(again)
            self._line_up(again, self.context.monotonic())
        return len(found)

    def drop(self, number: str, who: str) -> Json:
        """Take a message out of the queue, never to be sent; raise NoSuchThing, BadRequest while it is on its way."""
        letter = self._found(number)
        if self._job is not None and self._job.about == letter.id:
            raise OverlapseError("it is on its way just now: look again in a moment")
        self._end(letter, "dropped", f"by {who}", [])
        self.context.tell("mail dropped", letter.id[:12], f"{letter.subject}: by {who}")
        return {"message": letter.id}

    def _found(self, number: str) -> Letter:
        found = [one for one in self._letters.values() if one.id.startswith(number)]
        if len(found) != 1:
            raise NoSuchThing(f"{'no message' if not found else 'more than one message'} of the queue begins {number}")
        return found[0]

    # Sending.

    def tick(self) -> None:
        """Send what is due, one message at a time."""
        if self._job is not None or self._stopping or self.smtp is None:
            return
        ready = [one for one in self._letters.values() if self._asked_at(one) <= self.context.monotonic()]
        if ready:
            self._send(min(ready, key=lambda one: (not one.once, one.at)), self.smtp)

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        if self._job is not None or self._stopping or self.smtp is None:
            return NEVER
        return min((self._asked_at(one) for one in self._letters.values()), default=NEVER)

    def stop(self) -> None:
        """Send nothing new: it waits for the next start."""
        self._stopping = True

    def finished(self) -> bool:
        """Return whether no message is on its way: one that was cut would come twice."""
        return self._job is None

    def handle(self, report: Report) -> None:
        """Take in what the child did; raise StorageError or CatalogueError."""
        if report.job is not self._job or not isinstance(report, Done | Failed):
            return
        self._job = None
        letter = self._letters.get(report.job.about)
        if letter is None:
            return
        if isinstance(report, Failed):
            self._failed(letter, report.error)
        else:
            self._answered(letter, report.result)

    def _send(self, letter: Letter, smtp: Smtp) -> None:
        to = letter.for_whom(smtp.to)
        if not to:  # those who are left stand in the file no more, or had all been refused
            self._nobody_left(letter)
            return
        try:
            server = server_of(smtp, self.context.base)
        except ConfigurationError as error:
            self._failed(letter, MailRefused(str(error)))
            return
        letter = begun(letter)
        self._keep(letter)
        said = {"id": letter.id, "subject": letter.subject, "text": letter.body, "at": letter.at}
        args = {"server": server, "letter": said, "everyone": list(smtp.to), "to": to}
        self._job = Job(MAIL, "send", args, DEADLINE, about=letter.id)
        self.context.hands.give(self._job)

    def _answered(self, before: Letter, result: Json) -> None:
        assert self.smtp is not None
        self._works()
        letter = answered(before, result["accepted"], result["refused"])
        for one, why in letter.refused.items():
            if one not in before.refused:
                self.context.tell("mail refused", one, f"{letter.subject}: {why}")
        if letter.once or (not letter.for_whom(self.smtp.to) and letter.accepted):
            self._end(letter, "sent" if letter.accepted else "refused", result["said"], result["steps"])
        elif not letter.for_whom(self.smtp.to):
            self._nobody_left(letter)
        else:
            self._again(letter, transient=True)

    def _nobody_left(self, letter: Letter) -> None:
        """End what some have and nobody else wants; what everybody refused waits, and is offered again now and then."""
        if letter.accepted:
            self._end(letter, "sent", "", [])
        else:
            self._again(replace(letter, refused={}, error="; ".join(letter.refused.values())), transient=False)

    def _failed(self, before: Letter, error: OverlapseError) -> None:
        """Let all wait: it is the server that takes nothing, whatever it is offered."""
        letter = failed(before, str(error))
        failures = 1 if self._trouble is None else self._trouble.failures + 1
        wait = wait_after(failures, error.transient, self.context.jitter())
        if self._trouble is None:
            self.context.tell("mail trouble", self._name(), f"{error}; tried again in {wait.total_seconds():.0f} s")
        self._trouble = Trouble(str(error), failures, self.context.monotonic() + wait.total_seconds())
        if letter.once:
            self._end(letter, "failed", str(error), [])
        else:
            self._keep(letter)

    def _works(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self.context.tell("mail back", self._name(), "the mail server takes messages again")

    def _again(self, letter: Letter, transient: bool) -> None:
        wait = wait_after(letter.tries, transient, self.context.jitter())
        self._keep(letter)
        self._line_up(letter, self.context.monotonic() + wait.total_seconds())

    def _end(self, letter: Letter, how: str, said: str, steps: Sequence[str]) -> None:
        """Remember how it ended, tell it, and have those hear who wanted it told."""
        catalogue, row = self.context.catalogue, row_of(letter)
        row |= {"ended": self.context.now_ms() / 1000, "how": how, "said": safe(said), "steps": list(steps)}
        with catalogue.transaction():
            states.put(catalogue, ENDED, [*states.get(catalogue, ENDED, []), row][-MOST_ENDED:])
            self._forget(letter)
        if how == "sent":
            self.context.tell("mail sent", letter.id[:12], f"{letter.subject}: to {', '.join(letter.accepted)}")
        for key in letter.keys:
            self.on_sent(key)

    def _name(self) -> str:
        return self.smtp.host if self.smtp is not None else self.context.node.name

    # What is kept.

    def _keep(self, letter: Letter) -> None:
        states.put(self.context.catalogue, LETTER + letter.id, letter.to_json())
        self._letters[letter.id] = letter

    def _forget(self, letter: Letter) -> None:
        states.forget(self.context.catalogue, LETTER + letter.id)
        self._letters.pop(letter.id, None)
        self._due.pop(letter.id, None)

    def _line_up(self, letter: Letter, at: float) -> None:
        self._due[letter.id] = at

    def _until(self, letter: Letter) -> float:
        """Return the monotonic time at which a letter that was not tried is due; a clock that was set delays none."""
        left = (letter.due - self.context.now_ms()) / 1000
        return self.context.monotonic() + min(max(0.0, left), 3600.0)

    def _asked_at(self, letter: Letter) -> float:
        due = self._due.get(letter.id, 0.0)
        return due if self._trouble is None else max(due, self._trouble.until)
