"""What is watched, what wakes whom, and who is told."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from typing import Annotated, Literal

from core.site.model.words import Duration, Key, Name, table


@table
class Checks:
    """What wakes whom: thresholds of the checks, which the status document carries to whoever judges it."""

    act_hours: float = 12.0  # what is lost within so many hours pages, and silence that is longer
    missed: int = 3  # slots missed in a row that page; fewer where they are hours apart
    missed_percent: float = 5.0  # of the slots of a day, that warn
    oldest_hours: float = 24.0  # age of the oldest undelivered picture that warns
    buffer_days: float = 3.0  # that the buffer holds with all links down, below which it warns
    battery_percent: float = 20.0  # of a camera, below which it warns
    clock_drift: float = 60.0  # seconds of a camera's clock, either way
    temperature: float = 80.0  # degrees Celsius of the node


@table
class NagiosFeed:
    """A Nagios Core 4 on this machine. `commands`: its command file; `status`: its status.dat, in which its
    acknowledgements and what it knows at all are read.
    """

    commands: str
    status: str | None = None


@table
class IcingaFeed:
    """An Icinga 2 by its API. `create`: hosts and services that it does not know are made there."""

    url: str = "https://localhost:5665"
    user: str
    password_file: str
    ca_file: str | None = None  # the only certificates that may vouch for it; none: the system's
    create: bool = True


@table
class Monitoring:
    """Who tells Nagios or Icinga 2 how the nodes are: the node `at`, of itself and of all that it hears of.

    `every`: how often an unchanged state is told again; what is not told for twice as long is stale there.
    """

    at: Name | None = None  # none: the only node
    every: Duration = timedelta(minutes=5)
    nagios: NagiosFeed | None = None
    icinga: IcingaFeed | None = None


def thresholds(checks: Checks) -> dict[str, float]:
    """Return the thresholds that are not the default ones."""
    return {key: value for key, value in vars(checks).items() if value != getattr(Checks(), key)}


@table
class Smtp:
    """The server that takes the site's mail. Port 465 speaks TLS from its first byte, whatever `starttls` says.

    `ca_file`: the only certificates that may vouch for it; none: the system's.
    """

    host: str
    sender: Annotated[str, Key("from")]
    to: tuple[str, ...]
    port: int = 587
    starttls: bool = True
    user: str | None = None
    password_file: str | None = None
    ca_file: str | None = None


@table
class Notifications:
    """How people are told who look at no screen."""

    smtp: Smtp | None = None


@table
class Expect:
    """What a NAS has when nothing is missing: a disk that is dead may vanish from its tables."""

    disks: int | None = None
    raids: int | None = None
    volumes: int | None = None
    fans: int | None = None


@table
class NasSnmp:
    """A Synology or QNAP that is read by SNMP."""

    host: str  # "192.168.1.20" or "192.168.1.20:161"
    credentials_file: str
    expect: Expect = field(default_factory=Expect)


@table
class NasWatch:
    """A NAS that check_nas watches: by SNMP, as the destination that it is, or both."""

    kind: Literal["nas"]
    name: Name
    at: Name | None = None  # the node that asks it; none: each that delivers to its destination, else the only node
    snmp: NasSnmp | None = None
    destination: Name | None = None  # a file is written there, read back and deleted; its pictures are counted
    count: Duration = timedelta(days=1)  # between two counts of the pictures there; "0s": never


@table
class WallSnmp:
    """A firewall that is read by SNMP. `interfaces`: those that must be up; none: all that are switched on."""

    host: str
    credentials_file: str
    interfaces: tuple[str, ...] = ()


@table
class WallApi:
    """The API of an OPNsense. `credentials_file`: key and secret, each on a line."""

    url: str  # "https://192.168.1.1"
    credentials_file: str
    ca_file: str | None = None  # the only certificates that may vouch for it; none: the system's


@table
class Vantage:
    """A host from which flows are tried by SSH; nothing needs to be installed there."""

    name: Name
    address: str  # "user@host" or "user@host:port"
    key_file: str
    known_hosts: str  # a file with its host key, as ssh-keyscan prints it


@table
class Flow:
    """A connection that must pass, or must be blocked. `control`: a port of the same machine that answers."""

    from_: Annotated[Name, Key("from")]  # a node, or a vantage
    to: str  # "fr.example:443", or "10.1.0.0/24:445" for all of a network
    expect: Literal["pass", "blocked"]
    control: str | None = None


@table
class FirewallWatch:
    """A firewall that check_firewall watches, and the flows that it must let through or block."""

    kind: Literal["firewall"]
    name: Name
    at: Name | None = None  # the node that reads it; none: the only node
    snmp: WallSnmp | None = None
    opnsense: WallApi | None = None
    behind: tuple[Name, ...] = ()  # nodes whose way out it is; none: those that read it, and share a link with them
    vantage: tuple[Vantage, ...] = ()
    flows: tuple[Flow, ...] = ()
    audit: Duration = timedelta(days=1)  # between two audits of the flows; "0s": only by hand
    rate: float = 20.0  # connections a second, at most


Watch = NasWatch | FirewallWatch
