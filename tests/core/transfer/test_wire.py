"""The socket below an SSH connection."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator

import pytest

from core.transfer.pacing import way
from core.transfer.sftp.wire import UNSENT, Wire


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    near, far = socket.socketpair()
    with Wire(near) as wire, far:
        wire.settimeout(0.1)
        far.settimeout(30)
        yield wire, far


def is_silent(far: socket.socket) -> bool:
    return not select.select([far], [], [], 0)[0]


def test_what_comes_at_once_is_handed_out_as_it_is_asked_for(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    far.sendall(b"headbody")
    assert wire.recv(4) == b"head"
    far.close()
    assert wire.recv(10) == b"body"
    assert wire.recv(10) == b""


def test_what_a_thread_sends_together_leaves_at_the_end(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    with wire.together():
        assert wire.send(b"one") == 3
        wire.send(b"two")
        assert is_silent(far)
    assert far.recv(100) == b"onetwo"


def test_another_thread_waits_for_nobody_and_keeps_the_order(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    with wire.together():
        wire.send(b"mine")
        other = threading.Thread(target=wire.send, args=(b"yours",))
        other.start()
        other.join()
        assert far.recv(100) == b"mineyours"
        wire.send(b"again")
    assert far.recv(100) == b"again"


def test_more_than_the_kernel_takes_goes_as_there_is_room(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    sender = threading.Thread(target=wire.send, args=(bytes(4 << 20),))
    sender.start()
    left = 4 << 20
    while left:
        left -= len(far.recv(left))
    sender.join()


def test_a_broken_line_is_told_to_whoever_sends(ends: tuple[Wire, socket.socket]) -> None:
    wire, far = ends
    far.close()
    with pytest.raises(OSError), wire.together():
        wire.send(b"lost")


def test_on_loopback_nothing_waits_for_what_fills_its_segment(line: tuple[socket.socket, socket.socket]) -> None:
    near, far = line
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
    with Wire(near) as wire, far:
        with wire.together(more=True):
            wire.send(bytes(UNSENT // 2 + 1000))  # less than a segment there, and too much to wait in the kernel
        assert select.select([], [wire], [], 0)[1], "a held segment leaves no room for what fills it"


def test_what_comes_during_the_log_in_is_acknowledged_at_once(line: tuple[socket.socket, socket.socket]) -> None:
    near, far = line
    with Wire(near) as wire, far:
        for _ in range(50):  # talk to and fro, in which TCP has an acknowledgement wait for the next word
            wire.send(b"question")
            far.recv(100)
            far.send(b"answer")
            wire.recv(100)
        known = way(far)
        assert known is not None
        assert known.under_way == 0


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    near.settimeout(30)
    with near, far:
        yield near, far
