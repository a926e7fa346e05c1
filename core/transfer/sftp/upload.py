"""A partial file on an SFTP server, beside the final place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from core.errors import DestinationError, DestinationFull, DestinationRefused
from core.text import safe
from core.transfer.base import StoredObject
from core.transfer.receipts import require_size
from core.transfer.sftp.faults import SPOKEN
from core.transfer.sftp.requests import POSIX_RENAME
from core.transfer.sftp.session import Session
from core.transfer.sftp.writes import Writes


class Asked(Protocol):
    """What an upload asks its destination."""

    def told(self, error: BaseException, what: str, session: Session) -> DestinationError:
        """Return the error of ours; whatever leaves the session in doubt also ends it."""
        ...

    def lacks(self, session: Session, wanted: int) -> bool:
        """Tell whether the server says that fewer than `wanted` bytes fit."""
        ...


class SftpUpload:
    """A partial file on the server, beside the final place."""

    def __init__(
        self,
        destination: Asked,
        session: Session,
        handle: bytes,
        name: str,
        path: str,
        partial: str,
        size: int,
    ) -> None:
        self.offset = 0
        self._destination, self._session, self._handle = destination, session, handle
        self._name, self._path, self._partial, self._size = name, path, partial, size
        self._writes = Writes(session, handle, 0)
        self._open = True

    def go_on(self, end: int | None) -> None:
        """Go on where the partial ends, at `end` if that is known; one that is too long is not ours and is emptied."""
        there = self._session.size(self._handle) if end is None else end
        if there > self._size:
            self._session.truncate(self._partial, 0)
            there = 0
        self.offset = there
        self._writes = Writes(self._session, self._handle, there)

    def write(self, data: bytes) -> None:
        """Send `data`; many writes are on their way at once, so that a failure may be that of an earlier one."""
        with self._speaking():
            self._writes.send(data)

    def resume_state(self) -> bytes:
        """Return the partial's name."""
        return self._partial.rpartition("/")[2].encode()

    def commit(self) -> StoredObject:
        """Have the server sync and close, hear every answer, compare the size, rename over what was there, look."""
        with self._speaking():
            self._writes.flush()
            self._open = False
            self._require_whole(self._writes.close())
            self._require_moved(self._rename())
        return StoredObject(self._name, self._size)

    def abandon(self) -> None:
        """Let what is on its way arrive, close the partial and leave it for a resume."""
        if self._open:
            self._open = False
            with contextlib.suppress(*SPOKEN):
                if self._session.alive:
                    with contextlib.suppress(*SPOKEN):
                        self._writes.drain()
                    self._session.forget(self._handle)

    def withdraw(self) -> None:
        """Close the partial, and take it away when there is nothing in it."""
        self.abandon()
        with contextlib.suppress(*SPOKEN):
            if not self._writes.end and self._session.alive:
                self._session.remove(self._partial)

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except SPOKEN as error:
            self._mend()
            raise self._told(error) from error

    def _told(self, error: Exception) -> DestinationError:
        """Return the error of ours; SFTP has no code for a full disk or quota, only "Failure"."""
        mine = self._destination.told(error, self._name, self._session)
        if type(mine) is DestinationRefused and (self._writes.failed or self._destination.lacks(self._session, 1)):
            return DestinationFull(f"{safe(self._name)}: the server has no room for it")
        return mine

    def _mend(self) -> None:
        """Cut the partial to what is whole: writes behind a failed one may have left a hole."""
        with contextlib.suppress(*SPOKEN):
            if self._writes.failed and self._session.alive:
                self._writes.settle()
                self._session.truncate(self._partial, self._writes.whole)

    def _require_whole(self, there: int) -> None:
        if there < self._size and self._destination.lacks(self._session, self._size - there):
            raise DestinationFull(f"{safe(self._name)}: {there} of {self._size} bytes there, and no room for more")
        require_size(self._name, there, self._size)

    def _rename(self) -> int:
        """Give it its final name; return the size of what has that name then."""
        if POSIX_RENAME not in self._session.extensions:
            with contextlib.suppress(FileNotFoundError):
                self._session.remove(self._path)
        return self._session.move(self._partial, self._path)

    def _require_moved(self, there: int) -> None:
        """Take away what is not what was sent, so that its name never stands for another content."""
        if there != self._size:
            with contextlib.suppress(FileNotFoundError):
                self._session.remove(self._path)
        require_size(self._name, there, self._size)
