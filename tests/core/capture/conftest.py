from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.ptpip import GREY, PtpipCamera, ptpip_camera
from peers.web import RudeCamera, rude_camera

SIZE = 2048  # bytes of the seed; the virtual camera remembers it


class Seed:
    """The picture that the virtual camera copies at each shot: its bytes may change, its size may not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "DCIM" / "100NIKON" / "DSC_0001.jpg"
        self.file.parent.mkdir(parents=True)
        self.show("first")

    def show(self, text: str) -> bytes:
        """Have the next shot show another picture: a comment after the SOI, zeros after the EOI."""
        comment = text.encode()
        picture = GREY[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + GREY[2:]
        return self.give(picture)

    def give(self, content: bytes) -> bytes:
        whole = content.ljust(SIZE, b"\0")
        beside = self.root.parent / "next"
        beside.write_bytes(whole)
        beside.replace(self.file)
        return whole

    def hang(self) -> Path:
        """Have the next shot hang in libgphoto2 for as long as nobody writes to the pipe that is returned."""
        self.file.unlink()
        os.mkfifo(self.file)
        return self.file


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    return Seed(tmp_path / "card")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    spool = tmp_path / "spool"
    spool.mkdir()
    return spool


@pytest.fixture
def body() -> Iterator[PtpipCamera]:
    with ptpip_camera() as camera:
        yield camera


@pytest.fixture
def rude() -> Iterator[RudeCamera]:
    with rude_camera() as camera:
        yield camera
