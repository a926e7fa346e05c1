"""The programs that Nagios and Icinga call: one function each."""

from __future__ import annotations

from checks.base.start import start


def camera() -> None:
    """check_camera."""
    start("camera")


def transfer() -> None:
    """check_transfer."""
    start("transfer")


def storage() -> None:
    """check_storage."""
    start("storage")


def redundancy() -> None:
    """check_redundancy."""
    start("redundancy")


def node() -> None:
    """check_node."""
    start("node")


def nas() -> None:
    """check_nas."""
    start("nas")


def firewall() -> None:
    """check_firewall."""
    start("firewall")
