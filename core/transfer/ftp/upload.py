"""One object on its way: STOR into a partial file beside the final place, then a rename."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.errors import DestinationError, DestinationFull, DestinationUnreachable, ObjectDiffers
from core.text import safe
from core.transfer.base import StoredObject
from core.transfer.ftp.channel import PIECE
from core.transfer.ftp.faults import SPOKEN, Reply, refusal, told
from core.transfer.ftp.session import Session, size_in, size_or_none
from core.transfer.names import partial_of, parts_of
from core.transfer.receipts import require_size

_ENDED: tuple[type[Exception], ...] = (*SPOKEN, DestinationError)
_STORED = (226, 250)


class Held(Exception):
    """The server does not go on with this partial: most likely a session that was cut still has it locked."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object goes. `partials`: names for its unfinished part, to move on when one is held by a lock."""

    name: str
    path: str
    size: int  # bytes
    partials: tuple[str, ...]

    @classmethod
    def of(cls, name: str, root: str, size: int, sha256: str) -> Place:
        """Return the place of an object below `root`; each partial carries another part of the content's hash."""
        *_, base = parts_of(name)
        path = f"{root}/{name}"
        folder = path[: -len(base)]
        return cls(name, path, size, tuple(folder + partial_of(base, sha256[n : n + 16]) for n in (0, 16, 32, 48)))

    @property
    def folder(self) -> str:
        """The folder that it goes to."""
        return self.path.rpartition("/")[0]

    def numbered(self, resume: bytes | None) -> int:
        """Return the number of the partial that an earlier attempt left; the first when it is none of ours."""
        names = [partial.rpartition("/")[2].encode() for partial in self.partials]
        return names.index(resume) if resume in names else 0


class Storing:
    """One STOR on its way. What fails here leaves the session without use."""

    def __init__(self, session: Session, partial: str, offset: int, name: str) -> None:
        self._session, self._name = session, name
        self._folder = partial.rpartition("/")[0]
        self._unread = 0  # answers before the one that says that the file is whole
        if offset:
            self._go_on(partial, offset)
        else:
            self._begin(partial)

    def send(self, data: bytes) -> None:
        """Append `data`; raise one of SPOKEN, or DestinationError when the server says why."""
        try:
            for start in range(0, len(data), PIECE):
                self._listen()
                self._channel.send(data[start : start + PIECE])
        except SPOKEN as error:
            raise self._reason(error) from error

    def finish(self, *commands: str) -> list[Reply]:
        """End the file; return the server's word on it and the answers to `commands`, which travel with the end."""
        self._channel.end()
        control = self._session.control
        control.post(*commands)
        while self._unread:
            refused = self._hear()
            if refused is not None:
                for _ in commands:
                    control.answer()
                raise self._refused(refused)
        return [control.answer(self._session.patience.stored), *(control.answer() for _ in commands)]

    def _listen(self) -> None:
        """Take what the server says while it takes the file; vsftpd refuses one and leaves its data connection open."""
        control = self._session.control
        self._channel.await_room(control.sock)
        while control.speaks:
            refused = self._hear()
            if refused is not None:
                raise self._refused(refused)
            self._channel.await_room(control.sock)

    def _hear(self) -> Reply | None:
        """Read one answer; return it when it ends the file."""
        reply = self._session.control.answer()
        if not self._unread:
            return reply
        self._unread -= 1
        return reply if not self._unread and not reply.begun else None

    def _begin(self, partial: str) -> None:
        """Begin an empty file and send without waiting for the word to begin.

        A new file has a lock of its own: what a session that was cut still holds is unlinked first.
        """
        self._channel = self._session.start(f"DELE {partial}", f"STOR {partial}")
        self._unread = 2
        try:
            self._session.protect(self._channel, self._session.patience.begin)
        except SPOKEN as error:
            raise self._reason(error) from error

    def _go_on(self, partial: str, offset: int) -> None:
        """Go on at `offset` once the server says that it does; raise Held when it does not."""
        self._channel = self._session.start(f"REST {offset}", f"STOR {partial}")
        control = self._session.control
        try:
            restarted = control.answer()
            begun = control.answer(self._session.patience.begin)
        except TimeoutError as error:
            self._end()
            raise Held from error
        if restarted.code != 350 and begun.begun:  # it begins at the first byte with what comes now
            self._end()
            raise Held
        if not begun.begun:
            self._channel.close()
            raise Held
        self._session.protect(self._channel)

    def _reason(self, error: Exception) -> Exception:
        """Return the server's word on why it ended the data connection, `error` itself when it says none."""
        found = error
        if not isinstance(error, TimeoutError):
            with contextlib.suppress(*SPOKEN):
                while (refused := self._hear()) is None:
                    pass
                found = self._refused(refused)
        self._end()
        return found

    def _refused(self, reply: Reply) -> DestinationError:
        """Return the error for a STOR that was not begun: a folder that we knew may be gone, and is made again."""
        if reply.code in (550, 553) and not self._session.ask(f"CWD {self._folder or '/'}")[0].done:
            return DestinationUnreachable(f"{safe(self._name)}: its folder was taken away on the server")
        return refusal(reply, self._name, storing=True)

    def _end(self) -> None:
        self._session.close()


