"""What plain HTTP and WebDAV have in common: objects that are looked at, read, proven and deleted."""

from __future__ import annotations

import base64
import contextlib
import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import requests

from core.errors import DestinationError, DestinationRefused, DestinationUnreachable, ObjectDiffers, ObjectNotFound
from core.text import safe
from core.transfer.base import Features, Level, Progress, StoredObject, judged, silent
from core.transfer.names import is_partial, parts_of
from core.transfer.receipts import require_content, require_size
from core.transfer.web.line import Body, Patience, body_of
from core.transfer.web.listing import DEPTH, Entry
from core.transfer.web.session import Put, Server, Session
from core.transfer.web.tls import Tls

OK, CREATED, NO_CONTENT, PARTIAL, PAST_THE_END = 200, 201, 204, 206, 416
WANTED = {"Want-Repr-Digest": "sha-256=9", "Want-Digest": "sha-256"}
_DIGEST = re.compile(r"(?:^|[,\s])sha-256=:?([A-Za-z0-9+/]{43}=)", re.IGNORECASE)


class WebObjects:
    """Objects below one folder of a web server, over a session that is kept."""

    def __init__(
        self, server: Server, features: Features, patience: Patience | None = None, beside: WebObjects | None = None
    ) -> None:
        """`beside`: another lane, whose TLS is gone on with."""
        self.features = features
        self.server, self.patience = server, patience or Patience()
        tls = None if beside is None else beside.tls
        self._session = Session(server, self.patience, tls)
        self._met = False  # whether we know whom we talk to
        self._may_hash = True  # until an answer shows that the server gives no hash

    @property
    def tls(self) -> Tls:
        """What this server's TLS is resumed with."""
        return self._session.tls

    @abstractmethod
    def learn(self) -> int | None:
        """Look at the folder itself: log in, set `features`, return the bytes that still fit if the server says.

        Raise DestinationUnreachable when there is no such folder.
        """

    @abstractmethod
    def entries(self, folder: str) -> list[Entry]:
        """Return what lies in `folder`, "" or "a/b/"; raise ObjectNotFound."""

    def prove(self, name: str, size: int, sha256: str, level: Level, progress: Progress = silent) -> Level:
        """Compare size, then a hash if the server gives one, else read all back.

        An ETag is no hash of the content and proves nothing. A hash by the server proves and never disproves.
        """
        if level == Level.SIZE or (level == Level.HASH and self._may_hash):
            digest = self._compare(name, size, hashed=level == Level.HASH)
            if level == Level.SIZE or digest == sha256:
                return level
        coming = self._opened(name, 0)
        with contextlib.closing(coming.body):
            if coming.told is not None:
                require_size(name, coming.told, size)
            require_content(name, _at_most(self._blocks(coming, name), size, name), size, sha256, progress)
        return Level.READ_BACK

    def vouch(self, name: str, size: int, sha256: str) -> Level | None:
        return judged(self._compare(name, size, hashed=True), sha256)

    def stat(self, name: str) -> StoredObject:
        return StoredObject(name, self.size_at(self.path(name), name))

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        coming = self._opened(name, offset)
        with contextlib.closing(coming.body):
            yield from self._blocks(coming, name)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        start, _, _ = prefix.rpartition("/")
        if start:
            parts_of(start)
        self.meet()
        for found in self._files(f"{start}/" if start else "", prefix, DEPTH):
            if found.name.startswith(prefix):
                yield found

    def delete(self, name: str) -> None:
        path = self.path(name)
        with contextlib.suppress(ObjectNotFound):
            self._session.ask("DELETE", path, name).close()

    def free(self) -> int | None:
        free = self.learn()
        self._met = True
        return free

    def close(self) -> None:
        self._met = False
        self._session.close()

    def let_go(self) -> None:
        self._session.let_go()

    def meet(self) -> None:
        """Get to know the server if that is not done."""
        if not self._met:
            self.free()

    def path(self, name: str) -> str:
        """Return an object's path below the server's folder; raise DestinationRefused; the server is known after it."""
        path = "/".join(parts_of(name))
        self.meet()
        return path

    def no_folder(self) -> DestinationUnreachable:
        """Return the error for a folder that is not there."""
        return DestinationUnreachable(
            f"{self._session.shown}: no such folder on the server: make it, or mount what holds it"
        )

    def size_at(self, path: str, name: str) -> int:
        """Return the size of what lies at a path; raise ObjectNotFound."""
        return self._size_in(self._session.ask("HEAD", path, name, (OK,)), path, name)

    def _size_in(self, answer: requests.Response, path: str, name: str) -> int:
        """Return the size in an answer; Apache leaves it out for what is empty, but for GET."""
        answer.close()
        size = _told_size(answer, name)
        if size is None and answer.request.method == "HEAD":
            return self._size_in(self._session.ask("GET", path, name, (OK,)), path, name)
        if size is None:
            raise DestinationRefused(f"{safe(name)}: the server does not tell its size")
        return size

    def _compare(self, name: str, size: int, hashed: bool) -> str | None:
        """Require the size; return the hash that the server gives with it, if it is asked for one and gives one."""
        path = self.path(name)
        answer = self._session.ask("HEAD", path, name, (OK,), WANTED if hashed else None)
        require_size(name, self._size_in(answer, path, name), size)
        digest = _digest_of(answer)
        if hashed:
            self._may_hash = digest is not None
            self.features = replace(self.features, server_hash=self._may_hash)
        return digest

    def _opened(self, name: str, offset: int) -> Coming:
        """Return what brings the object's bytes from `offset`."""
        path = self.path(name)
        headers = {"Range": f"bytes={offset}-"} if offset else None
        fine = (OK, PARTIAL, PAST_THE_END) if offset else (OK,)
        answer = self._session.ask("GET", path, name, fine, headers)
        if answer.status_code == PAST_THE_END:
            return Coming(body_of(answer), None, 0)
        return Coming(body_of(answer), _told_size(answer, name), _skip(answer, name, offset))

    def _blocks(self, coming: Coming, name: str) -> Iterator[bytes]:
        skip = coming.skip
        with self._session.speaking(name):
            for block in coming.body.blocks():
                if len(block) > skip:
                    yield block[skip:]
                skip = max(0, skip - len(block))

    def _files(self, folder: str, prefix: str, depth: int) -> Iterator[StoredObject]:
        if not depth:
            raise DestinationRefused(f"{self._session.shown}: folders inside folders without end")
        try:
            entries = self.entries(folder)
        except ObjectNotFound:
            return
        for entry in sorted(entries, key=lambda entry: entry.path):
            name = f"{folder}{entry.base}"
            if not _is_ours(entry.base):
                continue
            if entry.is_folder:
                if f"{name}/".startswith(prefix) or prefix.startswith(f"{name}/"):
                    yield from self._files(f"{name}/", prefix, depth - 1)
            elif not is_partial(entry.base):
                yield StoredObject(name, entry.size if entry.size is not None else self.stat(name).size)


