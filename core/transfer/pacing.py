"""How much goes into a link at once: enough to fill it, and no long queue before it.

What waits before a thin link is lost when the link is cut: sent, paid for, and to be sent again; and whatever is
urgent waits behind it. TCP fills every queue that there is. So once more bytes on their way bring no more through,
there are as many of them as the link carries in its shortest round trip and QUEUE.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

QUEUE = 0.1  # seconds of sending that may wait before the link, beside what the round trip varies by anyway
LEAST = 8  # segments that may always be on their way
PIECE = 2  # segments that go at once, at least
GROWTH = 1.25  # a rate that grew by so much within ROUNDS is still growing: then TCP alone knows how much may go
ROUNDS = 3  # shortest round trips
LOOK = 0.05  # seconds between two looks, at most
_ESTABLISHED = 1  # of the enum in linux/tcp_states.h
_INFO = struct.Struct("=B15xI4xI40xII24xI32xI4xII4xIQ")
"""Of struct tcp_info in linux/tcp.h: state, snd_mss, unacked, rtt, rttvar, total_retrans, segs_out, notsent_bytes,
min_rtt, data_segs_out, delivery_rate."""


@dataclass(frozen=True, slots=True)
class Way:
    """What the kernel knows of a connection: bytes, seconds, bytes a second (0: not known)."""

    segment: int
    under_way: int  # sent and not acknowledged, or to be sent as soon as TCP may
    varies: float  # the round trip does
    shortest: float  # round trip
    rate: int  # that arrived, when there was enough to send
    trip: float = 0.0  # the round trip now, smoothed
    sent: int = 0  # segments that carried something
    again: int = 0  # of them, those that were sent again

    @property
    def most(self) -> int:
        """How many bytes may be on their way."""
        return max(round(self.rate * (self.shortest + QUEUE + self.varies)), LEAST * self.segment)


def way(line: socket.socket, ended: bool = False) -> Way | None:
    """Return what is known of `line`, None when it is no TCP connection that stands; `ended`: or that stood."""
    try:
        info = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    except OSError:
        return None
    if len(info) < _INFO.size:  # an old kernel
        return None
    state, segment, unacknowledged, trip, varies, again, _, unsent, shortest, sent, rate = _INFO.unpack(info)
    if state != _ESTABLISHED and not ended:
        return None
    under_way = unacknowledged * segment + unsent
    return Way(segment, under_way, varies / 1e6, shortest / 1e6, rate, trip / 1e6, sent, again)


class Pace:
    """The pace of one connection."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._rate = 0  # bytes a second, when it had last grown
        self._grew_at = 0.0

    def room(self, way: Way) -> int | None:
        """Return how many bytes may go now, None: as many as like."""
        now = self._monotonic()
        if way.rate > self._rate * GROWTH:
            self._rate, self._grew_at = way.rate, now
        if not way.rate or now - self._grew_at < ROUNDS * way.shortest:
            return None
        return max(0, way.most - way.under_way)

    def await_room(self, line: socket.socket, wanted: int) -> int:
        """Wait until some of the `wanted` bytes may go into `line`; return how many."""
        while (known := way(line)) is not None and (free := self.room(known)) is not None:
            if free >= min(wanted, PIECE * known.segment):
                return min(wanted, free - free % known.segment or free)
            time.sleep(min(LOOK, PIECE * known.segment / known.rate))
        return wanted
