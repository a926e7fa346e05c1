"""What stands in the sidecar of a shot, as exiftool reads it, and that nothing which a camera writes can break it."""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from core.processing.job import ImageService
from core.processing.sidecar import xmp

Json = dict[str, Any]

EXIFTOOL = shutil.which("exiftool")
SHOT: Json = {
    "recipe": "sidecar.xmp",
    "program": "Overlapse 0.1.0",
    "camera": "north",
    "site": "harbour",
    "node": "unit1",
    "zone": "Europe/Paris",
    "latitude": 48.64,
    "longitude": -2.02,
    "time": 1_795_251_000.25,
    "slot": 1_795_251_000,
    "index": 59,
    "outcome": "captured",
    "trusted": True,
    "originals": [
        {"name": "north_20261121T085000Z_unit1_1-7.nef", "kind": "raw", "size": 24_000_000, "sha256": "a" * 64},
        {"name": "north_20261121T085000Z_unit1_1-7.jpg", "kind": "jpeg", "size": 6_000_000, "sha256": "b" * 64},
    ],
}


def exif_block() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "NIKON CORPORATION", "NIKON D7500"
    below = exif.get_ifd(0x8769)
    below[0x829A], below[0x829D], below[0x8827] = IFDRational(1, 250), IFDRational(8, 1), 100
    below[0x920A], below[0xA434] = IFDRational(35, 1), "AF-S <35mm> f/1.8"
    return exif.tobytes()


def read(folder: Path, content: bytes) -> Json:
    """Return what exiftool says of a sidecar, by name."""
    assert EXIFTOOL is not None
    (folder / "shot.xmp").write_bytes(content)
    command = [EXIFTOOL, "-json", "-struct", "-validate", "-warning", "-all", str(folder / "shot.xmp")]
    told = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    found: Json = json.loads(told.stdout)[0]
    return found


@pytest.mark.peer
@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed: apt-get install libimage-exiftool-perl")
def test_exiftool_reads_all_that_is_known_of_the_shot(tmp_path: Path) -> None:
    told = read(tmp_path, xmp(SHOT, "whole", exif_block()))
    assert "Warning" not in told
    assert told["DateTimeOriginal"] == told["CreateDate"] == "2026:11:21 09:50:00.250+01:00"
    assert (told["GPSLatitude"], told["GPSLongitude"]) == ("48 deg 38' 24.00\" N", "2 deg 1' 12.00\" W")
    assert (told["Make"], told["Model"], told["Lens"]) == ("NIKON CORPORATION", "NIKON D7500", "AF-S <35mm> f/1.8")
    assert (told["ExposureTime"], told["FNumber"], told["ISO"], told["FocalLength"]) == ("1/250", 8.0, [100], "35.0 mm")
    assert told["Subject"] == ["north", "harbour"]
    assert (told["Camera"], told["Site"], told["Node"]) == ("north", "harbour", "unit1")
    assert (told["Outcome"], told["SlotIndex"], told["ClockTrusted"], told["Verdict"]) == (
        "captured",
        59,
        True,
        "whole",
    )
    assert [one["Sha256"] for one in told["Originals"]] == ["a" * 64, "b" * 64]


def test_an_extra_without_a_place_and_without_settings_has_a_sidecar_too() -> None:
    shot = {**SHOT, "slot": None, "index": None, "outcome": "extra", "latitude": None, "trusted": False}
    text = xmp(shot, "broken", b"Exif\0\0not a block").decode()
    ElementTree.fromstring(text.encode())  # noqa: S314 - our own
    assert "GPS" not in text
    assert "SlotIndex" not in text
    assert 'overlapse:ClockTrusted="False"' in text
    assert 'overlapse:Verdict="broken"' in text


@given(st.binary(max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_camera_writes_the_sidecar_stays_well_formed(noise: bytes, make: str, lens: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = make
    exif.get_ifd(0x8769)[0xA434] = lens
    block = bytearray(exif.tobytes())
    for nth, value in enumerate(noise):
        block[(7 * nth + value) % len(block)] ^= value
    for one in (exif.tobytes(), bytes(block), noise):
        ElementTree.fromstring(xmp(SHOT, "whole", one))  # noqa: S314 - our own


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "broken"])
def test_the_image_child_writes_it_beside_the_renditions(
    studio: Any, service: ImageService, cut: bool, tmp_path: Path
) -> None:
    data = studio.jpeg(studio.photo(), exif=exif_block())
    path = tmp_path / "picture.bin"
    path.write_bytes(data[: len(data) // 2] if cut else data)
    answer = service.handle("process", studio.job(path, tmp_path) | {"shot": SHOT, "column": True})
    [made] = answer["renditions"]
    text = (tmp_path / "renditions" / made["name"]).read_text()
    assert made["recipe"] == "sidecar.xmp"
    assert f'overlapse:Verdict="{answer["verdict"]}"' in text
    assert ('exif:ExposureTime="1/250"' in text) is not cut
    assert ("column" in answer["stats"]) is not cut
