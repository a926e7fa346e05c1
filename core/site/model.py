"""What a site.toml may say: one dataclass a table, stdlib only; `load.py` fills them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

from core.units import parse_duration, parse_rate, parse_size
from core.values import parse_name

T = TypeVar("T")


class Parsed:
    """Marks a field that is written as text with a unit; `parse` raises ValueError with what to write instead."""

    def __init__(self, parse: Callable[[object], Any]) -> None:
        self.parse = parse

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        from pydantic_core import core_schema  # only the reader of the file pays for it

        return core_schema.no_info_plain_validator_function(self.parse)


class OneOf:
    """Marks a field that is one of several tables, told apart by their key `by`."""

    def __init__(self, by: str) -> None:
        self.by = by

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Discriminator

        return handler.generate_schema(Annotated[source, Discriminator(self.by)])


@dataclass_transform(frozen_default=True, kw_only_default=True)
def table(cls: type[T]) -> type[T]:
    """Make `cls` a table of site.toml: frozen, by keyword, strict, unknown keys refused."""
    cls.__pydantic_config__ = {"extra": "forbid", "strict": True}  # type: ignore[attr-defined]
    return dataclass(frozen=True, kw_only=True)(cls)


class Key:
    """Marks a field whose key in the file is a word that Python keeps for itself."""

    def __init__(self, word: str) -> None:
        self.word = word


@dataclass(frozen=True, slots=True)
class Group:
    """Several destinations of one route: all of them, or the first that answers."""

    names: tuple[str, ...]
    first: bool = False

    def __str__(self) -> str:
        return (" else " if self.first else " and ").join(self.names)


def parse_to(value: object) -> str | Group:
    """Return where a route goes: "nas", { all = ["fr", "ca"] } or { first = ["fr", "ca"] }; raise ValueError."""
    if isinstance(value, str):
        return parse_name(value)
    (word, names), *others = [*value.items()] if isinstance(value, dict) and value else [("", None)]
    if others or word not in ("all", "first") or not isinstance(names, list):
        raise ValueError('write the name of a destination, or { all = ["fr", "ca"] }, or { first = ["fr", "ca"] }')
    group = Group(tuple(parse_name(name) for name in names), word == "first")
    if len(set(group.names)) < 2 or len(set(group.names)) < len(names):
        raise ValueError("a group has at least two destinations, each of them once")
    return group


Name = Annotated[str, Parsed(parse_name)]
Duration = Annotated[timedelta, Parsed(parse_duration)]
Size = Annotated[int, Parsed(parse_size)]  # bytes
Rate = Annotated[int, Parsed(parse_rate)]  # bytes a second
Level = Literal["size", "hash", "read-back"]
Shoots = Literal["raw+jpeg", "jpeg", "raw"]
Corner = Literal["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]
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
class Budget:
    """The bytes that a link may carry in a month, which begins at local midnight of day `month_starts` (1 to 28)."""

    bytes: Size
    month_starts: int = 1


@table
class LinkWindow:
    """When a link is there for the archive, in local time; `begin` and `end` (`from` and `to`) as in a schedule."""

    days: str = "daily"
    begin: Annotated[str | None, Key("from")] = None
    end: Annotated[str | None, Key("to")] = None


@table
class SnmpCounter:
    """The interface of a router, whose counters say what leaves the site. `interface`: its name or its index there."""

    host: str  # "192.168.1.1" or "192.168.1.1:161"
    interface: str
    credentials_file: str


@table
class Link:
    """A way out of a node.

    `window`: outside of them only status and live pictures go; none: always open. `ladder`: rungs, the richest first.
    `shared`: nodes with a link of this name share its rate and budget by `weight`. `counter`: where the month's
    total is read; "auto": at the interface when that is a modem, else by our own accounting.
    """

    name: Name
    interface: str | None = None
    rate: Rate | None = None
    budget: Budget | None = None
    window: tuple[LinkWindow, ...] = ()
    ladder: tuple[str, ...] = ()
    shared: bool = False
    weight: int = 1
    counter: Literal["auto", "interface", "own"] = "auto"
    snmp: SnmpCounter | None = None


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
    obeys: tuple[Obeys, ...] = ()


@table
class Schedule:
    """When a camera is expected to shoot: `every` or `at`, inside a window of local time on some days.

    `days`: "mon-sat", "mon,wed" or "daily"; `begin` and `end`: "HH:MM", "sunrise-30m", "sunset+1h"
    (in the file: `from` and `to`); a window whose end is not after its begin runs over midnight.
    """

    every: Duration | None = None
    at: tuple[str, ...] = ()
    offset: Duration = timedelta(0)
    days: str = "daily"
    begin: Annotated[str | None, Key("from")] = None
    end: Annotated[str | None, Key("to")] = None


@table
class Event:
    """A one-off schedule that overrides the camera's own from `begin` until `end` (local, "2026-11-21T08:00")."""

    every: Duration
    begin: Annotated[str, Key("from")]
    end: Annotated[str, Key("to")]
    offset: Duration = timedelta(0)


