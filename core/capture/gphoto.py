"""The edge to libgphoto2: one hold on one camera, every error translated, every trap of the library avoided here.

Measured with libgphoto2 2.5.34: a Camera that is used after `exit` aborts the process; bytes, widgets and lists must
be kept in a variable for as long as anything of theirs is used (else use after free); one caller per camera.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gphoto2 as gp

from core.capture.faults import FILE_GONE, NOT_OFFERED, NOT_SUPPORTED, Doing, fault
from core.errors import CameraError, CameraGone
from core.text import safe

EVENT_PAUSE = 0.005  # seconds: some drivers answer "nothing" at once instead of waiting
STORE_FULL = "PTP Event 400a"  # how the library words an event that it has no name for
MAX_FOLDERS = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """What the camera told on its own."""

    kind: Literal["nothing", "picture", "complete", "full", "other"]
    path: str = ""  # of a picture


@dataclass(frozen=True, slots=True)
class Reading:
    """One of the camera's own settings."""

    value: Any
    choices: Sequence[str]
    fixed: bool  # the camera does not let it be written


class Session:
    """One hold on one camera; made anew each time, dead after `end`."""

    def __init__(self, port: str | None = None, model: str | None = None) -> None:
        """Take hold of the camera at `port`, driven as `model`; none: the one that the library finds."""
        self._said: list[str] = []
        self._context = gp.Context()
        self._hear = self._context.set_error_func(self._note, None)  # lives as long as the reference
        self._camera = gp.Camera()
        with self._translated("open"):
            if port is not None:
                self._point(port, model)
            self._camera.init(self._context)

    def _point(self, port: str, model: str | None) -> None:
        if model is not None:
            abilities = gp.CameraAbilitiesList()
            abilities.load(self._context)
            self._camera.set_abilities(abilities[abilities.lookup_model(model)])
        ports = gp.PortInfoList()
        ports.load()
        self._camera.set_port_info(ports[ports.lookup_path(port)])

    def _note(self, context: object, text: bytes | str, data: object) -> None:
        self._said.append(text.decode(errors="replace") if isinstance(text, bytes) else text)

    @contextlib.contextmanager
    def _translated(self, doing: Doing) -> Iterator[None]:
        self._said.clear()
        try:
            yield
        except gp.GPhoto2Error as error:
            raise fault(error.code, error.string, "; ".join(self._said), doing) from error

    def end(self) -> None:
        """Close the session in order; a camera that does not answer any more is let go of all the same."""
        camera, self._camera = self._camera, None
        if camera is not None:
            with contextlib.suppress(gp.GPhoto2Error):
                camera.exit(self._context)

    def pictures(self) -> list[str]:
        """Return the paths of all files on the camera as this session knows them: listings are cached by it."""
        with self._translated("read"):
            return list(self._below("/"))

    def _below(self, top: str) -> Iterator[str]:
        waiting, seen = [top], 0
        while waiting and seen < MAX_FOLDERS:
            folder, seen = waiting.pop(), seen + 1
            below = folder.rstrip("/") + "/"
            yield from (below + name for name in _names(self._camera.folder_list_files(folder, self._context)))
            waiting += [below + name for name in _names(self._camera.folder_list_folders(folder, self._context))]

    def trigger(self) -> list[str]:
        """Press the shutter; pictures are told as events, those returned here already.

        Unlike the library's `capture`, this waits for no event that may be lost, keeps the words of every error and
        names both files of a pair. `capture` is for bodies that know nothing else.
        """
        with self._translated("shoot"):
            with _allowing({NOT_SUPPORTED}):
                self._camera.trigger_capture(self._context)
                return []
            return [_path(self._camera.capture(gp.GP_CAPTURE_IMAGE, self._context))]

    def event(self, seconds: float) -> Event:
        """Return the camera's next event, or nothing after about `seconds`."""
        began = time.monotonic()
        with self._translated("shoot"):
            kind, data = self._camera.wait_for_event(int(seconds * 1000), self._context)
        if kind == gp.GP_EVENT_TIMEOUT:
            time.sleep(max(0.0, min(EVENT_PAUSE, began + seconds - time.monotonic())))
            return Event("nothing")
        if kind == gp.GP_EVENT_FILE_ADDED:
            return Event("picture", _path(data))
        if kind == gp.GP_EVENT_CAPTURE_COMPLETE:
            return Event("complete")
        return Event("full" if str(data).startswith(STORE_FULL) else "other")

    def info(self, path: str) -> tuple[int | None, float | None]:
        """Return size (bytes) and time (the camera's clock) of a file, None where the camera does not say."""
        folder, _, name = path.rpartition("/")
        with self._translated("download"):
            info = self._camera.file_get_info(folder, name, self._context)
        file = info.file
        size = int(file.size) if file.fields & gp.GP_FILE_INFO_SIZE else 0
        seconds = float(file.mtime) if file.fields & gp.GP_FILE_INFO_MTIME else 0.0
        return size or None, seconds or None

    def download(self, path: str, write: Callable[[memoryview], None]) -> None:
        """Fetch a file whole and hand its bytes to `write`; raise CameraTransferCut."""
        folder, _, name = path.rpartition("/")
        with self._translated("download"):
            file = self._camera.file_get(folder, name, gp.GP_FILE_TYPE_NORMAL, None, self._context)
            data = file.get_data_and_size()  # `file` owns these bytes: both names stay until they are written
        with memoryview(data) as view:
            write(view)
        del data, file

    def delete(self, path: str) -> None:
        """Remove a file from the camera; one that is gone is no error."""
        folder, _, name = path.rpartition("/")
        with self._translated("read"), _allowing(FILE_GONE):
            self._camera.file_delete(folder, name, self._context)

    def read(self, key: str) -> Reading | None:
        """Return one of the camera's settings, None when it does not offer it."""
        with self._translated("read"), _allowing({NOT_OFFERED}):
            widget = self._camera.get_single_config(key, self._context)
            listed = widget.get_type() in (gp.GP_WIDGET_RADIO, gp.GP_WIDGET_MENU)
            choices = tuple(str(choice) for choice in widget.get_choices()) if listed else ()
            return Reading(widget.get_value(), choices, bool(widget.get_readonly()))
        return None

    def write(self, key: str, value: str | int) -> None:
        """Set one of the camera's settings; the caller has made sure that it is one of its choices."""
        with self._translated("read"):
            widget = self._camera.get_single_config(key, self._context)
            widget.set_value(value)
            self._camera.set_single_config(key, widget, self._context)

    def stores(self) -> list[tuple[int | None, int | None]]:
        """Return (kB free, pictures free) of each card, None where the camera does not say."""
        with self._translated("read"):
            found = self._camera.get_storageinfo(self._context)
            return [(_known(store, "KBYTES"), _known(store, "IMAGES")) for store in found]


