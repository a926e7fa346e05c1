"""What may name a machine in an address."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")  # \w: names may have letters beyond ASCII, and cameras have _
_NUMBER = re.compile(r"[0-9]+")
LONGEST = 253  # characters, RFC 1035


def is_ipv4(text: str) -> bool:
    """Tell whether `text` is an address such as 192.168.1.5."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Tell whether `text` is an IP address, IPv6 without brackets, or may be the name of a machine."""
    if ":" in text:
        try:
            IPv6Address(text)
        except AddressValueError:
            return False
        return True
    labels = text.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return is_ipv4(text)
    return len(text) <= LONGEST and all(_LABEL.fullmatch(label) for label in labels)
