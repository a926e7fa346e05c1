"""The way through an archive: what belongs together, how much at once, what is passed over and why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from peers.archive import jpeg, nef, put

from core.errors import BadRequest, NoSuchThing
from core.intake.importer import remove
from core.node.errands.gatherer import Budget, some_of
from core.node.errands.walk import Walk


def walk(root: Path, *cameras: str, **more: Any) -> Walk:
    return Walk.of({"path": str(root), "cameras": cameras or ("north",), "site_zone": "UTC", "apart": [], **more})


def test_pairs_stay_together_and_a_budget_is_never_overdrawn(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path / f"2025060112000{number}.jpg", jpeg())
        put(tmp_path / f"2025060112000{number}.nef", nef("2025:06:01 12:00:00"))
    together = [[len(group.files) for group in some] for some in some_of(walk(tmp_path).groups(), Budget(None))]
    assert together == [[2, 2], [2, 2], [2]]
    budget = Budget(5)
    taken = 0
    for some in some_of(walk(tmp_path).groups(), budget):
        taken += sum(len(group.files) for group in some)
        budget.left -= sum(len(group.files) for group in some)
    assert taken == 4


def test_a_site_with_several_cameras_is_asked_for_one_and_a_name_of_ours_tells_it(tmp_path: Path) -> None:
    put(tmp_path / "20250601120000.jpg", jpeg())
    with pytest.raises(NoSuchThing, match="which camera\\? Say --camera with one of: north, south"):
        list(walk(tmp_path, "north", "south").groups())
    (tmp_path / "20250601120000.jpg").unlink()
    put(tmp_path / "south_20250601T120000Z_unit1_1-2~01234567.jpg", jpeg())
    put(tmp_path / "east_20250601T120000Z_unit1_1-2.jpg", jpeg())
    way = walk(tmp_path, "north", "south")
    assert [(group.camera, group.own) for group in way.groups()] == [("south", "south_20250601T120000Z_unit1_1-2.jpg")]
    assert dict(way.left) == {"of the camera east, which was not asked for or is not in the site": 1}


def test_each_source_of_a_webcampak_may_be_a_camera_of_its_name(tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path / f"source{number}/pictures/20250601/20250601120000.jpg", jpeg())
    assert [group.camera for group in walk(tmp_path, "source1", "source2").groups()] == ["source1", "source2"]
    with pytest.raises(BadRequest, match="import one after the other"):
        walk(tmp_path, "north")


def test_a_folder_that_must_stay_apart_is_not_an_archive_nor_holds_one(tmp_path: Path) -> None:
    (tmp_path / "data" / "pictures").mkdir(parents=True)
    for root in (tmp_path, tmp_path / "data", tmp_path / "data" / "pictures"):
        with pytest.raises(BadRequest, match="ours"):
            walk(root, apart=[[str(tmp_path / "data"), "ours"]])


def test_links_pipes_and_strange_files_are_passed_over_with_the_reason(tmp_path: Path) -> None:

    put(tmp_path / "a" / "real.jpg", jpeg())
    (tmp_path / "a" / "link.jpg").symlink_to(tmp_path / "a" / "real.jpg")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    put(tmp_path / "a" / "far.jpg", jpeg())
    os.utime(tmp_path / "a" / "far.jpg", (1e11, 1e11))
    way = walk(tmp_path)
    assert [group.files[0].path.name for group in way.groups()] == ["real.jpg"]
    assert dict(way.left) == {"not regular files": 2, "dated as no calendar does": 1}


def test_a_file_that_is_another_one_by_now_is_not_removed(tmp_path: Path) -> None:
    file = put(tmp_path / "a.jpg", b"12345")
    assert not remove(file, 4)
    assert file.exists()
    assert remove(file, 5)
    assert not file.exists()
