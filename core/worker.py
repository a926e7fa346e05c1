"""The child's side of a worker process: `python -I -m core.worker KIND FD` serves one kind of work.

One JSON object a line over the socket FD. The parent sends {"op", "args"}; the worker answers {"done": {...}} or
{"error": CLASS, "message": TEXT}, and may talk in between: {"say": {...}} needs no answer, {"ask": {...}} waits for
{"reply": {...}}. It ends when the parent closes the socket or dies.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from core.errors import ChildError, OverlapseError, to_wire

Json = dict[str, Any]

KINDS: Mapping[str, str] = {
    "camera": "core.capture.serve:CameraService",
    "images": "core.processing.job:ImageService",
    "destination": "core.transfer.serve:DestinationService",
    "hook": "core.capture.hook:HookService",
    "disk": "core.intake.adopt:DiskService",
    "scene": "core.simulate.scene:SceneService",
}
PR_SET_PDEATHSIG = 1


class Service(Protocol):
    """What a kind of worker can do; made without arguments, configured by its first operation."""

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do `op` and return its result; raise OverlapseError when it cannot be done."""
        ...

    def close(self) -> None:
        """Let go of what is held; called once, at the end."""
        ...


class Talk:
    """The line to the parent, for what must be said or asked while an operation runs."""

    def __init__(self, line: socket.socket) -> None:
        self._out = line
        self._in = line.makefile("rb")

    def read(self) -> Json | None:
        """Return the parent's next message, or None when the parent is gone."""
        line = self._in.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def send(self, message: Json) -> None:
        self._out.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def say(self, **news: Any) -> None:
        """Tell the parent of progress; it also counts as a sign of life."""
        self.send({"say": news})

    def ask(self, **question: Any) -> Json:
        """Ask the parent and wait for its answer; raise ChildError when the parent refuses or is gone."""
        self.send({"ask": question})
        answer = self.read()
        if answer is None or "reply" not in answer:
            raise ChildError("the parent gave no answer")
        reply: Json = answer["reply"]
        return reply


def find(kind: str) -> Callable[[], Service]:
    """Return the service class of `kind`; it is imported only here."""
    module, _, name = KINDS[kind].partition(":")
    service: Callable[[], Service] = getattr(importlib.import_module(module), name)
    return service


def serve(service: Service, talk: Talk) -> None:
    """Answer the parent's requests, one at a time, until it closes the line."""
    while (request := talk.read()) is not None:
        talk.send(_answer(service, request, talk))
    service.close()


def _answer(service: Service, request: Json, talk: Talk) -> Json:
    try:
        return {"done": service.handle(request["op"], request["args"], talk)}
    except OverlapseError as error:
        return to_wire(error)
    except Exception as error:  # noqa: BLE001 - a fault of one request must not look like a crash of the worker
        return {"error": "ChildError", "message": f"{type(error).__name__}: {error}"}


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def main() -> None:
    """Serve the kind named on the command line over the socket inherited as the given descriptor."""
    kind, descriptor, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the node, which ends its children in order
    service = find(kind)()
    with socket.socket(fileno=descriptor) as line:
        try:
            serve(service, Talk(line))
        except (BrokenPipeError, ConnectionResetError):  # the parent hung up in the middle of a request
            service.close()


if __name__ == "__main__":
    main()
