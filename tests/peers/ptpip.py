"""A camera on the network that speaks PTP/IP to the real libgphoto2, with faults on demand; its own process.

Its own process, because libgphoto2 holds Python's lock in some calls and would dead-lock a camera served by the same
interpreter. Stdlib only. Tests use `PtpipCamera`; `python ptpip.py` is the camera itself.

Datasets and packets: PIMA 15740:2000 (PTP) and CIPA DC-005 (PTP/IP).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK, GENERAL_ERROR, NOT_SUPPORTED, INVALID_HANDLE = 0x2001, 0x2002, 0x2005, 0x2009
STORE_FULL, ACCESS_DENIED, BUSY = 0x200C, 0x200F, 0x2019
OBJECT_ADDED, CAPTURE_COMPLETE = 0x4002, 0x400D
STORE, ROOT, DCIM, FOLDER = 0x00010001, 0xFFFFFFFF, 1, 2
BATTERY, COMPRESSION, F_NUMBER, FOCUS, EXPOSURE, CLOCK, ISO = 0x5001, 0x5004, 0x5007, 0x500A, 0x500D, 0x5011, 0x500F
U8, U16, U32, TEXT = 2, 4, 6, 0xFFFF
PACK = {U8: "<B", U16: "<H", U32: "<I"}

GREY = base64.b64decode(  # a whole JPEG, 8 x 8, grey
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgy"
    "PC4zNDL/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z"
)


@dataclass
class Faults:
    """What the camera does wrong; counts go down by one each time."""

    answers: list[int] = field(default_factory=list)  # responses to the next captures
    delay: float = 0.0  # seconds before the next capture is answered, once
    drop_capture: int = 0  # the link breaks when a capture is asked for
    lose_complete: int = 0  # captures that are never said to be complete
    cut_download: int = 0  # downloads that break after half of the bytes
    cut_name: str = ""  # only downloads of names that end so are cut
    lose_raw: int = 0  # shots that give no RAW
    hide_raw: int = 0  # shots whose RAW is on the card and is not told of
    stuck_settings: bool = False  # settings are accepted and not taken


@dataclass
class Body:
    """The camera's own state."""

    serial: str = "SIM-1"
    raw: bool = False
    battery: int = 80
    clock: float = 0.0  # seconds ahead of the host
    clock_stuck: float | None = None  # what the clock stays ahead by, whatever is written
    free: int = 4_000_000_000  # bytes
    pictures_free: int = 500
    raw_size: int = 30_000  # bytes
    picture: str | None = None  # a file that every JPEG begins with; default: a small grey one
    faults: Faults = field(default_factory=Faults)
    values: dict[int, int] = field(
        default_factory=lambda: {COMPRESSION: 1, F_NUMBER: 560, FOCUS: 2, EXPOSURE: 80, ISO: 100}
    )
    shots: int = 0
    captures_asked: int = 0


CHOICES: dict[int, tuple[int, list[int]]] = {
    F_NUMBER: (U16, [280, 400, 560, 800, 1100]),
    FOCUS: (U16, [1, 2]),
    EXPOSURE: (U32, [10, 80, 166, 10000]),
    ISO: (U16, [100, 200, 400, 800]),
    COMPRESSION: (U8, [1, 2, 3]),
}


@dataclass
class Stored:
    """A file on the camera's card."""

    name: str
    body: bytes
    at: float


def text(value: str) -> bytes:
    return bytes([len(value) + 1]) + (value + "\0").encode("utf-16-le") if value else b"\0"


def array(values: list[int], form: str = "H") -> bytes:
    return struct.pack(f"<I{len(values)}{form}", len(values), *values)


