"""The voters' configuration, as text that nats-server reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.coordination.rights import Account
from core.coordination.subjects import MAX_MESSAGE

CONF = "server.conf"
ACCOUNTS = "accounts.conf"  # which alone changes when a node comes or goes: a reload takes it up
FOLDER = Path("/etc/overlapse/voter")
STORE = Path("/var/lib/overlapse/voter")


@dataclass(frozen=True, slots=True)
class Voter:
    """A server of the fleet: where nodes reach it, and where its equals do."""

    name: str
    host: str
    port: int
    route_port: int
    listen: str = "0.0.0.0"  # noqa: S104 - who may log in is what guards it

    @property
    def url(self) -> str:
        """The address as site.toml has it."""
        return f"tls://{_bracketed(self.host)}:{self.port}"


def server_conf(voter: Voter, voters: Sequence[Voter], folder: Path = FOLDER, store: Path = STORE) -> str:
    """Return one voter's configuration; its files lie in `folder`, what it keeps in `store`."""
    head = [
        "# A voter of an Overlapse fleet, written by `overlapse fleet init`. docs/fleet.md says what each line is for.",
        f"server_name: {_quoted(voter.name)}",
        f"listen: {_quoted(f'{_bracketed(voter.listen)}:{voter.port}')}",
        f"max_payload: {MAX_MESSAGE}",
        'ping_interval: "2m"',
        'write_deadline: "10s"',
        "jetstream {",
        f"  store_dir: {_quoted(str(store))}",
        "  sync_interval: always",
        "  max_memory_store: 16MB",
        "  max_file_store: 1GB",
        "}",
        "tls {",
        *_files(folder, "server"),
        "  verify_and_map: true",
        "  handshake_first: true",
        "  timeout: 5",
        "}",
    ]
    routes = _cluster(voter, voters, folder) if len(voters) > 1 else []
    return "\n".join([*head, *routes, f'include "{ACCOUNTS}"', ""])


def _cluster(voter: Voter, voters: Sequence[Voter], folder: Path) -> list[str]:
    """Return how it speaks with its equals: authorised by an authority that no node's certificate comes from."""
    others = [f"nats-route://{_bracketed(each.host)}:{each.route_port}" for each in voters if each != voter]
    return [
        "cluster {",
        "  name: overlapse",
        f"  listen: {_quoted(f'{_bracketed(voter.listen)}:{voter.route_port}')}",
        f"  routes: [{', '.join(map(_quoted, others))}]",
        "  no_advertise: true",
        "  tls {",
        *(f"  {line}" for line in _files(folder, "route")),
        "    timeout: 5",
        "  }",
        "}",
    ]


def accounts_conf(logins: Mapping[str, Sequence[Account]]) -> str:
    """Return the logins of all sites, each site in an account of its own: none sees another's store."""
    lines = [
        "# Who may do what: written by `overlapse fleet init` and `fleet revoke`; a reload takes it up.",
        "accounts {",
    ]
    for site, users in logins.items():
        lines += [f"  {_quoted(site)}: {{", "    jetstream: enabled", "    users: ["]
        lines += [line for user in users for line in _user(user)]
        lines += ["    ]", "  }"]
    return "\n".join([*lines, "}", ""])


def _user(account: Account) -> list[str]:
    return [
        "      {",
        f"        user: {_quoted(account.user)}",
        "        permissions: {",
        f"          publish: {{ allow: [{', '.join(map(_quoted, account.publish))}] }}",
        f"          subscribe: {{ allow: [{', '.join(map(_quoted, account.subscribe))}] }}",
        "        }",
        "      }",
    ]


def _files(folder: Path, name: str) -> list[str]:
    ca = "ca" if name == "server" else "routes-ca"
    files = {"cert_file": f"{name}.pem", "key_file": f"{name}.key", "ca_file": f"{ca}.pem"}
    return [f"  {key}: {_quoted(str(folder / file))}" for key, file in files.items()]


def _quoted(text: str) -> str:
    return json.dumps(text)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