@dataclass(frozen=True, slots=True)
class Coming:
    """An object on its way to us. `told`: bytes that are to come; `skip`: those of them that are not wanted."""

    body: Body
    told: int | None
    skip: int


class Sending:
    """The body of one object on its way: never longer than was said, and finished only when it is whole."""

    def __init__(
        self,
        session: Session,
        path: str,
        name: str,
        size: int,
        headers: dict[str, str] | None = None,
        hold: int = 0,
    ) -> None:
        """`hold`: bytes at the end that wait for `finish`: the server stores what is whole without being told to."""
        self._session, self._path, self._name, self._size = session, path, name, size
        self._hold = min(hold, size)
        self._held = b""
        self._headers = headers
        self._put: Put | None = None
        self._given = 0
        self._broken = False

    def write(self, data: bytes) -> None:
        """Send `data`; when it is too much nothing more is sent, and `finish` says so."""
        self._given += len(data)
        if self._given > self._size:
            return self.drop()
        now = max(0, len(data) - max(0, self._given - (self._size - self._hold)))
        self._held += data[now:]
        return self._send(data[:now])

    def finish(self) -> None:
        """Wait for the server's word that it has it all."""
        if self._given != self._size:
            self.drop()
            raise ObjectDiffers(f"{safe(self._name)}: {self._given} bytes given, {self._size} were to be sent")
        self._send(self._held)
        with self._ending():
            self._begun().finish().close()
        self._put, self._broken = None, True

    def _send(self, data: bytes) -> None:
        if data:
            with self._ending():
                self._begun().write(data)

    def drop(self, settle: bool = False) -> None:
        """Break off. `settle`: let what is on its way arrive."""
        put, self._put, self._broken = self._put, None, True
        if put is not None:
            put.drop(settle)

    def _begun(self) -> Put:
        if self._broken:
            raise DestinationUnreachable(f"{safe(self._name)}: the connection was cut off")
        if self._put is None:
            self._put = self._session.put(self._path, self._size, self._name, self._headers)
        return self._put

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        except DestinationError:
            self.drop()
            raise


def _told_size(answer: requests.Response, name: str) -> int | None:
    """Return how long the body of an answer is, None when the server does not say."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        answer.close()
        raise DestinationRefused(f"{safe(name)}: the server packs it, which we did not ask for")
    told = answer.headers.get("Content-Length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else None


def _digest_of(answer: requests.Response) -> str | None:
    """Return the SHA-256 that the server says the object has (RFC 9530 and, before it, RFC 3230), as hexadecimal."""
    for header in ("Repr-Digest", "Digest"):
        found = _DIGEST.search(answer.headers.get(header, ""))
        if found:
            return base64.b64decode(found[1]).hex()
    return None


def _skip(answer: requests.Response, name: str, offset: int) -> int:
    """Return how many bytes of the answer are not wanted: all before `offset` when the server gives the whole."""
    if answer.status_code == OK:
        return offset
    told = answer.headers.get("Content-Range", "")
    if not told.startswith(f"bytes {offset}-"):
        answer.close()
        raise DestinationUnreachable(f"{safe(name)}: asked for from byte {offset}, and came {safe(told, 40)!r}")
    return 0


def _at_most(blocks: Iterator[bytes], size: int, name: str) -> Iterator[bytes]:
    """Yield the blocks; raise ObjectDiffers as soon as there are more than `size` bytes."""
    came = 0
    for block in blocks:
        came += len(block)
        if came > size:
            raise ObjectDiffers(f"{safe(name)}: more than {size} bytes there, {size} sent")
        yield block


def _is_ours(base: str) -> bool:
    try:
        base.encode()
        return is_partial(base) or bool(parts_of(base))
    except (DestinationRefused, UnicodeEncodeError):
        return False
