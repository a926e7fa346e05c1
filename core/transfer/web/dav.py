"""WebDAV (RFC 4918): a partial name, then MOVE; folders by MKCOL; listings and room by PROPFIND."""

from __future__ import annotations

import contextlib
from typing import ClassVar

from core.errors import DestinationError, DestinationFull, DestinationUnreachable, NameConflict, ObjectNotFound
from core.text import safe
from core.transfer.base import Features, StoredObject
from core.transfer.names import partial_of
from core.transfer.receipts import require_size
from core.transfer.web.line import Patience, body_of
from core.transfer.web.listing import PROPERTIES, QUOTA, Entry, of_multistatus
from core.transfer.web.objects import CREATED, NO_CONTENT, Sending, WebObjects
from core.transfer.web.session import Server

LARGE = 1 << 20  # bytes; from here on the room is asked for before anything is sent
JOINED = 512 << 10  # bytes; from here on a cut is worth one more round trip beforehand
MULTISTATUS, THERE_ALREADY, NO_PARENT, TAKEN = 207, 405, 409, 412
REMEMBERED = 1000  # names
XML = {"Content-Type": "application/xml"}
MOVES_AT_ONCE = ("nginx",)  # by rename(2); Apache deletes what stands there first (RFC 4918, 9.9.3)
JOINS = ("apache",)  # writes a PUT with Content-Range as it comes into a file that is there, and keeps it at a cut


