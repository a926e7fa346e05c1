"""Objects as files below one folder of an FTP server."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from core.clock import Clock, SystemClock
from core.errors import DestinationRefused, ObjectDiffers
from core.site.model import places
from core.text import safe
from core.transfer.base import Features, Level, Progress, StoredObject, judged, silent
from core.transfer.ftp.control import Patience
from core.transfer.ftp.faults import SPOKEN, Reply, refusal, told
from core.transfer.ftp.listing import tree
from core.transfer.ftp.session import Login, Session, no_root, size_in, size_or_none
from core.transfer.ftp.upload import FtpUpload, Held, Place, held, none_free, room_for
from core.transfer.names import is_partial, parts_of
from core.transfer.receipts import require_content, require_size
from core.transfer.registry import Address

LARGE = 1 << 20  # bytes; from here on the room is asked for before anything is sent
WORTH_WAITING = 1 << 20  # bytes of a locked partial; fewer are sent again under another name at once
_TIME = re.compile(r"\s*(\d{14})")


class FtpDestination:
    """One log-in that is kept between files; after a failure the next call makes a new one.

    The folder itself must exist on the server: a volume that is not mounted there must not fill its root disk.
    """

    scheme: ClassVar[str] = "ftp"

    def __init__(self, login: Login, root: str, patience: Patience | None = None, clock: Clock | None = None) -> None:
        self.features = Features()
        self._login = login
        self._root = ("/" + root.strip("/")).rstrip("/")
        self._patience = patience or Patience()
        self._clock = clock or SystemClock()
        self._idle: Session | None = None
        self._sessions: set[Session] = set()

    @classmethod
    def configured(
        cls, destination: places.Destination, address: Address, secrets: Mapping[str, str]
    ) -> FtpDestination:
        """Return the destination that site.toml describes; raise DestinationRefused without user or password."""
        if address.host is None or address.user is None or "password" not in secrets:
            raise DestinationRefused("an FTP destination needs a user and a password_file")
        tls = address.scheme == "ftps"
        login = Login(address.host, address.user, secrets["password"], address.port or 21, tls, destination.ca_file)
        return (FtpsDestination if tls else FtpDestination)(login, address.path)

    def lane(self) -> FtpDestination:
        return type(self)(self._login, self._root, self._patience, self._clock)

    def connect(self) -> None:
        """Connect if that is not done and learn what the server can; every other call does so by itself."""
        self._give(self._take())

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> FtpUpload:
        """Begin the partial beside the final place; with a `resume` go on where it ends.

        A partial that the server does not let us go on with is held by a session that was cut: a small one is sent
        anew under another name at once, a large one waits for its lock, though not for ever.
        """
        place = Place.of(name, self._root, size, sha256)
        for number in range(place.numbered(resume), len(place.partials)):
            offset = 0
            try:
                with self._lending(name) as session:
                    session.make_folder(place.folder, self._root)
                    if resume is not None:
                        offset = self._offset(session, place, number)
                    if size - offset >= LARGE:
                        room_for(session, place, self._root, size - offset)
                    return FtpUpload(session, place, number, offset, resume is not None, self._taken_back)
            except Held:
                if offset >= WORTH_WAITING and self._waits(place, number):
                    raise held(place, offset) from None
        raise none_free(place)

    def prove(self, name: str, size: int, sha256: str, level: Level, progress: Progress = silent) -> Level:
        """Compare size, then the server's own SHA-256 where it has one, else read all back.

        A hash by the server proves and never disproves: one that it computed earlier may be that of another content.
        """
        path = self._path(name)
        with self._speaking(name) as session:
            if level == Level.HASH:
                there, digest = session.content(path, name)
            else:
                there, digest = session.stat(path, name), None
        require_size(name, there, size)
        if level == Level.SIZE or (digest == sha256 and level == Level.HASH):
            return level
        require_content(name, _no_more_than(size, name, self.read(name)), size, sha256, progress)
        return Level.READ_BACK

    def vouch(self, name: str, size: int, sha256: str) -> Level | None:
        path = self._path(name)
        with self._speaking(name) as session:
            there, digest = session.content(path, name)
        require_size(name, there, size)
        return judged(digest, sha256)

    def stat(self, name: str) -> StoredObject:
        path = self._path(name)
        with self._speaking(name) as session:
            return StoredObject(name, session.stat(path, name))

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        path = self._path(name)
        with self._speaking(name) as session:
            yield from _retrieved(session, path, name, offset)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        start, _, _ = prefix.rpartition("/")
        if start:
            parts_of(start)
        with self._speaking(prefix) as session:
            for name, size in tree(session, self._root, start):
                if name.startswith(prefix) and _plain(name):
                    yield StoredObject(name, size)

    def delete(self, name: str) -> None:
        path = self._path(name)
        with self._speaking(name) as session:
            deleted, size = session.ask(f"DELE {path}", f"SIZE {path}")
            if not deleted.done and size_or_none(size, name) is not None:
                raise refusal(deleted, name)

    def free(self) -> int | None:
        with self._speaking(self._root) as session:
            if not session.ask(f"CWD {self._root or '/'}")[0].done:
                raise no_root(self._root)
            if not session.can("AVBL"):
                return None
            reply = session.ask(f"AVBL {self._root or '/'}")[0]
            return size_in(reply, self._root) if reply.code == 213 else None

    def close(self) -> None:
        sessions, self._sessions, self._idle = self._sessions, set(), None
        for session in sessions:
            session.close()

    @contextlib.contextmanager
    def _speaking(self, what: str) -> Iterator[Session]:
        with self._lending(what) as session:
            yield session
            self._give(session)

    @contextlib.contextmanager
    def _lending(self, what: str) -> Iterator[Session]:
        """Lend a session, to be given back by who has it; take it back or end it after a failure."""
        session = self._take()
        try:
            yield session
        except SPOKEN as error:
            self._end(session)
            raise told(error, what) from error
        except Exception:
            self._give(session)  # every answer was read, or whoever failed has ended it
            raise
        except BaseException:  # left in the middle
            self._end(session)
            raise

    def _take(self) -> Session:
        session, self._idle = self._idle, None
        if session is not None:
            if session.alive:
                return session
            self._end(session)
        session = Session(self._login, self._patience)
        self._sessions.add(session)
        at_once = self.features.atomic_replace
        self.features = Features(at_once, session.resumes, server_hash=session.hashing is not None)
        return session

    def _give(self, session: Session) -> None:
        """Keep a session for the next call, if it still stands and there is none yet."""
        if self._idle is None and session in self._sessions and session.alive:
            self._idle = session
        elif self._idle is not session:
            self._end(session)

    def _taken_back(self, upload: FtpUpload, session: Session) -> None:
        if not upload.replaced_at_once:
            self.features = replace(self.features, atomic_replace=False)
        self._give(session)

    def _end(self, session: Session) -> None:
        self._sessions.discard(session)
        session.close()

    def _path(self, name: str) -> str:
        return self._root + "/" + "/".join(parts_of(name))

    def _offset(self, session: Session, place: Place, number: int) -> int:
        """Return the bytes of a partial that are there; one that is too long is not ours and begins anew."""
        reply = session.ask(f"SIZE {place.partials[number]}")[0]
        there = size_or_none(reply, place.name) or 0
        return there if session.resumes and there <= place.size else 0

    def _waits(self, place: Place, number: int) -> bool:
        """Tell whether the last byte of a partial came so lately that its lock will still go away."""
        with self._speaking(place.name) as session:
            changed = _moment(session.ask(f"MDTM {place.partials[number]}")[0])
        return changed is not None and abs(self._clock.now() - changed) < timedelta(seconds=self._patience.held)


class FtpsDestination(FtpDestination):
    """FTP under TLS: log-in, names and the bytes of files."""

    scheme: ClassVar[str] = "ftps"


def _retrieved(session: Session, path: str, name: str, offset: int) -> Iterator[bytes]:
    commands = [f"REST {offset}"] if offset else []
    channel = session.start(*commands, f"RETR {path}")
    try:
        restarted = [session.control.answer() for _ in commands]
        begun = session.control.answer()
        if not begun.begun:
            raise refusal(begun, name, missing=True)
        if any(reply.code != 350 for reply in restarted):
            raise ValueError("the server reads from the first byte only")
        session.protect(channel)
        yield from channel.receive()
    finally:
        channel.close()
    ended = session.control.answer()
    if not ended.done:
        raise refusal(ended, name)


def _no_more_than(size: int, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what is read back; a server need not be believed for ever."""
    done = 0
    for block in blocks:
        done += len(block)
        if done > size:
            raise ObjectDiffers(f"{safe(name)}: more than the {size} bytes that were sent")
        yield block


def _plain(name: str) -> bool:
    with contextlib.suppress(DestinationRefused):
        return not is_partial(parts_of(name)[-1])
    return False


def _moment(reply: Reply) -> datetime | None:
    found = _TIME.match(reply.text) if reply.code == 213 else None
    with contextlib.suppress(ValueError):
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None
    return None
