"""A model of a mail server for simulated nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.errors import OverlapseError
from core.node.jobs import Job, Worker
from core.simulate.world import Course, World

ANA, BEN = "ana@example.com", "ben@example.com"
SMTP = f"""
[notifications.smtp]
host = "mail.example"
from = "overlapse@example.com"
to = ["{ANA}", "{BEN}"]
"""


@dataclass
class Post:
    """Stands for the mail server. `down`: what it answers instead; `refuses`: recipient -> code."""

    world: World
    down: OverlapseError | None = None
    refuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 1.0
    hangs: bool = False
    tries: list[tuple[datetime, str]] = field(default_factory=list)
    taken: list[tuple[datetime, str, str]] = field(default_factory=list)  # (when, id, recipient)
    bodies: dict[str, set[str]] = field(default_factory=dict)

    def do(self, job: Job, now: datetime) -> Course:
        letter, to = job.args["letter"], job.args["to"]
        self.tries.append((now, letter["id"]))
        yield 1e9 if self.hangs else self.seconds
        if self.down is not None:
            raise self.down
        refused = {one: [self.refuses[one], "no"] for one in to if one in self.refuses}
        accepted = [one for one in to if one not in refused]
        self.taken += [(self.world.now(), letter["id"], one) for one in accepted]
        self.bodies.setdefault(letter["id"], set()).add(letter["text"])
        return {"accepted": accepted, "refused": refused, "said": "OK", "steps": ["it answers"]}

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""
