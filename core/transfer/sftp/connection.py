"""One SSH connection: TCP set up for links that break, a pinned host key, a log-in with a deadline."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from paramiko import Channel, Message, PKey, Transport
from paramiko.ssh_exception import AuthenticationException, ChannelException, IncompatiblePeer

from core.errors import DestinationRefused, DestinationUnreachable, HostKeyMismatch
from core.text import safe
from core.transfer.sftp.faults import SPOKEN, told
from core.transfer.sftp.hashing import Hashing
from core.transfer.sftp.session import Session
from core.transfer.sftp.wire import UNSENT, Wire

CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
RECEIVE_WINDOW = 1 << 24  # bytes
KEY_TYPES = 4  # of host keys tried: Ed25519, RSA and two curves
KEEPALIVE = 5  # seconds, while an answer is awaited; at rest it would cost 2 kB a minute
ENDS = 0.5  # seconds after which the thread that reads has met a break that a writer met first
FULL = (0.5, 1.0, 2.0, 4.0)  # seconds to wait where it allows no further session: sshd's 10 are soon used up
_KEY_FAULTS: tuple[type[Exception], ...] = (*SPOKEN, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the other end."""

    connect: float = 10.0  # for TCP
    login: float = 45.0  # for all from the banner to the open SFTP channel: 10 to 13 round trips
    answer: float = 20.0  # for one answer
    hash: float = 120.0  # for sha256sum of one file on the server
    unacknowledged: float = 7.0  # for TCP's acknowledgement: what notices a cut (without: minutes, measured)


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are and whom we trust. `host_key`: "SHA256:..." as `ssh-keygen -lf` prints it."""

    host: str
    user: str
    host_key: str
    port: int = 22
    key_file: str | None = None
    password: str | None = None


class Line:
    """The connection of all lanes: made by the first that needs it, and anew after it broke."""

    def __init__(self, login: Login, patience: Patience) -> None:
        self.login, self.patience = login, patience
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._hashes: bool | None = None  # not known yet
        self._asking: threading.Thread | None = None

    def connected(self) -> Connection:
        """Return the connection, which stands as far as is known; raise DestinationError."""
        with self._lock:
            if self._connection is None or not self._connection.alive:
                self._close()
                self._connection = Connection(self.login, self.patience)
                if self._hashes is None:  # it takes as many round trips as to open a session: in the same time
                    self._asking = threading.Thread(target=self._ask, args=(self._connection,), daemon=True)
                    self._asking.start()
            return self._connection

    def session(self) -> tuple[Connection, Session]:
        """Return a new session and what it is on; raise DestinationError.

        A connection that had just ended, and did not know it yet, is made anew.
        """
        known, connection = self._connection, self.connected()
        try:
            return connection, connection.open_session()
        except DestinationUnreachable:
            if connection is not known:
                raise
        connection = self.connected()
        return connection, connection.open_session()

    def hashes(self) -> bool:
        """Tell whether the server runs sha256sum for us, as was asked with the connection."""
        if self._asking is not None:
            self._asking.join()
        return bool(self._hashes)

    def _ask(self, connection: Connection) -> None:
        answer = connection.hashes()
        self._hashes = answer if connection.alive else None

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Quiet(Transport):
    """Sends its reminders only while somebody waits for an answer: what notices a cut is TCP, when it sends."""

    awaits: Callable[[], bool] = staticmethod(lambda: True)

    def global_request(self, kind: str, data: Any = None, wait: bool = True) -> Message | None:
        """Send it, unless it is a reminder that nobody needs."""
        return super().global_request(kind, data, wait) if wait or self.awaits() else None


class Connection:
    """A logged-in connection; any number of threads may open sessions on it."""

    def __init__(self, login: Login, patience: Patience) -> None:
        self._patience = patience
        self._shown = safe(f"{login.host}:{login.port}")
        self._hashing = Hashing(self._channel)
        self._sessions: tuple[Session, ...] = ()  # exchanged as a whole: the thread that reads looks at it
        self._transport = self._trusted(login)
        try:
            with self._within(patience.login):
                self._log_in(login)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as is known."""
        return self._transport.is_active()

    def open_session(self) -> Session:
        """Return a new SFTP session; raise DestinationError."""
        try:
            with self._within(self._patience.login):
                return self._open_session()
        except DestinationUnreachable:
            self.close()
            raise

    def server_hash(self, folder: str, name: str) -> str | None:
        """Return the SHA-256 of a file below a folder as the server computes it; None when it does not."""
        with self._within(self._patience.hash), contextlib.suppress(*SPOKEN):
            return self._hashing.of(folder, name)
        return None

    def hashes(self) -> bool:
        """Tell whether the server lets us run sha256sum."""
        with self._within(self._patience.hash), contextlib.suppress(*SPOKEN):
            return self._hashing.possible()
        return False

    def _awaits(self) -> bool:
        return self._hashing.busy or any(one.awaits for one in self._sessions)

    def _channel(self) -> Channel:
        """Return a channel for a command, when other lanes have left one free."""
        for seconds in (*FULL, None):
            try:
                channel = self._transport.open_session(timeout=self._patience.answer)
            except ChannelException:
                if seconds is None:
                    raise
                time.sleep(seconds)
            else:
                channel.settimeout(self._patience.hash)
                break
        return channel

    def let_go(self) -> None:
        """Let go of the connection unless a session is open on it."""
        if not any(one.alive for one in self._sessions):
            self.close()

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        _end(self._transport)

    def _trusted(self, login: Login) -> Quiet:
        """Return a connection whose host key is the pinned one; nothing of ours but our version was sent.

        A server has a key of each type and shows the one that we like best: go through the types until the pinned
        one comes.
        """
        seen: list[str] = []
        while True:
            transport = self._negotiated(login, seen) if len(seen) < KEY_TYPES else None
            if transport is None:
                shown = f"{self._shown}: shows {', '.join(seen)}, pinned is {safe(login.host_key)}"
                raise HostKeyMismatch(
                    f"{shown}; if the server was set up anew, compare on the server itself and write it into host_key"
                )
            key = transport.get_remote_server_key()
            if key.fingerprint == login.host_key.rstrip("="):
                return transport
            _end(transport)
            seen.append(f"{key.fingerprint} ({key.get_name()})")

    def _negotiated(self, login: Login, seen: list[str]) -> Quiet | None:
        """Return a transport with keys exchanged; None when the server has no host key of a type not yet seen."""
        transport = Quiet(Wire(self._socket(login)), default_window_size=RECEIVE_WINDOW)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = self._patience.login
        options = transport.get_security_options()
        options.ciphers = CIPHERS
        options.key_types = tuple(kind for kind in options.key_types if not any(_same(kind, one) for one in seen))
        try:
            with self._within(self._patience.login, transport):
                transport.start_client(timeout=self._patience.login)
                transport.get_remote_server_key()  # a time-out of start_client is silent, this is not
        except SPOKEN as error:
            _end(transport)
            if seen and isinstance(error, IncompatiblePeer):
                return None
            raise told(error, self._shown, alive=False) from error
        return transport

    def _socket(self, login: Login) -> socket.socket:
        try:
            line = socket.create_connection((login.host, login.port), timeout=self._patience.connect)
        except (OSError, UnicodeError) as error:
            raise told(error, self._shown, alive=False) from error
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._patience.unacknowledged * 1000))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        return line

    def _log_in(self, login: Login) -> None:
        self._transport.awaits = self._awaits
        self._transport.set_keepalive(KEEPALIVE)
        self._transport.channel_timeout = self._patience.answer
        try:
            if login.key_file is not None:
                further = self._transport.auth_publickey(login.user, _key(login.key_file))
            else:
                further = self._transport.auth_password(login.user, login.password or "")
        except AuthenticationException as error:
            raise self._not_let_in(error, login) from error
        except SPOKEN as error:
            raise told(error, self._shown, alive=False) from error
        if further:
            raise DestinationRefused(f"{self._shown}: wants more than one proof of who we are: {safe(further)}")

    def _not_let_in(self, error: AuthenticationException, login: Login) -> Exception:
        """Tell a refusal from a cut in the middle of the log-in: paramiko has one class for both."""
        if not self._transport.is_active() or "timeout" in str(error):
            return DestinationUnreachable(f"{self._shown}: the log-in was cut off")
        what = "the key" if login.key_file is not None else "the password"
        return DestinationRefused(f"{self._shown}: refuses user {safe(login.user)} or {what}")

    def _open_session(self) -> Session:
        try:
            channel = self._transport.open_session(timeout=self._patience.answer)
            channel.settimeout(self._patience.answer)
            session = Session(channel)
            self._sessions = (*(one for one in self._sessions if one.alive), session)
        except SPOKEN as error:
            late = isinstance(error, TimeoutError) or "timeout" in str(error).lower()  # paramiko has no class for it
            if not late:
                self._transport.join(ENDS)
            if self._transport.is_active() and not late:
                raise DestinationRefused(f"{self._shown}: lets us in and offers no SFTP") from error
            raise told(error, self._shown, alive=False) from error
        wire = self._transport.sock
        if isinstance(wire, Wire):
            wire.hasty = False
        return session

    @contextlib.contextmanager
    def _within(self, seconds: float, transport: Transport | None = None) -> Iterator[None]:
        """Close the connection when the block takes longer: some waits of paramiko have no end."""
        timer = threading.Timer(seconds, (transport or self._transport).close)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _end(transport: Transport) -> None:
    transport.close()
    transport.sock.close()  # `close` leaves it open when the transport ended by itself


def _same(kind: str, seen: str) -> bool:
    """Tell whether a key type is the one of a key seen; RSA has a name per signature."""
    name = seen.rpartition("(")[2].rstrip(")")
    return kind == name or (name == "ssh-rsa" and kind.startswith("rsa-"))


def _key(path: str) -> PKey:
    try:
        return PKey.from_path(path)
    except _KEY_FAULTS as error:
        why = "it is locked by a passphrase" if isinstance(error, TypeError) else safe(error)
        raise DestinationRefused(f"key file {safe(path)}: {why}") from error
