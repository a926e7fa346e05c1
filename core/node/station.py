"""One destination as this node serves it: what is on its way there, what is wrong with it, what its child is told."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core.catalogue.deliveries import Delivery, Priority
from core.node.context import Context
from core.node.jobs import Job, Json, Setting, Worker
from core.site.model import Destination
from core.site.secrets import read_secret
from core.transfer.base import Level

SLOWEST = 10_000  # bytes a second; a destination below that gives no sign of life for too long
QUIET = 60.0  # seconds of silence that any server may take
OPENING = 60.0  # seconds for connection and login


@dataclass(frozen=True)
class Trouble:
    """Why a destination takes nothing just now."""

    error: str
    text: str
    since_ms: int
    until: float  # monotonic
    failures: int


@dataclass
class Station:
    """One destination and its worker."""

    destination: Destination
    sending: Job | None = None
    offset: int = 0  # bytes of what is on its way
    noted: int = 0  # bytes of it that the catalogue knows of
    answer: Callable[[Json], None] | None = None  # of the transfer that waits for a grant
    trouble: Trouble | None = None
    paused_until: datetime | None = None
    look_at: float = 0.0  # monotonic: when something may be ready

    @property
    def worker(self) -> Worker:
        """Its child."""
        return Worker("destination", self.destination.name)

    def setting(self, context: Context) -> Setting:
        """Return how its child is opened; raise ConfigurationError for a secret that cannot be read."""
        return Setting(opening=opening(self.destination, context.base), opening_deadline=OPENING)

    def job(self, context: Context, delivery: Delivery) -> Job:
        """Return the job that sends `delivery`."""
        args = {
            "name": delivery.remote,
            "path": str(context.folders.data / str(delivery.path)),
            "size": delivery.size,
            "sha256": delivery.sha256,
            "resume": encode(delivery.resume),
            "level": Level(delivery.level).word,
            "chunk": self.destination.chunk,
            "replace": delivery.priority is Priority.LIVE,
        }
        deadline = self.destination.deadline.total_seconds()
        return Job(self.worker, "deliver", args, deadline, QUIET + self.destination.chunk / SLOWEST, delivery)

    def hope(self) -> None:
        """Try again at once in spite of the trouble; it is over when something got through."""
        if self.trouble is not None:
            self.trouble = replace(self.trouble, until=0.0)

    def refuse_grant(self) -> None:
        """Tell the transfer that waits to stop where it is."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer({"granted": 0})

    def grant(self, size: int) -> None:
        """Let the transfer that waits send `size` bytes."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer({"granted": size})


def encode(resume: bytes | None) -> str | None:
    """Return a resume state as JSON carries it."""
    return None if resume is None else base64.b64encode(resume).decode()


def decode(resume: str | None) -> bytes | None:
    """Return the resume state that `encode` wrote."""
    return None if resume is None else base64.b64decode(resume)


def opening(destination: Destination, base: Path) -> Json:
    """Return what a destination's child is opened with; raise ConfigurationError for a secret that cannot be read."""
    described: Json = {key: getattr(destination, key) for key in ("name", "address", "host_key", "region")}
    secrets = {}
    if destination.password_file is not None:
        secrets["password"] = read_secret(base / destination.password_file)
    for key in ("key_file", "ca_file"):
        if getattr(destination, key) is not None:
            described[key] = str(base / getattr(destination, key))
    return {"destination": described, "secrets": secrets}
