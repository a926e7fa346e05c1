"""A data folder with pictures on their way through it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from core.intake.durable import Shelf
from core.intake.entries import PictureEntry
from core.values import Fence, PictureName, Sha256, utc

NOON = 1_795_262_400  # 2026-11-21T12:00:00Z


class Data:
    """The folders of a node, and pictures to leave in its spool."""

    noon = NOON

    def __init__(self, folder: Path) -> None:
        self.spool, self.pictures, self.quarantine = folder / "spool", folder / "pictures", folder / "quarantine"
        self.spool.mkdir()
        self.pictures.mkdir()
        self.shelf = Shelf(self.spool, self.pictures, self.quarantine)

    def name(self, slot: int = 0, camera: str = "north") -> PictureName:
        return PictureName(camera, utc(NOON + 600 * slot), "unit1", Fence(1, 7), "jpg")

    def entry(self, slot: int = 0, body: bytes = b"picture") -> PictureEntry:
        sha256 = Sha256(hashlib.sha256(body).hexdigest())
        return PictureEntry(name=self.name(slot), slot=NOON + 600 * slot, kind="jpeg", size=len(body), sha256=sha256)

    def leave(self, name: object, body: bytes = b"picture") -> Path:
        path = self.spool / str(name)
        path.write_bytes(body)
        return path


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)
