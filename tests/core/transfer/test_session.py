"""The pipeline of writes against a server that fails one of many."""

from __future__ import annotations

import threading

import pytest
from paramiko import Message
from paramiko.sftp import (
    CMD_ATTRS,
    CMD_CLOSE,
    CMD_EXTENDED,
    CMD_FSTAT,
    CMD_INIT,
    CMD_OPEN,
    CMD_STAT,
    CMD_STATUS,
    CMD_VERSION,
    CMD_WRITE,
    SFTPError,
)

from core.errors import DestinationFull, ObjectDiffers
from core.transfer.sftp.beginning import Beginning
from core.transfer.sftp.connection import Login
from core.transfer.sftp.destination import SftpDestination
from core.transfer.sftp.requests import BLOCK, FSYNC, LARGEST, POSIX_RENAME, WINDOW
from core.transfer.sftp.session import Session
from core.transfer.sftp.upload import SftpUpload
from core.transfer.sftp.writes import Writes

OK, FAILURE = 0, 4


class QuietChannel:
    """A channel on which answers come only when somebody waits for them."""

    closed = False

    def recv_ready(self) -> bool:
        return False

    def get_transport(self) -> QuietChannel:
        return self

    def is_active(self) -> bool:
        return True


class ScriptedSession(Session):
    """Answers each write when asked, with a failure for the write at `fails`; remembers where the file was cut."""

    def __init__(self, fails: int | None) -> None:
        self.sock = QuietChannel()  # type: ignore[assignment]
        self._leaving, self._came = [], bytearray()
        self.extensions = frozenset()
        self.fails = fails
        self.unanswered: list[tuple[object, int, int]] = []
        self.most_in_flight = self.sent = 0
        self.cut_to: int | None = None

    def send(self, replies: object, kind: int, *args: object) -> int:
        self.sent += 1
        if kind == CMD_WRITE:
            position = args[1]
            assert isinstance(position, int)
            self.unanswered.append((replies, self.sent, OK if position != self.fails else FAILURE))
            self.most_in_flight = max(self.most_in_flight, len(self.unanswered))
        return self.sent

    def receive(self) -> None:
        replies, number, code = self.unanswered.pop()  # the newest first: the protocol promises no order
        answer = Message()
        answer.add_int(code)
        answer.add_string(b"Failure")
        answer.rewind()
        replies.hear(CMD_STATUS, answer, number)  # type: ignore[attr-defined]

    def truncate(self, path: bytes | str, size: int) -> None:
        self.cut_to = size


def test_no_more_than_a_window_of_writes_is_on_its_way() -> None:
    session = ScriptedSession(fails=None)
    writes = Writes(session, b"handle", 0)
    writes.send(bytes(BLOCK * WINDOW * 3))
    writes.drain()
    assert session.most_in_flight == WINDOW
    assert session.sent == WINDOW * 3
    assert writes.whole == writes.end == BLOCK * WINDOW * 3


@pytest.mark.parametrize("nth", [0, 3, 9])
def test_one_failed_write_among_good_ones_is_never_overlooked(nth: int) -> None:
    writes = Writes(ScriptedSession(fails=1000 + nth * BLOCK), b"handle", 1000)
    writes.send(bytes(BLOCK * 10))
    with pytest.raises(OSError, match="Failure"):
        writes.drain()
    assert writes.whole == 1000 + nth * BLOCK


def test_behind_a_failed_write_the_partial_is_cut_so_that_a_resume_meets_no_hole() -> None:
    session = ScriptedSession(fails=2 * BLOCK)
    destination = SftpDestination(Login("host", "user", "SHA256:"), "/srv")
    upload = SftpUpload(destination, session, b"handle", "a.jpg", "/srv/a.jpg", "/srv/.a.jpg.part", 10 * BLOCK)
    upload.write(bytes(10 * BLOCK))
    with pytest.raises(DestinationFull):
        upload.commit()
    assert session.cut_to == 2 * BLOCK


