"""From a destination's address to the class that speaks to it, imported when first asked for."""

from __future__ import annotations

import importlib.util
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, cast

from core.site.hosts import is_host
from core.site.model import places
from core.site.paths import identity_of, real
from core.text import safe
from core.transfer.base import Destination


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of destination: where its class is, an example of its address, and which keys it takes and needs."""

    where: str  # module:class, imported when first asked for
    example: str
    takes: frozenset[str] = frozenset()  # of LOGIN and PINS
    needs: frozenset[str] = frozenset()  # each of them, or one of several written "a|b"
    lanes: int = 4  # files under way at once, unless site.toml says otherwise
    streams: int = 2  # of them, those whose bytes go at once
    ahead: bool = False  # a small file may be granted with its job: unfinished, it has a name of its own there
    user: bool = True  # the address names one
    extra: str | None = None  # the package that it needs beyond the usual ones, and the extra that brings it


_PASSWORD, _CA = frozenset({"password_file"}), frozenset({"ca_file"})
_WEB = "core.transfer.web.destination:WebDestination"
_FTP = "core.transfer.ftp.destination:FtpDestination"
_S3 = "core.transfer.s3.destination:S3Destination"
_BUCKET = frozenset({"password_file", "ca_file", "region"})

SCHEMES: Mapping[str, Scheme] = {
    "folder": Scheme("core.transfer.folder:FolderDestination", "folder:/mnt/nas/pictures", lanes=2, streams=1),
    "sftp": Scheme(
        "core.transfer.sftp.destination:SftpDestination",
        "sftp://user@host/srv/pictures",
        frozenset({"key_file", "password_file", "host_key"}),
        frozenset({"key_file|password_file", "host_key"}),
        lanes=6,  # with four files hashed, all the ten sessions that sshd allows a connection
        streams=1,  # all lanes share one connection
        ahead=True,
    ),
    "ftp": Scheme(_FTP, "ftp://user@host/pictures", _PASSWORD, _PASSWORD, lanes=5, ahead=True),
    "ftps": Scheme(_FTP, "ftps://user@host/pictures", _PASSWORD | _CA, _PASSWORD, lanes=5, ahead=True),
    "http": Scheme(_WEB, "http://user@host/pictures", _PASSWORD, user=False),
    "https": Scheme(_WEB, "https://user@host/pictures", _PASSWORD | _CA, user=False),
    "dav": Scheme(_WEB, "dav://user@host/pictures", _PASSWORD, user=False),
    "davs": Scheme(_WEB, "davs://user@host/pictures", _PASSWORD | _CA, user=False),
    "s3": Scheme(_S3, "s3://KEYID@s3.eu-west-3.amazonaws.com/bucket/pictures", _BUCKET, _PASSWORD, extra="boto3:s3"),
    "s3+http": Scheme(_S3, "s3+http://KEYID@127.0.0.1:8333/bucket", _BUCKET, _PASSWORD, extra="boto3:s3"),
}
_SAME = {"dav": "http", "davs": "https"}
_PORTS = {"sftp": 22, "ftp": 21, "ftps": 21, "http": 80, "https": 443, "s3": 443, "s3+http": 80}
LOGIN_AND_PINS = ("key_file", "password_file", "host_key", "ca_file", "region")
HOST_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_SERVER = re.compile(
    r"//(?:(?P<user>[^@/:]+)(?P<password>:[^@/]*)?@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]@:/\s]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/.*)?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a destination is. `path` is taken literally: nothing in it is escaped."""

    scheme: str
    user: str | None
    host: str | None
    port: int | None
    path: str


class Kind(Protocol):
    """A class of destinations, as the registry calls it."""

    def configured(self, destination: places.Destination, address: Address, secrets: Mapping[str, str]) -> Destination:
        """Return the destination that site.toml describes; connects to nothing yet."""
        ...


def parse_address(text: str) -> Address:
    """Return the parts of `text`; raise ValueError with what to write instead."""
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in SCHEMES:
        raise ValueError(_unknown(scheme if colon else text))
    if scheme == "folder":
        return Address(scheme, None, None, None, rest)
    match = _SERVER.fullmatch(rest)
    if match is None:
        raise ValueError(f"{safe(text)!r} is not an address; write it as {SCHEMES[scheme].example!r}")
    if match["password"] is not None:
        raise ValueError("no password in the address: put it into a file of its own and name that in password_file")
    if not is_host(match["host"].strip("[]")):
        raise ValueError(f"{safe(match['host'])!r} names no machine; write it as {SCHEMES[scheme].example!r}")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{port} is no port; write one of 1 to 65535")
    return Address(scheme, match["user"], match["host"].strip("[]"), port, match["path"] or "")


def problems(destination: places.Destination) -> list[tuple[str, str]]:
    """Return what is wrong with one destination of site.toml: (key, what to write instead), all at once."""
    try:
        address = parse_address(destination.address)
    except ValueError as error:
        return [("address", str(error))]
    return [*_path_problems(address), *_key_problems(destination, address), *_extra_problems(address)]


