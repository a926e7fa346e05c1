"""The pipeline of writes against a server that fails one of many."""

from __future__ import annotations

import pytest
from paramiko import Message
from paramiko.sftp import CMD_ATTRS, CMD_CLOSE, CMD_EXTENDED, CMD_FSTAT, CMD_STAT, CMD_STATUS, CMD_WRITE

from core.errors import DestinationFull, ObjectDiffers
from core.transfer.sftp.connection import Login
from core.transfer.sftp.destination import SftpDestination, SftpUpload
from core.transfer.sftp.session import BLOCK, FSYNC, LARGEST, POSIX_RENAME, WINDOW, Session, Writes

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
        replies._async_response(CMD_STATUS, answer, number)  # type: ignore[attr-defined]

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
        replies._async_response(answered, answer, number)  # type: ignore[attr-defined]

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
