"""From the camera's bytes to a whole, durable file in the spool; and how long each step may take.

The order is promise 1's: NAME.part, size check, hash of the bytes as received, fsync, rename, fsync of the folder.
Nothing here decodes a picture.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.capture.base import Identity
from core.errors import CameraTransferCut, DiskFull, NotDurable, StorageError
from core.site.model.cameras import Camera, GphotoSource, RtspSource
from core.text import safe
from core.values import Fence, Kind, PictureName, Sha256, utc

LOCK = "lock"  # stands beside the spool in the data folder of a node that runs
PART = ".part"
NTHS = 10_000  # a name's N has at most four digits
Op = Literal["open", "shoot", "collect", "release", "telemetry", "set_clock", "reset", "close"]

JPEG_EXTENSIONS = frozenset({"jpg", "jpeg", "jpe"})
RAW_EXTENSIONS = frozenset(
    {"3fr", "arw", "cr2", "cr3", "crw", "dng", "erf", "fff", "iiq", "kdc", "mef", "mos", "mrw", "nef", "nrw", "orf"}
    | {"pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"}
)


def kind_of(name: str) -> Kind | None:
    """Return what a file of this name holds, None when it is no picture."""
    extension = extension_of(name) if "." in name else ""
    if extension in JPEG_EXTENSIONS:
        return "jpeg"
    return "raw" if extension in RAW_EXTENSIONS else None


def extension_of(name: str) -> str:
    """Return the extension, lower case, that our name of the file carries."""
    extension = name.rpartition(".")[2].lower()
    return "jpg" if extension in JPEG_EXTENSIONS else extension


def stem_of(name: str) -> str:
    """Return what the halves of a RAW and JPEG pair share: the name without folder and extension."""
    return name.rpartition("/")[2].rpartition(".")[0]


def kinds_of(camera: Camera) -> frozenset[Kind]:
    """Return the kinds that each of the camera's shots should give."""
    wanted: dict[str, frozenset[Kind]] = {"raw": frozenset({"raw"}), "jpeg": frozenset({"jpeg"})}
    return wanted.get(camera.shoots, frozenset({"raw", "jpeg"}))


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is whole and under its final name in the spool."""

    name: str
    size: int  # bytes
    sha256: Sha256


class Spool:
    """The folder in which one camera's child leaves what it was handed; only that child writes the camera's names.

    `names` gives the same number to what one shot's files share before their extension, and never one that the spool
    or this answer holds.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder = folder
        self._who = identity
        self._given: set[str] = set()
        self._numbers: dict[tuple[int, str], int] = {}

    def names(self, at: int, sources: Sequence[str]) -> dict[str, PictureName]:
        """Return a name of the second `at` for each file that the camera calls by a name of `sources`."""
        return {source: self._name(at, source, sources) for source in sources}

    def _name(self, at: int, source: str, sources: Sequence[str]) -> PictureName:
        base = self._base(at, extension_of(source))
        known = self._numbers.get((at, stem_of(source)))
        if known is None or not self._is_free(base.numbered(known)):
            together = {extension_of(other) for other in sources if stem_of(other) == stem_of(source)}
            known = self._free_number(at, together)
            self._numbers[(at, stem_of(source))] = known
        name = base.numbered(known)
        self._given.add(str(name))
        return name

    def _free_number(self, at: int, extensions: set[str]) -> int:
        for number in range(1, NTHS):
            if all(self._is_free(self._base(at, extension).numbered(number)) for extension in extensions):
                return number
        raise StorageError(f"the spool holds {NTHS} pictures of one second")

    def _base(self, at: int, extension: str) -> PictureName:
        return PictureName(self._who.camera, utc(at), self._who.node, self._who.fence, extension)

    def _is_free(self, name: PictureName) -> bool:
        return str(name) not in self._given and not (self._folder / str(name)).exists()

    @contextlib.contextmanager
    def receive(self, name: PictureName) -> Iterator[Reception]:
        """Take in the bytes of one picture; unless `keep` was called, nothing of it stays."""
        reception = Reception(self._folder, str(name))
        try:
            yield reception
        finally:
            reception.discard()

    def settle(self) -> None:
        """Make the new names in the folder durable; raise NotDurable."""
        with _translated("the spool"):
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def clear(folder: Path, camera: str, fence: Fence) -> None:
    """Remove what killed children of this camera left of downloads under this fence: the camera has the pictures.

    What an earlier run left is not touched, it is set aside at the start; nor is any file that is whole.
    """
    with contextlib.suppress(OSError):  # a spool that cannot be read or written shows at the next shot
        for path in list(folder.glob(f"{camera}_*{PART}")):
            if _is_of(path.name.removesuffix(PART), camera, fence):
                path.unlink(missing_ok=True)