def twins(destinations: Sequence[places.Destination]) -> list[tuple[int, str]]:
    """Return (index, what to write instead) of each destination that is the same place as one before it."""
    found: list[tuple[int, str]] = []
    first: dict[object, str] = {}
    for n, destination in enumerate(destinations):
        try:
            place = _place(parse_address(destination.address))
        except ValueError:
            continue  # told where addresses are judged
        if (other := first.setdefault(place, destination.name)) != destination.name:
            found.append((n, f"the same place as destination '{other}': two copies there are one; name another place"))
    return found


def _place(address: Address) -> object:
    """Return what is the same for two addresses of one place."""
    if address.scheme == "folder":
        folder = Path(address.path)
        return identity_of(folder) or real(folder)
    scheme = _SAME.get(address.scheme, address.scheme)
    user = None if address.scheme.startswith("s3") else address.user  # there it is a key, of which one place has many
    host = (address.host or "").lower().removesuffix(".")
    return scheme, user, host, address.port or _PORTS[scheme], posixpath.normpath(f"/{address.path.strip('/')}")


def lanes_of(destination: places.Destination) -> int:
    """Return how many files may be on their way there at once."""
    return destination.lanes or SCHEMES[destination.address.partition(":")[0]].lanes


def streams_of(destination: places.Destination) -> int:
    """Return the bytes of how many files go there at once."""
    return SCHEMES[destination.address.partition(":")[0]].streams


def grants_ahead(destination: places.Destination) -> bool:
    """Return whether a small file may be granted there with its job."""
    return SCHEMES[destination.address.partition(":")[0]].ahead


def make(destination: places.Destination, secrets: Mapping[str, str] | None = None) -> Destination:
    """Return the destination, not connected yet. `secrets` may hold `password`. Raise ValueError for its address."""
    address = parse_address(destination.address)
    module, _, name = SCHEMES[address.scheme].where.partition(":")
    kind = cast(Kind, getattr(importlib.import_module(module), name))
    return kind.configured(destination, address, secrets or {})


def _unknown(scheme: str) -> str:
    known = ", ".join(f'"{one.example}"' for one in SCHEMES.values())
    near = get_close_matches(scheme, SCHEMES, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{safe(scheme)!r} is not a kind of destination{hint}; write it like one of {known}"


def _path_problems(address: Address) -> Iterator[tuple[str, str]]:
    example = SCHEMES[address.scheme].example
    if not address.path.startswith("/"):
        yield "address", f"the folder must begin with '/', as in {example!r}"
    elif ".." in address.path.split("/"):
        yield "address", "the folder must be written without '..'"
    elif address.scheme == "folder" and not address.path.strip("/."):
        yield "address", f"that is the whole disk; name a folder of its own, as in {example!r}"


def _key_problems(destination: places.Destination, address: Address) -> Iterator[tuple[str, str]]:
    scheme = SCHEMES[address.scheme]
    given = {key for key in LOGIN_AND_PINS if getattr(destination, key) is not None}
    if scheme.user and address.user is None and address.scheme != "folder":
        yield "address", f"no user; write it as {scheme.example!r}"
    for need in sorted(scheme.needs, key=_order):
        if not given & set(need.split("|")):
            yield need.partition("|")[0], f"missing: {_what_to_name(need, address)}"
    if {"key_file", "password_file"} <= given & scheme.takes:
        yield "password_file", "key_file is given too; keep one of them"
    if address.user is not None and not scheme.user and "password_file" not in given:
        yield "password_file", f"missing: {_what_to_name('password_file', address)}"
    for key in sorted(given - scheme.takes, key=_order):
        yield key, f"{_a(address.scheme)} takes none; remove it"
    if "host_key" in given & scheme.takes and HOST_KEY.fullmatch(str(destination.host_key)) is None:
        yield "host_key", f'expected "SHA256:" and 43 characters: {_how_to_pin(address)}'


def _order(need: str) -> int:
    return LOGIN_AND_PINS.index(need.partition("|")[0])


def _what_to_name(need: str, address: Address) -> str:
    if need == "host_key":
        return _how_to_pin(address)
    if need == "password_file":
        return "name a file (chmod 600) with the password or the secret key"
    return "name a private key in key_file, or a file with the password in password_file"


def _a(scheme: str) -> str:
    return "a folder" if scheme == "folder" else f"{scheme}:"


def _extra_problems(address: Address) -> Iterator[tuple[str, str]]:
    extra = SCHEMES[address.scheme].extra
    if extra is not None:
        package, _, name = extra.partition(":")
        if importlib.util.find_spec(package) is None:
            yield "address", f"{address.scheme}: needs the package {package}: pip install 'overlapse[{name}]'"


def _how_to_pin(address: Address) -> str:
    port = f" -p {address.port}" if address.port else ""
    return (
        f"write what `ssh-keyscan{port} {address.host} | ssh-keygen -lf -` prints as SHA256:..., "
        "after comparing it on the server itself"
    )
