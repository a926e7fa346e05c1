"""The child that gives the demo's virtual camera another real picture before each shot."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import ChildError, StorageError
from core.worker import Talk

Json = dict[str, Any]

SEED = Path("DCIM/100NIKON/DSC_0001.jpg")
"""The one file that libgphoto2's virtual camera copies at every shot; it remembers the size, not the bytes."""

QUALITY = 88
COMMENT = 4  # bytes of an empty comment segment: its marker and its length
LONGEST = 65_537  # bytes of the longest one


class SceneService:
    """Serves `logo`: {"into": file} -> size, and
    `draw`: {"into": folder, "camera", "nth", "time", "zone", "width", "height", "pad_to"} -> size, sha256."""

    def handle(self, op: str, args: Json, talk: Talk | None = None) -> Json:
        """Put a new picture in the virtual camera's place, whole at any instant; raise ChildError, StorageError."""
        if op == "logo":
            return _logo(Path(args["into"]))
        if op != "draw":
            raise ChildError(f"the scene child does not know {op!r}")
        data = _padded(_jpeg(args), args.get("pad_to"))
        try:
            _replace(Path(args["into"]) / SEED, data)
        except OSError as error:
            raise StorageError(f"{error.filename}: {error.strerror}") from error
        return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def close(self) -> None:
        """Hold nothing."""


def _jpeg(args: Json) -> bytes:
    from core.simulate.harbour import paint  # Pillow, only when there is something to draw

    local = datetime.fromtimestamp(args["time"], UTC).astimezone(ZoneInfo(args["zone"]))
    hour = local.hour + local.minute / 60 + local.second / 3600
    image = paint(args.get("width", 2400), args.get("height", 1600), hour, args["nth"], args["camera"])
    target = io.BytesIO()
    image.save(target, "JPEG", quality=QUALITY, subsampling="4:2:2")
    return target.getvalue()


def _logo(path: Path) -> Json:
    from core.simulate.harbour import logo

    target = io.BytesIO()
    logo().save(target, "PNG")
    path.write_bytes(target.getvalue())
    return {"size": path.stat().st_size}


def _padded(data: bytes, size: int | None) -> bytes:
    """Fill up to `size` with comments behind the start marker (ITU T.81, B.2.4.5), which every reader skips."""
    if size is None or len(data) == size:
        return data
    missing = size - len(data)
    if missing < COMMENT:
        raise ChildError(f"the picture has {len(data)} bytes, too many for the {size} that the virtual camera reads")
    return data[:2] + b"".join(_comments(missing)) + data[2:]


def _comments(missing: int) -> Iterator[bytes]:
    """Yield comment segments of `missing` bytes in all, none shorter than a segment's head."""
    while missing:
        length = min(missing, LONGEST)
        if 0 < missing - length < COMMENT:
            length -= COMMENT
        yield b"\xff\xfe" + (length - 2).to_bytes(2, "big") + bytes(length - COMMENT)
        missing -= length


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent.parent.parent / f".{path.name}.part"  # the camera lists whatever lies below DCIM
    part.write_bytes(data)
    part.replace(path)
