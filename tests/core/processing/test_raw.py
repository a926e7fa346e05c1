"""A RAW is checked without being developed, and its preview stands in for it."""

from __future__ import annotations

import contextlib
import struct
from functools import partial
from typing import Any

import pytest

from core.errors import PictureBroken
from core.processing.raw import UNCHECKED, inspect
from core.processing.tiff import Tiff, upright
from core.site.model.recipes import Step

Studio = Any
Process = Any


def part(data: bytes, offset: int, length: int) -> bytes:
    return data[offset : offset + length]


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def cr3(preview: bytes, full: bytes, wide: bool = True) -> bytes:
    """Return a CR3 as Canon lays it out: the full-size JPEG as first sample of a track, PRVW in a box of its own."""
    canon = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16") + struct.pack(">Q", 1)
    small = box(b"PRVW", struct.pack(">IHHHHI", 0, 1, 160, 120, 1, len(preview)) + preview)
    head = (
        box(b"ftyp", b"crx \0\0\0\1crx isom")
        + box(b"uuid", bytes(range(16)) + b"<x:xmpmeta>")
        + box(b"uuid", canon + small)
    )

    def moov(offset: int) -> bytes:
        place = (
            box(b"co64", struct.pack(">IIQ", 0, 1, offset)) if wide else box(b"stco", struct.pack(">III", 0, 1, offset))
        )
        sizes = box(b"stsz", struct.pack(">III", 0, len(full), 1))
        return box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", sizes + place)))))

    start = len(head) + len(moov(0)) + 8
    return head + moov(start) + box(b"mdat", full + b"\x5a" * 70_000)


def look(data: bytes) -> Any:
    return inspect(partial(part, data), len(data))


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("sub", [False, True], ids=["as-canon-does", "as-nikon-does"])
def test_renditions_of_a_raw_are_made_from_its_preview(process: Process, studio: Studio, order: str, sub: bool) -> None:
    raw = studio.raw_file(studio.jpeg(studio.quarters()), order, sub)
    answer = process(raw, "raw", web=[Step(resize="200x150")], thumbnail=True)
    assert (answer["verdict"], answer["preview"]) == ("whole", True)
    assert (answer["width"], answer["height"]) == (800, 600)
    image = studio.made(answer)
    assert [studio.color_at(image, x, y) for y in (0.1, 0.9) for x in (0.1, 0.9)] == ["red", "green", "blue", "white"]
    assert answer["thumbnail"]["width"] == 320


@pytest.mark.parametrize("wide", [True, False], ids=["co64", "stco"])
def test_of_a_cr3_the_larger_preview_is_taken(process: Process, studio: Studio, wide: bool) -> None:
    raw = cr3(studio.jpeg(studio.photo(160, 120)), studio.jpeg(studio.photo(800, 600)), wide)
    answer = process(raw, "raw")
    assert (answer["verdict"], answer["preview"], answer["width"]) == ("whole", True, 800)


def test_a_cr3_without_a_full_size_jpeg_gives_its_small_one(process: Process, studio: Studio) -> None:
    answer = process(cr3(studio.jpeg(studio.photo(160, 120)), b"\x01sensor" * 100), "raw")
    assert (answer["verdict"], answer["width"]) == ("whole", 160)


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999], ids=["half", "nine-tenths", "nearly-all"])
@pytest.mark.parametrize("kind", ["tiff", "cr3"])
def test_a_raw_that_is_cut_off_is_broken(process: Process, studio: Studio, kind: str, kept: float) -> None:
    preview = studio.jpeg(studio.photo())
    raw = studio.raw_file(preview) if kind == "tiff" else cr3(preview, preview)
    answer = process(raw[: int(len(raw) * kept)], "raw")
    assert answer["verdict"] == "broken"
    assert "cut off" in answer["why"]


def test_a_raw_whose_tail_never_reached_the_disk_is_broken(process: Process, studio: Studio) -> None:
    raw = studio.raw_file(studio.jpeg(studio.photo()))
    answer = process(raw[:-66_000] + bytes(66_000), "raw")
    assert (answer["verdict"], answer["why"]) == ("broken", "cut off: the last 65536 bytes are zeros")


def test_a_raw_whose_preview_is_damaged_is_broken(process: Process, studio: Studio) -> None:
    preview = studio.jpeg(studio.photo())
    answer = process(studio.raw_file(preview[:20_000] + bytes(len(preview) - 20_000)), "raw")
    assert answer["verdict"] == "broken"


