"""From a destination's address to the class that speaks to it, imported when first asked for."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol, cast

from core.site import model
from core.text import safe
from core.transfer.base import Destination

SCHEMES: Mapping[str, str] = {
    "folder": "core.transfer.folder:FolderDestination",
    "sftp": "core.transfer.sftp.destination:SftpDestination",
}
EXAMPLES: Mapping[str, str] = {
    "folder": "folder:/mnt/nas/pictures",
    "sftp": "sftp://user@host/srv/pictures",
}
HOST_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_SERVER = re.compile(
    r"//(?:(?P<user>[^@/:]+)(?P<password>:[^@/]*)?@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]@:/\s]+)(?::(?P<port>\d{1,5}))?"
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

    def configured(self, destination: model.Destination, address: Address, secrets: Mapping[str, str]) -> Destination:
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
        raise ValueError(f"{safe(text)!r} is not an address; write it as {EXAMPLES[scheme]!r}")
    if match["password"] is not None:
        raise ValueError("no password in the address: put it into a file of its own and name that in password_file")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{port} is no port; write one of 1 to 65535")
    return Address(scheme, match["user"], match["host"].strip("[]"), port, match["path"] or "")


def problems(destination: model.Destination) -> list[tuple[str, str]]:
    """Return what is wrong with one destination of site.toml: (key, what to write instead), all at once."""
    try:
        address = parse_address(destination.address)
    except ValueError as error:
        return [("address", str(error))]
    return list(_path_problems(address)) + list(
        _folder_problems(destination) if address.scheme == "folder" else _server_problems(destination, address)
    )


def make(destination: model.Destination, secrets: Mapping[str, str] | None = None) -> Destination:
    """Return the destination, not connected yet. `secrets` may hold `password`. Raise ValueError for its address."""
    address = parse_address(destination.address)
    module, _, name = SCHEMES[address.scheme].partition(":")
    kind = cast(Kind, getattr(importlib.import_module(module), name))
    return kind.configured(destination, address, secrets or {})


def _unknown(scheme: str) -> str:
    known = ", ".join(f'"{example}"' for example in EXAMPLES.values())
    near = get_close_matches(scheme, SCHEMES, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{safe(scheme)!r} is not a kind of destination{hint}; write it like one of {known}"


def _path_problems(address: Address) -> Iterator[tuple[str, str]]:
    if not address.path.startswith("/"):
        yield "address", f"the folder must begin with '/', as in {EXAMPLES[address.scheme]!r}"
    elif ".." in address.path.split("/"):
        yield "address", "the folder must be written without '..'"


def _folder_problems(destination: model.Destination) -> Iterator[tuple[str, str]]:
    for key in ("key_file", "password_file", "host_key"):
        if getattr(destination, key) is not None:
            yield key, "a folder takes none; remove it"


def _server_problems(destination: model.Destination, address: Address) -> Iterator[tuple[str, str]]:
    if address.user is None:
        yield "address", f"no user; write it as {EXAMPLES[address.scheme]!r}"
    if destination.key_file is None and destination.password_file is None:
        yield "key_file", "missing: name a private key in key_file, or a file with the password in password_file"
    if destination.key_file is not None and destination.password_file is not None:
        yield "password_file", "key_file is given too; keep one of them"
    if destination.host_key is None:
        yield "host_key", f"missing: {_how_to_pin(address)}"
    elif HOST_KEY.fullmatch(destination.host_key) is None:
        yield "host_key", f'expected "SHA256:" and 43 characters: {_how_to_pin(address)}'


def _how_to_pin(address: Address) -> str:
    port = f" -p {address.port}" if address.port else ""
    return (
        f"write what `ssh-keyscan{port} {address.host} | ssh-keygen -lf -` prints as SHA256:..., "
        "after comparing it on the server itself"
    )
