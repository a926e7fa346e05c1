from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from core.control.client import ask
from core.errors import BadRequest, ChildError, NodeUnreachable, OverlapseError


@contextmanager
def something_that(answers: Callable[[socket.socket], None], path: Path) -> Iterator[Path]:
    """Run something at `path` that takes one connection and does as it likes."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                answers(connection)

        thread = Thread(target=run)
        thread.start()
        yield path
        thread.join()


def test_a_node_that_does_not_run_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NodeUnreachable, match="there is no socket; start it with `overlapse run`"):
        ask(tmp_path / "control.sock", "status", {})
    with pytest.raises(NodeUnreachable, match="there is no socket"):
        ask(tmp_path / ("x" * 150) / "control.sock", "status", {})


def test_a_node_that_ended_without_a_word_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    with pytest.raises(NodeUnreachable, match="nobody listens; start it"):
        ask(tmp_path / "control.sock", "status", {})


def test_a_node_that_is_silent_is_told_after_the_deadline(tmp_path: Path) -> None:
    def say_nothing(connection: socket.socket) -> None:
        while connection.recv(1000):
            pass

    with something_that(say_nothing, tmp_path / "control.sock") as path:
        with pytest.raises(NodeUnreachable, match=r"no answer within 0\.05 s; whether it did"):
            ask(path, "stop", {}, timeout=0.05)


def test_a_node_that_does_not_even_accept_is_told_after_the_deadline(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as hung, socket.socket(socket.AF_UNIX) as first:
        hung.bind(str(path))
        hung.listen(0)
        first.connect(str(path))
        with pytest.raises(NodeUnreachable, match=r"no answer within 0\.05 s"):
            ask(path, "status", {}, timeout=0.05)


def test_a_line_that_is_closed_without_an_answer_is_told(tmp_path: Path) -> None:
    for answer in (b"", b'{"done":'):
        path = tmp_path / f"{len(answer)}.sock"
        with something_that(lambda connection, answer=answer: connection.sendall(answer), path):  # type: ignore[misc]
            with pytest.raises(NodeUnreachable, match="without an answer"):
                ask(path, "status", {})


@pytest.mark.parametrize(
    "answer", [b"\n", b"hello\n", b"[]\n", b"{}\n", b'{"done":1}\n', b'{"error":1}\n', b"[" * 9999]
)
def test_something_else_behind_the_socket_is_not_taken_for_the_node(tmp_path: Path, answer: bytes) -> None:
    with something_that(lambda connection: connection.sendall(answer + b"\n"), tmp_path / "s") as path:
        with pytest.raises(NodeUnreachable, match="is not a node of this version"):
            ask(path, "status", {})


def test_an_answer_without_end_is_not_taken_in(tmp_path: Path) -> None:
    def endless(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            return

    with something_that(endless, tmp_path / "s") as path:
        with pytest.raises(NodeUnreachable, match="at most 4000000 bytes"):
            ask(path, "status", {})


def test_an_error_of_a_class_that_we_do_not_know_is_an_error_of_ours_all_the_same(tmp_path: Path) -> None:
    sent = b'{"error":"FromTheFuture","message":"x"}\n'
    with something_that(lambda connection: connection.sendall(sent), tmp_path / "s") as path:
        with pytest.raises(ChildError, match="FromTheFuture: x") as caught:
            ask(path, "status", {})
    assert isinstance(caught.value, OverlapseError)


def test_a_request_that_the_node_would_refuse_for_its_size_is_not_sent(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="at most 64000 bytes"):
        ask(tmp_path / "control.sock", "pause", {"reason": "x" * 64_000})


def test_asking_costs_nothing_that_it_does_not_use() -> None:
    heavy = ("dataclasses", "pathlib", "hashlib", "subprocess", "logging", "sqlite3", "core.control.verbs", "pydantic")
    code = f"import sys; before = set(sys.modules); import core.control.client; print([m for m in {heavy!r} "
    code += "if m in sys.modules and m not in before])"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_folder_of_a_long_path_is_let_go_of_again(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(20):
        with pytest.raises(NodeUnreachable):
            ask(tmp_path / ("x" * 150), "status", {})
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
