"""A camera that gives a snapshot over HTTP: every byte counted, every wait bounded, no credentials for strangers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from core.capture import telemetry
from core.capture.base import Identity, Part, Shot, Telemetry
from core.capture.shot import Kept, Reception, Spool, transfer_seconds
from core.errors import CameraBusy, CameraError, CameraGone, CameraRefused, CameraTimeout, CameraTransferCut
from core.site.model.cameras import Camera, HttpSource
from core.text import safe
from core.values import seconds_of

CONNECT, QUIET = 5.0, 10.0  # seconds
ANSWER = 15.0  # seconds beside the transfer for connection, challenge and the camera's own work
BLOCK = 65_536  # bytes
REDIRECTS = 3
JPEG = b"\xff\xd8\xff"
NAME: Final = "snapshot.jpg"
HEADERS = {"Accept": "image/jpeg", "Accept-Encoding": "identity", "User-Agent": "overlapse"}


class HttpCamera:
    """A camera that answers GET with a JPEG.

    It keeps no copy, so there is nothing to release; `open` asks it nothing, the first shot does.
    """

    def __init__(self, camera: Camera, spool: Path, secrets: Mapping[str, str], seconds: float | None = None) -> None:
        """`seconds`: for one whole snapshot; by default from the configuration."""
        assert isinstance(camera.source, HttpSource)
        self._source, self._spool = camera.source, spool
        self._url, user, password = split_user(camera.source.url)
        self._user = camera.source.user or user
        self._password = secrets.get("password", password)
        self._seconds = seconds if seconds is not None else ANSWER + transfer_seconds(camera)
        self._http: requests.Session | None = None
        self._auth: AuthBase | None = None
        self._digest_seen = False
        self._readings: Telemetry = {}

    def open(self) -> Telemetry:
        self.close()
        self._session()
        return self.telemetry()

    def close(self) -> None:
        http, self._http = self._http, None
        self._auth = None
        if http is not None:
            http.close()

    def telemetry(self) -> Telemetry:
        return dict(self._readings)

    def set_clock(self) -> Telemetry:
        return {}

    def release(self, source_names: Sequence[str]) -> None:
        return

    def shoot(self, identity: Identity, at: datetime) -> Shot:
        shutter, until = time.time(), time.monotonic() + self._seconds
        spool = Spool(self._spool, identity)
        name = spool.names(seconds_of(at), [NAME])[NAME]
        with _translated(self._host), contextlib.closing(self._get(until)) as response:
            self._listen(response)
            with spool.receive(name) as reception:
                kept = self._download(response, reception, until)
        spool.settle()
        part = Part(kept.name, "jpeg", kept.size, kept.sha256, NAME, None, shutter)
        return Shot(shutter, [part])

    @property
    def _host(self) -> str:
        return safe(urlsplit(self._url).hostname or "?", 80)

    def _session(self) -> requests.Session:
        if self._http is None:
            self._http = requests.Session()
            self._http.trust_env = False  # no proxy, and no password of somebody's ~/.netrc
            self._http.headers.update(HEADERS)
            self._http.verify = self._source.ca_file or True
        return self._http

    # --- the answer

    def _get(self, until: float) -> requests.Response:
        """Return the camera's answer 200, after its challenge and its redirects to itself."""
        url = self._url
        for _ in range(REDIRECTS + 1):
            response = self._answer(url, until)
            if not response.is_redirect:
                return self._checked(response)
            url = urljoin(url, response.headers["location"])
            response.close()
            if origin(url) != origin(self._url):
                elsewhere = f"{urlsplit(url).scheme}://{urlsplit(url).hostname}"
                raise CameraError(f"{self._host}: it sends us elsewhere, to {safe(elsewhere, 80)}")
        raise CameraError(f"{self._host}: more than {REDIRECTS} redirects")

    def _answer(self, url: str, until: float) -> requests.Response:
        response = self._ask(url, until)
        if response.status_code != 401 or self._user is None or self._auth is not None:
            return response
        response.close()
        self._auth = self._chosen(response.headers.get("www-authenticate", ""))
        return self._ask(url, until)

    def _ask(self, url: str, until: float) -> requests.Response:
        left = until - time.monotonic()
        if left <= 0:
            raise CameraTimeout(f"{self._host}: no picture within {self._seconds:g} s")
        timeout = (min(CONNECT, left), min(QUIET, left))
        return self._session().get(url, auth=self._auth, stream=True, allow_redirects=False, timeout=timeout)

    def _chosen(self, challenge: str) -> AuthBase:
        """Return what the challenge asks for; the password goes in clear only where nothing better was ever offered."""
        assert self._user is not None
        offered = challenge.lower()
        self._digest_seen |= "digest" in offered
        if "digest" in offered:
            return HTTPDigestAuth(self._user, self._password)
        secure = urlsplit(self._url).scheme == "https"
        if "basic" not in offered or (self._digest_seen and not secure):
            raise CameraRefused(f"{self._host}: it asks for a login that we do not give it ({safe(challenge, 40)})")
        return HTTPBasicAuth(self._user.encode(), self._password.encode())

    def _checked(self, response: requests.Response) -> requests.Response:
        status = response.status_code
        if status == 200:
            return response
        response.close()
        if status in (401, 403):
            self._auth = None
            raise CameraRefused(f"{self._host}: it refuses user or password ({status})")
        kind = CameraBusy if status in (429, 503) else CameraError
        raise kind(f"{self._host}: it answers {status} {safe(response.reason, 40)}")

    def _listen(self, response: requests.Response) -> None:
        """Note what the answer's head tells of the camera."""
        server = response.headers.get("server")
        if server:
            self._readings["model"] = safe(server, 80)
        with contextlib.suppress(ValueError, TypeError):
            told = parsedate_to_datetime(response.headers["date"]).timestamp() if "date" in response.headers else None
            if told is not None:
                self._readings |= telemetry.clock(told + 0.5, time.time())

    # --- the bytes

    def _download(self, response: requests.Response, reception: Reception, until: float) -> Kept:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise CameraError(f"{self._host}: it packs the picture, which we did not ask for")
        promised = self._promised(response)
        head = b""
        for block in self._blocks(response.raw, until):
            if len(head) < len(JPEG):
                head += block[: len(JPEG)]
                self._check_head(head)
            if reception.size + len(block) > self._source.max_size:
                raise CameraError(f"{self._host}: more than max_size, {self._source.max_size} bytes")
            reception.write(block)
        return reception.keep(promised)

    def _promised(self, response: requests.Response) -> int | None:
        told = response.headers.get("content-length", "")
        promised = int(told) if told.isascii() and told.isdigit() else None
        if promised is not None and promised > self._source.max_size:
            raise CameraError(f"{self._host}: {promised} bytes are more than max_size, {self._source.max_size}")
        return promised

    def _check_head(self, head: bytes) -> None:
        if not head.startswith(JPEG[: len(head)]):
            page = " but a web page: a login?" if head.lstrip()[:1] == b"<" else ""
            raise CameraError(f"{self._host}: what it gives is no JPEG{page}")

    def _blocks(self, raw: urllib3.BaseHTTPResponse, until: float) -> Iterator[bytes]:
        """Yield what comes, as it comes: a read of a whole block would wait for the last byte of a slow drip."""
        while block := raw.read1(BLOCK, decode_content=False):
            yield block
            if time.monotonic() > until:
                raise CameraTimeout(f"{self._host}: the picture was not whole after {self._seconds:g} s")


