"""Values of a device as JSON, the same for every version of SNMP, and how much of them is too much."""

from __future__ import annotations

from typing import Any

from core.probes.ber import Oid, show_oid
from core.probes.message import Value
from core.text import safe

MOST_BYTES = 384 * 1024  # that a device may send for one request of ours; a NAS with all its disks has some kB
MOST_JSON = 4_000_000  # characters of the answer to the parent, which takes core.child.MAX_LINE
MOST_TEXT = 65_535  # characters of one string


def inside(oid: Oid, root: Oid) -> bool:
    """Tell whether `oid` lies below `root`."""
    return len(oid) > len(root) and oid[: len(root)] == root


def row(value: Value) -> dict[str, Any]:
    """Return {"oid", "type", "value"}; a string has "value", safe to show, and "hex", what it is."""
    found: dict[str, Any] = {"oid": show_oid(value.oid), "type": value.kind, "value": value.value}
    if isinstance(value.value, bytes):
        found |= {"value": text(value.value), "hex": value.value.hex()}
    return found


def text(content: bytes) -> str:
    """Return a string of a device safe to show, without the zeros and blanks that some put at its end."""
    return safe(content.rstrip(b"\0 \r\n").decode(errors="replace"), MOST_TEXT)
