"""A node's control socket, as the product serves it, with given documents behind it: what a console asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.clock import SystemClock
from core.control.audit import Audit
from core.control.peer import Who
from core.control.request import Request
from core.control.server import Server
from core.control.verbs import VERBS, Role
from core.errors import NoSuchThing, OverlapseError
from core.site.model.nodes import Roles
from core.site.place import Folders, Place
from core.status.fleet import fleet_page

Json = dict[str, Any]


@dataclass
class Served:
    """A node that says what it is given to say, and remembers what it was asked to do."""

    place: Place
    documents: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, Json | Callable[[Mapping[str, Any]], Json]] = field(default_factory=dict)
    acted: list[tuple[str, Json]] = field(default_factory=list)
    refuses: OverlapseError | None = None
    role: Role = Role.ADMIN
    server: Server | None = None

    def start(self) -> None:
        """Answer on the socket."""
        audit = Audit(self.place.folders.audit, SystemClock())
        person = lambda connection: Who(4711, "anna", self.role, 1)  # noqa: E731
        self.server = Server(self.place.folders.control, Roles(), self.decide, audit, person)
        self.server.start()

    def stop(self) -> None:
        """Answer no more."""
        if self.server is not None:
            self.server.close()
            self.server = None

    def decide(self, request: Request) -> None:
        """Answer from any of the server's threads."""
        verb = VERBS[request.verb]
        try:
            if verb.role > Role.VIEW:
                if self.refuses is not None:
                    raise self.refuses
                self.acted.append((request.verb, dict(request.args)))
            request.done(self._said(request))
        except OverlapseError as error:
            request.refuse(error)

    def _said(self, request: Request) -> Json:
        if request.verb == "fleet":
            return fleet_page(self.documents.values(), request.args.get("since", 0))
        if request.verb == "who":
            may = [verb.name for verb in VERBS.values() if self.role >= verb.role]
            return {"user": "anna", "role": self.role.word, "verbs": may}
        said = self.answers.get(request.verb)
        if said is None:
            if VERBS[request.verb].role > Role.VIEW:
                return {}
            raise NoSuchThing(f"nothing is known of {request.verb}")
        return said(request.args) if callable(said) else said


@contextmanager
def served(folder: Path, *documents: Json, site: str = "harbour", node: str = "fr") -> Iterator[Served]:
    """Serve these documents as the node `node` of `site`; each is as heard as it is old."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Place(folder / "site.toml", site, node, Folders(folder / "data", folder / "run"))
    place.folders.data.mkdir()
    heard = {one["node"]: {"heard": one["at"], **one, "site": site} for one in documents}
    made = Served(place, heard)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def instant(seconds: float) -> datetime:
    """Return seconds since the epoch as an aware instant."""
    return datetime.fromtimestamp(seconds, UTC)
