"""A hub's gateway on the example site of nagios/, and documents of its nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checks.gateway.feeds import Feed
from checks.gateway.service import OVERLAPSE, Gateway
from core.cli.sites import site_checks
from core.site.load import load
from core.site.monitored import Monitored, monitored
from peers.statuses import Change, Document, camera, destination, link, well

NAGIOS = Path(__file__).parent.parent.parent / "nagios"
CAMERAS = {"unit1": "north", "unit2": "gate"}
EVERY = 300.0


def made() -> Monitored:
    """Return what the example site comes to."""
    site = load(NAGIOS / "site.toml", site_checks(), secrets=False).site
    return monitored(site, site.monitoring[0])


def status(node: str, now: float, *changes: Change, heard: float | None = None) -> Document:
    """Return the document of a node of the example site as the hub has it, nothing wrong but for `changes`."""
    body = well(now)
    body |= {"node": node, "check_in": 300.0, "overlapse": OVERLAPSE}
    if node == "fr":
        body |= {"kind": "cloud", "cameras": [], "destinations": [], "links": []}
    else:
        body |= {
            "cameras": [camera(CAMERAS[node], now)],
            "destinations": [destination("home", "sim"), destination("nas", "lan")],
            "links": [link("sim", now), link("lan", now)],
            "heard": now - 5 if heard is None else heard,
        }
    for change in changes:
        change(body)
    return body


class Hub:
    """A gateway that tells these feeds."""

    def __init__(self, feeds: dict[str, Feed], every: float = EVERY, of: Monitored | None = None) -> None:
        self.gateway = Gateway(of or made(), feeds, every, {})

    def tell(self, now: float, *documents: Document) -> dict[str, Any]:
        """Give it documents and have it tell; nothing may have failed."""
        result = self.gateway.tell(list(documents), now)
        assert result["errors"] == {}
        return result
