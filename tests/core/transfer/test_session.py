"""The pipeline of writes against a server that fails one of many."""

from __future__ import annotations

import pytest
from paramiko import Message
from paramiko.sftp import CMD_STATUS, CMD_WRITE

from core.errors import DestinationFull
from core.transfer.sftp.connection import Login
from core.transfer.sftp.destination import SftpDestination, SftpUpload
from core.transfer.sftp.session import BLOCK, WINDOW, Session, Writes

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

    def resize(self, handle: bytes, size: int) -> None:
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
