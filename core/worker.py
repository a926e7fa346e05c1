"""The child's side of a worker process: `python -I -m core.worker KIND FD` serves one kind of work.

One JSON object a line over the socket FD, each with the number of its `lane`. The parent sends {"op", "args"}; the
worker answers {"done": {...}} or {"error": CLASS, "message": TEXT}, and may talk in between: {"say": {...}} needs no
answer, {"ask": {...}} waits for {"reply": {...}}. A lane does one thing at a time, and each beside the first has a
thread of its own. The worker ends when the parent closes the socket or dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any, Protocol

from core.errors import ChildError, OverlapseError, to_wire

Json = dict[str, Any]

KINDS: Mapping[str, str] = {
    "camera": "core.capture.serve:CameraService",
    "images": "core.processing.job:ImageService",
    "destination": "core.transfer.serve:DestinationService",
    "drop": "core.transfer.serve:DestinationService",
    "reach": "core.capture.reach:ReachService",
    "hook": "core.capture.hook:HookService",
    "probe": "core.probes.serve:ProbeService",
    "disk": "core.intake.adopt:DiskService",
    "ftpd": "core.capture.ftpd.serve:FtpdService",
    "mail": "core.notify.smtp:MailService",
    "import": "core.node.errands.gatherer:ImportService",
    "monitor": "checks.gateway.service:GatewayService",
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


class Line:
    """The line to the parent: what comes is sorted by lane."""

    def __init__(self, line: socket.socket, service: Service) -> None:
        self._line, self._service = line, service
        self._sending = threading.Lock()
        self._lanes: dict[int, SimpleQueue[Json | None]] = {0: SimpleQueue()}

    def serve(self) -> None:
        """Answer the parent's requests until it closes the line. The first lane has the main thread, for signals."""
        threading.Thread(target=self._receive, daemon=True).start()
        try:
            self._serve(0)
        finally:
            self._service.close()  # lanes that are still at work are cut off

    def send(self, message: Json) -> None:
        """Send one message; raise OSError when the parent is gone."""
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._sending:
            self._line.sendall(data)

    def _receive(self) -> None:
        with self._line.makefile("rb") as lines, contextlib.suppress(OSError):
            while (line := lines.readline()).endswith(b"\n"):
                message = json.loads(line)
                if message["lane"] not in self._lanes:
                    self._open(message["lane"])
                self._lanes[message["lane"]].put(message)
        for lane in self._lanes.values():
            lane.put(None)

    def _open(self, lane: int) -> None:
        self._lanes[lane] = SimpleQueue()
        threading.Thread(target=self._serve, args=(lane,), name=f"lane {lane}", daemon=True).start()

    def _serve(self, lane: int) -> None:
        talk = Talk(self.send, self._lanes[lane].get, lane)
        with contextlib.suppress(OSError):  # the parent hung up in the middle of a request
            while (request := talk.read()) is not None:
                talk.send(_answer(self._service, request, talk))


class Talk:
    """One lane of the line to the parent, for what must be said or asked while an operation runs."""

    def __init__(self, send: Callable[[Json], None], read: Callable[[], Json | None], lane: int = 0) -> None:
        self.lane = lane
        self.read = read  # returns the parent's next message, None when the parent is gone
        self._send = send

    def send(self, message: Json) -> None:
        """Send one message of this lane."""
        self._send({"lane": self.lane, **message})

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
        Line(line, service).serve()


if __name__ == "__main__":
    main()
