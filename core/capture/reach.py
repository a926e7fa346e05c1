"""Whether a camera that another node shoots can be reached from here: its address takes a connection, no more.

Nothing is asked of it, since many cameras serve one client at a time; a shot may still fail. The kind "reach" of
worker: `reach` {"camera"} -> {}; CameraGone says what is not there.
"""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from core.capture.wire import camera_from_json
from core.errors import CameraGone, ChildError
from core.site.model.cameras import Camera, FolderSource, GphotoSource, HttpSource, RtspSource
from core.text import safe
from core.worker import Json, Talk

SECONDS = 8.0  # for one camera, its name server included
PTP_IP = 15740  # the port of PTP/IP (CIPA DC-005)
_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}


class ReachService:
    """Tries to reach cameras; it holds nothing."""

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do `reach`; raise CameraGone."""
        if op != "reach":
            raise ChildError(f"who reaches for cameras does not know {safe(op)!r}")
        reach(camera_from_json(args["camera"]))
        return {}

    def close(self) -> None:
        """Nothing is held."""


def reach(camera: Camera) -> None:
    """Connect to a camera and let go; raise CameraGone."""
    source = camera.source
    if isinstance(source, FolderSource):
        if not Path(source.path).is_dir():
            raise CameraGone(f"{safe(source.path)}: no such folder here")
        return
    address = address_of(camera)
    if address is None:
        raise CameraGone("only the node that it is plugged into reaches it")
    try:
        socket.create_connection(address, SECONDS).close()
    except (OSError, UnicodeError) as error:
        where = f"{safe(address[0], 80)}:{address[1]}"
        raise CameraGone(f"{where}: {safe(getattr(error, 'strerror', None) or 'no answer', 80)}") from error


def address_of(camera: Camera) -> tuple[str, int] | None:
    """Return machine and port of a camera on the network; None: it is not on one."""
    source = camera.source
    if isinstance(source, HttpSource | RtspSource):
        parts = urlsplit(source.url)
        return (parts.hostname, parts.port or _PORTS[parts.scheme]) if parts.hostname else None
    if isinstance(source, GphotoSource) and source.address is not None:
        host, _, ports = source.address.partition(":")
        port = ports.partition(":")[0]
        return host, int(port) if port else PTP_IP
    return None
