"""Where pictures go: destinations, routes and the web pages of live pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from core.site.model.words import Duration, Name, Parsed, Size, table
from core.values import parse_name


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


Level = Literal["size", "hash", "read-back"]


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
    status: bool = False  # each node that delivers there keeps its status document there, too: SITE/_status/NODE
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
