"""Tell a whole picture from a part of one: by decoding it strictly, at the smallest scale."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

from PIL import Image

from core.errors import OriginalLost, PictureBroken
from core.processing.decode import (
    FAULTS,
    Decoder,
    PillowDecoder,
    StrictDecoder,
    decode,
    read_header,
    strict_is_installed,
)
from core.processing.raw import preview

SCALE = 8
EXIF_IFD, TAKEN, ZONE = 0x8769, 0x9003, 0x9011  # EXIF 2.31: ExifIFD, DateTimeOriginal, OffsetTimeOriginal


def judge(path: str, kind: str) -> tuple[str | None, str | None]:
    """Return why the file of `kind` "raw" or "jpeg" is no whole picture, None when it is one; and its EXIF time.

    That is DateTimeOriginal with its offset behind it, as far as the picture has them. Raise OriginalLost when the
    file cannot be read. A RAW whose format is not known is taken for whole.
    """
    try:
        data = _bytes(Path(path), kind)
        if data is None:
            return None, None
        header = read_header(data)
        exif = _exif_time(header)
        decode(_decoder(), header, data, SCALE)
    except PictureBroken as error:
        return str(error), None
    return None, exif


def _bytes(path: Path, kind: str) -> bytes | None:
    try:
        if kind == "jpeg":
            return path.read_bytes()
        with path.open("rb") as file:
            return preview(file.fileno())[0]
    except OSError as error:
        raise OriginalLost(f"{path.name}: {error.strerror}") from error


@functools.cache
def _decoder() -> Decoder:
    return StrictDecoder() if strict_is_installed() else PillowDecoder()


def _exif_time(header: Image.Image) -> str | None:
    with contextlib.suppress(*FAULTS):
        own = header.getexif().get_ifd(EXIF_IFD)
        taken, zone = own.get(TAKEN), own.get(ZONE)
        if isinstance(taken, str):
            return taken.strip("\0 ") + (zone.strip("\0 ") if isinstance(zone, str) else "")
    return None
