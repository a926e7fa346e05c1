"""The machines of a site, and what they share."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from typing import Literal

from core.site.model.links import Link
from core.site.model.words import Duration, Name, Size, table

WhenFull = Literal["thin", "stop"]


@table
class SiteHead:
    """`site = { ... }`: the deployment itself. `clock = "host"` trusts the machine's clock unconditionally."""

    name: Name
    zone: str
    data: str
    latitude: float | None = None
    longitude: float | None = None
    clock: Literal["check", "host"] = "check"
    run: str | None = None  # the run folder; default: below /run when it can be written, else in the data folder


@table
class Roles:
    """Unix groups, a login account each, whose members may view, operate and administer."""

    view: str = "overlapse-view"
    operate: str = "overlapse-operate"
    admin: str = "overlapse-admin"


@table
class Engine:
    """What the nodes of a site share leases, assignments and orders through (docs/fleet.md); no servers: nothing.

    `servers`: the addresses of the voters, three on three machines. `witness`: one more on any small machine, where
    there are two; `coordinator`: the node that runs the only one. `credentials`: the folder with this node's.
    """

    servers: tuple[str, ...] = ()
    credentials: str = "/etc/overlapse/fleet"
    coordinator: Name | None = None
    witness: str | None = None
    route_port: int = 6222


@table
class Buffer:
    """The node's own picture store. `keep`: the age at which proven pictures leave although there is room."""

    keep_free: Size = 2_000_000_000
    when_full: WhenFull = "thin"
    keep: Duration | None = None


@table
class FtpServer:
    """The node's FTP server, at which its cameras of kind "ftp" leave their pictures: one port for all of them.

    `masquerade`: the address that cameras reach it at, where a router translates it (NAT). With a certificate only
    logins by TLS are taken (AUTH TLS, RFC 4217), unless `plain`.
    """

    listen: str = "0.0.0.0:2121"  # "[::]:2121" takes IPv6 and IPv4
    passive_ports: str = "50000-50099"
    masquerade: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    plain: bool = False


@table
class Redundancy:
    """What a node does when the node that owns a camera falls silent (docs/redundancy.md).

    `constant`: as a backup it shoots all cameras that it reserves, all the time; `fast`: its own cameras are taken over
    sooner when it falls silent; `mail`: as a backup it tells by mail; `autoback`: cameras that it took over go back by
    themselves. `max_cameras`: how many it may serve in all; a node that is only a backup needs at least one.
    """

    constant: bool = False
    fast: bool = False
    mail: bool = False
    autoback: bool = True
    max_cameras: int | None = None


@table
class Obeys:
    """A node whose orders are obeyed, up to what `role` may do.

    `key_file`: a secret that the two nodes share and no other has; by it an order proves whose it is (docs/orders.md).
    """

    node: Name
    key_file: str
    role: Literal["view", "operate", "admin"] = "operate"


@table
class Node:
    """A machine of the site. `inbox`: where other nodes leave what it takes in; `pull`: those from which it fetches.

    `check_in`: how often it tells the nodes that it delivers to how it is, also when there is nothing to deliver, and
    asks those that it `obeys` for orders; it obeys nobody else.

    `reads`: destinations with `status = true` from which it learns how the nodes are that deliver there.

    `ftp`: needed for cameras of kind "ftp". `profile`: "cellular" renews its lease three times less often.
    """

    name: Name
    kind: Literal["unit", "cloud", "office"] = "unit"
    buffer: Buffer = field(default_factory=Buffer)
    ftp: FtpServer | None = None
    link: tuple[Link, ...] = ()
    profile: Literal["normal", "cellular"] = "normal"
    redundancy: Redundancy = field(default_factory=Redundancy)
    check_in: Duration = timedelta(minutes=5)
    inbox: str | None = None  # a folder; each deliverer has a folder of its own below it
    pull: tuple[Name, ...] = ()
    reads: tuple[Name, ...] = ()
    obeys: tuple[Obeys, ...] = ()
