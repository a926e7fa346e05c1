"""Where the bytes of one channel arrive."""

from __future__ import annotations

import threading

import pytest
from paramiko import Channel
from paramiko.buffered_pipe import PipeTimeout

from core.transfer.sftp.inlet import Inlet


def test_what_came_is_read_in_order_and_in_pieces() -> None:
    inlet = Inlet()
    assert not inlet.read_ready()
    inlet.feed(b"12345")
    inlet.feed(b"")
    inlet.feed(b"67")
    assert inlet.read_ready()
    assert [inlet.read(3), inlet.read(3), inlet.read(3)] == [b"123", b"45", b"67"]
    assert not inlet.read_ready()


def test_after_the_end_what_came_before_is_still_read_and_then_nothing_for_ever() -> None:
    inlet = Inlet()
    inlet.feed(b"last")
    inlet.close()
    inlet.close()
    assert [inlet.read(100) for _ in range(3)] == [b"last", b"", b""]
    assert inlet.read_ready()


def test_a_reader_waits_no_longer_than_it_says() -> None:
    with pytest.raises(PipeTimeout):
        Inlet().read(1, 0.01)


def test_a_reader_wakes_when_something_comes() -> None:
    inlet, found = Inlet(), []
    reader = threading.Thread(target=lambda: found.append(inlet.read(10, 30)))
    reader.start()
    inlet.feed(b"x")
    reader.join()
    assert found == [b"x"]


def test_a_channel_that_has_ended_already_is_not_waited_for() -> None:
    channel = Channel(0)
    channel.eof_received = True
    Inlet.of(channel)
    assert channel.in_buffer.read(1, 10) == b""