def _is_of(text: str, camera: str, fence: Fence) -> bool:
    try:
        name = PictureName.parse(text)
    except ValueError:
        return False
    return (name.camera, name.fence) == (camera, fence)


class Reception:
    """One picture on its way into the spool."""

    def __init__(self, folder: Path, name: str) -> None:
        self._final = folder / name
        self._part = folder / (name + PART)
        self._hash = hashlib.sha256()
        self.size = 0  # bytes so far
        with _translated(f"{folder}/{name}"):
            if folder.with_name(LOCK).exists():  # the data folder is there: somebody cleaned up in it
                folder.mkdir(mode=0o750, exist_ok=True)
            # A file that a killed child left is never written on: its bytes were not proven to reach the disk.
            self._part.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor: int | None = os.open(self._part, flags, 0o640)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes as received; raise DiskFull or StorageError."""
        assert self._descriptor is not None
        view = memoryview(data).cast("B")
        self._hash.update(view)
        with _translated(self._final.name):
            written = 0
            while written < len(view):
                written += os.write(self._descriptor, view[written:])
        self.size += len(view)

    def keep(self, size: int | None) -> Kept:
        """Check the size that the camera told (None: it told none), sync, and give the final name."""
        assert self._descriptor is not None
        if self.size == 0 or (size is not None and size != self.size):
            whole = "a picture" if size in (None, 0) else f"{size}"
            raise CameraTransferCut(f"{self.size} bytes came of {whole}")
        with _translated(self._final.name):
            os.fsync(self._descriptor)
            self._close()
            self._part.rename(self._final)
        return Kept(self._final.name, self.size, Sha256(self._hash.hexdigest()))

    def discard(self) -> None:
        """Leave nothing behind of a picture that was not kept."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._close()
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, name) from error


def storage_error(error: OSError, name: str) -> StorageError:
    """Return what a failed write, sync or rename of the node's own disk means."""
    text = f"{safe(name)}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(text)
    return NotDurable(text) if error.errno == errno.EIO else StorageError(text)


# Deadlines. A child that is past one is killed, and a new one costs a tenth of a second; libgphoto2's own limits
# (20 s a USB call, 100 s a capture, none at all for a lost event) are no help.
_FIXED: dict[str, float] = {"release": 10, "telemetry": 15, "set_clock": 15, "reset": 30, "close": 5}  # seconds
_FIXED |= {"collect": 60}  # it ends by itself after 20, but for the picture in hand
_OPEN = 30.0  # seconds
_SETTINGS = 10.0  # seconds to write and read back the settings
_SHOOT = 30.0  # seconds beside exposure and transfer
_STREAM = 15.0  # seconds: libav's own limits of 5 s took 10 s when a server froze (measured), and may be missed
_BYTES = {"jpeg": 15_000_000, "raw": 45_000_000, "raw+jpeg": 60_000_000}  # of a 45-megapixel body
_RATE = 1_000_000  # bytes a second: a slow body on USB 2, or a camera behind Wi-Fi
LEFTOVERS = 10.0  # seconds that a shot may spend on pictures that were waiting on the camera


def seconds_for(op: Op, camera: Camera) -> float:
    """Return the deadline of one request to the camera's child, in seconds; `shoot` counts on an open camera."""
    if op in _FIXED:
        return _FIXED[op]
    tethered = isinstance(camera.source, GphotoSource)
    if op == "shoot" and isinstance(camera.source, RtspSource):
        return _STREAM
    if op == "open":
        return _OPEN + (_SETTINGS if tethered else 0.0)
    exposure = 2 * camera.exposure.total_seconds()  # the camera's own noise reduction doubles it
    return exposure + _SHOOT + transfer_seconds(camera) + (LEFTOVERS if tethered else 0.0)


def transfer_seconds(camera: Camera) -> float:
    """Return the seconds that the bytes of one shot may take from the camera to the spool."""
    return _BYTES[camera.shoots] / _RATE
