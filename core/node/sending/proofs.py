"""Proofs on their way to the disk: what destinations say that they have, written down in groups."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.catalogue import receipts
from core.catalogue.deliveries import Delivery
from core.errors import NoSuchThing, ObjectDiffers
from core.node.context import Context
from core.node.jobs import Json
from core.node.record import receipt_line
from core.node.writing import Writer
from core.transfer.base import Level

log = logging.getLogger(__name__)

SYNC_WITHIN = 1.0  # seconds within which a receipt reaches the disk, in a group
NEVER = float("inf")

Proof = tuple[Delivery, Json, int]  # what was delivered, what its destination said, when (milliseconds)


@dataclass
class Proofs:
    """Keeps receipts until they are in the day books, and only then in the catalogue."""

    context: Context
    writer: Writer
    _new: list[Proof] = field(default_factory=list)  # not yet on the disk
    _writing: set[int] = field(default_factory=set)  # deliveries whose receipts the disk did not take yet
    _write_at: float = NEVER  # monotonic

    def __bool__(self) -> bool:
        """Tell whether there is one that nobody tried to write yet."""
        return bool(self._new)

    @property
    def wake(self) -> float:
        """The monotonic time at which they are to be written."""
        return self._write_at

    @property
    def deliveries(self) -> set[int]:
        """The deliveries whose receipts are not in the catalogue yet."""
        return self._writing | {delivery.id for delivery, _, _ in self._new}

    def add(self, delivery: Delivery, said: Json, at: int) -> None:
        """Take in what a destination said at `at` (milliseconds)."""
        self._new.append((delivery, said, at))
        self._write_at = min(self._write_at, self.context.monotonic() + SYNC_WITHIN)

    def write(self) -> None:
        """Bring what came to the day books, and only then into the catalogue; raise StorageError or CatalogueError."""
        if not self._new:
            return
        new, self._new, self._write_at = self._new, [], NEVER
        self._writing |= {delivery.id for delivery, _, _ in new}
        self.writer.write([receipt_line(*proof) for proof in new], lambda: self._prove(new), then=self._written(new))

    def _prove(self, new: Iterable[Proof]) -> None:
        for delivery, said, at in new:
            level = int(Level.named(said["level"]))
            try:
                receipts.prove(self.context.catalogue, delivery.id, level, said["size"], said["sha256"], at)
            except (NoSuchThing, ObjectDiffers) as error:  # withdrawn meanwhile, or its picture has left
                log.info("receipt not needed any more: picture=%s %s", delivery.name, error)

    def _written(self, new: Iterable[Proof]) -> Callable[[], None]:
        return lambda: self._writing.difference_update(delivery.id for delivery, _, _ in new)
