"""How much may be on its way over a link that is full."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from core.transfer.pacing import LEAST, QUEUE, ROUNDS, Pace, Way, way

SEGMENT, TRIP, RATE = 1448, 0.3, 120_000  # a link of 1 Mbit/s behind 3G
FULL = Way(SEGMENT, 0, 0.0, TRIP, RATE)
CARRIES = round(RATE * (TRIP + QUEUE))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def with_rate(rate: int, under_way: int = 0, varies: float = 0.0) -> Way:
    return Way(SEGMENT, under_way, varies, TRIP, rate)


def test_before_anything_arrived_tcp_alone_knows(clock: Clock) -> None:
    assert Pace(clock).room(with_rate(0)) is None


def test_as_long_as_more_on_its_way_brings_more_through_it_may_grow(clock: Clock) -> None:
    pace = Pace(clock)
    for rate in (20_000, 40_000, 80_000, RATE):
        assert pace.room(with_rate(rate, under_way=1_000_000)) is None
        clock.now += ROUNDS * TRIP * 0.9


def test_a_link_that_is_full_holds_what_it_carries_in_a_round_trip_and_a_short_queue(clock: Clock) -> None:
    pace = Pace(clock)
    assert pace.room(FULL) is None
    clock.now += 1.01 * ROUNDS * TRIP
    assert pace.room(FULL) == CARRIES
    assert pace.room(with_rate(RATE, under_way=CARRIES - 5000)) == 5000
    assert pace.room(with_rate(RATE, under_way=CARRIES + 5000)) == 0


def test_a_round_trip_that_varies_takes_more_to_fill(clock: Clock) -> None:
    pace = Pace(clock)
    pace.room(FULL)
    clock.now += 1.01 * ROUNDS * TRIP
    assert pace.room(with_rate(RATE, varies=0.2)) == round(RATE * (TRIP + QUEUE + 0.2))


def test_a_link_that_became_faster_may_be_tried_again(clock: Clock) -> None:
    pace = Pace(clock)
    pace.room(FULL)
    clock.now += 60
    assert pace.room(FULL) == CARRIES
    faster = round(RATE * (TRIP + QUEUE) / TRIP)  # what so much on its way brings through when the queue is gone
    assert pace.room(with_rate(faster, under_way=CARRIES)) is None


def test_a_few_segments_may_always_go(clock: Clock) -> None:
    pace = Pace(clock)
    pace.room(with_rate(1000))
    clock.now += 60
    assert pace.room(with_rate(1000)) == LEAST * SEGMENT


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as near:
        far, _ = listener.accept()
        with far:
            yield near, far


def test_the_kernel_tells_how_a_connection_does(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    near.sendall(bytes(1 << 20))
    assert len(far.recv(1 << 20, socket.MSG_WAITALL)) == 1 << 20
    found = way(near)
    assert found is not None
    assert found.segment > 500
    assert found.rate > 1_000_000
    assert 0 < found.shortest < 1
    assert 0 <= found.varies < 1


def test_a_loopback_is_never_held_up(ends: tuple[socket.socket, socket.socket]) -> None:
    near, _ = ends
    pace = Pace()
    for _ in range(20):
        assert pace.await_room(near, 65536) == 65536


def test_what_is_no_connection_is_not_held_up(ends: tuple[socket.socket, socket.socket]) -> None:
    near, _ = ends
    near.close()
    assert way(near) is None
    assert Pace().await_room(near, 1000) == 1000
