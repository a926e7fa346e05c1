"""The one interface of all kinds of cameras; each implementation lives in a child process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from core.values import Fence, Kind, Sha256

Telemetry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who shoots: it goes into the name of every picture."""

    camera: str
    node: str
    fence: Fence


@dataclass(frozen=True, slots=True)
class Part:
    """One file that the camera handed over, whole and durable in the spool under its final name."""

    name: str  # PictureName as text; the file is spool/NAME
    kind: Kind
    size: int  # bytes
    sha256: Sha256
    source_name: str  # the camera's own name of it; `release` takes it
    source_time: float | None  # the camera's own idea of the time, seconds since the epoch
    shutter: float | None = None  # host seconds since the epoch at which it was triggered; None: not by us


@dataclass(frozen=True, slots=True)
class Shot:
    """What one slot gave. `orphans` are pictures that were waiting on the camera and belong to no slot."""

    shutter: float  # host seconds since the epoch
    parts: Sequence[Part]
    orphans: Sequence[Part] = ()
    partial: bool = False  # half of a RAW and JPEG pair did not come
    drift: Mapping[str, Sequence[str]] = field(default_factory=dict)  # setting -> (wanted, found)
    notes: Sequence[str] = ()  # what happened on the way, for the transcript


@dataclass(slots=True)
class Collected:
    """What a camera that pushes had left beside its shots.

    `orphans` belong to no slot; `aside` (name, why) went to the quarantine; `removed` were no pictures; `waits`: there
    is something that may be ready in a while.
    """

    orphans: list[Part] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    waits: bool = False


@runtime_checkable
class Camera(Protocol):
    """A source of pictures. Every method may block until the parent's deadline kills the child.

    All raise CameraError; StorageError when the spool cannot hold the bytes.
    """

    def open(self) -> Telemetry:
        """Take hold of the camera, apply the settings, return who it is: model, serial, offered settings."""
        ...

    def shoot(self, identity: Identity, at: datetime) -> Shot:
        """Take one shot for the slot (or the second) `at`: leftovers first, then the shutter, then the download.

        Each part is written to spool/NAME.part, synced, hashed as received, compared with the camera's size and
        renamed to spool/NAME; the camera keeps its copy until `release`.
        """
        ...

    def release(self, source_names: Sequence[str]) -> None:
        """Remove the camera's copies of what is now catalogued; one that is gone already is no error."""
        ...

    def telemetry(self) -> Telemetry:
        """Return what the camera knows of itself; a reading that it does not offer is absent, never zero."""
        ...

    def set_clock(self) -> Telemetry:
        """Set the camera's clock to the host's and return `clock_drift` (seconds) read back."""
        ...

    def close(self) -> None:
        """Let go of the camera; safe to call twice."""
        ...


@runtime_checkable
class Collecting(Camera, Protocol):
    """A camera whose pictures come by themselves, whether a slot asks for them or not."""

    def collect(self, identity: Identity) -> Collected:
        """Hand over all that belongs to no slot; each is kept by the camera until `release`."""
        ...
