"""What makes a proof: comparing what lies at a destination with what was to be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from core.errors import ObjectDiffers
from core.text import safe
from core.transfer.base import Progress, silent

STEP = 256 << 10  # bytes between two signs of life


def require_size(name: str, found: int, size: int) -> None:
    """Raise ObjectDiffers unless the object has the size that was sent."""
    if found != size:
        raise ObjectDiffers(f"{safe(name)}: {found} bytes there, {size} sent")


def require_content(name: str, blocks: Iterable[bytes], size: int, sha256: str, progress: Progress = silent) -> None:
    """Raise ObjectDiffers unless `blocks`, read back from the destination, are what was sent."""
    digest, done, told = hashlib.sha256(), 0, 0
    for block in blocks:
        digest.update(block)
        done += len(block)
        if done - told >= STEP:
            progress(done)
            told = done
    require_size(name, done, size)
    if digest.hexdigest() != sha256:
        raise ObjectDiffers(f"{safe(name)}: the content there is not what was sent")
