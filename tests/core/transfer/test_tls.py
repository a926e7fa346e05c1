"""What lanes share to secure their connections: one that fails leaves the others what they need."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from peers.certificates import Certificate, certificate

from core.transfer.web.tls import Tls

HOST = "127.0.0.1"


@pytest.fixture
def shown(tmp_path: Path) -> Certificate:
    return certificate(tmp_path)


@pytest.fixture
def port(shown: Certificate) -> Iterator[int]:
    """Serve TLS, and a byte on each connection: what it is resumed with comes along."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
                with context.wrap_socket(line, server_side=True) as secured:
                    secured.sendall(b"!")
                    secured.recv(1)  # until the other end is done with it
            except ssl.SSLError:
                continue
            except OSError:
                return

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def fails(tls: Tls) -> None:
    """Have the handshake of another lane fail."""
    one, other = socket.socketpair()
    other.close()
    with pytest.raises(OSError):
        tls.secured(one, HOST, 5)


def use(tls: Tls, line: socket.socket) -> bool:
    """Use a connection and note it; tell whether it was resumed."""
    with tls.secured(line, HOST, 5) as secured:
        secured.settimeout(5)
        assert secured.recv(1) == b"!"
        tls.note(secured)
        return bool(secured.session_reused)


class Slow(socket.socket):
    """A connection to the server; what happens meanwhile happens before it is secured."""

    def __init__(self, port: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.connect((HOST, port))
        self._meanwhile = meanwhile

    def settimeout(self, seconds: float | None, /) -> None:
        self._meanwhile()
        super().settimeout(seconds)


def test_a_session_is_resumed_and_after_a_failure_all_begins_anew(shown: Certificate, port: int) -> None:
    tls = Tls(str(shown.authority))
    assert [use(tls, Slow(port)) for _ in range(3)] == [False, True, True]
    fails(tls)
    assert [use(tls, Slow(port)) for _ in range(2)] == [False, True]


def test_a_lane_connects_while_another_fails(shown: Certificate, port: int) -> None:
    tls = Tls(str(shown.authority))
    use(tls, Slow(port, lambda: fails(tls)))


def test_what_is_noted_while_another_lane_fails_spoils_no_later_connection(shown: Certificate, port: int) -> None:
    tls = Tls(str(shown.authority))

    class Noted(ssl.SSLSocket):
        @property
        def session(self) -> ssl.SSLSession | None:  # type: ignore[override]
            fails(tls)
            return super().session

    with tls.secured(Slow(port), HOST, 5) as secured:
        secured.settimeout(5)
        assert secured.recv(1) == b"!"
        secured.__class__ = Noted
        tls.note(secured)
    use(tls, Slow(port))
