"""A way to a unit that nobody can call: the unit keeps a tunnel to a hub open. Its systemd unit, as text."""

from __future__ import annotations

import re

from core.errors import ConfigurationError

HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
PLACE = re.compile(rf"(?P<login>[a-z_][a-z0-9_-]{{0,31}}@{HOST}):(?P<port>[0-9]{{4,5}})")
FOLDER = "/etc/overlapse/tunnel"
ALIVE = 240  # seconds between two signs of life: below the five minutes after which mobile networks forget a line
UNIT = """\
# A tunnel that this unit keeps open to a hub: save it as /etc/systemd/system/overlapse-tunnel.service, then here
#
#   install -d -o overlapse -m 700 {folder}
#   runuser -u overlapse -- ssh-keygen -q -t ed25519 -N '' -f {folder}/key
#   ssh-keyscan {host} >{folder}/known_hosts        # and compare the fingerprint with the hub's own
#   systemctl daemon-reload && systemctl enable --now overlapse-tunnel
#
# and on the hub, for an account without a shell, in front of {folder}/key.pub in its authorized_keys:
#
#   restrict,port-forwarding,permitlisten="127.0.0.1:{port}",command="/bin/false"
#
# An operator on the hub then reaches this unit with: ssh -p {port} ACCOUNT@127.0.0.1

[Unit]
Description=Overlapse: the way of operators to this unit
After=network.target time-sync.target
# Nobody is there to start it again: never give up.
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/ssh {options} -R 127.0.0.1:{port}:127.0.0.1:22 {login}
Restart=always
# Each try that gets as far as the hub costs about 9 kB.
RestartSec=120
User=overlapse
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""
OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": "30",
    "ExitOnForwardFailure": "yes",  # a tunnel without its other end is none
    "IdentitiesOnly": "yes",
    "IPQoS": "cs1",  # behind everything else that the link carries
    "RekeyLimit": "default none",  # by bytes, not by the clock
    "ServerAliveCountMax": "2",
    "ServerAliveInterval": str(ALIVE),
    "StrictHostKeyChecking": "yes",
    "TCPKeepAlive": "no",  # the signs of life above do it, and are authenticated
    "UserKnownHostsFile": f"{FOLDER}/known_hosts",
}


def unit(place: str) -> str:
    """Return the unit file of a tunnel to `place`, USER@HUB:PORT, where PORT is opened on the hub's loopback.

    Raise ConfigurationError for what is none.
    """
    found = PLACE.fullmatch(place)
    if found is None or not 1024 <= int(found["port"]) <= 65535:
        raise ConfigurationError(
            "a tunnel goes to USER@HUB:PORT; PORT is one from 1024 to 65535 that no other unit has"
        )
    given = " ".join(f'-o "{key}={value}"' for key, value in OPTIONS.items())
    options = f"-NT -F none -i {FOLDER}/key {given}"
    login, port = found["login"], found["port"]
    return UNIT.format(folder=FOLDER, host=login.partition("@")[2], login=login, port=port, options=options)
