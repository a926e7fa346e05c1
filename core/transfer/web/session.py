"""One logged-in session with a web server: who we are, what it answers, never anywhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from core.errors import DestinationRefused, DestinationUnreachable
from core.text import safe
from core.transfer.web.faults import SPOKEN, refusal, told
from core.transfer.web.line import Answered, Exchange, Line, Patience
from core.transfer.web.tls import Tls

HEADERS = {"User-Agent": "overlapse", "Accept-Encoding": "identity"}
DONE = (200, 201, 204)


@dataclass(frozen=True, slots=True)
class Server:
    """Which server, who we are, and who may vouch for it. `url`: without a user and without a last '/'."""

    url: str
    user: str | None = None
    password: str = ""
    ca_file: str | None = None

    @classmethod
    def at(cls, secure: bool, host: str, port: int | None, path: str, **login: str | None) -> Server:
        """Return the server whose folder `path` is, taken literally."""
        place = f"[{host}]" if ":" in host else host
        url = f"http{'s' * secure}://{place}{f':{port}' if port else ''}{quote(path.rstrip('/'))}"
        return cls(url, login.get("user"), login.get("password") or "", login.get("ca_file"))


class Session:
    """Requests to one server over connections that are kept. A path is one below the server's folder, unquoted."""

    def __init__(self, server: Server, patience: Patience, tls: Tls | None = None) -> None:
        """`tls`: that of another lane."""
        self._server = server
        self.tls = tls or Tls(server.ca_file)
        self.shown = safe(urlsplit(server.url).netloc, 80)
        self._auth: AuthBase | None = None
        self._digest_seen = False
        self._line = Line(patience, self.tls)
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy, and no password of somebody's ~/.netrc
        self._http.headers.clear()
        self._http.headers.update(HEADERS)
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, self._line)

    def url(self, path: str) -> str:
        """Return the whole address of a path, quoted."""
        return f"{self._server.url}/{quote(path)}"

    def place(self, path: str) -> str:
        """Return a path as the server's own listings write it, unquoted."""
        return f"{unquote(urlsplit(self._server.url).path)}/{path}"

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        fine: Collection[int] = DONE,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> requests.Response:
        """Return the answer when its status is one of `fine`, its body unread; raise DestinationError.

        The first challenge is answered; a second one is a refusal.
        """
        with self.speaking(what):
            answer = self._send(method, path, headers, body)
            if answer.status_code == 401 and self._auth is None and self._server.user is not None:
                self._auth = self._chosen(answer.headers.get("WWW-Authenticate", ""))
                answer = self._send(method, path, headers, body)
            return self.judged(answer, what, fine)

    @property
    def has_digest(self) -> bool:
        """Whether we are logged in by Digest, which lasts as long as the server's nonce: Apache's, 5 minutes."""
        return isinstance(self._auth, HTTPDigestAuth)

    def log_in(self) -> None:
        """Have the server ask who we are, if it lets strangers look and asks only those who change something."""
        if self._server.user is not None and self._auth is None:
            self.ask("OPTIONS", "", self.shown, fine=range(200, 600)).close()

    def put(self, path: str, size: int, what: str, headers: Mapping[str, str] | None = None) -> Put:
        """Begin to send an object of `size` bytes."""
        with self.speaking(what):
            request = self._request("PUT", path, headers, None)
            request.headers["Content-Length"] = str(size)
            request.headers.pop("Accept-Encoding")  # nothing of the answer's body is read
            return Put(self, self._line.begin(request), what)

    def close(self) -> None:
        """End every connection; a later request makes a new one and logs in anew."""
        self._http.close()
        self._auth = None

    def let_go(self) -> None:
        """End what rests, if the server would."""
        self._line.let_go()

    @contextlib.contextmanager
    def speaking(self, what: str) -> Iterator[None]:
        """Translate what goes wrong on the way."""
        try:
            yield
        except SPOKEN as error:
            raise told(error, f"{self.shown}: {safe(what, 120)}" if what != self.shown else what) from error

    def _request(
        self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> requests.PreparedRequest:
        request = requests.Request(method, self.url(path), headers=dict(headers or {}), data=body, auth=self._auth)
        return self._http.prepare_request(request)

    def _send(self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes | None) -> requests.Response:
        return self._http.send(self._request(method, path, headers, body), stream=True, allow_redirects=False)

    def judged(self, answer: requests.Response, what: str, fine: Collection[int]) -> requests.Response:
        """Return an answer with one of these statuses; raise DestinationError for another one."""
        if answer.status_code in fine:
            return answer
        answer.close()
        if answer.status_code == 401:
            self._auth = None
            if self._server.user is None:
                raise DestinationRefused(f"{self.shown}: wants a log-in: write a user into the address")
        raise refusal(answer.status_code, answer.reason or "", what)

    def _chosen(self, challenge: str) -> AuthBase:
        """Return what the challenge asks for; the password goes in clear only where nothing better was ever offered."""
        user, offered = self._server.user or "", challenge.lower()
        self._digest_seen |= "digest" in offered
        if "digest" in offered:
            return HTTPDigestAuth(user, self._server.password)
        secure = self._server.url.startswith("https:")
        if "basic" not in offered or (self._digest_seen and not secure):
            raise DestinationRefused(f"{self.shown}: asks for a log-in that we do not give it ({safe(challenge, 40)})")
        return HTTPBasicAuth(user.encode(), self._server.password.encode())


class Put:
    """An object on its way to the server in pieces."""

    def __init__(self, session: Session, exchange: Exchange, what: str) -> None:
        self._session, self._exchange, self._what = session, exchange, what

    def write(self, data: bytes) -> None:
        """Send a piece; raise what the server says when it does not wait for the rest."""
        with self._session.speaking(self._what):
            try:
                self._exchange.write(data)
            except Answered:
                self._refused_early()

    def finish(self, fine: Collection[int] = DONE) -> requests.Response:
        """Return the answer to the whole."""
        with self._session.speaking(self._what):
            return self._judged(self._exchange.answer(), fine)

    def drop(self, settle: bool = False) -> None:
        """Break off. `settle`: wait until the server has taken what is on its way."""
        if settle:
            with contextlib.suppress(*SPOKEN):
                self._exchange.settle()
        self._exchange.drop()

    def _refused_early(self) -> None:
        answer = self._exchange.answer(keep=False)
        self._judged(answer, ()).close()
        raise DestinationUnreachable(f"{self._session.shown}: it answered before it had the whole object")

    def _judged(self, answer: requests.Response, fine: Collection[int]) -> requests.Response:
        """Return the answer; a log-in that was good, and has run out since, is no refusal."""
        digest = self._session.has_digest
        try:
            return self._session.judged(answer, self._what, fine)
        except DestinationRefused as error:
            if digest and answer.status_code == 401:
                raise DestinationUnreachable(
                    f"{self._session.shown}: the log-in has run out; we log in anew"
                ) from error
            raise
