"""What the codes and words of libgphoto2 mean: one table, pure.

Its codes are poor: -1 covers a full card, no card, no focus, a raised mirror and a missing file; the words that come
with it tell more, and both are kept in the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from core.errors import (
    CameraBusy,
    CameraClaimed,
    CameraError,
    CameraGone,
    CameraTimeout,
    CameraTransferCut,
    CardFull,
    FocusFailed,
    MirrorUp,
)
from core.text import safe

Doing = Literal["open", "shoot", "download", "read"]

NOT_OFFERED = -2  # GP_ERROR_BAD_PARAMETERS: how "this camera has no such setting" looks everywhere
NOT_SUPPORTED = -6  # GP_ERROR_NOT_SUPPORTED: by this body, or a file whose format the driver does not know
FILE_GONE = frozenset({-107, -108})  # GP_ERROR_DIRECTORY_NOT_FOUND, GP_ERROR_FILE_NOT_FOUND

_WORDS: Sequence[tuple[tuple[str, ...], type[CameraError]]] = (
    (("ran full", "card full", "store full", "store is full", "no space left"), CardFull),
    (("no focus", "out of focus", "could not focus"), FocusFailed),
    (("mirror up", "mirror lock"), MirrorUp),
    (("full-press failed", "device busy"), CameraBusy),
    (("could not claim",), CameraClaimed),
)
_CODES: dict[int, type[CameraError]] = {
    -3: CardFull,  # GP_ERROR_NO_MEMORY: the camera's
    -5: CameraGone,  # GP_ERROR_UNKNOWN_PORT
    -7: CameraTimeout,  # GP_ERROR_IO
    -10: CameraTimeout,  # GP_ERROR_TIMEOUT
    -34: CameraTimeout,  # GP_ERROR_IO_READ
    -35: CameraTimeout,  # GP_ERROR_IO_WRITE
    -52: CameraGone,  # GP_ERROR_IO_USB_FIND
    -53: CameraClaimed,  # GP_ERROR_IO_USB_CLAIM
    -60: CameraClaimed,  # GP_ERROR_IO_LOCK
    -105: CameraGone,  # GP_ERROR_MODEL_NOT_FOUND
    -110: CameraBusy,  # GP_ERROR_CAMERA_BUSY
    -115: CardFull,  # GP_ERROR_NO_SPACE
}
_OPENING: dict[int, type[CameraError]] = {-2: CameraGone, -7: CameraGone, -31: CameraGone}  # nobody at the address


def fault(code: int, name: str, context: str, doing: Doing) -> CameraError:
    """Return the error that libgphoto2's `code` (called `name`) and the text of its context stand for."""
    said = f"{context}; {name}" if context else name
    return _class(code, context.lower(), doing)(f"{safe(said, 160)} ({code} at {doing})")


def _class(code: int, words: str, doing: Doing) -> type[CameraError]:
    if doing == "download" and code != NOT_SUPPORTED:
        return CameraTransferCut  # whatever the reason, that session is out of step now
    for texts, kind in _WORDS:
        if any(text in words for text in texts):
            return kind
    if doing == "open" and code in _OPENING:
        return _OPENING[code]
    return _CODES.get(code, CameraError)
