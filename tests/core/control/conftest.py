"""A node's control socket with somebody behind it who decides: a thread with a queue, as the loop is."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from core.clock import SystemClock
from core.control.audit import Audit
from core.control.client import ask
from core.control.peer import Who
from core.control.request import Request
from core.control.server import Server
from core.control.verbs import Role
from core.control.wire import address
from core.errors import Forbidden
from core.site.model.nodes import Roles

Decide = Callable[[Request], None]


def echo(request: Request) -> None:
    request.done({"verb": request.verb, "user": request.who.user, "role": request.who.role.word})


@dataclass
class Node:
    """A server, the requests that came through to the deciding thread, and its answer to each."""

    path: Path
    audit: Path
    decide: Decide = echo
    requests: list[Request] = field(default_factory=list)
    server: Server | None = None

    def ask(self, verb: str, /, timeout: float = 5.0, request_id: str | None = None, **args: Any) -> dict[str, Any]:
        return ask(self.path, verb, args, timeout, request_id)

    def raw(self, sent: bytes, half_close: bool = False) -> dict[str, Any] | None:
        """Send bytes as they are and return the answer, None when the line is closed without one."""
        with self.connect() as line:
            try:
                line.sendall(sent)
                if half_close:
                    line.shutdown(socket.SHUT_WR)
            except BrokenPipeError:
                pass  # it refused before it had all of it
            answer = line.makefile("rb").readline()
        found: dict[str, Any] | None = json.loads(answer) if answer else None
        return found

    def connect(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(10)
        with address(self.path) as target:
            line.connect(target)
        return line

    def audited(self) -> list[dict[str, Any]]:
        if not self.audit.exists():
            return []
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Give a function that starts a node: `roles`, `identify_peer` and `answer_within` as the server takes them."""
    running: list[tuple[Node, SimpleQueue[Request | None], Thread]] = []

    def make(path: Path | None = None, decide: Decide = echo, roles: Roles | None = None, **options: Any) -> Node:
        queue: SimpleQueue[Request | None] = SimpleQueue()
        node = Node(path or tmp_path / "run" / "control.sock", tmp_path / "audit.log", decide)

        def decide_all() -> None:
            while (request := queue.get()) is not None:
                node.requests.append(request)
                node.decide(request)

        thread = Thread(target=decide_all)
        thread.start()
        running.append((node, queue, thread))
        node.server = Server(node.path, roles or Roles(), queue.put, Audit(node.audit, SystemClock()), **options)
        node.server.start()
        return node

    yield make
    for node, queue, thread in running:
        if node.server is not None:
            node.server.close()
        queue.put(None)
        thread.join()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node()


@pytest.fixture
def make_node_for(make_node: Callable[..., Node]) -> Callable[[Role | None], Node]:
    """Give a function that starts a node that takes everybody for a person of that role; None: for a stranger."""

    def make(role: Role | None) -> Node:
        def identify(connection: socket.socket) -> Who:
            pid, uid, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if role is None:
                raise Forbidden("a stranger")
            return Who(uid, "someone", role, pid)

        return make_node(identify_peer=identify)

    return make


@pytest.fixture
def me() -> Who:
    return Who(os.getuid(), "me", Role.ADMIN, os.getpid())
