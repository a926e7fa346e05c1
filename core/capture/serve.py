"""The worker's side: one camera of any kind, asked over the line of `core.worker`.

It decides nothing about retries: the node's ladder does. Every operation opens a camera that is closed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.capture import usb
from core.capture.base import Camera, Collecting, Identity
from core.capture.shot import clear
from core.capture.wire import Json, camera_from_json, to_json
from core.errors import ChildError
from core.site.model import cameras
from core.site.model.cameras import Settings
from core.values import Fence, utc
from core.worker import Talk

KINDS: Mapping[str, str] = {
    "gphoto2": "core.capture.tethered:TetheredCamera",
    "http": "core.capture.http:HttpCamera",
    "rtsp": "core.capture.rtsp:RtspCamera",
    "ftp": "core.capture.push:PushedCamera",
    "folder": "core.capture.folder:FolderCamera",
}
Build = Callable[..., Camera]  # camera, spool, secrets, and for those that need it: judge


class CameraService:
    """Serves `open`, `shoot`, `collect`, `release`, `telemetry`, `set_clock`, `reset` and `close` of one camera.

    `open` takes {"camera", "spool", "secrets"}, "plain": true to leave the camera's settings as they are, and "fence"
    to remove what killed children left of downloads under it, and "judge", MODULE:FUNCTION of what tells a whole
    picture from a part, for a camera that pushes; `shoot` and `collect` {"camera", "node", "fence", "at"}; `release`
    {"source_names"}; `reset` {"serial"} (null: the only camera on USB), which needs no `open` before.
    """

    def __init__(self, sys: Path = usb.SYS, dev: Path = usb.DEV) -> None:
        self._sys, self._dev = sys, dev
        self._camera: Camera | None = None
        self._asked: tuple[cameras.Camera, str, Mapping[str, str]] | None = None
        self._operations: Mapping[str, Callable[[Json], Json]] = {
            "open": self._open,
            "shoot": self._shoot,
            "collect": self._collect,
            "release": self._release,
            "telemetry": lambda args: self._held().telemetry(),
            "set_clock": lambda args: self._held().set_clock(),
            "reset": self._reset,
            "close": self._close,
        }

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do `op`; raise CameraError or StorageError, ChildError for what no camera can do."""
        if op not in self._operations:
            raise ChildError(f"a camera does not know {op!r}")
        return self._operations[op](args)

    def close(self) -> None:
        self._close({})

    def _held(self) -> Camera:
        if self._camera is None:
            raise ChildError("the first operation must be 'open'")
        return self._camera

    def _open(self, args: Json) -> Json:
        config = camera_from_json(args["camera"])
        if "fence" in args:
            clear(Path(args["spool"]), config.name, Fence.parse(args["fence"]))
        if args.get("plain"):
            config = replace(config, settings=Settings())
        more = {"judge": named(args["judge"])} if "judge" in args else {}
        asked = (config, args["spool"], args.get("secrets", {}))
        if self._camera is None or asked != self._asked:  # else the same one: it knows what it has handed over
            self._close({})
            self._asked = asked
            self._camera = find(config.source.kind)(config, Path(args["spool"]), args.get("secrets", {}), **more)
        return self._camera.open()

    def _shoot(self, args: Json) -> Json:
        who = Identity(args["camera"], args["node"], Fence.parse(args["fence"]))
        answer: Json = to_json(self._held().shoot(who, utc(args["at"])))
        return answer

    def _collect(self, args: Json) -> Json:
        camera = self._held()
        if not isinstance(camera, Collecting):
            raise ChildError("this camera's pictures do not come by themselves")
        answer: Json = to_json(camera.collect(Identity(args["camera"], args["node"], Fence.parse(args["fence"]))))
        return answer

    def _release(self, args: Json) -> Json:
        self._held().release(args["source_names"])
        return {}

    def _reset(self, args: Json) -> Json:
        self._close({})
        if "serial" not in args:
            raise ChildError("only a camera on USB can be reset")
        device = usb.reset(args["serial"], self._sys, self._dev)
        return {"device": device.port}

    def _close(self, args: Json) -> Json:
        if self._camera is not None:
            self._camera.close()
        return {}


def find(kind: str) -> Build:
    """Return what makes a camera of this kind of source; its library is imported only here."""
    build: Build = named(KINDS[kind])
    return build


def named(where: str) -> Any:
    """Return what MODULE:NAME names."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
