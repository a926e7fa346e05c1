"""Objects as files below one folder of an SFTP server."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from paramiko import SFTPAttributes

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    ObjectNotFound,
)
from core.site.model import places
from core.text import safe
from core.transfer.base import Features, Level, Progress, StoredObject, judged, silent
from core.transfer.names import is_partial, partial_of, parts_of
from core.transfer.receipts import require_content, require_size
from core.transfer.registry import Address
from core.transfer.sftp.beginning import Beginning
from core.transfer.sftp.connection import Connection, Line, Login, Patience
from core.transfer.sftp.faults import SPOKEN, told
from core.transfer.sftp.requests import POSIX_RENAME
from core.transfer.sftp.session import Session
from core.transfer.sftp.upload import SftpUpload

LARGE = 1 << 20  # bytes; from here on the room is asked for before anything is sent


class SftpDestination:
    """One persistent connection for all lanes, a session for each; after a failure the next call makes a new one.

    The folder itself must exist on the server: a volume that is not mounted there must not fill its root disk.
    """

    scheme: ClassVar[str] = "sftp"

    def __init__(self, login: Login, root: str, patience: Patience | None = None, line: Line | None = None) -> None:
        """`line`: the connection of another lane, which then closes it."""
        self.features = Features(commit_proves_size=True)
        self._root = "/" + root.strip("/")
        self._line, self._shares = line or Line(login, patience or Patience()), line is not None
        self._spoken: tuple[Connection, Session] | None = None  # our session, and what it is on

    @classmethod
    def configured(
        cls, destination: places.Destination, address: Address, secrets: Mapping[str, str]
    ) -> SftpDestination:
        """Return the destination that site.toml describes; raise DestinationRefused without user or host key."""
        if address.host is None or address.user is None or destination.host_key is None:
            raise DestinationRefused("an SFTP destination needs a user and a pinned host_key")
        login = Login(
            host=address.host,
            port=address.port or 22,
            user=address.user,
            host_key=destination.host_key,
            key_file=destination.key_file,
            password=secrets.get("password"),
        )
        return cls(login, address.path)

    def lane(self) -> SftpDestination:
        return SftpDestination(self._line.login, self._root, line=self._line)

    def connect(self) -> None:
        """Connect if that is not done and learn what the server can; every other call does so by itself."""
        self._connected()

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> SftpUpload:
        """Open the partial beside the final place; with a `resume` go on where it ends."""
        return self._begun(name, size, sha256, resume)[1]

    def look_and_begin(
        self, name: str, size: int, sha256: str, resume: bytes | None
    ) -> tuple[StoredObject | None, SftpUpload]:
        """Ask for all at once: what has the name, the partial, where it ends, the room."""
        found, upload = self._begun(name, size, sha256, resume, look=True)
        try:
            return None if found is None else self._stored(name, found), upload
        except DestinationRefused:
            upload.withdraw()
            raise

    def _begun(
        self, name: str, size: int, sha256: str, resume: bytes | None, look: bool = False
    ) -> tuple[SFTPAttributes | None, SftpUpload]:
        *_, base = parts_of(name)
        path = self._path(name)
        partial = path[: -len(base)] + partial_of(base, sha256)
        with self._speaking(name) as session:
            begun = Beginning(session, path if look else None, partial, resume, self._root if size >= LARGE else None)
            handle = begun.handle()
            if handle is None:
                handle = self._create_below(session, partial, fresh=resume is None)
            upload = SftpUpload(self, session, handle, name, path, partial, size)
            if resume is not None:
                upload.go_on(begun.end())
            free = begun.free()
            if free is not None and free < size - upload.offset:
                upload.abandon()
                raise DestinationFull(f"{safe(name)}: {size - upload.offset} bytes to send, {free} free")
            return begun.found(), upload

    def prove(self, name: str, size: int, sha256: str, level: Level, progress: Progress = silent) -> Level:
        """Compare the server's own hash where it runs sha256sum for us, the size, or read all back.

        A hash by the server proves and never disproves: its shell may see another file under that path than SFTP.
        """
        if level == Level.HASH and self._server_hash(name) == sha256:
            return level
        require_size(name, self.stat(name).size, size)
        if level == Level.SIZE:
            return level
        require_content(name, self.read(name), size, sha256, progress)
        return Level.READ_BACK

    def vouch(self, name: str, size: int, sha256: str) -> Level | None:
        require_size(name, self.stat(name).size, size)
        return judged(self._server_hash(name), sha256)

    def stat(self, name: str) -> StoredObject:
        path = self._path(name)
        with self._speaking(name) as session:
            return self._stored(name, session.stat(path))

    def _stored(self, name: str, found: SFTPAttributes) -> StoredObject:
        if found.st_mode is not None and not stat.S_ISREG(found.st_mode):
            raise DestinationRefused(f"{safe(name)}: not a file")
        return StoredObject(name, found.st_size or 0)

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        path = self._path(name)
        with self._speaking(name) as session:
            yield from session.blocks(path, offset)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        start, _, _ = prefix.rpartition("/")
        if start:
            parts_of(start)
        for name, entry in self._entries(start):
            if name.startswith(prefix) and not is_partial(entry.filename):
                yield StoredObject(name, entry.st_size or 0)

    def tidy(self, prefix: str, before: float, is_ours: Callable[[str], bool]) -> Iterator[str]:
        """By the server's own clock; what this account may not remove stays."""
        for name, entry in self._entries(prefix.rpartition("/")[0]):
            if is_partial(entry.filename) and is_ours(name) and (entry.st_mtime or before) < before:
                with contextlib.suppress(ObjectNotFound, DestinationRefused):
                    with self._speaking(name) as session:
                        session.remove(f"{self._root.rstrip('/')}/{name}")
                    yield name

    def delete(self, name: str) -> None:
        path = self._path(name)
        with contextlib.suppress(ObjectNotFound), self._speaking(name) as session:
            session.remove(path)

    def free(self) -> int | None:
        try:
            with self._speaking(self._root) as session:
                return session.free(self._root)
        except ObjectNotFound as error:
            raise self._no_root() from error

    def hang_up(self) -> None:
        spoken, self._spoken = self._spoken, None
        if spoken is not None:
            spoken[1].close()
            spoken[0].let_go()

    def close(self) -> None:
        self.hang_up()
        if not self._shares:
            self._line.close()

    def told(self, error: BaseException, what: str, session: Session) -> DestinationError:
        """Return the error of ours; whatever leaves the session in doubt also ends it, and silence the connection."""
        mine = told(error, what, session.alive)
        if isinstance(mine, DestinationUnreachable) and self._spoken is not None and self._spoken[1] is session:
            connection, self._spoken = self._spoken[0], None
            if isinstance(error, TimeoutError):
                connection.close()
            session.close()
        return mine

    def lacks(self, session: Session, wanted: int) -> bool:
        """Tell whether the server says that fewer than `wanted` bytes fit."""
        with contextlib.suppress(*SPOKEN):
            free = session.free(self._root)
            return free is not None and free < wanted
        return False

    @contextlib.contextmanager
    def _speaking(self, what: str) -> Iterator[Session]:
        _, session = self._connected()
        try:
            yield session
        except SPOKEN as error:
            raise self.told(error, what, session) from error

    def _connected(self) -> tuple[Connection, Session]:
        if self._spoken is None or not self._spoken[1].alive:
            self._spoken = self._line.session()
            at_once = POSIX_RENAME in self._spoken[1].extensions
            self.features = Features(at_once, server_hash=self._line.hashes(), commit_proves_size=True)
        return self._spoken

    def _path(self, name: str) -> str:
        return self._root.rstrip("/") + "/" + "/".join(parts_of(name))

    def _create_below(self, session: Session, partial: str, fresh: bool) -> bytes:
        """Open a partial of which a folder is missing."""
        folders = self._folders(partial.rpartition("/")[0])
        session.make_folders(folders)
        with contextlib.suppress(FileNotFoundError):
            return session.create(partial, fresh)
        self._insist(session, folders)
        return session.create(partial, fresh)

    def _folders(self, folder: str) -> Sequence[str]:
        """Return a folder and all above it below the root, the deepest last."""
        root = self._root.rstrip("/")
        parts = folder[len(root) :].strip("/").split("/")
        return [f"{root}/{'/'.join(parts[:depth])}" for depth in range(1, len(parts) + 1) if parts[0]]

    def _insist(self, session: Session, folders: Sequence[str]) -> None:
        """Make each folder and raise what the server has against it."""
        try:
            session.stat(self._root)
        except FileNotFoundError:
            raise self._no_root() from None
        for folder in folders:
            try:
                session.stat(folder)
            except FileNotFoundError:
                session.mkdir(folder)

    def _no_root(self) -> DestinationUnreachable:
        return DestinationUnreachable(f"no folder {safe(self._root)} on the server: make it, or mount what holds it")

    def _server_hash(self, name: str) -> str | None:
        connection, _ = self._connected()
        if not self.features.server_hash:
            return None
        return connection.server_hash(self._root.rstrip("/") or "/", "/".join(parts_of(name)))

    def _entries(self, start: str) -> Iterator[tuple[str, SFTPAttributes]]:
        """Yield every file at or below a folder, whole or not: its name and what the server tells of it."""
        folder = f"{self._root.rstrip('/')}/{start}" if start else self._root
        try:
            with self._speaking(start) as session:
                entries = session.listdir_attr(folder)
        except ObjectNotFound:
            return
        for entry in sorted(entries, key=lambda entry: entry.filename):
            name = f"{start}/{entry.filename}" if start else entry.filename
            mode = entry.st_mode or stat.S_IFREG
            if stat.S_ISDIR(mode):
                yield from self._entries(name)
            elif stat.S_ISREG(mode):
                yield name, entry