@table
class GphotoSource:
    """A camera that libgphoto2 drives, by USB serial or by PTP/IP address; neither: the only one on USB."""

    kind: Literal["gphoto2"]
    serial: str | None = None
    address: str | None = None  # "192.168.1.5" or "192.168.1.5:15740[:EVENTPORT]": PTP/IP
    virtual: str | None = None  # a folder with DCIM/...: the virtual camera of the gphoto2 wheel


@table
class HttpSource:
    """A camera that gives a snapshot over HTTP."""

    kind: Literal["http"]
    url: str
    user: str | None = None
    password_file: str | None = None
    max_size: Size = 64_000_000
    ca_file: str | None = None


@table
class FolderSource:
    """A folder in which something that is not ours leaves pictures; each slot takes the newest whole one."""

    kind: Literal["folder"]
    path: str
    settle: Duration = timedelta(seconds=5)  # a file younger than this may still be growing
    remove: bool = False  # remove files there once they are durable here


@table
class RtspSource:
    """A camera that streams over RTSP; each shot is the first whole key frame of its stream."""

    kind: Literal["rtsp"]
    url: str
    user: str | None = None
    password_file: str | None = None
    transport: Literal["tcp", "udp"] = "tcp"


@table
class FtpSource:
    """A camera that pushes its pictures by itself to the node's FTP server, under a login of its own.

    `zone`: of the times in its file names and its EXIF; none: the site's.
    """

    kind: Literal["ftp"]
    user: str
    password_file: str
    zone: str | None = None
    max_size: Size = 200_000_000


Source = Annotated[GphotoSource | HttpSource | RtspSource | FtpSource | FolderSource, OneOf("kind")]


@table
class Settings:
    """What is written to the camera at every open, each from the camera's own choices."""

    format: str | None = None
    iso: str | None = None
    aperture: str | None = None
    shutter: str | None = None
    focus: str | None = None
    target: str | None = None  # capture target: "card" or "ram", or the camera's own word


@table
class Recovery:
    """What the recovery ladder may do to this camera."""

    usb_reset: bool = True
    hook: tuple[str, ...] = ()  # argv of a command that cuts and restores its power (a relay, uhubctl)
    hook_wait: Duration = timedelta(seconds=10)
    hooks_a_day: int = 12


@table
class Camera:
    """A configured source of pictures.

    `primary` and `backup` are the first assignment only, where nodes share an engine. `reach`: other nodes that can
    open it. `exclusive`: it takes one connection at a time, so an owner that is cut off stops shooting it. Of several
    cameras a backup takes those of the highest `priority` first.
    """

    name: Name
    source: Source
    primary: Name | None = None
    backup: Name | None = None
    reach: tuple[Name, ...] = ()
    exclusive: bool = False
    priority: int = 0
    shoots: Shoots = "jpeg"
    schedule: tuple[Schedule, ...] = ()
    event: tuple[Event, ...] = ()
    settings: Settings = field(default_factory=Settings)
    recovery: Recovery = field(default_factory=Recovery)
    exposure: Duration = timedelta(seconds=1)  # the longest exposure; the shot's deadline grows with it
    keep_open: Duration = timedelta(minutes=5)  # with a longer interval the camera is closed after each shot
    set_clock: bool = True


@table
class Crop:
    """Keep this box of the picture, in pixels of the picture as it is at this step."""

    width: int
    height: int
    x: int = 0
    y: int = 0


@table
class Step:
    """One step of a recipe: exactly one of crop, resize, rotate, watermark and legend, with what belongs to it."""

    crop: Crop | None = None
    resize: str | None = None  # "1920x1280"
    mode: Literal["fit", "fill", "exact"] = "fit"  # of resize
    rotate: int | None = None  # degrees clockwise: 90, 180, 270
    watermark: str | None = None  # a PNG, relative to site.toml
    legend: str | None = None  # text with {camera}, {site}, {time:%d.%m.%Y %H:%M}
    at: Corner = "bottom-right"
    opacity: float = 1.0  # of watermark, 0 to 1
    margin: int = 16  # pixels to the edge, of watermark and legend
    size: int = 28  # of legend, pixels
    font: str | None = None  # a TrueType file, relative to site.toml; default: the one that Pillow carries
    bar: bool = False  # of legend: a dark bar behind it, the whole width
    shadow: bool = False  # of legend
    color: str = "#ffffff"  # of legend


