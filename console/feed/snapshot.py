"""What was read at one moment: of each site its documents, whether its node gave them itself, and who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
ROLES = ("view", "operate", "admin")


@dataclass(frozen=True)
class Question:
    """Something that a screen asks of a node beside the documents: a verb that only reads.

    `lasts`: seconds for which an answer is good enough, where it is dear; an act makes all answers old.
    """

    site: str
    verb: str
    args: tuple[tuple[str, Any], ...] = ()
    lasts: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What came of a question: `said` of the node, or of the files it left (not `live`), else the `error` in words."""

    said: Json = field(default_factory=dict)
    error: str = ""
    live: bool = True


@dataclass(frozen=True)
class SiteView:
    """One site as the node on this machine tells of it. `read`: when that was so; None: never."""

    site: str
    node: str
    documents: Mapping[str, Json] = field(default_factory=dict)  # by node
    read: datetime | None = None
    trouble: str = ""  # why the node did not answer; what is shown is what it left
    role: str = "view"  # what the node says that this person may do
    verbs: frozenset[str] = frozenset()

    @property
    def live(self) -> bool:
        """Whether the node itself answered."""
        return not self.trouble


@dataclass(frozen=True)
class Snapshot:
    """All sites, and the answers to what the screen asked."""

    at: datetime
    sites: tuple[SiteView, ...] = ()
    answers: Mapping[Question, Answer] = field(default_factory=dict)

    @property
    def as_of(self) -> datetime | None:
        """Return since when nothing newer is known of some site; None: of one nothing at all."""
        reads = [site.read for site in self.sites]
        return None if not reads or None in reads else min(read for read in reads if read is not None)

    @property
    def trouble(self) -> str:
        """Return why nothing newer comes, of the first site that has a reason."""
        return next((f"{site.site}: {site.trouble}" for site in self.sites if site.trouble), "")

    def site(self, name: str) -> SiteView | None:
        """Return the view of a site."""
        return next((site for site in self.sites if site.site == name), None)

    def answer(self, site: str, verb: str, **args: Any) -> Answer | None:
        """Return the answer to a question of this site with these arguments among its own; None: not asked yet."""
        wanted = set(args.items())
        fits = (one for one in self.answers if (one.site, one.verb) == (site, verb) and wanted <= set(one.args))
        return next((self.answers[one] for one in fits), None)

    def document(self, site: str, node: str) -> Json | None:
        """Return what is known of a node."""
        found = self.site(site)
        return None if found is None else found.documents.get(node)

    def nodes(self) -> Iterator[tuple[SiteView, str, Json]]:
        """Yield every node of every site with its document."""
        for site in self.sites:
            for name, document in site.documents.items():
                yield site, name, document


def named(document: Json, of: str, name: object) -> Json:
    """Return the row with this name in a list of a document; an empty one when there is none."""
    row: Json
    for row in document.get(of) or ():
        if row.get("name") == name:
            return row
    return {}