class FtpUpload:
    """A partial file on the server, beside the final place. It has its session for itself until it ends."""

    def __init__(
        self,
        session: Session,
        place: Place,
        number: int,
        offset: int,
        resumed: bool,
        release: Callable[[FtpUpload, Session], None],
    ) -> None:
        self.offset = offset
        self.replaced_at_once = True
        self._session, self._place, self._number, self._release = session, place, number, release
        self._others = [p for p in place.partials if p != place.partials[number]] if resumed else []
        whole = 0 < place.size == offset
        self._storing = None if whole else Storing(session, self._partial, offset, place.name)
        self._open = True

    @property
    def _partial(self) -> str:
        return self._place.partials[self._number]

    def write(self, data: bytes) -> None:
        """Send `data`."""
        if not data:
            return
        with self._speaking():
            if self._storing is None:
                raise ObjectDiffers(f"{safe(self._place.name)}: more is sent than it has bytes")
            self._storing.send(data)

    def resume_state(self) -> bytes:
        """Return the partial's name."""
        return self._partial.rpartition("/")[2].encode()

    def commit(self) -> StoredObject:
        """Wait for the word that all is stored, compare the size, rename over what was there."""
        with self._speaking():
            there = self._stored()
            require_size(self._place.name, there, self._place.size)
            self._rename()
        self._leave()
        return StoredObject(self._place.name, self._place.size)

    def abandon(self) -> None:
        """Let what is on its way arrive and leave the partial for a resume."""
        if not self._open:
            return
        storing, self._storing = self._storing, None
        try:
            if storing is not None and self._session.open:
                storing.finish()
        except _ENDED:
            self._session.close()
        self._leave()

    def _leave(self) -> None:
        if self._open:
            self._open = False
            self._release(self, self._session)

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except SPOKEN as error:
            self._break()
            raise told(error, self._place.name) from error
        except BaseException:
            self._break()
            raise

    def _break(self) -> None:
        """End the session: what it would say next is in doubt."""
        self._session.close()
        self._leave()

    def _stored(self) -> int:
        """Return the size of the partial once the server says that it is stored."""
        asking = f"SIZE {self._partial}"
        storing, self._storing = self._storing, None
        if storing is None:
            return self._size(*self._session.ask(asking))
        stored, size = storing.finish(asking)
        if stored.code == 213 or size.code in _STORED:  # ProFTPD hears, and answers, while it is still storing
            stored, (size,) = size, self._session.ask(asking)
        if not stored.done:
            raise refusal(stored, self._place.name, storing=True)
        return self._size(size)

    def _size(self, reply: Reply) -> int:
        there = size_or_none(reply, self._place.name)
        if there is None:
            raise ObjectDiffers(f"{safe(self._place.name)}: the server took the file and has none")
        return there

    def _rename(self) -> None:
        """Give it its final name, in place of what was there; partials of earlier attempts go."""
        begin, end = f"RNFR {self._partial}", f"RNTO {self._place.path}"
        tidy = [f"DELE {partial}" for partial in self._others]
        ready, renamed, *_ = self._session.ask(begin, end, *tidy)
        if renamed.done:
            return
        if ready.code == 350 and renamed.code >= 500 and self._stands():  # a server that never renames over a file
            self.replaced_at_once = False
            _, ready, renamed = self._session.ask(f"DELE {self._place.path}", begin, end)
        if not renamed.done:
            raise refusal(renamed if ready.code == 350 else ready, self._place.name)

    def _stands(self) -> bool:
        return size_or_none(self._session.ask(f"SIZE {self._place.path}")[0], self._place.name) is not None


def room_for(session: Session, place: Place, root: str, wanted: int) -> None:
    """Raise DestinationFull when the server says that `wanted` bytes do not fit; most servers do not say."""
    if session.can("AVBL"):
        free = session.ask(f"AVBL {root or '/'}")[0]
        if free.code == 213 and size_in(free, place.name) < wanted:
            raise DestinationFull(f"{safe(place.name)}: {wanted} bytes to send, {size_in(free, place.name)} free")
    elif session.allocates:
        reply = session.ask(f"ALLO {wanted}")[0]
        session.allocates = reply.code == 200  # 202: it does not look
        if reply.code in (452, 552):
            raise DestinationFull(f"{safe(place.name)}: {wanted} bytes to send: {safe(reply.text)}")


def held(place: Place, offset: int) -> ObjectDiffers:
    """Return the error that lets this object wait and the others go on."""
    return ObjectDiffers(
        f"{safe(place.name)}: the server keeps its first {offset} bytes locked for the session that was cut, "
        "and lets go after its data_connection_timeout"
    )


def none_free(place: Place) -> DestinationUnreachable:
    """Return the error for an object all of whose partials are held."""
    return DestinationUnreachable(f"{safe(place.name)}: the server holds each of its unfinished files locked")
