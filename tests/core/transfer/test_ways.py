"""What connections tell of the way that they go: the round trip, and what had to be sent again."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest
import requests
from peers.thinlink import FAR, Link, inside, missing

from core.transfer.pacing import way
from core.transfer.quality import ENOUGH, KEPT, MOST, Quality
from core.transfer.s3 import line as s3
from core.transfer.sftp.wire import Wire
from core.transfer.ways import HERE, Ways
from core.transfer.web import line as web
from core.transfer.web.tls import Tls

NOW = 1_795_262_400.0
HOST = "127.0.0.1"
SENT = 100_000  # bytes: fewer than the kernel keeps for a server that has not accepted yet


def told(trip: float, sent: int, again: int = 0) -> dict[str, float]:
    return {"trip": trip, "sent": sent, "again": again}


def test_nothing_is_told_of_a_link_that_nothing_went_over() -> None:
    quality = Quality()
    quality.passed(None, NOW)
    assert quality.row(NOW) is None


def test_the_round_trip_is_the_median_and_loss_the_share_of_all_that_was_sent() -> None:
    quality = Quality()
    for n, one in enumerate((told(0.3, 900, 9), told(0.4, 90, 41), told(9.0, 10, 0))):
        quality.passed(one, NOW + n)
    assert quality.row(NOW + 60) == {"trip": 0.4, "loss": 5.0}


def test_of_few_segments_no_loss_is_told() -> None:
    quality = Quality()
    quality.passed(told(0.3, ENOUGH - 1, 50), NOW)
    assert quality.row(NOW) == {"trip": 0.3}


@pytest.mark.parametrize("later", [KEPT, -1.0], ids=["an-hour-later", "with-a-clock-that-went-back"])
def test_what_is_old_does_not_count_any_more(later: float) -> None:
    quality = Quality()
    quality.passed(told(0.3, 900), NOW)
    assert quality.row(NOW + later) is None


def test_no_more_is_kept_than_is_of_use() -> None:
    quality = Quality()
    for n in range(2 * MOST):
        quality.passed(told(n, 1), NOW)
    assert quality.row(NOW) == {"trip": 1.5 * MOST - 0.5, "loss": 0.0}


def test_what_is_no_connection_any_more_counts_nothing() -> None:
    here, (one, other) = Ways(), socket.socketpair()
    for line in (one, other):
        here.join(line)
        line.close()
    here.leave(one)
    here.leave(one)
    assert here.passed() is None


def over_sftp(port: int, data: bytes) -> Callable[[], None]:
    wire = Wire(socket.create_connection((HOST, port)))
    wire.send(data)
    return wire.close


def over_the_web(port: int, data: bytes) -> Callable[[], None]:
    line = web.Line(web.Patience(), Tls(None))
    exchange = line.begin(requests.Request("PUT", f"http://{HOST}:{port}/a.jpg").prepare())
    exchange.write(data)
    return exchange.drop


def over_s3(port: int, data: bytes) -> Callable[[], None]:
    line = s3.Line(s3.Endpoint(HOST, port, secure=False), s3.Patience())
    line.send(data)
    return line.close


@pytest.mark.parametrize("cut", [False, True], ids=["that-is-whole", "that-was-cut"])
@pytest.mark.parametrize("begin", [over_sftp, over_the_web, over_s3])
def test_what_went_over_a_connection_counts_when_it_is_closed(
    begin: Callable[[int, bytes], Callable[[], None]], cut: bool
) -> None:
    HERE.passed()
    with socket.create_server((HOST, 0)) as server:
        end = begin(server.getsockname()[1], bytes(SENT))
        with server.accept()[0] as line:
            came = 0
            while came < SENT:
                came += len(line.recv(1 << 16))
            if cut:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                line.close()
            end()
    passed = HERE.passed()
    assert passed is not None
    assert passed["sent"] > 0


@pytest.mark.peer
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_the_round_trip_and_the_loss_of_a_link_are_told_once() -> None:
    """Over a link of 60 ms that loses each 20th packet; the round trip is longer with a queue, never shorter."""
    size = 400_000
    with Link(up=None, down=None, round_trip=0.06, loses=20) as link:
        with inside(link.far):
            server = socket.create_server((FAR, 0))
        thread = threading.Thread(target=_take, args=(server, size), daemon=True)
        thread.start()
        with inside(link.near):
            line = socket.create_connection(server.getsockname(), timeout=60)
        here = Ways()
        here.join(line)
        with server, line:
            line.sendall(bytes(size))
            assert line.recv(1) == b"!"
            known, passed = way(line), here.passed()
            assert here.passed() is None
        thread.join(60)
    assert known is not None
    assert passed is not None
    assert passed["trip"] >= 0.06
    assert passed["sent"] >= size / known.segment
    assert 0.02 < passed["again"] / passed["sent"] < 0.3


def _take(server: socket.socket, size: int) -> None:
    with server.accept()[0] as line:
        while size > 0:
            size -= len(line.recv(1 << 16))
        line.sendall(b"!")
        line.recv(1)  # until the other end is done with it
