"""A link to measure on: two network namespaces, rates by tbf, delay and cuts by a relay between two TUN devices.

TCP on both ends sees the delay as it would see that of a wire: the relay moves IP packets, unchanged and in order, from
the one device to the other after half a round trip. Needs root and /dev/net/tun. Nothing outlives the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

NEAR, FAR = "10.99.0.1", "10.99.0.2"
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
QUEUE = 64 << 10  # bytes that wait before the thin end
GREETING = 8_000  # bytes that a log-in takes at most: what comes after them is data
_LIBC = ctypes.CDLL(None, use_errno=True)


def missing() -> str | None:
    """Return why there can be no such link here, None when there can."""
    if os.geteuid() != 0:
        return "namespaces and TUN devices need root"
    if shutil.which("tc") is None:
        return "no tc: apt-get install iproute2"
    return None if os.access("/dev/net/tun", os.R_OK | os.W_OK) else "no /dev/net/tun"


def new_namespace() -> int:
    """Return a descriptor of a new network namespace, which lives as long as something uses it."""
    found: list[int] = []

    def make() -> None:
        if _LIBC.unshare(CLONE_NEWNET) == 0:
            found.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not found:
        raise OSError("no new network namespace")
    return found[0]


@contextlib.contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Be in a namespace: sockets, processes and threads that are made in it stay there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.setns(namespace, CLONE_NEWNET) != 0:
            raise OSError("cannot enter the network namespace")
        yield
    finally:
        _LIBC.setns(home, CLONE_NEWNET)
        os.close(home)


def ip(*words: str) -> str:
    """Run ip(8) where we are."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@dataclass
class Link:
    """`up`, `down`: bits a second, None: as fast as it goes; `round_trip`: seconds; `loses`: one in so many upward."""

    up: int | None = 1_000_000
    down: int | None = 3_000_000
    round_trip: float = 0.3
    loses: int | None = None
    works: bool = True
    near: int = field(default_factory=new_namespace)
    far: int = field(default_factory=new_namespace)
    _ends: list[int] = field(default_factory=list)
    _ports: set[int] = field(default_factory=set)  # of our end, of all connections so far
    _dead: set[int] = field(default_factory=set)  # those of them that another address cut off
    _over: bool = False
    _count: int = 0  # packets that went up
    aired: int = 0  # bytes that went up while it worked: what its queue held at a cut never did, and is counted as sent
    _greeted: int = 0  # bytes that have gone up since it was mended, headers not counted
    flowing_at: float | None = None  # monotonic: when more went up after it was mended than a log-in takes

    def __enter__(self) -> Link:
        for namespace, own, other, rate in ((self.near, NEAR, FAR, self.up), (self.far, FAR, NEAR, self.down)):
            with inside(namespace):
                self._ends.append(_tun(own, other, rate))
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()
        for one in (*self._ends, self.near, self.far):
            os.close(one)

    def counted(self) -> tuple[int, int]:
        """Return the bytes that our interface has sent and received, IP headers included."""
        with inside(self.near):
            found = json.loads(ip("-s", "-j", "link", "show", "dev", "wwan0"))[0]["stats64"]
        return found["tx"]["bytes"], found["rx"]["bytes"]

    def cut(self) -> None:
        """Let nothing through, and lose what is on its way."""
        self.works = False

    def mend(self, new_address: bool = False) -> None:
        """Let all through again; with a new address what was connected before is dead, and nobody says so."""
        if new_address:
            self._dead |= self._ports
        self._greeted, self.flowing_at = 0, None
        self.works = True

    def _relay(self) -> None:
        near, far = self._ends
        on_the_way: dict[int, deque[tuple[float, bytes]]] = {near: deque(), far: deque()}
        while not self._over:
            now = time.monotonic()
            for end, packets in on_the_way.items():
                while packets and packets[0][0] <= now:
                    _, packet = packets.popleft()
                    with contextlib.suppress(OSError):
                        os.write(end, packet)
            due = min((packets[0][0] for packets in on_the_way.values() if packets), default=now + 0.05)
            ready, _, _ = select.select([near, far], [], [], max(0.0, min(0.05, due - now)))
            for end in ready:
                packet = os.read(end, 65535)
                if not self.works:
                    on_the_way[near].clear()
                    on_the_way[far].clear()
                    continue
                self.aired += len(packet) if end == near else 0
                self._count += end == near
                if end == near and self.loses and self._count % self.loses == 0:
                    continue
                if self._passes(packet, from_near=end == near):
                    on_the_way[far if end == near else near].append((time.monotonic() + self.round_trip / 2, packet))

    def _passes(self, packet: bytes, from_near: bool) -> bool:
        """Tell whether a packet belongs to a connection that lives; IPv4 with TCP is all that goes here."""
        if packet[0] >> 4 != 4 or packet[9] != 6:
            return False
        begin = (packet[0] & 15) * 4
        source, target = struct.unpack_from(">HH", packet, begin)
        port = source if from_near else target
        self._ports.add(port)
        if from_near and port not in self._dead:
            self._greeted += len(packet) - begin - (packet[begin + 12] >> 4) * 4
            if self._greeted > GREETING and self.flowing_at is None:
                self.flowing_at = time.monotonic()
        return port not in self._dead


def _tun(own: str, other: str, rate: int | None) -> int:
    """Make a device in the namespace where we are, with its end here; return the other end."""
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", b"wwan0", IFF_TUN | IFF_NO_PI))
    ip("link", "set", "lo", "up")
    ip("addr", "add", own, "peer", other, "dev", "wwan0")
    ip("link", "set", "wwan0", "mtu", "1500", "up")
    if rate is not None:
        words = ["tc", "qdisc", "add", "dev", "wwan0", "root", "tbf", "rate", f"{rate}bit"]
        subprocess.run([*words, "burst", "5000", "limit", str(QUEUE)], check=True)
    return end
