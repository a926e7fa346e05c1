"""Hashes by the server's own sha256sum."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.transfer.sftp.hashing import Hashing

A, B = b"one picture", b"another picture"


class Shell:
    """A channel whose commands this machine runs, in a shell of the test's choice."""

    def __init__(self, *program: str) -> None:
        self.program, self.process = program, subprocess.Popen(["true"])

    def exec_command(self, command: str) -> None:
        self.process.wait()
        given = (*self.program, command)
        self.process = subprocess.Popen(given, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, bufsize=0)

    def sendall(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
        except BrokenPipeError:  # over SSH nobody notices
            self.process.wait()

    def recv(self, size: int) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.read(size)

    def shutdown_write(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def close(self) -> None:
        for end in (self.process.stdin, self.process.stdout):
            if end is not None:
                end.close()
        self.process.wait(10)


Opened = list[Shell]


@pytest.fixture
def made() -> Iterator[tuple[Callable[..., Hashing], Opened]]:
    opened: Opened = []
    with ExitStack() as held:

        def make(*program: str) -> Hashing:
            def channel() -> Shell:
                opened.append(Shell(*program))
                held.callback(opened[-1].close)
                return opened[-1]

            return Hashing(channel)  # type: ignore[arg-type]

        yield make, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "it's a $(folder)"
    place.mkdir()
    (place / "a.jpg").write_bytes(A)
    (place / " b'$x.jpg").write_bytes(B)
    return place


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_one_shell_hashes_one_file_after_the_other(
    made: tuple[Callable[..., Hashing], Opened], folder: Path, shell: str
) -> None:
    make, opened = made
    hashing = make(shell, "-c")
    found = [hashing.of(str(folder), name) for name in ("a.jpg", " b'$x.jpg", "missing.jpg", "a.jpg")]
    assert found == [sha256(A), sha256(B), None, sha256(A)]
    assert len(opened) == 1


def test_what_a_shell_says_beside_is_never_taken_for_an_answer(
    made: tuple[Callable[..., Hashing], Opened], folder: Path
) -> None:
    make, opened = made
    greeting = f'echo Welcome; echo "2 {"0" * 63}"; eval "$0"'
    hashing = make("bash", "-c", greeting)
    assert [hashing.of(str(folder), "a.jpg"), hashing.of(str(folder), " b'$x.jpg")] == [sha256(A), sha256(B)]
    (folder / "a.jpg").write_bytes(B)
    assert hashing.of(str(folder), "a.jpg") == sha256(B), "an answer to a question of before"
    assert len(opened) == 1


def test_a_shell_that_knows_no_loop_is_asked_file_by_file(
    made: tuple[Callable[..., Hashing], Opened], folder: Path
) -> None:
    make, opened = made
    hashing = make("bash", "-c", 'case "$0" in sha256sum*) eval "$0" ;; *) echo "Missing name."; exit 1 ;; esac')
    assert [hashing.of(str(folder), "a.jpg") for _ in range(3)] == [sha256(A)] * 3
    assert len(opened) == 1 + 3, "the loop is tried once"


def test_a_name_with_a_line_break_is_asked_by_itself(made: tuple[Callable[..., Hashing], Opened], folder: Path) -> None:
    make, opened = made
    (folder / "a\nb.jpg").write_bytes(B)
    assert make("sh", "-c").of(str(folder), "a\nb.jpg") == sha256(B)
    assert len(opened) == 1


def test_a_folder_that_is_gone_has_no_hashes(made: tuple[Callable[..., Hashing], Opened], tmp_path: Path) -> None:
    make, _ = made
    assert make("sh", "-c").of(str(tmp_path / "gone"), "a.jpg") is None


def test_whether_there_is_sha256sum_is_asked_of_nothing(made: tuple[Callable[..., Hashing], Opened]) -> None:
    make, _ = made
    assert make("sh", "-c").possible() is True
    assert make("sh", "-c", "exit 127").possible() is False
