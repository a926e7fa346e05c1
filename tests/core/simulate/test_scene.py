"""The demo's virtual camera shows a real, other picture at each shot."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from core.child import Child
from core.errors import ChildError, StorageError
from core.simulate.scene import SEED, SceneService

NOON = 1_795_262_400.0  # 21 Nov 2026, 12:00 UTC
SMALL = {"width": 600, "height": 400}


def draw(into: Path, nth: int = 1, time: float = NOON, camera: str = "north", **more: Any) -> dict[str, Any]:
    args = {
        "into": str(into),
        "camera": camera,
        "nth": nth,
        "time": time,
        "zone": "UTC",
        "pad_to": None,
        **SMALL,
        **more,
    }
    return SceneService().handle("draw", args)


def picture(into: Path) -> Image.Image:
    with Image.open(into / SEED) as image:
        image.load()
        return image


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child("scene")
    yield child
    child.close()


def test_a_picture_lies_where_the_virtual_camera_reads_it(child: Child, tmp_path: Path) -> None:
    args = {"into": str(tmp_path), "camera": "north", "nth": 3, "time": NOON, "zone": "Europe/Paris", "pad_to": None}
    told = child.ask("draw", {**args, "width": 2400, "height": 1600}, deadline=30)
    data = (tmp_path / SEED).read_bytes()
    assert told == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert picture(tmp_path).size == (2400, 1600)
    assert 300_000 < len(data) < 4_000_000
    assert [path.name for path in (tmp_path / SEED.parent).iterdir()] == [SEED.name]


def test_padding_keeps_the_size_that_the_camera_remembers(tmp_path: Path) -> None:
    sizes = set()
    for nth in range(3):
        told = draw(tmp_path, nth, pad_to=500_000)
        data = (tmp_path / SEED).read_bytes()
        sizes.add(len(data))
        assert told == {"size": 500_000, "sha256": hashlib.sha256(data).hexdigest()}
        assert data.rstrip(b"\0").endswith(b"\xff\xd9")
        assert picture(tmp_path).size == (600, 400)
    assert sizes == {500_000}


def test_a_picture_that_does_not_fit_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    draw(tmp_path)
    before = (tmp_path / SEED).read_bytes()
    with pytest.raises(ChildError):
        draw(tmp_path, 2, pad_to=1000)
    assert (tmp_path / SEED).read_bytes() == before


def test_pictures_follow_each_other_and_are_never_the_same(tmp_path: Path) -> None:
    seen = list[Image.Image]()
    for nth in range(4):
        draw(tmp_path, nth)
        seen.append(picture(tmp_path))
    for earlier, later in pairwise(seen):
        difference = ImageStat.Stat(ImageChops.difference(earlier, later).convert("L")).mean[0]
        assert 1 < difference < 60


def test_a_day_grows_light_and_dark_again(tmp_path: Path) -> None:
    brightness = list[float]()
    for hour in (-9, -5, 0, 6, 9):
        draw(tmp_path, time=NOON + hour * 3600)
        brightness.append(ImageStat.Stat(picture(tmp_path).convert("L")).mean[0])
    assert brightness[0] < brightness[1] < brightness[2] > brightness[3] > brightness[4]


def test_the_building_grows(tmp_path: Path) -> None:
    draw(tmp_path, 0)
    low = picture(tmp_path)
    draw(tmp_path, 14)
    assert ImageStat.Stat(ImageChops.difference(low, picture(tmp_path)).convert("L")).mean[0] > 6


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_can_be_drawn(tmp_path: Path, hour: int) -> None:
    draw(tmp_path, hour * 7, NOON + hour * 3600, width=240, height=160)
    assert picture(tmp_path).size == (240, 160)


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "DCIM").write_bytes(b"in the way")
    with pytest.raises(StorageError):
        draw(tmp_path)


def test_an_unknown_request_is_refused() -> None:
    with pytest.raises(ChildError):
        SceneService().handle("develop", {})


TAKE = """
import sys, gphoto2
from core.child import Child
from pathlib import Path
folder = sys.argv[1]
child = Child("scene")
camera = gphoto2.Camera()
camera.init()
for nth in range(2, 5):
    args = {"into": folder, "camera": "north", "nth": nth, "time": 0, "zone": "UTC", "width": 600, "height": 400}
    told = child.ask("draw", {**args, "pad_to": 500_000}, 30)
    path = camera.capture(gphoto2.GP_CAPTURE_IMAGE)
    file = camera.file_get(path.folder, path.name, gphoto2.GP_FILE_TYPE_NORMAL)
    view = file.get_data_and_size()
    import hashlib
    print(hashlib.sha256(view).hexdigest() == told["sha256"], len(view))
    del view, file
camera.exit()
child.close()
"""


def test_libgphoto2_takes_exactly_what_was_drawn(tmp_path: Path) -> None:
    draw(tmp_path, 1, pad_to=500_000)
    environment = {**os.environ, "VCAMERADIR": str(tmp_path)}
    out = subprocess.run(
        [sys.executable, "-I", "-c", TAKE, str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=True,
    )
    assert out.stdout.splitlines() == ["True 500000"] * 3