class ObedientSession(ScriptedSession):
    """Does all that it is asked; `sizes`: what it says of the open file, and of the name that it got."""

    def __init__(self, sizes: dict[int, int], takes: int = BLOCK) -> None:
        super().__init__(fails=None)
        self.extensions = frozenset({POSIX_RENAME, FSYNC})
        self.sizes, self._longest = sizes, takes
        self.asked: list[int] = []
        self.waits: list[int] = []  # how many had been asked whenever somebody waited
        self.removed: list[bytes | str] = []
        self._answers: list[tuple[object, int, int]] = []

    def send(self, replies: object, kind: int, *args: object) -> int:
        self.sent += 1
        self.asked.append(kind)
        self._answers.append((replies, kind, self.sent))
        return self.sent

    def receive(self) -> None:
        self.waits.append(len(self.asked))
        replies, kind, number = self._answers.pop(0)
        answer = Message()
        if kind in self.sizes:
            answer.add_int(1)  # SSH_FILEXFER_ATTR_SIZE
            answer.add_int64(self.sizes[kind])
        else:
            answer.add_int(OK)
        answer.rewind()
        answered = CMD_ATTRS if kind in self.sizes else CMD_STATUS
        replies.hear(answered, answer, number)  # type: ignore[attr-defined]

    def remove(self, path: bytes | str) -> None:
        self.removed.append(path)


def upload_on(session: Session, size: int) -> SftpUpload:
    destination = SftpDestination(Login("host", "user", "SHA256:"), "/srv")
    return SftpUpload(destination, session, b"handle", "a.jpg", "/srv/a.jpg", "/srv/.a.jpg.part", size)


def test_the_end_of_a_file_costs_two_round_trips() -> None:
    session = ObedientSession({CMD_FSTAT: 3 * BLOCK, CMD_STAT: 3 * BLOCK})
    upload = upload_on(session, 3 * BLOCK)
    upload.write(bytes(3 * BLOCK))
    upload.commit()
    assert session.asked[3:] == [CMD_EXTENDED, CMD_FSTAT, CMD_CLOSE, CMD_EXTENDED, CMD_STAT]
    assert set(session.waits) == {6, 8}, "all of the file and its end are on their way before the first wait"


def test_another_size_under_the_final_name_is_no_delivery_and_does_not_stay_there() -> None:
    session = ObedientSession({CMD_FSTAT: 1000, CMD_STAT: 999})
    upload = upload_on(session, 1000)
    upload.write(bytes(1000))
    with pytest.raises(ObjectDiffers, match="999 bytes there, 1000 sent"):
        upload.commit()
    assert session.removed == ["/srv/a.jpg"]


def test_much_at_once_goes_in_the_longest_writes_that_the_server_takes_and_little_in_short_ones() -> None:
    session = ObedientSession({}, takes=LARGEST)
    writes = Writes(session, b"handle", 0)
    writes.send(bytes(2 * LARGEST))
    assert session.sent == 2
    writes.send(bytes(2 * BLOCK))
    writes.drain()
    assert (session.sent, writes.end) == (4, 2 * LARGEST + 2 * BLOCK)


class Channel(QuietChannel):
    """A channel to a server that answers each request with "no such file", and counts what it is sent in."""

    remote_chanid = 0
    eof_received = False

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sent: list[bytes] = []
        self.answers = b""
        self.sock = None

    def _send_user_message(self, message: Message) -> None:
        self.answers = (5).to_bytes(4, "big") + bytes([CMD_VERSION]) + (3).to_bytes(4, "big")

    def get_name(self) -> str:
        return "0"

    def send_ready(self) -> bool:
        return True

    def send(self, data: memoryview) -> int:
        self.sent.append(bytes(data))
        for request in requests_in(bytes(data)):
            if request[0] != CMD_INIT:
                self.answers += (
                    (17).to_bytes(4, "big") + bytes([CMD_STATUS]) + request[1:5] + bytes([0, 0, 0, 2]) + bytes(8)
                )
        return len(data)

    def recv(self, size: int) -> bytes:
        answers, self.answers = self.answers[:3], self.answers[3:]  # in whatever pieces they come
        return answers


def requests_in(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


def test_what_a_file_begins_with_is_one_packet_and_one_round_trip() -> None:
    channel = Channel()
    session = Session(channel)  # type: ignore[arg-type]
    channel.sent.clear()
    begun = Beginning(session, "/srv/a.jpg", "/srv/.a.part", b"resume", None)
    assert (begun.handle(), begun.found(), begun.end(), begun.free()) == (None, None, None, None)
    assert [[request[0] for request in requests_in(sent)] for sent in channel.sent] == [[CMD_OPEN, CMD_STAT, CMD_STAT]]


def test_a_server_that_speaks_something_else_is_not_waited_for() -> None:
    channel = Channel()
    session = Session(channel)  # type: ignore[arg-type]
    channel.answers = b"HTTP/1.1 400 Bad Request"
    with pytest.raises(SFTPError):
        session.stat("/srv")
