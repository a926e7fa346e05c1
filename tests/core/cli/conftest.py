from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from peers.node import Site

from core.cli import main as program
from core.clock import SystemClock
from core.control.audit import Audit
from core.control.request import Request
from core.control.server import Server
from core.errors import NoSuchThing, OverlapseError
from core.site.model.nodes import Roles

Run = Callable[..., tuple[int, str, str]]


@dataclass
class Answering:
    """What is asked of a node, and what it answers to each verb: an answer, or an error."""

    site: Site
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def decide(self, request: Request) -> None:
        self.asked.append((request.verb, dict(request.args)))
        answer = self.answers.get(request.verb, NoSuchThing(f"nobody said what {request.verb} is"))
        if isinstance(answer, OverlapseError):
            request.refuse(answer)
        else:
            request.done(answer)


@pytest.fixture
def quay(tmp_path: Path) -> Site:
    """A site with one camera that shoots every two seconds, and a NAS."""
    site = Site(tmp_path / "quay")
    site.camera()
    site.destination("nas")
    site.write()
    return site


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process; return its exit status and what it wrote."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        status = program.run([str(word) for word in words])
        written = capsys.readouterr()
        return status, written.out, written.err

    return run


@pytest.fixture
def answering(quay: Site) -> Iterator[Answering]:
    """A control socket where the node of the quay would be: it gives the answers that it is told to give."""
    node = Answering(quay)
    server = Server(quay.folder / "run" / "control.sock", Roles(), node.decide, Audit(quay.folder / "a", SystemClock()))
    (quay.folder / "run").mkdir()
    server.start()
    yield node
    server.close()
