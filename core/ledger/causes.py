"""Why a slot has no picture, in few fixed words."""

from __future__ import annotations

from typing import Literal, get_args

from core.errors import (
    CameraBusy,
    CameraClaimed,
    CameraError,
    CameraGone,
    CameraRefused,
    CameraTimeout,
    CameraTransferCut,
    CardFull,
    CatalogueError,
    ChildError,
    ChildTimeout,
    DiskFull,
    FenceRefused,
    FocusFailed,
    MirrorUp,
    NotDurable,
    OverlapseError,
    StorageError,
)

Cause = Literal[
    "camera timeout",  # it, or the child that drives it, stopped answering
    "camera gone",
    "camera busy",  # it says later, or another program holds it
    "camera refused",  # user, password or right
    "camera setting",  # a setting on the body prevents the shot
    "card full",
    "no focus",
    "transfer cut",  # the picture came over in part
    "camera crashed",  # the child that drives it ended
    "camera error",  # anything else that the camera said
    "disk full",
    "not durable",  # an fsync failed
    "disk error",
    "catalogue",  # the slot could not be written down
    "still busy",  # the shot before ran into this slot
    "stopped",  # when_full = "stop"
    "node down",  # the node did not run, or was suspended
    "clock",  # the clock jumped over the slot while it was not trusted
    "not the owner",
    "unknown",
]
CAUSES: tuple[Cause, ...] = get_args(Cause)

_BY_ERROR: tuple[tuple[type[OverlapseError], Cause], ...] = (  # the first that fits: leaves before branches
    (CameraTimeout, "camera timeout"),
    (CameraGone, "camera gone"),
    (CameraBusy, "camera busy"),
    (CameraClaimed, "camera busy"),
    (CameraRefused, "camera refused"),
    (MirrorUp, "camera setting"),
    (CardFull, "card full"),
    (FocusFailed, "no focus"),
    (CameraTransferCut, "transfer cut"),
    (CameraError, "camera error"),
    (ChildTimeout, "camera timeout"),
    (ChildError, "camera crashed"),
    (DiskFull, "disk full"),
    (NotDurable, "not durable"),
    (StorageError, "disk error"),
    (CatalogueError, "catalogue"),
    (FenceRefused, "not the owner"),
)


def cause_of(error: OverlapseError) -> Cause:
    """Return the cause to write down for a slot whose shot failed with `error`."""
    return next((cause for kind, cause in _BY_ERROR if isinstance(error, kind)), "unknown")
