"""The image child as the node starts it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.child import Child
from core.processing.job import CPU, MEMORY, MEMORY_SPENT
from core.processing.wire import ENVIRONMENT
from core.site.model.recipes import Crop, Step

Studio = Any


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child("images", environment=ENVIRONMENT)
    yield child
    child.close()


def limit(pid: int, name: str) -> list[str]:
    """Return the soft and hard limit that the kernel keeps for a process."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith(name)).removeprefix(name).split()[:2]


def test_the_child_makes_renditions_over_the_wire(child: Child, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo()))
    steps = [Step(resize="480x320"), Step(watermark=studio.logo()), Step(legend="{camera} {time:%H:%M}", bar=True)]
    answer = child.ask("process", studio.job(tmp_path / "p.jpg", tmp_path, web=steps, thumbnail=True), deadline=30)
    assert answer["verdict"] == "whole"
    assert studio.made(answer).size == (480, 320)


def test_the_child_limits_itself_at_its_first_job(child: Child, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo()))
    child.start()
    assert child.pid is not None
    for _ in range(2):
        child.ask("process", studio.job(tmp_path / "p.jpg", tmp_path), deadline=30)
        assert limit(child.pid, "Max address space") == [str(MEMORY), str(MEMORY)]
        assert CPU <= int(limit(child.pid, "Max cpu time")[0]) <= CPU + 30


def flat(path: Path, mode: str, **options: bool) -> Path:
    """Write 196 megapixels in a few megabytes."""
    color = (30, 90, 160, 9)[: len(mode)]
    Image.new(mode, (14_000, 14_000), color).save(path, "JPEG", quality=50, **options)
    return path


def test_the_largest_picture_is_taken_within_the_limit_and_leaves_the_child_as_it_was(
    child: Child, studio: Studio, tmp_path: Path
) -> None:
    """196 megapixels: small renditions are made, one of full size is too much, and neither harms the next picture."""
    huge = flat(tmp_path / "huge.jpg", "RGB")
    recipes = {"full": [Step(legend="x")], "web": [Step(resize="1920x1280")]}
    answer = child.ask("process", studio.job(huge, tmp_path, **recipes), deadline=60)
    assert (answer["verdict"], answer["width"]) == ("whole", 14_000)
    assert [failed["why"] for failed in answer["failed"]] == [MEMORY_SPENT]
    assert [made["recipe"] for made in answer["renditions"]] == ["web"]
    first = child.pid
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo()))
    answer = child.ask("process", studio.job(tmp_path / "p.jpg", tmp_path, web=[Step(resize="480x320")]), deadline=30)
    assert (answer["verdict"], answer["failed"], child.pid) == ("whole", [], first)


def test_a_crop_of_nearly_two_hundred_megapixels_is_no_bomb(child: Child, studio: Studio, tmp_path: Path) -> None:
    huge = flat(tmp_path / "huge.jpg", "RGB")
    steps = [Step(crop=Crop(x=1, y=1, width=13_900, height=13_900))]
    answer = child.ask("process", studio.job(huge, tmp_path, full=steps), deadline=60)
    assert answer["verdict"] == "whole"
    assert answer["failed"] == [{"recipe": "full", "why": MEMORY_SPENT, "again": False}]


def test_a_picture_that_takes_more_than_the_limit_is_refused_and_not_fatal(
    child: Child, studio: Studio, tmp_path: Path
) -> None:
    huge = flat(tmp_path / "huge.jpg", "CMYK")  # a second copy, in RGB, is needed
    answer = child.ask("process", studio.job(huge, tmp_path, full=[Step(legend="x")]), deadline=60)
    assert answer["verdict"] == "broken"
    assert "more memory than an image child may have" in answer["why"]
    assert child.pid is not None
    assert limit(child.pid, "Max address space") == [str(MEMORY), str(MEMORY)]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("side", [30_000, 4000], ids=["over-the-limit-of-pixels", "a-text-that-unpacks-to-much"])
def test_a_watermark_that_unpacks_to_gigabytes_fails_its_recipe_alone(
    child: Child, studio: Studio, tmp_path: Path, side: int
) -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 1)) if side < 5000 else b""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + text + body)
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo()))
    recipes = {"web": [Step(watermark="bomb.png")], "plain": [Step(resize="96x64")]}
    answer = child.ask("process", studio.job(tmp_path / "p.jpg", tmp_path, **recipes), deadline=30)
    assert "bomb.png cannot be read" in answer["failed"][0]["why"]
    assert [made["recipe"] for made in answer["renditions"]] == ["plain"]


def test_a_broken_picture_costs_neither_the_child_nor_the_next_picture(
    child: Child, studio: Studio, tmp_path: Path
) -> None:
    whole = studio.jpeg(studio.photo())
    (tmp_path / "broken.jpg").write_bytes(whole[:5000])
    (tmp_path / "whole.jpg").write_bytes(whole)
    verdicts = [
        child.ask("process", studio.job(tmp_path / f"{name}.jpg", tmp_path), deadline=30)["verdict"]
        for name in ("broken", "whole", "broken", "whole")
    ]
    assert verdicts == ["broken", "whole", "broken", "whole"]