def on_usb() -> list[tuple[str, str]]:
    """Return (model, port) of every camera that the library sees on USB; the port changes at each replug."""
    context = gp.Context()
    try:
        found = gp.Camera.autodetect(context)
    except gp.GPhoto2Error as error:
        raise fault(error.code, error.string, "", "open") from error
    return [(found.get_name(index), found.get_value(index)) for index in range(found.count())]


def connect_virtual() -> Session:
    """Take hold of the virtual camera of the gphoto2 wheel, which serves the folder VCAMERADIR."""
    return Session()


def connect_network(port: str) -> Session:
    """Take hold of a camera by its PTP/IP port, "ptpip:HOST:PORT:EVENTPORT"."""
    return Session(port, "PTP/IP Camera")


def connect_usb(serial: str | None, likely: str | None = None) -> Session:
    """Take hold of the USB camera of this serial (None: the only one); `likely` is the port to look at first."""
    found = sorted(on_usb(), key=lambda one: one[1] != likely)
    if not found:
        wanted = f"; the one of serial {safe(serial)} was looked for" if serial is not None else ""
        raise CameraGone(f"no camera answers on USB{wanted}")
    if serial is None:
        if len(found) > 1:
            raise CameraGone(f"{len(found)} cameras are on USB and the configuration names no serial")
        return Session(found[0][1], found[0][0])
    return _by_serial(serial, found)


def _by_serial(serial: str, found: Sequence[tuple[str, str]]) -> Session:
    trouble: CameraError | None = None
    for model, port in found:
        try:
            session = _if_serial(Session(port, model), serial)
        except CameraError as error:
            trouble = error  # it may be the one that is looked for
            continue
        if session is not None:
            return session
    raise trouble or CameraGone(f"none of {len(found)} cameras on USB has the serial {serial}")


def _if_serial(session: Session, serial: str) -> Session | None:
    try:
        found = [session.read(key) for key in ("serialnumber", "eosserialnumber")]
    except CameraError:
        session.end()
        raise
    if any(str(one.value).lstrip("0") == serial.lstrip("0") for one in found if one is not None):
        return session
    session.end()
    return None


def _names(listing: Any) -> list[str]:
    return [listing.get_name(index) for index in range(listing.count())]


def _path(data: Any) -> str:
    return f"{data.folder.rstrip('/')}/{data.name}"


def _known(store: Any, what: str) -> int | None:
    told = store.fields & getattr(gp, f"GP_STORAGEINFO_FREESPACE{what}")
    value = store.freekbytes if what == "KBYTES" else store.freeimages
    return int(value) if told else None


@contextlib.contextmanager
def _allowing(codes: frozenset[int] | set[int]) -> Iterator[None]:
    try:
        yield
    except gp.GPhoto2Error as error:
        if error.code not in codes:
            raise
