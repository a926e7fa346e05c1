"""What is asked before a file is sent."""

from __future__ import annotations

import contextlib
from typing import Any

from paramiko import Message, SFTPAttributes
from paramiko.sftp import CMD_EXTENDED, CMD_STAT

from core.transfer.sftp.requests import STATVFS, creation, free_in, size_in
from core.transfer.sftp.session import Session


class Beginning:
    """All that is asked before a file is sent, in one flight: no server must do it in this order, each answer counts.

    `look`: the final name, when it is to be known what has it; `root`: the folder whose room is asked for.
    """

    def __init__(self, session: Session, look: str | None, partial: str, resume: bytes | None, root: str | None):
        asked: dict[str, tuple[Any, ...]] = {"open": creation(partial, fresh=resume is None)}
        if look is not None:
            asked["found"] = (CMD_STAT, look)
        if resume is not None:
            asked["end"] = (CMD_STAT, partial)
        if root is not None and STATVFS in session.extensions:
            asked["free"] = (CMD_EXTENDED, STATVFS, root)
        self._flight, self._nth = session.flight(*asked.values()), {what: nth for nth, what in enumerate(asked)}

    def handle(self) -> bytes | None:
        """Return the handle of the partial, None when a folder above it is missing; raise what the server says."""
        answer = self._answer("open")
        return None if answer is None else answer.get_string()

    def found(self) -> SFTPAttributes | None:
        """Return what has the final name, None when nothing has or it was not asked."""
        answer = self._answer("found")
        return None if answer is None else SFTPAttributes._from_msg(answer)  # type: ignore[attr-defined]

    def end(self) -> int | None:
        """Return where the partial ends, None when that is not known."""
        answer = self._answer("end")
        return None if answer is None else size_in(answer)

    def free(self) -> int | None:
        """Return the bytes that fit, None when the server does not say."""
        answer = self._answer("free")
        return None if answer is None else free_in(answer)

    def _answer(self, what: str) -> Message | None:
        with contextlib.suppress(FileNotFoundError):
            return self._flight.answer(self._nth[what]) if what in self._nth else None
        return None
