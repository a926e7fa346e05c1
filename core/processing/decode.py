"""Decode a JPEG strictly and only once, at the scale that is needed."""

from __future__ import annotations

import importlib
import importlib.util
import io
import struct
from typing import Any, Protocol

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from core.errors import PictureBroken
from core.processing.jpeg import damage

MAX_PIXELS = 200_000_000
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit is lower, and would strike in the middle of a recipe
KEPT = 100_000_000  # bytes of pixels that stay in memory from picture to picture: 24 megapixels

FAULTS = (
    OSError,
    SyntaxError,  # Pillow's word for a marker it does not understand
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    ArithmeticError,
    MemoryError,
    Warning,  # where warnings are errors
    struct.error,
)
"""All that Pillow and simplejpeg raise for a damaged or hostile picture."""


class Decoder(Protocol):
    """Turns the bytes of a JPEG, whose header was read, into pixels at 1/`scale`, or raises one of FAULTS."""

    def decode(self, header: Image.Image, data: bytes, scale: int) -> Image.Image:
        """Return the whole picture, of mode RGB or RGBX; it may share memory with the next one."""
        ...


class PillowDecoder:
    """Finds what is cut off; with the byte checks before it, holes too."""

    def decode(self, header: Image.Image, data: bytes, scale: int) -> Image.Image:
        header.draft("RGB", (max(1, header.width // scale), max(1, header.height // scale)))
        header.load()
        return header if header.mode == "RGB" else header.convert("RGB")


class StrictDecoder:
    """Takes every complaint of libjpeg for damage, by simplejpeg; its pixels go to one buffer that is kept."""

    def __init__(self) -> None:
        self._simplejpeg: Any = importlib.import_module("simplejpeg")
        self._buffer = bytearray()
        self._lenient = PillowDecoder()

    def decode(self, header: Image.Image, data: bytes, scale: int) -> Image.Image:
        if header.mode not in ("RGB", "L"):
            return self._lenient.decode(header, data, scale)
        width, height = -(-header.width // scale), -(-header.height // scale)
        buffer = self._room(4 * width * height)
        pixels = self._simplejpeg.decode_jpeg(
            data, "RGBX", min_width=width, min_height=height, buffer=buffer, strict=True
        )
        return Image.frombuffer("RGBX", (pixels.shape[1], pixels.shape[0]), buffer, "raw", "RGBX", 0, 1)

    def _room(self, size: int) -> bytearray:
        """Return the kept buffer, grown to `size` bytes; for a huge picture one that goes with it."""
        if size > KEPT:
            return bytearray(size)
        if len(self._buffer) < size:
            self._buffer = bytearray(size)
        return self._buffer


def strict_is_installed() -> bool:
    """Tell whether the extra `strict` is there."""
    return importlib.util.find_spec("simplejpeg") is not None


def read_header(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the picture, not yet decoded; raise PictureBroken when its bytes are damaged or it is too large."""
    why = damage(data)
    if why is not None:
        raise PictureBroken(why)
    try:
        header = JpegImageFile(io.BytesIO(data))  # not Image.open: no other format may answer, none is imported
    except FAULTS as error:
        raise broken(error) from error
    if header.width * header.height > max_pixels:
        raise PictureBroken(f"too large: {header.width}x{header.height}, over the limit of {max_pixels} pixels")
    return header


def decode(decoder: Decoder, header: Image.Image, data: bytes, scale: int) -> Image.Image:
    """Return the pixels at 1/`scale`; raise PictureBroken."""
    try:
        return decoder.decode(header, data, scale)
    except FAULTS as error:
        raise broken(error) from error


def broken(error: BaseException) -> PictureBroken:
    """Translate what a decoder raised."""
    if isinstance(error, MemoryError):
        return PictureBroken("cannot be decoded: it needs more memory than an image child may have")
    return PictureBroken(f"cannot be decoded: {error or type(error).__name__}")


class Pyramid:
    """One decoded picture and its halves, each made when it is first asked for."""

    def __init__(self, image: Image.Image, scale: int, width: int, height: int) -> None:
        self.scale, self.width, self.height = scale, width, height
        self._levels = {scale: image}

    @classmethod
    def of(cls, image: Image.Image) -> Pyramid:
        """Return the pyramid of a picture at its full size."""
        return cls(image, 1, image.width, image.height)

    def level(self, scale: int) -> Image.Image:
        """Return the picture at 1/`scale`: 1, 2, 4 or 8, not below the scale that it was decoded at."""
        if scale not in self._levels:
            self._levels[scale] = self.level(scale // 2).reduce(2)
        return self._levels[scale]
