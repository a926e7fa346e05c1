"""A camera that streams over RTSP: one connection a shot, the first whole key frame, by libav in the child.

An MJPEG stream gives its frame byte for byte. Of H.264 and its like there is no picture until a frame is decoded, so
the original is the JPEG made of it here, once, in the colours that JPEG means.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import av
import av.error
import av.logging

from core.capture.base import Identity, Part, Shot, Telemetry
from core.capture.exif import stamped
from core.capture.shot import Spool
from core.errors import CameraBusy, CameraError, CameraGone, CameraRefused, CameraTimeout, CameraTransferCut
from core.site.model.cameras import Camera, RtspSource
from core.text import safe
from core.values import seconds_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

QUIET = 5.0  # seconds of silence; libav takes up to twice that when a camera freezes (measured)
SECONDS = 12.0  # for one shot; the node's own deadline, 15 s, is for what libav does not notice
NEARLY = 0.9  # of QUIET: libav counts from a moment of its own
PROBE = (
    500_000  # microseconds that libav may listen to know the stream: 0.8 s to the picture, by default 3 s (measured)
)
FINEST: Final = (
    "1"  # libav's smallest quantiser: 49 dB luma to the decoded frame, about libjpeg's quality 92 (measured)
)
NAME: Final = "frame.jpg"


_FAULTS: Sequence[tuple[tuple[type[Exception], ...], type[CameraError], str]] = (
    ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError), CameraRefused, "it refuses user or password"),
    ((av.error.HTTPNotFoundError,), CameraError, "it has no such stream; look at url"),
    ((av.error.HTTPServerError,), CameraBusy, "it cannot serve one more viewer now"),
    ((av.error.ExitError, TimeoutError), CameraTimeout, "it stopped answering"),
    ((EOFError, av.error.InvalidDataError), CameraTransferCut, "the stream ended before a whole picture came"),
    ((ConnectionResetError, BrokenPipeError), CameraTransferCut, "the stream was cut"),
    ((OSError,), CameraGone, "nobody answers there as a camera does; look at url"),
)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a stream gave for one shot."""

    jpeg: bytes
    told: str  # codec and size
    shutter: float  # seconds since the epoch


class RtspCamera:
    """A camera that answers RTSP with a stream.

    It keeps no copy, so there is nothing to release; `open` asks it nothing, and no connection outlives a shot: many
    cameras serve two or three viewers only.
    """

    def __init__(
        self, camera: Camera, spool: Path, secrets: Mapping[str, str], quiet: float = QUIET, seconds: float = SECONDS
    ) -> None:
        """`quiet`: seconds without a byte; `seconds`: for a whole shot."""
        assert isinstance(camera.source, RtspSource)
        self._source, self._spool = camera.source, spool
        self._password = secrets.get("password", "")
        self._quiet, self._seconds = quiet, seconds
        self._readings: Telemetry = {}
        av.logging.set_level(av.logging.PANIC)  # its log has addresses with passwords in them

    def open(self) -> Telemetry:
        return self.telemetry()

    def close(self) -> None:
        return

    def telemetry(self) -> Telemetry:
        return dict(self._readings)

    def set_clock(self) -> Telemetry:
        return {}

    def release(self, source_names: Sequence[str]) -> None:
        return

    def shoot(self, identity: Identity, at: datetime) -> Shot:
        with _translated(self._host, self._quiet):
            frame = self._grab(time.monotonic() + self._seconds)
        self._readings = {"model": f"RTSP {frame.told}"}
        spool = Spool(self._spool, identity)
        with spool.receive(spool.names(seconds_of(at), [NAME])[NAME]) as reception:
            reception.write(frame.jpeg)
            kept = reception.keep(len(frame.jpeg))
        spool.settle()
        return Shot(frame.shutter, [Part(kept.name, "jpeg", kept.size, kept.sha256, NAME, None, frame.shutter)])

    @property
    def _host(self) -> str:
        return safe(urlsplit(self._source.url).hostname or "?", 80)

    def _grab(self, until: float) -> _Frame:
        options = {
            "rtsp_transport": self._source.transport,
            "timeout": str(int(self._quiet * 1e6)),
            "analyzeduration": str(PROBE),
            "allowed_media_types": "video",
        }
        address = with_login(self._source.url, self._source.user, self._password)
        with av.open(address, options=options, timeout=(self._quiet, self._quiet)) as container:
            if not container.streams.video:
                raise CameraError(f"{self._host}: that stream has no picture; look at url and at the camera's own page")
            return self._first(container, container.streams.video[0], until)

    def _first(self, container: InputContainer, stream: VideoStream, until: float) -> _Frame:
        """Return the first key frame that decodes without damage."""
        stream.thread_type = "NONE"  # with threads it comes some frames later
        for packet in container.demux(stream):
            for frame in packet.decode():
                if frame.key_frame and not frame.is_corrupt and not packet.is_corrupt:
                    shutter = time.time()
                    told = f"{stream.codec_context.name} {frame.width}x{frame.height}"
                    return _Frame(_jpeg_of(packet, frame, stream.codec_context.name, shutter), told, shutter)
            if time.monotonic() > until:
                raise CameraTimeout(f"{self._host}: it streams, but no whole picture came within {self._seconds:g} s")
        raise CameraTransferCut(f"{self._host}: the stream ended before a whole picture came")


def _jpeg_of(packet: Packet[VideoStream], frame: VideoFrame, codec: str, at: float) -> bytes:
    return bytes(packet) if codec == "mjpeg" else stamped(encoded(frame), at)


def encoded(frame: VideoFrame) -> bytes:
    """Return a decoded frame as a JPEG of the finest quality: BT.601, full range, as JPEG means them."""
    ready = frame.reformat(format="yuvj420p", dst_colorspace="ITU601")
    ready.pts = 0
    coder = av.CodecContext.create("mjpeg", "w")
    coder.width, coder.height, coder.pix_fmt = ready.width, ready.height, "yuvj420p"
    coder.time_base = Fraction(1, 1)
    coder.thread_type = "NONE"
    coder.options = {"qmin": FINEST, "qmax": FINEST, "flags": "+bitexact"}
    return b"".join(bytes(packet) for packet in (*coder.encode(ready), *coder.encode(None)))


def with_login(url: str, user: str | None, password: str) -> str:
    """Return the address as libav takes it, with user and password in it, whatever characters they have."""
    parts = urlsplit(url)
    named = user if user is not None else unquote(parts.username or "")
    if not named:
        return url
    login = f"{quote(named, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}"))


@contextmanager
def _translated(host: str, quiet: float) -> Iterator[None]:
    """Translate what libav raises. The cause is dropped: its text is the address, with the password."""
    began = time.monotonic()
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise fault(error, host, time.monotonic() - began >= NEARLY * quiet) from None


def fault(error: Exception, host: str, waited: bool = False) -> CameraError:
    """Return what an exception of libav means; of its own text only the system's or the server's words are shown.

    `waited`: a whole time-out has passed. Then what libav calls invalid data is nothing but silence (measured).
    """
    said = safe(getattr(error, "strerror", None) or type(error).__name__, 80)
    for kinds, kind, words in _FAULTS:
        if isinstance(error, kinds):
            silent = waited and kind is CameraTransferCut
            return CameraTimeout(f"{host}: it stopped answering") if silent else kind(f"{host}: {words} ({said})")
    return CameraError(f"{host}: {said}")
