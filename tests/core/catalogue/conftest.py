"""A catalogue to write to, and pictures and deliveries to put into it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.catalogue import deliveries, live, pictures
from core.catalogue.store import Catalogue
from core.values import Fence, PictureName, Sha256, utc

NOON = 1_795_262_400  # 2026-11-21T12:00:00Z


@pytest.fixture(scope="session")
def empty_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "catalogue.db"
    Catalogue.open(path).close()
    return path


@pytest.fixture
def catalogue_path(empty_catalogue: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_catalogue, tmp_path / "catalogue.db"))


@pytest.fixture
def catalogue(catalogue_path: Path) -> Iterator[Catalogue]:
    opened = Catalogue.open(catalogue_path)
    yield opened
    opened.close()


class Shots:
    """Makes pictures of a camera that shoots every ten minutes, and deliveries for them."""

    noon = NOON

    def picture(
        self, slot: int = 0, camera: str = "north", extension: str = "jpg", **more: object
    ) -> pictures.NewPicture:
        """Return the picture of the `slot`th slot after noon."""
        at = NOON + 600 * slot
        name = PictureName(camera, utc(at), "unit1", Fence(1, 7), extension)
        sha256 = Sha256(hashlib.sha256(str(name).encode()).hexdigest())
        known: dict[str, object] = {
            "name": name,
            "slot": at,
            "index": 72 + slot,
            "kind": "jpeg" if extension == "jpg" else "raw",
            "size": 6_000_000 + slot,
            "sha256": sha256,
        }
        return pictures.NewPicture(**(known | more))  # type: ignore[arg-type]

    def delivery(self, destination: str = "nas", remote: str = "a.jpg", **more: object) -> deliveries.NewDelivery:
        """Return a delivery of an original, required at the level "hash"."""
        known: dict[str, object] = {
            "destination": destination,
            "remote": remote,
            "priority": deliveries.Priority.JPEG,
            "level": 2,
        }
        return deliveries.NewDelivery(**(known | more))  # type: ignore[arg-type]


@pytest.fixture
def shots() -> Shots:
    return Shots()


@pytest.fixture
def add(catalogue: Catalogue, shots: Shots) -> Callable[..., tuple[int, list[int]]]:
    """Add a picture with its deliveries, found whole unless it is not `seen` yet; return its id and theirs."""

    def added(slot: int, *wanted: deliveries.NewDelivery, seen: bool = True, **more: object) -> tuple[int, list[int]]:
        with catalogue.transaction():
            picture = pictures.insert(catalogue, shots.picture(slot, **more))  # type: ignore[arg-type]
            queued = deliveries.enqueue(catalogue, picture, wanted)
            if seen:
                live.go_live(catalogue, picture)
            return picture, queued

    return added
