"""Bytes as the kernel counts them on an interface: what a modem carries is what is billed.

Sources: Documentation/ABI/testing/sysfs-class-net-statistics of the Linux kernel; DEVTYPE=wwan in its net drivers;
ARPHRD_PPP of <linux/if_arp.h>.
"""

from __future__ import annotations

from pathlib import Path

from core.site.model.links import Link

NET = Path("/sys/class/net")
PPP = "512"  # ARPHRD_PPP


def carried(link: Link, net: Path = NET) -> int | None:
    """Return the bytes that the interface of a link has received and sent since it came up; None: do not count by it.

    Without a word in site.toml only a modem is believed: other interfaces carry what never leaves the site, too.
    """
    if (
        link.interface is None
        or link.counter == "own"
        or (link.counter == "auto" and not is_modem(link.interface, net))
    ):
        return None
    folder = net / link.interface / "statistics"
    try:
        return sum(int((folder / name).read_text()) for name in ("rx_bytes", "tx_bytes"))
    except (OSError, ValueError):  # unplugged: it counts from nothing when it is back
        return None


def is_modem(interface: str, net: Path = NET) -> bool:
    """Return whether all that an interface carries leaves the site over a mobile network or a dialled line."""
    try:
        kind = (net / interface / "type").read_text().strip()
        told = (net / interface / "uevent").read_text()
    except OSError:
        return interface.startswith(("wwan", "ppp"))
    return kind == PPP or "DEVTYPE=wwan" in told