def stamp(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H%M%S", time.localtime(seconds))


class Link(Exception):
    """The link is to be broken."""


class Card:
    """The pictures on the camera."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.stored: dict[int, Stored] = {}
        self.next_handle = 16

    def add(self, name: str, content: bytes, age: float = 0.0) -> int:
        handle, self.next_handle = self.next_handle, self.next_handle + 1
        self.stored[handle] = Stored(name, content, time.time() + self.body.clock - age)
        return handle

    def shoot(self) -> list[int]:
        self.body.shots += 1
        stem = f"SIM_{self.body.shots:04d}"
        added = []
        if self.body.raw and not take(self.body.faults, "lose_raw"):
            added.append(self.add(stem + ".CR2", raw(self.body)))
        return [*added, self.add(stem + ".JPG", jpeg(self.body))]


def jpeg(body: Body) -> bytes:
    """Return a whole JPEG that differs from every other: its number is in a comment segment."""
    base = Path(body.picture).read_bytes() if body.picture else GREY
    comment = f"{body.serial} shot {body.shots}".encode()
    return base[:2] + struct.pack(">HH", 0xFFFE, len(comment) + 2) + comment + base[2:]


def raw(body: Body) -> bytes:
    head = b"II*\0\x10\0\0\0CR\x02\0" + f"{body.serial} raw {body.shots}".encode()
    return head + bytes(range(256)) * (max(0, body.raw_size - len(head)) // 256 + 1)


def take(faults: Faults, name: str) -> bool:
    left = int(getattr(faults, name))
    if left:
        setattr(faults, name, left - 1)
    return left > 0


class Protocol:
    """Answers PTP operations: each returns (response, parameters, data or None)."""

    def __init__(self, body: Body, card: Card, events: Callable[[int, int], None]) -> None:
        self.body, self.card, self.event = body, card, events
        self.operations: dict[int, Callable[[list[int], bytes], tuple[int, list[int], bytes | None]]] = {
            0x1001: self.device_info, 0x1002: self.fine, 0x1003: self.fine, 0x1004: self.stores,
            0x1005: self.store_info, 0x1006: self.count, 0x1007: self.handles, 0x1008: self.info, 0x1009: self.get,
            0x100B: self.delete, 0x100E: self.capture, 0x1014: self.describe, 0x1015: self.read, 0x1016: self.write,
        }  # fmt: skip

    def answer(self, code: int, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        operation = self.operations.get(code)
        return operation(params + [0] * 5, data) if operation else (NOT_SUPPORTED, [], None)

    def fine(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        return OK, [], None

    def device_info(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        properties = [BATTERY, CLOCK, *CHOICES]
        lists = (sorted(self.operations), [OBJECT_ADDED, CAPTURE_COMPLETE], properties, [0x3801], [0x3801, 0x3000])
        names = ("Overlapse tests", "PTP/IP simulator", "1.0", self.body.serial)
        head = struct.pack("<HIH", 100, 0, 100) + text("") + struct.pack("<H", 0)
        return OK, [], head + b"".join(array(one) for one in lists) + b"".join(text(one) for one in names)

    def stores(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        return OK, [], array([STORE], "I")

    def store_info(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        sizes = struct.pack("<HHHQQI", 3, 3, 0, 64_000_000_000, self.body.free, self.body.pictures_free)
        return OK, [], sizes + text("card") + text("SIM")

    def _below(self, parent: int) -> list[int]:
        if parent == ROOT:
            return [DCIM]
        return {DCIM: [FOLDER], FOLDER: list(self.card.stored), 0: [DCIM, FOLDER, *self.card.stored]}.get(parent, [])

    def count(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        return OK, [len(self._below(params[2]))], None

    def handles(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        return OK, [], array(self._below(params[2]), "I")

    def info(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        handle = params[0]
        if handle in (DCIM, FOLDER):
            return OK, [], self._object("DCIM" if handle == DCIM else "100SIM", 0x3001, 0, handle - 1, time.time())
        if handle not in self.card.stored:
            return INVALID_HANDLE, [], None
        one = self.card.stored[handle]
        kind = 0x3801 if one.name.endswith("JPG") else 0xB103
        return OK, [], self._object(one.name, kind, len(one.body), FOLDER, one.at)

    def _object(self, name: str, kind: int, size: int, parent: int, at: float) -> bytes:
        association = 1 if kind == 0x3001 else 0
        numbers = struct.pack("<IHHIHIIIIIIIHII", STORE, kind, 0, size, 0, 0, 0, 0, 8, 8, 24, parent, association, 0, 0)
        return numbers + text(name) + text(stamp(at)) + text(stamp(at)) + text("")

    def get(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        one = self.card.stored.get(params[0])
        return (OK, [], one.body) if one else (INVALID_HANDLE, [], None)

    def delete(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        return (OK if self.card.stored.pop(params[0], None) else INVALID_HANDLE), [], None

    def capture(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        faults = self.body.faults
        self.body.captures_asked += 1
        if take(faults, "drop_capture"):
            raise Link
        delay, faults.delay = faults.delay, 0.0
        time.sleep(delay)
        code = faults.answers.pop(0) if faults.answers else OK
        if code == OK:
            self._expose()
        return code, [], None

    def _expose(self) -> None:
        faults, added = self.body.faults, self.card.shoot()
        hidden = take(faults, "hide_raw")
        for handle in added:
            if not (hidden and self.card.stored[handle].name.endswith("CR2")):
                self.event(OBJECT_ADDED, handle)
        if not take(faults, "lose_complete"):
            self.event(CAPTURE_COMPLETE, 0)

    def _value(self, code: int) -> tuple[int, bytes] | None:
        if code == BATTERY:
            return U8, struct.pack("<B", self.body.battery)
        if code == CLOCK:
            ahead = self.body.clock if self.body.clock_stuck is None else self.body.clock_stuck
            return TEXT, text(stamp(time.time() + ahead))
        if code not in CHOICES:
            return None
        kind = CHOICES[code][0]
        return kind, struct.pack(PACK[kind], self.body.values[code])

    def describe(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        code = params[0]
        found = self._value(code)
        if found is None:
            return 0x200A, [], None
        kind, value = found
        described = struct.pack("<HHB", code, kind, 0 if code == BATTERY else 1) + value + value
        if code == BATTERY:
            return OK, [], described + b"\x01" + bytes([0, 100, 1])
        if code == CLOCK:
            return OK, [], described + b"\0"
        choices = CHOICES[code][1]
        listed = b"".join(struct.pack(PACK[kind], choice) for choice in choices)
        return OK, [], described + b"\x02" + struct.pack("<H", len(choices)) + listed

    def read(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        found = self._value(params[0])
        return (OK, [], found[1]) if found else (0x200A, [], None)

    def write(self, params: list[int], data: bytes) -> tuple[int, list[int], bytes | None]:
        code = params[0]
        if code == CLOCK:
            told = data[1:].decode("utf-16-le").rstrip("\0")[:15]
            self.body.clock = time.mktime(time.strptime(told, "%Y%m%dT%H%M%S")) - time.time()
        elif code in CHOICES and not self.body.faults.stuck_settings:
            self.body.values[code] = struct.unpack(PACK[CHOICES[code][0]], data)[0]
        return OK, [], None


class Server:
    """Carries PTP over two TCP connections: one for commands, one for events."""

    def __init__(self, body: Body, host: str) -> None:
        self.body = body
        self.lock = threading.Lock()
        self.listener = socket.create_server((host, 0))
        self.control = socket.create_server(("127.0.0.1", 0))
        self.event_line: socket.socket | None = None
        self.card = Card(body)
        self.protocol = Protocol(body, self.card, self.send_event)

    def run(self) -> None:
        threading.Thread(target=self.accept, args=(self.listener, self.greet), daemon=True).start()
        threading.Thread(target=self.accept, args=(self.control, self.obey), daemon=True).start()
        ports = {"port": self.listener.getsockname()[1], "control": self.control.getsockname()[1]}
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        sys.stdin.read()  # it ends with the test that started it

    def accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        while True:
            line, _ = listener.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.guard, args=(line, serve), daemon=True).start()

    def guard(self, line: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        with line, contextlib.suppress(OSError, EOFError):
            serve(line)

    def greet(self, line: socket.socket) -> None:
        kind, _ = receive(line)
        if kind == 1:
            send(line, 2, struct.pack("<I", 1) + bytes(16) + "sim\0".encode("utf-16-le") + struct.pack("<I", 0x10000))
            try:
                self.converse(line)
            except Link:
                self.hang_up()
        elif kind == 3:
            send(line, 4, b"")
            self.event_line = line
            with contextlib.suppress(EOFError):
                while True:
                    receive(line)

    def hang_up(self) -> None:
        if self.event_line is not None:
            with contextlib.suppress(OSError):
                self.event_line.shutdown(socket.SHUT_RDWR)

    def converse(self, line: socket.socket) -> None:
        while True:
            kind, payload = receive(line)
            if kind != 6:
                continue
            phase, code, transaction = struct.unpack_from("<IHI", payload)
            params = list(struct.unpack_from(f"<{(len(payload) - 10) // 4}I", payload, 10))
            data = receive_data(line) if phase == 2 else b""
            with self.lock:
                response, results, out = self.protocol.answer(code, params, data)
            if out is not None:
                self.send_data(line, transaction, out, cut=code == 0x1009 and self.is_cut(params[0]))
            send(line, 7, struct.pack(f"<HI{len(results)}I", response, transaction, *results))

    def is_cut(self, handle: int) -> bool:
        one, faults = self.card.stored.get(handle), self.body.faults
        return one is not None and one.name.endswith(faults.cut_name) and take(faults, "cut_download")

    def send_data(self, line: socket.socket, transaction: int, data: bytes, cut: bool) -> None:
        send(line, 9, struct.pack("<IQ", transaction, len(data)))
        body = struct.pack("<I", transaction) + data
        if cut:
            packet = struct.pack("<II", len(body) + 8, 12) + body
            line.sendall(packet[: len(packet) // 2])
            raise Link
        send(line, 12, body)

    def send_event(self, code: int, handle: int) -> None:
        if self.event_line is not None:
            send(self.event_line, 8, struct.pack("<HIIII", code, 0, handle, 0, 0))

    def obey(self, line: socket.socket) -> None:
        for request in line.makefile("rb"):
            with self.lock:
                answer = self.order(json.loads(request))
            line.sendall(json.dumps(answer).encode() + b"\n")

    def order(self, request: dict[str, Any]) -> dict[str, Any]:
        for name, value in request.get("body", {}).items():
            setattr(self.body, name, value)
        for name, value in request.get("faults", {}).items():
            setattr(self.body.faults, name, value)
        for name in request.get("add", []):
            self.card.add(name, jpeg(self.body) + name.encode(), float(request.get("age", 0)))
        return {
            "shots": self.body.shots, "asked": self.body.captures_asked, "clock": self.body.clock,
            "card": [one.name for one in self.card.stored.values()],
            "values": {f"{code:04x}": value for code, value in self.body.values.items()},
        }  # fmt: skip


def exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = line.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def receive(line: socket.socket) -> tuple[int, bytes]:
    length, kind = struct.unpack("<II", exactly(line, 8))
    return kind, exactly(line, length - 8)


def receive_data(line: socket.socket) -> bytes:
    data, kind = b"", 0
    while kind != 12:
        kind, payload = receive(line)
        data += payload[4:] if kind in (10, 12) else b""
    return data


def send(line: socket.socket, kind: int, payload: bytes) -> None:
    line.sendall(struct.pack("<II", len(payload) + 8, kind) + payload)


class PtpipCamera:
    """The test's handle on one such camera."""

    def __init__(self, host: str = "127.0.0.1", **body: Any) -> None:
        self.host = host
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__)), json.dumps(body), host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "TZ": "UTC"},
        )
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self.port: int = ports["port"]
        self._control = socket.create_connection(("127.0.0.1", ports["control"]))
        self._answers = self._control.makefile("rb")

    @property
    def address(self) -> str:
        """What `address` in site.toml says; commands and events share a port."""
        return f"{self.host}:{self.port}:{self.port}"

    def order(self, **request: Any) -> dict[str, Any]:
        self._control.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer

    def body(self, **changes: Any) -> None:
        """Change the camera itself: battery, clock, free, raw..."""
        self.order(body=changes)

    def fail(self, **faults: Any) -> None:
        """Have the camera do wrong what `Faults` names."""
        self.order(faults=faults)

    def add(self, *names: str, age: float = 0.0) -> None:
        """Put pictures on the card that nobody asked for, taken `age` seconds ago."""
        self.order(add=list(names), age=age)

    def state(self) -> dict[str, Any]:
        return self.order()

    def stop(self) -> None:
        self._answers.close()
        self._control.close()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def ptpip_camera(**body: Any) -> Iterator[PtpipCamera]:
    """Run a camera until the block ends."""
    camera = PtpipCamera(**body)
    try:
        yield camera
    finally:
        camera.stop()


if __name__ == "__main__":
    Server(Body(**json.loads(sys.argv[1])), sys.argv[2]).run()
