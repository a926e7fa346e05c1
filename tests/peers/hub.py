"""A hub's gateway on the example site of nagios/, and documents of its nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checks.gateway.feeds import Feed
from checks.gateway.service import OVERLAPSE, Gateway
from core.cli.sites import site_checks
from core.site.load import load
from core.site.monitored import Monitored, monitored
from peers.statuses import DAY, HOUR, Change, Document, camera, destination, link, well

NAGIOS = Path(__file__).parent.parent.parent / "nagios"
CAMERAS = {"unit1": "north", "unit2": "gate"}
EVERY = 300.0


def made() -> Monitored:
    """Return what the example site comes to."""
    site = load(NAGIOS / "site.toml", site_checks(secrets=False), secrets=False).site
    return monitored(site, site.monitoring[0])


def status(node: str, now: float, *changes: Change, heard: float | None = None) -> Document:
    """Return the document of a node of the example site as the hub has it, nothing wrong but for `changes`."""
    body = well(now)
    body |= {"node": node, "check_in": 300.0, "overlapse": OVERLAPSE}
    if node != "unit1":
        body["redundancy"] = shared(now)
    if node == "fr":
        body |= {"kind": "cloud", "cameras": [], "destinations": [destination("nas", "lan")], "links": []}
        body["watch"] = [front(now), {"name": "wall", "kind": "firewall", "flows": flows(now)}]
    else:
        body |= {
            "cameras": [camera(CAMERAS[node], now)],
            "destinations": [destination("home", "sim"), destination("nas", "lan")],
            "links": [link("sim", now), link("lan", now)],
            "heard": now - 5 if heard is None else heard,
        }
    if node == "unit1":
        body["watch"] = [box(now), wall(now)]
    for change in changes:
        change(body)
    return body


def shared(now: float) -> Document:
    """Return who holds the camera that has a backup."""
    both = {"name": "gate", "mode": "normal", "primary": "unit2", "backup": "fr"}
    return {"engine": {"state": "ok"}, "cameras": [{**both, "owner": "unit2", "since": now - 9 * DAY}]}


def flows(now: float) -> Document:
    """Return an audit that found all flows as designed."""
    return {"total": 1, "violated": 0, "not_proven": 0, "wrong": [], "at": now - HOUR}


def wall(now: float) -> Document:
    """Return the firewall before the units, as unit1 reads it."""
    faces = [{"name": name, "wanted": True, "up": True, "errors": 0} for name in ("wan", "lan")]
    told = {"uptime": 90 * DAY, "running": True, "interfaces": faces, "at": now - 60}
    return {"name": "wall", "kind": "firewall", "snmp": told, "flows": flows(now), "wanted": ["wan", "lan"]}


def front(now: float) -> Document:
    """Return the firewall beside the hub, as the hub reads it."""
    gates = [{"name": "WAN_GW", "status": "none", "loss": 0.0, "delay": 3.1}]
    told = {"states": 912, "limit": 397_000, "rules": 41, "gateways": gates, "at": now - 60}
    return {"name": "front", "kind": "firewall", "opnsense": told}


def box(now: float) -> Document:
    """Return the NAS beside the units, as unit1 reads it."""
    disks = [{"name": f"Drive {n}", "status": "normal", "temperature": 37, "bad": 0} for n in (1, 2, 3, 4)]
    raids = [{"name": "Volume 1", "status": "normal", "free": 2e12, "total": 11e12}]
    told = {"vendor": "Synology", "model": "DS923+", "uptime": 30 * DAY, "disks": disks, "raids": raids, "at": now - 60}
    place = {"seconds": 0.3, "free": 2e12, "at": now - 1200}
    expect = {"disks": 4, "raids": 1}
    return {"name": "box", "kind": "nas", "snmp": told, "place": place, "destination": "nas", "expect": expect}


class Hub:
    """A gateway that tells these feeds."""

    def __init__(self, feeds: dict[str, Feed], every: float = EVERY, of: Monitored | None = None) -> None:
        self.gateway = Gateway(of or made(), feeds, every, {})
        self.handed: dict[str, Any] = {}

    def tell(self, now: float, *documents: Document) -> dict[str, Any]:
        """Give it documents and have it tell; nothing may have failed."""
        result = self.gateway.tell(list(documents), now, self.handed)
        assert result["errors"] == {}
        self.handed = json.loads(json.dumps(result["handed"]))
        return result