@table
class Recipe:
    """A named list of steps that makes a rendition."""

    name: Name
    steps: tuple[Step, ...]
    quality: int = 85
    exif: Literal["keep", "strip"] = "strip"
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:2:0"


@table
class Fetch:
    """How a node reaches, from its side, the place in which others leave what it takes in."""

    address: str
    link: Name | None = None  # of that node
    key_file: str | None = None
    password_file: str | None = None
    host_key: str | None = None
    ca_file: str | None = None
    region: str | None = None


@table
class Destination:
    """A place that keeps pictures. `address`: folder:/path, or SCHEME://user@host[:port]/path (docs/destinations)."""

    name: Name
    address: str
    link: Name | None = None
    key_file: str | None = None
    password_file: str | None = None
    host_key: str | None = None  # "SHA256:..." of the server's key, as `ssh-keygen -lf` prints it
    ca_file: str | None = None  # the only certificates that may vouch for the server; none: the system's
    region: str | None = None  # of an S3 bucket
    probe: bool = True
    deadline: Duration = timedelta(hours=6)  # for one file, whatever the progress
    chunk: Size = 4_000_000  # bytes of one grant
    lanes: int | None = None  # files under way at once, 1 to 8; with more than one the last is for live pictures
    node: Name | None = None  # the other end is this node, which takes in what is left there: its receipt is the proof
    fetch: Fetch | None = None  # how that node reaches the place; none: it is in its inbox
    audit: Duration = timedelta(days=30)  # within which every copy there is looked at again; "0s": never
    audit_read: int = 100  # of so many looks one reads the copy back whole; 0: none does
    protected: bool = False  # the server lets nobody with this node's key alter or delete what has arrived


@table
class Route:
    """Which pictures of which cameras go where."""

    what: tuple[str, ...]  # "raw", "jpeg" or names of recipes
    to: Annotated[str | Group, Parsed(parse_to)]
    cameras: tuple[Name, ...] = ()  # none named: all
    level: Level = "hash"
    every_nth: int = 1
    required: bool = True
    at: Name | None = None  # the node that does it; none: that which shot the picture, or first has every original
    live: str | None = None  # a stable name such as "{camera}.jpg": replaced by each newer picture, older ones dropped
    page: Name | None = None  # of a live route: the web page that shows its pictures, beside them
    name: str | None = None  # the names there, for people: "{time:%Y-%m-%d}/{camera}_{time}{ext}" (core/site/naming.py)
    sidecar: Literal["xmp"] | None = None  # a file beside each shot that says what is known of it

    @property
    def places(self) -> tuple[str, ...]:
        """The destinations that it names."""
        return self.to.names if isinstance(self.to, Group) else (self.to,)

    @property
    def first(self) -> bool:
        """Whether the first of them that answers is enough."""
        return isinstance(self.to, Group) and self.to.first


@table
class PageCamera:
    """What a page calls a camera. The order of these tables is that of the page; the other cameras follow."""

    name: Name
    caption: str


@table
class Page:
    """A web page that shows live pictures, in their folder at their destination: no server code, works on its own."""

    name: Name
    title: str
    text: str | None = None  # a sentence or two below the title
    language: Literal["en", "fr", "de"] = "en"
    camera: tuple[PageCamera, ...] = ()


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
    vantage: tuple[Vantage, ...] = ()
    flows: tuple[Flow, ...] = ()
    audit: Duration = timedelta(days=1)  # between two audits of the flows; "0s": only by hand
    rate: float = 20.0  # connections a second, at most


Watch = NasWatch | FirewallWatch


@table
class SiteFile:
    """A whole site.toml."""

    version: Literal[1]
    site: SiteHead
    roles: Roles = field(default_factory=Roles)
    checks: Checks = field(default_factory=Checks)
    coordination: Engine = field(default_factory=Engine)
    node: tuple[Node, ...]
    camera: tuple[Camera, ...] = ()
    recipe: tuple[Recipe, ...] = ()
    destination: tuple[Destination, ...] = ()
    page: tuple[Page, ...] = ()
    route: tuple[Route, ...] = ()
    watch: tuple[Annotated[Watch, OneOf("kind")], ...] = ()
    notifications: Notifications = field(default_factory=Notifications)
    monitoring: tuple[Monitoring, ...] = ()
