"""What lies beside the credentials of a fleet: what to copy where, and how a voter is started."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from core.coordination.voters import FOLDER, STORE, Voter
from core.site.engine import needs_session
from core.site.model.file import SiteFile

_README = """\
A fleet of Overlapse: $sites

This folder holds all of its secrets. Keep it where nobody carries it away: authority/ can make new logins, operator/
may change everything that the nodes share. Nothing in it is needed by a running fleet, except what is copied below.
After a change of site.toml run `overlapse fleet init` again on this folder: what is there stays.

1. The voters. Each needs nats-server ($version or later: pip install "overlapse[voter]"), the user `overlapse`, and:

$voters
   sudo systemctl daemon-reload && sudo systemctl enable --now overlapse-voter
   The ports must be reached: the first by all nodes, the second ($routes) by the other voters.
   Whether a configuration holds: nats-server -t -c $folder/server.conf

2. The nodes. Each needs `pip install "overlapse[fleet]"` and its own three files, and no others:

$nodes
   then chmod 600 the .key, which belongs to the user that runs the node.

3. Once, from here, when the voters run (with one that answers too few of them it says so):

   overlapse fleet epoch --raise --fleet .

   That makes the shared store. `overlapse fleet show` on any node says how it is. docs/fleet.md has the rest: a stolen
   node, a voter that died, a store that was lost, and the copies to keep of it.
"""

_SERVICE = """\
[Unit]
Description=A voter of an Overlapse fleet
Documentation=file:/usr/share/doc/overlapse/fleet.md
Wants=network-online.target
After=network-online.target

[Service]
User=overlapse
ExecStart=/opt/overlapse/bin/nats-server -c $folder/server.conf
ExecReload=/bin/kill -HUP $$MAINPID
StateDirectory=$state
StateDirectoryMode=0700
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LimitNOFILE=65536
MemoryMax=512M
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
"""
VERSION = "2.15"


def readme(sites: Sequence[SiteFile], fleet: Sequence[Voter]) -> str:
    """Return what the folder of a fleet says of itself."""
    voters = "".join(
        f"   {voter.name}, {voter.host}:{voter.port} (and {voter.route_port} for the others)\n"
        f"     voters/{voter.name}/*.pem, *.key, *.conf  to  {FOLDER}/  (owner overlapse, the keys mode 600)\n"
        f"     voters/{voter.name}/overlapse-voter.service  to  /etc/systemd/system/\n"
        for voter in fleet
    )
    nodes = "".join(
        f"   nodes/{node.name}/*  to  {site.coordination.credentials}/  on {node.name}\n"
        for site in sites
        for node in site.node
        if needs_session(site, node.name)
    )
    said = {
        "sites": ", ".join(site.site.name for site in sites),
        "version": VERSION,
        "routes": ", ".join(dict.fromkeys(str(voter.route_port) for voter in fleet)) if len(fleet) > 1 else "not used",
        "folder": str(FOLDER),
        "voters": voters,
        "nodes": nodes,
    }
    return Template(_README).substitute(said)


def service() -> str:
    """Return the systemd unit of a voter."""
    return Template(_SERVICE).substitute(folder=FOLDER, state=STORE.relative_to("/var/lib"))
