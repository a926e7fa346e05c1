"""The only deleter: every step that a deletion relies on is durable before the file goes.

For each batch: receipts synced, then a line in the day book of each picture, then one commit, and only then the
files. A crash in between leaves a file too many, never one too few; `finish` repeats the unlinks at the next start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.errors import StorageError
from core.retention.model import Candidate, Deletion, Plan, Why
from core.values import PictureName

log = logging.getLogger(__name__)

AT_MOST = 50  # deletions a call, so that whoever calls is not held up

Remove = Callable[
    [str], None
]  # unlink the file at this path below `pictures/`; StorageError; a missing one is no error


class Books(Protocol):
    """What day books and catalogue do for a deletion."""

    def sync_receipts(self) -> None:
        """Make every receipt written so far durable; raise StorageError."""
        ...

    def write_deletions(self, deletions: Sequence[Deletion], at: datetime) -> None:
        """Append a deletion line to the day book of each picture, make the lines durable, and only then mark the
        pictures as leaving in one transaction; raise StorageError or CatalogueError.
        """
        ...

    def leaving(self) -> Iterable[tuple[int, str]]:
        """Return (picture, name) of those committed as leaving whose file may still be there."""
        ...

    def commit_gone(self, pictures: Sequence[int]) -> None:
        """Note that the files of these pictures are gone."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """What one call did."""

    gone: tuple[Deletion, ...] = ()
    stuck: tuple[Deletion, ...] = ()  # committed, but the file could not be removed: `finish` tries again
    left: int = 0  # deletions of the plan that wait for the next call

    @property
    def freed(self) -> int:
        """The bytes of the files that are gone."""
        return sum(deletion.candidate.size for deletion in self.gone)

    @property
    def lost(self) -> int:
        """How many of the pictures that left were unproven."""
        return sum(deletion.why is Why.UNPROVEN for deletion in (*self.gone, *self.stuck))


def apply(plan: Plan, remove: Remove, books: Books, now: datetime, at_most: int = AT_MOST) -> Applied:
    """Carry out the first `at_most` deletions of `plan`; raise StorageError or CatalogueError before any file goes.

    For what is `left` make a new plan: receipts, clock and free space change meanwhile.
    """
    batch = plan.deletions[:at_most]
    if not batch:
        return Applied()
    books.sync_receipts()
    books.write_deletions(batch, now)
    gone: list[Deletion] = []
    stuck: list[Deletion] = []
    for deletion in batch:
        _tell(deletion)
        (gone if _removed(remove, deletion.candidate.name) else stuck).append(deletion)
    books.commit_gone([deletion.candidate.picture for deletion in gone])
    return Applied(tuple(gone), tuple(stuck), len(plan.deletions) - len(batch) + plan.beyond)


def finish(remove: Remove, books: Books) -> int:
    """Remove the files of deletions that were committed and cut short; return how many are gone now."""
    gone = [picture for picture, name in books.leaving() if _removed(remove, name)]
    if gone:
        books.commit_gone(gone)
    return len(gone)


def _removed(remove: Remove, name: str) -> bool:
    try:
        remove(PictureName.parse(name).path)
    except StorageError as error:
        log.error("file not removed: picture=%s error=%s", name, error)
        return False
    return True


def _tell(deletion: Deletion) -> None:
    candidate = deletion.candidate
    if deletion.why is Why.UNPROVEN:
        log.warning("expired unproven: picture=%s size=%d", candidate.name, candidate.size)
    else:
        log.info("deleted: picture=%s why=%s copies=%s", candidate.name, deletion.why.value, copies(candidate))


def copies(candidate: Candidate) -> str:
    """Return where the proven copies of a picture are: "nas (hash), ca (read-back)", "none"."""
    return ", ".join(f"{destination} ({level})" for destination, level in candidate.copies) or "none"
