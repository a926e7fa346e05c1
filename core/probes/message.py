"""Messages of SNMPv2c: what is asked and what is answered (RFC 1901, RFC 3416). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from core.probes.ber import (
    INTEGER,
    NULL,
    OCTETS,
    OID,
    SEQUENCE,
    Oid,
    Reader,
    integer,
    oid,
    oid_of,
    show_oid,
    signed,
    unsigned32,
    unsigned64,
    wrap,
)

VERSION_2C = 1
GET, GET_NEXT, RESPONSE, GET_BULK = 0xA0, 0xA1, 0xA2, 0xA5
TOO_BIG, NO_SUCH_NAME, GEN_ERR = 1, 2, 5
NO_ACCESS, AUTHORIZATION_ERROR = 6, 16
MISSING = ("noSuchObject", "noSuchInstance", "endOfMibView")  # kinds of a value that says that there is none


class Value(NamedTuple):
    """One variable of a device.

    `kind`: its type by the name that RFC 2578 gives it, or one of MISSING. `value`: a number for Integer32, Counter32,
    Gauge32, TimeTicks (hundredths of a second) and Counter64; bytes for an OctetString; dotted text for an
    ObjectIdentifier or IpAddress; else None.
    """

    oid: Oid
    kind: str
    value: int | bytes | str | None = None


class Response(NamedTuple):
    """What a device answered."""

    request_id: int
    status: int
    values: list[Value]


def _address(content: bytes) -> str:
    if len(content) != 4:
        raise ValueError(f"an IP address of {len(content)} bytes")
    return show_oid(content)


def _nothing(content: bytes) -> None:
    return None


_KINDS: Mapping[int, tuple[str, Callable[[bytes], int | bytes | str | None]]] = {
    INTEGER: ("Integer32", signed),
    OCTETS: ("OctetString", bytes),
    NULL: ("Null", _nothing),
    OID: ("ObjectIdentifier", lambda content: show_oid(oid_of(content))),
    0x40: ("IpAddress", _address),
    0x41: ("Counter32", unsigned32),
    0x42: ("Gauge32", unsigned32),
    0x43: ("TimeTicks", unsigned32),
    0x44: ("Opaque", _nothing),
    0x46: ("Counter64", unsigned64),
    0x80: ("noSuchObject", _nothing),
    0x81: ("noSuchInstance", _nothing),
    0x82: ("endOfMibView", _nothing),
}


def request(kind: int, request_id: int, oids: Sequence[Oid], community: bytes, repetitions: int = 0) -> bytes:
    """Return the message that asks for `oids`; `repetitions`: rows of each that a GET_BULK wants at most."""
    asked = wrap(SEQUENCE, b"".join(wrap(SEQUENCE, oid(one) + wrap(NULL, b"")) for one in oids))
    body = wrap(kind, integer(request_id) + integer(0) + integer(repetitions) + asked)
    return wrap(SEQUENCE, integer(VERSION_2C) + wrap(OCTETS, community) + body)


def response(data: bytes) -> Response:
    """Return what the message `data` answers; raise ValueError for one that is no answer in SNMPv2c."""
    message = Reader(Reader(data).content(SEQUENCE))
    version = signed(message.content(INTEGER))
    if version != VERSION_2C:
        raise ValueError(f"it is of SNMP version number {version}, not 2c")
    message.content(OCTETS)
    body = Reader(message.content(RESPONSE))
    request_id, status = signed(body.content(INTEGER)), signed(body.content(INTEGER))
    body.content(INTEGER)  # which of the variables an error is about
    return Response(request_id, status, _values(Reader(body.content(SEQUENCE))))


def _values(rows: Reader) -> list[Value]:
    found = []
    while rows.more:
        row = Reader(rows.content(SEQUENCE))
        name = oid_of(row.content(OID))
        tag, content = row.take()
        if tag not in _KINDS:
            raise ValueError(f"a value of unknown type 0x{tag:02x}")
        kind, decode = _KINDS[tag]
        found.append(Value(name, kind, decode(content)))
    return found