class DavDestination(WebObjects):
    """A WebDAV folder, which must exist: a volume that is not mounted there must not fill the server's root disk."""

    scheme: ClassVar[str] = "dav"

    def __init__(self, server: Server, patience: Patience | None = None, beside: DavDestination | None = None) -> None:
        super().__init__(server, Features(atomic_replace=False, resumes=False), patience, beside)
        self._folders: set[str] = set()  # those that are there
        self._says_room = False
        self._joins: bool | None = None  # not known yet
        self._missing: dict[str, None] = {}  # names that were free when last looked, oldest first

    def lane(self) -> DavDestination:
        return DavDestination(self.server, self.patience, self)

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> DavUpload:
        """Make the folder; with a `resume`, ask how much of the partial is there, where the server can go on."""
        path = self.path(name)
        folder, _, base = path.rpartition("/")
        partial = f"{folder}/{partial_of(base, sha256)}" if folder else partial_of(base, sha256)
        self._make(folder)
        joined = bool(self._joins) and size >= JOINED
        there = self._there(partial, size) if resume is not None and joined else 0
        if size >= LARGE and self._says_room:
            self._require_room(name, size - there)
        if joined and not there:
            self._session.ask("PUT", partial, name, body=b"").close()  # a cut takes a new file away, and leaves this
        fresh = name in self._missing
        self._missing.pop(name, None)
        return DavUpload(self, name, path, partial, size, there, fresh)

    def stat(self, name: str) -> StoredObject:
        try:
            return super().stat(name)
        except ObjectNotFound:
            self._missing[name] = None
            if len(self._missing) > REMEMBERED:
                del self._missing[next(iter(self._missing))]
            raise

    def learn(self) -> int | None:
        """Ask the folder for its free room, which tells also whether this is WebDAV."""
        shown = self._session.shown
        try:
            answer = self._session.ask("PROPFIND", "", shown, (MULTISTATUS,), {"Depth": "0"} | XML, QUOTA)
        except ObjectNotFound as error:
            raise self.no_folder() from error
        with self._session.speaking(shown), contextlib.closing(body_of(answer)) as body:
            room = next((one.quota for one in of_multistatus(body.blocks(), shown) if one.quota is not None), None)
        self._session.log_in()
        called = answer.headers.get("Server", "").lower()
        if self._joins is None:
            self._joins = called.startswith(JOINS)
        self.features = Features(atomic_replace=called.startswith(MOVES_AT_ONCE), resumes=self._joins)
        self._says_room = room is not None
        return room

    def entries(self, folder: str) -> list[Entry]:
        """Return what PROPFIND lists, without the folder itself."""
        answer = self._session.ask("PROPFIND", folder, folder or "/", (MULTISTATUS,), {"Depth": "1"} | XML, PROPERTIES)
        with self._session.speaking(folder), contextlib.closing(body_of(answer)) as body:
            found = of_multistatus(body.blocks(), folder or "/")
        own = self._session.place(folder).rstrip("/")
        return [one for one in found if one.path.rstrip("/") != own]

    def close(self) -> None:
        self._folders.clear()
        super().close()

    def sending(self, partial: str, name: str, size: int, offset: int) -> Sending:
        """Return what sends the object from `offset` to its partial name."""
        length = size - offset
        headers = (
            {"Content-Range": f"bytes {offset}-{size - 1}/{size}"}
            if self._joins and length and size >= JOINED
            else None
        )
        return Sending(self._session, partial, name, length, headers)

    def settle(self, partial: str, path: str, name: str, size: int, fresh: bool) -> None:
        """Give the partial, which must have its whole size, the final name in place of what was there.

        A `fresh` name was free and replaces nothing, which a server may demand against thieves: raise NameConflict
        when it was taken meanwhile.
        """
        try:
            there = self.size_at(partial, name)
            if there != size and self._joins:
                self._mistrust(partial, name)
            require_size(name, there, size)
            headers = {"Destination": self._session.url(path), "Overwrite": "F" if fresh else "T"}
            answer = self._session.ask("MOVE", partial, name, (CREATED, NO_CONTENT, TAKEN), headers)
            answer.close()
            if answer.status_code == TAKEN:
                raise NameConflict(f"{safe(name)}: another object got this name meanwhile")
        except ObjectNotFound as error:
            self.forget()
            raise DestinationUnreachable(f"{safe(name)}: what was sent is not there any more") from error
        except DestinationError:
            self.forget()
            raise

    def forget(self) -> None:
        """Forget what may have changed on the server."""
        self._folders.clear()
        self._met = False

    def _mistrust(self, partial: str, name: str) -> None:
        """Take away what was not joined as it should be, and never count on that again here."""
        self._joins = False
        with contextlib.suppress(DestinationError):
            self._session.ask("DELETE", partial, name).close()

    def _there(self, partial: str, size: int) -> int:
        """Return how many bytes of the partial are there; one that is too long is not ours."""
        try:
            there = self.size_at(partial, partial)
        except ObjectNotFound:
            return 0
        return there if there <= size else 0

    def _require_room(self, name: str, wanted: int) -> None:
        free = self.free()
        if free is not None and free < wanted:
            raise DestinationFull(f"{safe(name)}: {wanted} bytes to send, {free} free")

    def _make(self, folder: str) -> None:
        """Make a folder, from the deepest that exists: one request for each that is new, none for a known one."""
        if not folder or folder in self._folders:
            return
        above = folder.rpartition("/")[0]
        fine = (CREATED, THERE_ALREADY, NO_PARENT)
        status = self._mkcol(folder, fine)
        if status == NO_PARENT:
            if not above:
                raise self.no_folder()
            self._make(above)
            status = self._mkcol(folder, (CREATED, THERE_ALREADY))
        self._folders.add(folder)

    def _mkcol(self, folder: str, fine: tuple[int, ...]) -> int:
        answer = self._session.ask("MKCOL", f"{folder}/", folder, fine)
        answer.close()
        return answer.status_code


class DavUpload:
    """A partial object on the server, beside the final place."""

    def __init__(
        self,
        destination: DavDestination,
        name: str,
        path: str,
        partial: str,
        size: int,
        offset: int,
        fresh: bool,
    ) -> None:
        self.offset = offset
        self._fresh = fresh
        self._destination, self._name, self._path, self._partial = destination, name, path, partial
        self._size = size
        self._sending: Sending | None = destination.sending(partial, name, size, offset)

    def write(self, data: bytes) -> None:
        """Send `data`."""
        if self._sending is None:
            raise DestinationUnreachable(f"{safe(self._name)}: this upload is over")
        if data:
            self._sending.write(data)

    def resume_state(self) -> bytes:
        """Return the partial's name."""
        return self._partial.rpartition("/")[2].encode()

    def commit(self) -> StoredObject:
        """Have the server's word that it has all, look at the size, then MOVE."""
        sending, self._sending = self._sending, None
        if sending is None:
            raise DestinationUnreachable(f"{safe(self._name)}: this upload is over")
        if self.offset < self._size or not self._size:
            sending.finish()
        self._destination.settle(self._partial, self._path, self._name, self._size, self._fresh)
        return StoredObject(self._name, self._size)

    def abandon(self) -> None:
        """Let what is on its way arrive where it can be gone on with, and break off."""
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.drop(settle=self._destination.features.resumes)
