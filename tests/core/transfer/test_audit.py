"""One look at a copy whose destination lies: what it says proves nothing against what is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.destination import LARGE, flipped, never, put, sha256

from core.errors import ObjectDiffers
from core.transfer.audit import Audit, audit
from core.transfer.base import Level, StoredObject
from core.transfer.folder import FolderDestination

LOOK = Audit("a.raw", len(LARGE), sha256(LARGE))
READ = Audit("a.raw", len(LARGE), sha256(LARGE), read=True)


class Liar(FolderDestination):
    """A folder behind a server that says what it likes."""

    says: Level | None = Level.HASH
    size = len(LARGE)
    given = 0  # bytes

    def _blocks(self, name: str, offset: int, cached: bool) -> Iterator[bytes]:
        for block in super()._blocks(name, offset, cached):
            self.given += len(block)
            yield block

    def vouch(self, name: str, size: int, sha256: str) -> Level | None:
        return self.says

    def stat(self, name: str) -> StoredObject:
        return StoredObject(name, self.size)


@pytest.fixture
def liar(tmp_path: Path) -> Liar:
    destination = Liar(tmp_path)
    put(destination, "a.raw", LARGE)
    return destination


@pytest.mark.parametrize(
    "there", [flipped(LARGE), LARGE[:-1], b"", LARGE + b"x"], ids=["flipped", "cut", "empty", "more"]
)
def test_a_server_that_vouches_for_what_it_has_not_is_found_out_by_reading_back(
    liar: Liar, tmp_path: Path, there: bytes
) -> None:
    (tmp_path / "a.raw").write_bytes(there)
    assert audit(liar, LOOK, never)["level"] == "hash", "a look believes the server's hash"
    with pytest.raises(ObjectDiffers):
        audit(liar, READ, lambda wanted: wanted)


def test_a_server_that_gives_another_hash_disproves_nothing_what_is_read_does(liar: Liar, tmp_path: Path) -> None:
    liar.says = None
    assert audit(liar, LOOK, lambda wanted: wanted) == {"level": "read-back", "read": len(LARGE)}
    (tmp_path / "a.raw").write_bytes(flipped(LARGE))
    with pytest.raises(ObjectDiffers):
        audit(liar, LOOK, lambda wanted: wanted)


def test_a_doubt_that_no_bytes_are_granted_for_stays_a_doubt(liar: Liar) -> None:
    liar.says = None
    assert audit(liar, LOOK, lambda wanted: 0) == {"level": None, "read": 0}
    assert audit(liar, READ, lambda wanted: 0)["level"] is None


def test_a_server_that_gives_bytes_without_end_is_asked_for_no_more_than_were_sent(liar: Liar, tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(LARGE * 9)
    with pytest.raises(ObjectDiffers, match="more than"):
        audit(liar, READ, lambda wanted: wanted)
    assert liar.given <= len(LARGE) + (1 << 20), "and one block"
