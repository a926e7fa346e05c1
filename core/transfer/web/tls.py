"""TLS to one server: certificate and name verified, and sessions resumed, which spares a thin link certificates."""

from __future__ import annotations

import select
import socket
import ssl
import time

PADDING = 0x10  # SSL_OP_TLSEXT_PADDING of OpenSSL, which has no name in Python
LONGEST = 86400.0  # seconds after which the server has to show its certificate again


class Tls:
    """Secures connections of any lane to one server. What is resumed was verified: same name, same authority."""

    def __init__(self, ca_file: str | None) -> None:
        """`ca_file`: the only certificates that may vouch for the server; None: those that the system trusts."""
        self._ca_file = ca_file
        self._agreed: tuple[ssl.SSLContext, ssl.SSLSession | None] | None = None
        """How to go on with what was agreed: exchanged as a whole, for lanes look at it while others fail."""
        self._shown_at = 0.0  # monotonic: when the certificate was verified last

    def secured(self, line: socket.socket, host: str, seconds: float) -> ssl.SSLSocket:
        """Return the line under TLS within some seconds; raise OSError.

        What fails is begun from nothing the next time: certificates, those that we trust too, may have been renewed.
        """
        until = time.monotonic() + seconds
        context, session = self._agreed or (self._context(), None)
        if time.monotonic() > self._shown_at + LONGEST:
            session = None
        self._agreed = context, session
        line.settimeout(0)
        secured = None
        try:
            secured = context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False, session=session)
            _shake_hands(secured, until)
        except BaseException:
            self._agreed = None
            if secured is not None:
                secured.close()
            raise
        if not secured.session_reused:
            self._shown_at = time.monotonic()
        return secured

    def note(self, line: socket.socket | None) -> None:
        """Keep what a connection that was used was given to be resumed with."""
        agreed = self._agreed
        if isinstance(line, ssl.SSLSocket) and agreed is not None and line.context is agreed[0]:
            session = line.session
            if session is not None:
                self._agreed = line.context, session if session.has_ticket else None
                if session.has_ticket:
                    _shorten(line.context, line.version())

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _shorten(context: ssl.SSLContext, spoken: str | None) -> None:
    """Leave out what is for other servers than this one: padding, and where it speaks TLS 1.3 all that is older."""
    context.options &= ~PADDING
    if spoken == "TLSv1.3":
        context.minimum_version = ssl.TLSVersion.TLSv1_3


def _shake_hands(secured: ssl.SSLSocket, until: float) -> None:
    """Shake hands. Our last word waits in the kernel for the first request, for 200 ms at most (tcp(7), TCP_CORK)."""
    while True:
        try:
            return secured.do_handshake()
        except ssl.SSLWantReadError:
            secured.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            _wait(secured, select.POLLIN, until)
        except ssl.SSLWantWriteError:
            _wait(secured, select.POLLOUT, until)


def _wait(line: socket.socket, event: int, until: float) -> None:
    waiting = select.poll()
    waiting.register(line, event)
    left = until - time.monotonic()
    if left <= 0 or not waiting.poll(left * 1000):
        raise TimeoutError("no TLS in time")