def split_user(url: str) -> tuple[str, str | None, str]:
    """Return a URL without its `user:password@`, and the two."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, unquote(parts.username) if parts.username else None, unquote(parts.password or "")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return what must be the same for two addresses to be the same place."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@contextlib.contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise fault(error, host) from error


def fault(error: Exception, host: str) -> CameraError:
    """Return what an exception of requests, urllib3 or the socket means; its own text may hold the URL's password."""
    text = f"{host}: {reason(error)}"
    if isinstance(error, requests.exceptions.SSLError):
        return CameraRefused(f"{text}: its certificate is not trusted")
    if isinstance(error, requests.ConnectTimeout):
        return CameraGone(f"{host}: no connection within {CONNECT:g} s")
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return CameraTimeout(f"{host}: it stopped answering")
    if isinstance(error, urllib3.exceptions.HTTPError | requests.exceptions.ChunkedEncodingError):
        return CameraTransferCut(f"{text}: the picture came only in part")
    if isinstance(error, requests.ConnectionError | OSError):
        return CameraGone(
            f"{text}: nobody answers there as a web server does; look at url and at the camera's own page"
        )
    return CameraError(text)


def reason(error: BaseException) -> str:
    """Return the system's words of the innermost error, else the name of its class: never an address."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror and not isinstance(seen, requests.RequestException):
            return safe(seen.strerror, 80)
        seen = getattr(seen, "reason", None) or seen.__cause__ or seen.__context__
        seen = seen if isinstance(seen, BaseException) else None
    return type(error).__name__
