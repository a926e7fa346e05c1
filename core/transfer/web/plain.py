"""Plain HTTP: PUT, GET, HEAD and DELETE."""

from __future__ import annotations

import contextlib
from typing import ClassVar

from core.errors import ObjectNotFound
from core.transfer.base import Features, StoredObject
from core.transfer.names import parts_of
from core.transfer.web.line import Patience, body_of
from core.transfer.web.listing import Entry, of_index
from core.transfer.web.objects import OK, Sending, WebObjects
from core.transfer.web.session import Server

ATOMIC = ("nginx", "apache")  # what these call a PUT's object stands under its name only when it is whole: by rename
HOLD = 1024  # bytes that wait for the commit: less than one packet
ANY = range(200, 600)


class PlainDestination(WebObjects):
    """A folder that takes PUT. What a cut left is gone: HTTP has no way to go on that servers agree on."""

    scheme: ClassVar[str] = "http"

    def __init__(
        self, server: Server, patience: Patience | None = None, beside: PlainDestination | None = None
    ) -> None:
        super().__init__(server, Features(atomic_replace=False, resumes=False), patience, beside)

    def lane(self) -> PlainDestination:
        return PlainDestination(self.server, self.patience, self)

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> PlainUpload:
        """Begin to send; nothing leaves before the first `write`, and a `resume` begins anew."""
        return PlainUpload(Sending(self._session, self.path(name), name, size, hold=HOLD), name, size)

    def learn(self) -> int | None:
        """Look at the folder, which need not let itself be listed; HTTP has no word for free room."""
        try:
            answer = self._session.ask("HEAD", "", self._session.shown, [one for one in ANY if one not in (401, 404)])
        except ObjectNotFound as error:
            raise self.no_folder() from error
        answer.close()
        self._session.log_in()
        called = answer.headers.get("Server", "").lower()
        self.features = Features(atomic_replace=called.startswith(ATOMIC), resumes=False)
        return None

    def entries(self, folder: str) -> list[Entry]:
        """Return what nginx' index in JSON lists: all but names with a leading dot."""
        if folder:
            parts_of(folder.rstrip("/"))
        answer = self._session.ask("GET", folder, folder or "/", (OK,))
        with self._session.speaking(folder), contextlib.closing(body_of(answer)) as body:
            return of_index(body.blocks(), folder or "/")


class PlainUpload:
    """One PUT to the final name: the server keeps it when it is whole."""

    def __init__(self, sending: Sending, name: str, size: int) -> None:
        self.offset = 0
        self._sending, self._name, self._size = sending, name, size

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self._sending.write(data)

    def resume_state(self) -> bytes:
        """Return nothing but that there was an attempt."""
        return b"PUT"

    def commit(self) -> StoredObject:
        """Have the server's word that it stored every byte; `prove` looks whether that is so."""
        self._sending.finish()
        return StoredObject(self._name, self._size)

    def abandon(self) -> None:
        """Break off a PUT that is not whole: the server then keeps nothing of it."""
        self._sending.drop()
