"""Objects in a bucket of an S3 server, below a prefix."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from core.errors import DestinationRefused, DestinationUnreachable, ObjectDiffers, ObjectNotFound
from core.site.model import places
from core.text import safe
from core.transfer.base import Features, Level, Progress, StoredObject, Upload, silent
from core.transfer.names import parts_of
from core.transfer.receipts import require_content, require_size
from core.transfer.registry import Address
from core.transfer.s3.body import SUM, base64_of
from core.transfer.s3.faults import SPOKEN, code_of, told
from core.transfer.s3.line import READ, Endpoint, Patience
from core.transfer.s3.session import REGION, Login, Session
from core.transfer.s3.unfinished import Job, State, end, parts_there, supersede, uploads, whole_number
from core.transfer.s3.upload import META, Parts, Whole

LARGE = 8_000_000  # bytes; what is larger goes in parts
PAGE = 1000  # names in one answer of a listing: the most that S3 gives
LONGEST_KEY = 1024  # bytes
REMEMBERED = 1000  # names
_SCHEMES = {"s3": True, "s3+http": False}
_CANNOT = {"NotImplemented", "InvalidRequest", "InvalidArgument"}
_CANNOT_TRAIL = {*_CANNOT, "MissingContentLength", "XAmzContentSHA256Mismatch", "AccessDenied"}  # SeaweedFS denies it


class S3Destination:
    """A few persistent connections; the bucket must exist."""

    scheme: ClassVar[str] = "s3"

    def __init__(
        self,
        login: Login,
        prefix: str = "",
        patience: Patience | None = None,
        large: int = LARGE,
        page: int = PAGE,
    ) -> None:
        self.features = Features(resumes=False, server_hash=True)  # it goes on at the part, not at the byte
        self._login, self._patience, self._large = login, patience or Patience(), large
        self._page = page  # names in one answer of a listing
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._session: Session | None = None
        self._checked = False  # whether the server has let us into the bucket
        self._missing: dict[str, None] = {}  # names that were free when last looked, oldest first
        self._seals: dict[str, str] = {}  # what the server must say of objects that were just joined
        self._conditions = True  # whether the server takes If-None-Match
        self.trails = True  # whether it takes a hash behind a body

    @classmethod
    def configured(cls, destination: places.Destination, address: Address, secrets: Mapping[str, str]) -> S3Destination:
        """Return the destination that site.toml describes; raise DestinationRefused without key or bucket."""
        bucket, _, prefix = address.path.strip("/").partition("/")
        secret = secrets.get("password")
        if not (address.host and address.user and bucket and secret):
            raise DestinationRefused("an S3 destination needs a key id, its secret key, a host and a bucket")
        secure = _SCHEMES[address.scheme]
        endpoint = Endpoint(address.host, address.port or (443 if secure else 80), secure, destination.ca_file)
        login = Login(endpoint, bucket, address.user, secret, destination.region or REGION)
        return cls(login, prefix)

    def lane(self) -> S3Destination:
        return S3Destination(self._login, self._prefix, self._patience, self._large, self._page)

    @property
    def session(self) -> Session:
        """The session, made when first asked for."""
        if self._session is None:
            self._session = Session(self._login, self._patience)
        return self._session

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> Upload:
        """Begin it; a large one goes on behind the last part that the server has."""
        free = name in self._missing
        self._missing.pop(name, None)
        job = Job(name, self._key(name), size, sha256, fresh=free and self._conditions)
        state = State.unpack(resume) if resume else None
        if state is not None and (size <= self._large or not state.is_of(job) or state.trailed != self.trails):
            supersede(self, job, state)
            state = None
        if size <= self._large:
            return Whole(self, job)
        if state is not None:
            found = parts_there(self, job, state)
            if found is not None:
                return Parts(self, job, state.upload, found)
        return Parts(self, job, None, ())

    def prove(self, name: str, size: int, sha256: str, level: Level, progress: Progress = silent) -> Level:
        """Compare size, then the SHA-256 that the server checked and keeps, else read all back.

        An object in parts has no SHA-256 of its whole: the server checked that of each part, and the whole is known
        by our metadata; just after the joining the server's hash of the parts' hashes is compared, too.
        """
        head = self._head(name)
        require_size(name, _size(head), size)
        if level == Level.SIZE:
            return level
        if level == Level.HASH and self._vouched(name, head, sha256):
            return level
        require_content(name, self.read(name), size, sha256, progress)
        return Level.READ_BACK

    def vouch(self, name: str, size: int, sha256: str) -> Level | None:
        """As the server noted it on arrival; a hash of parts, which says nothing of the whole, counts as none."""
        head = self._head(name)
        require_size(name, _size(head), size)
        if self._vouched(name, head, sha256):
            return Level.HASH
        kept = str(head.get("ChecksumSHA256", ""))
        return None if kept and "-" not in kept else Level.SIZE

    def stat(self, name: str) -> StoredObject:
        try:
            return StoredObject(name, _size(self._head(name)))
        except ObjectNotFound:
            self._missing[name] = None
            if len(self._missing) > REMEMBERED:
                del self._missing[next(iter(self._missing))]
            raise

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes as they come, all of one version: a replacement meanwhile does not mix in."""
        key = self._key(name)
        if offset and offset >= _size(self._head(name)):
            return
        with self.speaking(name):
            answer = self.session.call("get_object", Key=key, **({"Range": f"bytes={offset}-"} if offset else {}))
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            body = answer["Body"]
        with contextlib.closing(body):
            if offset and status != 206:
                raise DestinationRefused(f"{safe(name)}: the server cannot read from the middle")
            with self.speaking(name):
                while piece := body.read(READ):
                    yield piece

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        start, _, _ = prefix.rpartition("/")
        if start:
            parts_of(start)
        for key, size in self._listed(self._prefix + prefix):
            name = key[len(self._prefix) :]
            if key.startswith(self._prefix + prefix) and _is_plain(name):
                yield StoredObject(name, size)

    def tidy(self, prefix: str, before: float, is_ours: Callable[[str], bool]) -> Iterator[str]:
        """Uploads in parts that were begun before; what this key may neither list nor end stays."""
        with contextlib.suppress(DestinationRefused):
            for upload in uploads(self, self._prefix + prefix):
                name = upload.key[len(self._prefix) :]
                if upload.begun < before and is_ours(name):
                    with contextlib.suppress(ObjectNotFound, DestinationRefused):
                        end(self, upload)
                        yield name

    def delete(self, name: str) -> None:
        key = self._key(name)
        with contextlib.suppress(ObjectNotFound), self.speaking(name):
            self.session.call("delete_object", Key=key)

    def free(self) -> int | None:
        """Say that S3 does not say; whether bucket and key are right is found out by the way, once."""
        if not self._checked:
            with self.speaking(self._login.bucket):
                self.session.call("list_objects_v2", Prefix=self._prefix, MaxKeys=1)
            self._checked = True
        return None

    def close(self) -> None:
        session, self._session = self._session, None
        self._checked = False
        if session is not None:
            session.close()

    @contextlib.contextmanager
    def speaking(self, what: str, conditional: bool = False, trailed: bool = False) -> Iterator[None]:
        """Translate whatever comes out; learn what the server cannot do, so that the next attempt does without."""
        try:
            yield
        except SPOKEN as error:
            code = code_of(error)
            if conditional and code in _CANNOT:
                self._conditions = False
                raise DestinationUnreachable(
                    f"{safe(what)}: no If-None-Match here; the next attempt does without"
                ) from error
            if trailed and code in _CANNOT_TRAIL:
                self.trails = False
                raise DestinationUnreachable(
                    f"{safe(what)}: no trailers here; the next attempt does without"
                ) from error
            raise told(error, what) from error
        except ObjectDiffers:
            self.trails = self.trails and not trailed
            raise

    def note_sum(self, headers: Mapping[str, str]) -> None:
        """Learn from the answer to an object whether the server keeps its SHA-256."""
        self.features = replace(self.features, server_hash=SUM in headers)

    def expect(self, name: str, seal: str) -> None:
        """Remember what the server must say of an object that was just joined."""
        self._seals[name] = seal
        if len(self._seals) > REMEMBERED:
            del self._seals[next(iter(self._seals))]

    def _key(self, name: str) -> str:
        parts_of(name)
        key = self._prefix + name
        if len(key.encode()) > LONGEST_KEY:
            raise DestinationRefused(f"{safe(name)!r} and the prefix have more than {LONGEST_KEY} bytes")
        return key

    def _head(self, name: str) -> dict[str, Any]:
        key = self._key(name)
        with self.speaking(name):
            return self.session.call("head_object", Key=key, ChecksumMode="ENABLED")

    def _vouched(self, name: str, head: Mapping[str, Any], sha256: str) -> bool:
        """Tell whether the server's own hash says that it is this content; what it does not say disproves nothing."""
        kept, etag = str(head.get("ChecksumSHA256", "")), str(head.get("ETag", "")).strip('"')
        seal = self._seals.pop(name, None)
        if kept and "-" not in kept:
            return kept == base64_of(bytes.fromhex(sha256))
        joined = "-" in kept or "-" in etag
        ours = head.get("Metadata", {}).get(META) == sha256
        return joined and ours and (seal is None or seal in (kept, etag))

    def _listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        token: str | None = None
        while True:
            with self.speaking(prefix or self._login.bucket):
                more = {} if token is None else {"ContinuationToken": token}
                page = self.session.call("list_objects_v2", Prefix=prefix, MaxKeys=self._page, **more)
                found = [(str(one["Key"]), whole_number(one["Size"])) for one in page.get("Contents", [])]
                last, token = token, page.get("NextContinuationToken") if page.get("IsTruncated") else None
            yield from found
            if token is None:
                return
            if token == last or not found:
                raise DestinationUnreachable("the server's listing has no end")


def _size(head: Mapping[str, Any]) -> int:
    size = head.get("ContentLength")
    if not isinstance(size, int) or size < 0:
        raise DestinationUnreachable("the server does not say how large the object is")
    return size


def _is_plain(name: str) -> bool:
    """Tell whether a key is a name that we may have given, and no marker of a folder."""
    try:
        parts_of(name)
    except DestinationRefused:
        return False
    return True