def test_a_format_that_is_not_known_is_kept_and_said_to_be_unchecked(process: Process) -> None:
    answer = process(b"FUJIFILMCCD-RAW 0201" + b"\x5a" * 100_000, "raw", web=[Step(resize="80x60")])
    assert (answer["verdict"], answer["why"]) == ("whole", UNCHECKED)
    assert (answer["preview"], answer["renditions"]) == (False, [])
    assert [failed["recipe"] for failed in answer["failed"]] == ["web"]
    assert "no preview" in answer["failed"][0]["why"]


def test_a_raw_without_a_preview_is_unchecked_too(studio: Studio) -> None:
    lossless = b"\xff\xd8\xff\xc4" + b"\x11" * 5000
    assert look(studio.raw_file(lossless)) == ((), UNCHECKED)


@pytest.mark.parametrize("data", [b"", b"II*\0", bytes(100), b"II*\0\xff\xff\xff\x7f" + b"\x5a" * 50], ids=range(4))
def test_a_raw_that_is_nothing_is_broken(process: Process, data: bytes) -> None:
    assert process(data, "raw")["verdict"] == "broken"


def test_directories_that_lead_in_circles_end(studio: Studio) -> None:
    turning = studio.directory("<", 8, {0x14A: studio.long("<", 8)}, following=8)
    data = b"II*\0\x08\0\0\0" + turning
    assert len(list(Tiff(partial(part, data)).directories())) == 1


def test_directories_that_name_each_other_thousands_of_times_end_soon() -> None:
    """Each of 63 directories names 65536 below it: all of them one that was seen."""
    count, size = 63, 2 + 12 + 4
    many = 8 + count * size
    data = b"II*\0\x08\0\0\0"
    for nth in range(count):
        following = 8 + (nth + 1) * size if nth < count - 1 else 0
        data += struct.pack("<HHHIII", 1, 0x14A, 4, 65_536, many, following)
    data += struct.pack("<I", 8) * 65_536
    values = [0]

    def read(offset: int, length: int) -> bytes:
        values[0] += 1
        return part(data, offset, length)

    assert len(list(Tiff(read).directories())) == count
    assert values[0] <= 4 * count + 1


def test_boxes_that_overlap_are_not_followed_for_ever() -> None:
    """Each box holds the next ones, which the box before holds too: as many ways as Fibonacci's rabbits."""
    turns = (struct.pack(">I4s", 32, b"mdia") + struct.pack(">I4s", 16, b"mdia")) * 100
    data = box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", box(b"trak", turns)) + box(b"mdat", b"\x5a" * 70_000)
    reads = [0]

    def read(offset: int, length: int) -> bytes:
        reads[0] += 1
        assert reads[0] < 10_000
        return part(data, offset, length)

    assert inspect(read, len(data)) == ((), UNCHECKED)


def test_an_offset_that_is_none_is_not_taken_for_a_cut(studio: Studio) -> None:
    """Panasonic's RW2 has one where other RAWs have the place of their sensor data."""
    entries = {0x111: studio.long("<", 0xFFFFFFFF), 0x117: studio.long("<", 70_000)}
    data = b"IIU\0\x08\0\0\0" + studio.directory("<", 8, entries) + b"\x5a" * 70_000
    assert look(data) == ((), UNCHECKED)


def test_hostile_raws_are_answered_and_never_crash(process: Process, studio: Studio) -> None:
    preview = studio.jpeg(studio.photo(160, 120))
    for whole in (studio.raw_file(preview, sub=True), cr3(preview, preview)):
        for nth in range(250):
            data = bytearray(whole)
            data[nth * 7 % 420] = nth * 53 % 256
            data[nth * 3 % 420] = 255
            assert process(bytes(data), "raw")["verdict"] in ("whole", "broken")


def test_every_cut_of_a_cr3_header_is_answered(studio: Studio) -> None:
    data = cr3(studio.jpeg(studio.photo(64, 48)), b"\x01sensor" * 10)
    for end in range(0, 400, 3):
        with contextlib.suppress(PictureBroken):
            look(data[:end])


def test_an_orientation_is_set_upright_in_either_byte_order(studio: Studio) -> None:
    for order, head in (("<", b"II*\0\x08\0\0\0"), (">", b"MM\0*\0\0\0\x08")):
        for turned in ((3, 1, struct.pack(f"{order}HH", 6, 0)), (4, 1, struct.pack(f"{order}I", 6))):
            body = head + studio.directory(order, 8, {0x112: turned})
            exif = upright(b"Exif\0\0" + body)[6:]
            told = Tiff(partial(part, exif))
            assert told.values(next(told.directories())[0x112]) == [1]


def test_an_exif_block_that_is_damaged_is_left_alone() -> None:
    for exif in (b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"nonsense"):
        assert upright(exif) == exif
