"""A device asked by SNMPv2c over UDP: community, retries, one deadline for all."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from core.errors import ProbeGarbled, ProbeRefused, ProbeUnanswered
from core.probes.address import looked_up, why
from core.probes.ber import Oid
from core.probes.message import (
    AUTHORIZATION_ERROR,
    GEN_ERR,
    GET,
    GET_BULK,
    GET_NEXT,
    NO_ACCESS,
    NO_SUCH_NAME,
    TOO_BIG,
    Response,
    Value,
    request,
    response,
)
from core.probes.rows import MOST_BYTES, inside

FIRST_WAIT = 1.0  # seconds for an answer; doubled with each try
ROWS = 25  # of a table asked for at once; 25 counters fit into one packet of Ethernet
AT_ONCE = 20  # single variables asked for at once
DATAGRAM = 65_535  # bytes, the longest there is


class CommunitySession:
    """Reads from one device until `until` (monotonic). Only its own address is heard: the socket is connected."""

    def __init__(self, host: str, port: int, community: bytes, until: float) -> None:
        """Look up the host and make a socket; raise ProbeUnanswered."""
        self._where = f"{host}, UDP port {port}"
        self._community = community
        self._until = until
        self._id = int.from_bytes(os.urandom(4), "big") >> 1
        self._rows = ROWS
        self._received = 0
        self._socket = self._connected(host, port)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def get(self, oids: Sequence[Oid]) -> list[Value]:
        """Return one value for each of `oids`, in their order; raise ProbeError."""
        found: list[Value] = []
        for start in range(0, len(oids), AT_ONCE):
            found += self._get(oids[start : start + AT_ONCE])
        return found

    def walk(self, root: Oid) -> list[Value]:
        """Return every value below `root`, in order; raise ProbeError."""
        found: list[Value] = []
        at = root
        for row in self._following(root):
            if row.kind == "endOfMibView" or not inside(row.oid, root):
                break
            if row.oid <= at:
                raise ProbeGarbled(f"{self._where}: its table does not go forward; a walk would never end")
            found.append(row)
            at = row.oid
        return found

    # --- what is asked

    def _get(self, oids: Sequence[Oid]) -> list[Value]:
        answer = self._ask(lambda number, tried: request(GET, number, oids, self._community))
        if answer.status == TOO_BIG and len(oids) > 1:
            half = len(oids) // 2
            return self._get(oids[:half]) + self._get(oids[half:])
        if answer.status:
            raise self._refusal(answer.status)
        if [value.oid for value in answer.values] != list(oids):
            raise ProbeGarbled(f"{self._where}: it answers something else than what was asked")
        return answer.values

    def _following(self, at: Oid) -> Iterator[Value]:
        """Yield what follows `at` in the device's order, asking on while it is wanted."""
        while rows := self._next(at):
            yield from rows
            at = rows[-1].oid

    def _next(self, at: Oid) -> list[Value]:
        while True:
            answer = self._ask(lambda number, tried: self._onward(number, at, self._rows >> tried))
            if answer.status == NO_SUCH_NAME:  # the end, as agents of version 1 behind a proxy say it
                return []
            if not answer.status and answer.values:
                return answer.values
            if answer.status not in (TOO_BIG, GEN_ERR) or self._rows == 1:
                raise self._refusal(answer.status)
            self._rows //= 2

    def _onward(self, number: int, at: Oid, rows: int) -> bytes:
        """Fewer rows with each try: an answer in fragments may never get through."""
        if rows > 1:
            return request(GET_BULK, number, [at], self._community, rows)
        return request(GET_NEXT, number, [at], self._community)

    def _refusal(self, status: int) -> ProbeRefused | ProbeGarbled:
        if not status:
            return ProbeGarbled(f"{self._where}: an answer without values")
        if status in (NO_ACCESS, AUTHORIZATION_ERROR):
            return ProbeRefused(f"{self._where}: this community may not read that")
        return ProbeGarbled(f"{self._where}: it cannot answer that (error {status} of RFC 3416)")

    # --- the way there and back

    def _connected(self, host: str, port: int) -> socket.socket:
        family, address = looked_up(host, port)
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.connect(address)
        except OSError as error:
            opened.close()
            raise ProbeUnanswered(f"{self._where}: {why(error)}") from error
        return opened

    def _ask(self, make: Callable[[int, int], bytes]) -> Response:
        """Send what `make(request id, tries before)` gives until it is answered."""
        self._id = (self._id + 1) & 0x7FFF_FFFF
        tried, wait = 0, FIRST_WAIT
        while (now := time.monotonic()) < self._until:
            answer = self._exchange(make(self._id, tried), min(self._until, now + wait))
            if answer is not None:
                return answer
            tried, wait = tried + 1, wait * 2
        raise ProbeUnanswered(
            f"{self._where}: no answer, asked {tried} times: it is not there, a firewall is between, SNMP is off, "
            "or it does not know this community (version 2c is silent then)"
        )

    def _exchange(self, message: bytes, until: float) -> Response | None:
        try:
            self._socket.send(message)
            while (left := until - time.monotonic()) > 0:
                self._socket.settimeout(left)
                answer = self._understood(self._socket.recv(DATAGRAM))
                if answer.request_id == self._id:  # else a late one
                    return answer
        except TimeoutError:
            pass
        except ConnectionRefusedError as error:
            raise ProbeUnanswered(f"{self._where}: nothing listens there; is SNMP on?") from error
        except OSError as error:
            raise ProbeUnanswered(f"{self._where}: {why(error)}") from error
        return None

    def _understood(self, datagram: bytes) -> Response:
        self._received += len(datagram)
        if self._received > MOST_BYTES:
            raise ProbeGarbled(f"{self._where}: more than {MOST_BYTES // 1024} kB of answers; ask for less")
        try:
            return response(datagram)
        except ValueError as error:
            raise ProbeGarbled(f"{self._where}: its answer is not SNMP as it should be: {error}") from error
