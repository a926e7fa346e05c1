"""BER as far as SNMP uses it: one byte of tag, definite lengths (ITU-T X.690, RFC 3417 section 8). Pure."""

from __future__ import annotations

from collections.abc import Iterable

Oid = tuple[int, ...]

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
LONGEST_OID = 128  # sub-identifiers, RFC 2578 section 3.5
LARGEST_PART = 2**32 - 1


def wrap(tag: int, content: bytes) -> bytes:
    """Return `content` with its tag and length before it."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """Return an INTEGER."""
    return wrap(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(parts: Oid) -> bytes:
    """Return an OBJECT IDENTIFIER of at least two parts."""
    return wrap(OID, b"".join(map(_base128, (parts[0] * 40 + parts[1], *parts[2:]))))


def _base128(part: int) -> bytes:
    groups = [part & 0x7F]
    while part := part >> 7:
        groups.append(part & 0x7F | 0x80)
    return bytes(reversed(groups))


class Reader:
    """Takes one element after the other; raises ValueError for bytes that are not BER, or end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def take(self) -> tuple[int, bytes]:
        """Return tag and content of the next element."""
        tag, size = self._bytes(2)
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("a length that SNMP does not allow")
            size = int.from_bytes(self._bytes(count), "big")
        return tag, self._bytes(size)

    def content(self, tag: int) -> bytes:
        """Return the content of the next element, which must carry `tag`."""
        if self.more and self._data[self._at] != tag:
            raise ValueError(f"type 0x{self._data[self._at]:02x} where 0x{tag:02x} belongs")
        return self.take()[1]

    def _bytes(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._data):
            raise ValueError("it is cut off")
        return self._data[start : self._at]


def signed(content: bytes) -> int:
    """Return the value of an INTEGER's content; eight bytes, since some devices send more than the four allowed."""
    if not 1 <= len(content) <= 8:
        raise ValueError(f"an integer of {len(content)} bytes")
    return int.from_bytes(content, "big", signed=True)


def unsigned32(content: bytes) -> int:
    """Return the value of a Counter32, Gauge32 or TimeTicks."""
    return _unsigned(content, 4)


def unsigned64(content: bytes) -> int:
    """Return the value of a Counter64."""
    return _unsigned(content, 8)


def _unsigned(content: bytes, size: int) -> int:
    """Devices that forget the zero before a first bit that is set are understood."""
    value = int.from_bytes(content, "big")
    if not content or len(content) > size + 1 or value >> 8 * size:
        raise ValueError(f"a number of {len(content)} bytes where {size} belong")
    return value


def oid_of(content: bytes) -> Oid:
    """Return the parts of an OBJECT IDENTIFIER's content."""
    if not content or content[-1] & 0x80:
        raise ValueError("an object identifier is cut off")
    parts: list[int] = []
    part = 0
    for byte in content:
        part = part << 7 | byte & 0x7F
        if part > LARGEST_PART or len(parts) == LONGEST_OID:
            raise ValueError("an object identifier is too long")
        if not byte & 0x80:
            parts.append(part)
            part = 0
    top = min(parts[0] // 40, 2)
    return (top, parts[0] - 40 * top, *parts[1:])


def parse_oid(text: str) -> Oid:
    """Return the parts of "1.3.6.1.2.1" (a leading dot is allowed); raise ValueError."""
    words = text.removeprefix(".").split(".")
    if not all(word.isascii() and word.isdigit() and len(word) <= 10 for word in words):
        raise ValueError(f"{text!r:.80} is not an object identifier; write numbers and dots, such as 1.3.6.1.2.1.1.3.0")
    parts = tuple(map(int, words))
    if not 2 <= len(parts) <= LONGEST_OID or max(parts) > LARGEST_PART or parts[0] > 2 or parts[1] > 39:
        raise ValueError(f"{text!r:.80} is not an object identifier that can be")
    return parts


def show_oid(parts: Iterable[int]) -> str:
    """Return the dotted form, without a leading dot."""
    return ".".join(map(str, parts))
