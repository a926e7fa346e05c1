"""Broken pictures are told from whole ones, with a reason, and never harmed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.errors import ChildError, OriginalLost
from core.processing.job import ImageService
from core.processing.jpeg import damage
from core.site.model.recipes import Step

Studio = Any
Process = Any


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def tail_of_zeros(data: bytes) -> bytes:
    kept = len(data) * 3 // 4
    return data[:kept] + bytes(len(data) - kept)


def hole(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(4096) + data[middle + 4096 :]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(cut, "cut off", id="cut-in-half"),
        pytest.param(lambda data: data[:-2], "cut off", id="without-its-last-two-bytes"),
        pytest.param(tail_of_zeros, "zeros", id="a-power-cut-left-zeros-at-the-end"),
        pytest.param(hole, "a hole of zeros", id="a-hole"),
        pytest.param(lambda data: b"<html>" + data, "not a JPEG", id="an-error-page"),
        pytest.param(lambda data: data[:300], "header", id="nothing-but-a-header"),
        pytest.param(lambda data: b"", "not a JPEG", id="empty"),
        pytest.param(bytes, "not a JPEG", id="of-zeros-alone"),
    ],
)
def test_a_broken_picture_is_told_with_its_reason(process: Process, studio: Studio, spoil: Any, why: str) -> None:
    whole = studio.jpeg(studio.photo())
    data = spoil(whole) if spoil is not bytes else bytes(len(whole))
    answer = process(data, web=[Step(resize="320x240")], thumbnail=True)
    assert answer["verdict"] == "broken"
    assert why in answer["why"]
    assert answer["renditions"] == []
    assert answer["thumbnail"] is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data, id="as-it-came"),
        pytest.param(lambda data: data + bytes(200_000), id="padded-with-zeros"),
        pytest.param(lambda data: data + b"maker's trailer" * 100, id="something-after-the-end-marker"),
        pytest.param(lambda data: data + bytes(4096) + data, id="a-second-picture-behind"),
    ],
)
def test_what_is_legal_after_the_end_is_no_damage(process: Process, studio: Studio, change: Any) -> None:
    answer = process(change(studio.jpeg(studio.photo())))
    assert (answer["verdict"], answer["why"]) == ("whole", "")
    assert (answer["width"], answer["height"]) == (960, 640)


@pytest.mark.parametrize(
    "options", [{}, {"optimize": True}, {"progressive": True}], ids=["plain", "optimized", "progressive"]
)
@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (10, 10, 12)], ids=["black", "white", "night"])
def test_an_even_picture_is_whole_although_it_is_coded_in_zeros(
    process: Process, studio: Studio, color: Any, options: dict[str, bool]
) -> None:
    assert process(studio.jpeg(Image.new("RGB", (1920, 1080), color), **options))["verdict"] == "whole"


def test_fill_bytes_between_segments_are_legal(process: Process, studio: Studio) -> None:
    data = studio.jpeg(studio.photo(320, 240))
    assert process(data[:2] + b"\xff" * 40 + data[2:])["verdict"] == "whole"


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\x01", b"\xff\xe0\0\0"], ids=["fill", "bare", "of-no-length"])
def test_a_header_without_end_is_damage(filler: bytes) -> None:
    data = b"\xff\xd8\xff" + filler * (10_000_000 // len(filler))
    assert damage(data) == "cut off or damaged in its header"


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"optimize": True}], ids=["plain", "progressive", "opt"]
)
def test_a_picture_cut_anywhere_is_never_taken_for_whole(process: Process, studio: Studio, options: Any) -> None:
    data = studio.jpeg(studio.photo(320, 240), **options)
    for end in (*range(0, len(data), 997), *range(len(data) - 40, len(data))):
        for filling in (b"", bytes(len(data) - end)):
            answer = process(data[:end] + filling)
            whole = not data[end:].strip(b"\0")
            assert (answer["verdict"] == "whole") == whole, (end, len(data), len(filling))


@pytest.mark.parametrize("mode", ["L", "CMYK", "YCbCr"])
def test_grey_and_four_colour_pictures_are_taken_too(process: Process, studio: Studio, mode: str) -> None:
    steps = [Step(resize="320x240"), Step(legend="{camera}")]
    answer = process(studio.jpeg(studio.photo(640, 480).convert(mode)), web=steps)
    assert answer["verdict"] == "whole"
    assert studio.made(answer).size == (320, 240)


def test_only_the_strict_decoder_needs_the_extra(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo()))
    plain = ImageService(strict=False, confine=False).handle("process", studio.job(tmp_path / "p.jpg", tmp_path))
    assert plain["verdict"] == "whole"


def test_the_strict_decoder_finds_garbage_that_the_other_decodes(studio: Studio, tmp_path: Path) -> None:
    pytest.importorskip("simplejpeg", reason="needs simplejpeg: pip install 'overlapse[strict]'")
    data = studio.jpeg(studio.photo())
    middle = len(data) // 2
    (tmp_path / "p.jpg").write_bytes(data[:middle] + b"\x3c\xff\x00\x81" * 128 + data[middle + 512 :])
    answer = ImageService(strict=True, confine=False).handle("process", studio.job(tmp_path / "p.jpg", tmp_path))
    assert answer["verdict"] == "broken"
    assert "cannot be decoded" in answer["why"]


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(
    service: ImageService, studio: Studio, tmp_path: Path
) -> None:
    data = bytearray(studio.jpeg(studio.photo(64, 64)))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"  # 65535 x 65535 in a few kilobytes
    (tmp_path / "bomb.jpg").write_bytes(data)
    answer = service.handle("process", studio.job(tmp_path / "bomb.jpg", tmp_path))
    assert answer["verdict"] == "broken"
    assert "too large: 65535x65535" in answer["why"]


def test_the_limit_can_be_set(service: ImageService, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo(960, 640)))
    job = studio.job(tmp_path / "p.jpg", tmp_path)
    assert service.handle("process", {**job, "max_pixels": 960 * 640})["verdict"] == "whole"
    assert service.handle("process", {**job, "max_pixels": 960 * 640 - 1})["verdict"] == "broken"


def test_another_format_under_a_jpeg_name_is_not_opened(process: Process, studio: Studio, tmp_path: Path) -> None:
    studio.photo(64, 64).save(tmp_path / "disguised.jpg", "PNG")
    assert process(tmp_path / "disguised.jpg")["verdict"] == "broken"


def test_no_exception_of_the_libraries_gets_out_whatever_the_bytes(process: Process, studio: Studio) -> None:
    whole = studio.jpeg(
        studio.photo(160, 120), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    )
    for nth in range(300):
        data = bytearray(whole)
        for turn in range(1 + nth % 3):
            place = (nth * 7919 + turn * 104_729) % len(data) if nth % 2 else (nth * 13 + turn * 31) % 700
            data[place] = (data[place] * 31 + nth + 1) % 256
        answer = process(bytes(data), web=[Step(resize="80x60")])
        assert answer["verdict"] in ("whole", "broken")
        assert bool(answer["why"]) == (answer["verdict"] == "broken")


def test_the_original_is_never_touched(process: Process, studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "original.jpg"
    for data in (studio.jpeg(studio.photo()), cut(studio.jpeg(studio.photo()))):
        path.write_bytes(data)
        path.chmod(0o444)
        before = path.stat()
        process(path, web=[Step(resize="320x240"), Step(legend="{camera}", bar=True)])
        after = path.stat()
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(data).digest()
        assert (after.st_mtime_ns, after.st_ino, after.st_mode) == (before.st_mtime_ns, before.st_ino, before.st_mode)
        path.chmod(0o644)


def test_a_picture_that_is_gone_is_said_so(process: Process, tmp_path: Path) -> None:
    with pytest.raises(OriginalLost):
        process(tmp_path / "gone.jpg")


def test_a_job_that_is_not_understood_is_refused(service: ImageService) -> None:
    with pytest.raises(ChildError):
        service.handle("process", {"path": "/x"})
    with pytest.raises(ChildError):
        service.handle("develop", {})


def test_the_view_statistics_tell_dark_flat_blurred_and_moved(process: Process, studio: Studio) -> None:
    sharp = studio.photo(1920, 1280)
    seen = process(studio.jpeg(sharp))["stats"]
    dark = process(studio.jpeg(sharp.point([value // 8 for value in range(256)] * 3)))["stats"]
    small = sharp.resize((60, 40), Image.Resampling.BICUBIC)
    blurred = process(studio.jpeg(small.resize((1920, 1280), Image.Resampling.BICUBIC)))["stats"]
    moved = process(studio.jpeg(sharp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))["stats"]
    again = process(studio.jpeg(sharp, quality=60))["stats"]

    assert dark["mean"] < seen["mean"] / 4
    assert dark["contrast"] < seen["contrast"] / 4
    assert blurred["sharpness"] < seen["sharpness"] / 3

    def distance(one: dict[str, str], other: dict[str, str]) -> int:
        return (int(one["hash"], 16) ^ int(other["hash"], 16)).bit_count()

    assert len(seen["hash"]) == 16
    assert distance(seen, again) <= 4
    assert distance(seen, moved) >= 16


def test_the_statistics_do_not_depend_on_what_else_is_made(process: Process, studio: Studio) -> None:
    data = studio.jpeg(studio.photo(1920, 1280))
    alone, beside = process(data)["stats"], process(data, full=[Step(crop=None, legend="x")])["stats"]
    assert abs(alone["mean"] - beside["mean"]) <= 1
    assert abs(alone["sharpness"] - beside["sharpness"]) <= 0.15 * alone["sharpness"]
