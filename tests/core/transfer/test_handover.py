"""The child's side of a drop, on a real folder."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from core.errors import DestinationUnreachable, NotDurable, ObjectNotFound
from core.transfer import drops, handover
from core.transfer.base import Destination, silent
from core.transfer.folder import FolderDestination, FolderUpload


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def drop(root: Path) -> Destination:
    return FolderDestination(root, root / "no-fstab")


def put(root: Path, name: str, data: bytes = b"x") -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


def batch(name: str, data: bytes = b"data") -> dict[str, str]:
    return {"name": name, "data": base64.b64encode(data).decode()}


def test_lines_come_first_and_then_the_oldest_pictures(root: Path, drop: Destination) -> None:
    new = put(root, "u/quay/north/north_20261121T090000Z_unit1_1-1.jpg")
    old = put(root, "u/quay/north/north_20261120T090000Z_unit1_1-1.jpg")
    lines = put(root, f"u/{drops.lines('quay', 'unit1', 5)}")
    put(root, f"u/{drops.receipts('quay', 'fr', 5)}")
    put(root, "u/harbour/north/north_20261120T090000Z_unit1_1-1.jpg")
    found = handover.look(drop, {"site": "quay", "prefix": "", "limit": 10}, silent)
    assert [one["name"] for one in found["found"]] == [lines, old, new]
    assert not found["more"]
    few = handover.look(drop, {"site": "quay", "prefix": "", "limit": 2}, silent)
    assert ([one["name"] for one in few["found"]], few["more"]) == ([lines, old], True)


def test_copies_for_emptied_nodes_are_told_apart_and_are_not_taken_in(root: Path, drop: Destination) -> None:
    copy = put(root, "u/quay/_back/unit1/north_20261121T090000Z_unit1_1-1.jpg")
    put(root, "u/harbour/_back/unit1/north_20261121T090000Z_unit1_1-1.jpg")
    found = handover.look(drop, {"site": "quay", "prefix": "", "limit": 10}, silent)
    assert (found["found"], found["back"]) == ([], [copy])
    seen = handover.collect(drop, {"names": [], "list": "u/quay/_back/unit1/"}, silent)
    assert seen["there"] == [copy]


def test_partial_uploads_of_this_site_that_nobody_went_on_with_for_a_week_are_removed(
    root: Path, drop: Destination, tmp_path: Path
) -> None:
    part = ".north_20261121T090000Z_unit1_1-1.jpg.0123456789abcdef.part"
    old, new = (put(root, f"{name}/quay/north/{part}") for name in ("u", "v"))
    others = put(root, f"u/harbour/north/{part}")
    whole = put(root, "u/quay/north/notes.txt")
    put(tmp_path, f"away/{part}")
    (root / "u" / "quay" / "link").symlink_to(tmp_path / "away")
    for path in (root / old, root / others, root / whole, tmp_path / "away" / part):
        os.utime(path, (time.time() - 8 * 86400,) * 2)
    os.utime(root / new, (time.time() - 6 * 86400,) * 2)
    args = {"site": "quay", "prefix": "", "limit": 10}
    assert handover.look(drop, args, silent)["tidied"] == []
    assert handover.look(drop, {**args, "tidy": True}, silent)["tidied"] == [old]
    kept = (root / new, root / others, root / whole, tmp_path / "away" / part)
    assert [(root / old).exists(), *(path.exists() for path in kept)] == [False, True, True, True, True]


def test_pieces_that_nobody_came_back_to_are_cleared(root: Path, drop: Destination, tmp_path: Path) -> None:
    put(tmp_path, "incoming/half.jpg")
    put(tmp_path, "incoming/new.jpg")
    os.utime(tmp_path / "incoming" / "half.jpg", (1, 1))
    args = {"site": "quay", "prefix": "", "limit": 2, "clear": str(tmp_path / "incoming")}
    handover.look(drop, args, silent)
    assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["new.jpg"]


def take(drop: Destination, name: str, tmp_path: Path, sha256: str | None = None) -> dict[str, object]:
    (tmp_path / "spool").mkdir(exist_ok=True)
    args = {"name": name, "incoming": str(tmp_path / "incoming"), "spool": str(tmp_path / "spool"), "into": "one.jpg"}
    return handover.take(drop, {**args, "sha256": sha256}, silent)


class Cut(FolderDestination):
    """Gives an object until the line is cut, each time behind so many bytes; `asked`: from where on it was asked."""

    behind = 4
    asked: ClassVar[list[int]] = []

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        self.asked.append(offset)
        yield b"".join(super().read(name, offset))[: self.behind]
        raise DestinationUnreachable("cut")


def test_a_cut_goes_on_at_the_byte_when_the_hash_is_known(root: Path, drop: Destination, tmp_path: Path) -> None:
    name, data = put(root, "quay/north/one.jpg", b"a whole picture"), b"a whole picture"
    sha256, cut = hashlib.sha256(data).hexdigest(), Cut(root, root / "no-fstab")
    Cut.asked.clear()
    for _ in range(2):
        with pytest.raises(DestinationUnreachable):
            take(cut, name, tmp_path, sha256)
    assert Cut.asked == [0, 4]
    assert (tmp_path / "incoming" / "one.jpg").read_bytes() == data[:8]
    assert take(drop, name, tmp_path, sha256) == {"size": len(data), "sha256": sha256}
    assert (tmp_path / "spool" / "one.jpg").read_bytes() == data


def test_a_part_of_something_else_is_thrown_away(root: Path, drop: Destination, tmp_path: Path) -> None:
    name, data = put(root, "quay/north/one.jpg", b"a whole picture"), b"a whole picture"
    put(tmp_path, "incoming/one.jpg", b"ANOTHER")
    sha256 = hashlib.sha256(data).hexdigest()
    assert take(drop, name, tmp_path, sha256) == {"size": len(data), "sha256": sha256}


def test_a_picture_is_copied_so_that_who_holds_it_open_cannot_write_into_it(
    root: Path, drop: Destination, tmp_path: Path
) -> None:
    name = put(root, "quay/north/one.jpg", b"whole")
    with (root / name).open("r+b") as deliverer:
        taken = take(drop, name, tmp_path)
        deliverer.write(b"WRONG")
        deliverer.flush()
        assert (tmp_path / "spool" / "one.jpg").read_bytes() == b"whole"
    assert taken["size"] == 5
    assert list((tmp_path / "incoming").iterdir()) == []


def test_what_cannot_be_read_whole_leaves_nothing(root: Path, drop: Destination, tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound):
        take(drop, "quay/north/none.jpg", tmp_path)
    (tmp_path / "spool" / "one.jpg").mkdir()
    put(root, "quay/north/one.jpg")
    with pytest.raises(NotDurable):
        take(drop, "quay/north/one.jpg", tmp_path)
    assert list((tmp_path / "incoming").iterdir()) == []


class Failing(FolderDestination):
    """Takes nothing any more."""

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> FolderUpload:
        raise DestinationUnreachable("gone")


def test_nothing_is_removed_whose_receipt_could_not_be_put(root: Path) -> None:
    name = put(root, "quay/north/one.jpg")
    with pytest.raises(DestinationUnreachable):
        handover.settle(
            Failing(root, root / "no-fstab"), {"put": [batch("quay/_receipts/fr_1")], "remove": [name]}, silent
        )
    assert (root / name).exists()


def test_batches_that_are_known_are_not_read_again_and_large_ones_not_at_all(root: Path, drop: Destination) -> None:
    prefix = "quay/_receipts/fr_"
    handover.settle(drop, {"put": [batch(f"{prefix}1", b"one"), batch(f"{prefix}2", b"two")], "remove": []}, silent)
    put(root, f"{prefix}3", b"x" * (drops.MAX_OBJECT + 1))
    put(root, "quay/_receipts/ca_1", b"of another node")
    found = handover.collect(drop, {"prefix": prefix, "but": [f"{prefix}1"]}, silent)
    assert found["listed"] == [f"{prefix}1", f"{prefix}2", f"{prefix}3"]
    assert found["objects"] == [batch(f"{prefix}2", b"two"), {"name": f"{prefix}3", "data": None}]


def test_what_is_missed_is_looked_for_before_the_receipts_are_read(root: Path, drop: Destination) -> None:
    there = put(root, "quay/north/there.jpg")
    found = handover.collect(drop, {"prefix": "quay/_receipts/fr_", "stat": [there, "quay/north/gone.jpg"]}, silent)
    assert found["missing"] == ["quay/north/gone.jpg"]
