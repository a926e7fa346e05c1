"""Which site file, which node, which folders: standard library only, cheap to import."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError

SITES = Path("/etc/overlapse/sites")
RUN = Path("/run/overlapse")
VARIABLE = "OVERLAPSE_SITE"


class Folders:
    """The files and folders of one node of one site: `data` lasts, `run` may be in memory."""

    def __init__(self, data: Path, run: Path | None = None) -> None:
        self.data = data
        self.run = run if run is not None else data / "run"

    @property
    def lock(self) -> Path:
        """Held by the node that runs on this data folder."""
        return self.data / "lock"

    @property
    def catalogue(self) -> Path:
        """The index of all pictures: SQLite."""
        return self.data / "catalogue.db"

    @property
    def spool(self) -> Path:
        """Where pictures stand before they have their final name; the same file system as `pictures`."""
        return self.data / "spool"

    @property
    def pictures(self) -> Path:
        """Originals and day books: CAMERA/YYYY/MM/DD."""
        return self.data / "pictures"

    @property
    def renditions(self) -> Path:
        """What recipes made: a cache."""
        return self.data / "renditions"

    @property
    def drop(self) -> Path:
        """What cameras push: a folder for each; on the same file system as the spool."""
        return self.data / "drop"

    @property
    def quarantine(self) -> Path:
        """What cannot be trusted and is not thrown away."""
        return self.data / "quarantine"

    @property
    def applied(self) -> Path:
        """The configuration last applied."""
        return self.data / "applied.json"

    @property
    def audit(self) -> Path:
        """What operators did."""
        return self.data / "audit.log"

    @property
    def coordination(self) -> Path:
        """Leases and fences of a node alone: SQLite."""
        return self.data / "coordination.db"

    @property
    def store_seen(self) -> Path:
        """How far the store that the fleet shares was when it was last seen."""
        return self.data / "coordination.seen"

    @property
    def status(self) -> Path:
        """All that the node knows of itself, for readers."""
        return self.run / "status.json"

    @property
    def control(self) -> Path:
        """The socket on which the node takes orders."""
        return self.run / "control.sock"

    @property
    def fleet(self) -> Path:
        """The status documents of other nodes: NODE.json."""
        return self.run / "fleet"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one node of one site lives on this machine."""

    file: Path
    site: str
    node: str
    folders: Folders


@dataclass(frozen=True, slots=True)
class Glance:
    """The little of a site file that finding its folders needs."""

    site: str
    nodes: tuple[str, ...]
    data: str
    run: str | None


def site_files(asked: Sequence[Path] = (), environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the site files to use: those asked for, else $OVERLAPSE_SITE, /etc/overlapse/sites, ./site.toml.

    A folder stands for the *.toml files in it. Raise ConfigurationError when there is none.
    """
    named = list(asked) or [Path(word) for word in [environment.get(VARIABLE)] if word]
    if named:
        return [file for path in named for file in _expand(path)]
    files = sorted(SITES.glob("*.toml")) or [path for path in [Path("site.toml")] if path.is_file()]
    if not files:
        raise ConfigurationError(
            f"no site file: neither --site, nor ${VARIABLE}, nor {SITES}/*.toml, nor ./site.toml; "
            "`overlapse init DIR` writes one"
        )
    return files


def _expand(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(path.glob("*.toml"))
        if not files:
            raise ConfigurationError(f"{path}: no *.toml in this folder; `overlapse init DIR` writes a site file")
        return files
    if not path.exists():
        raise ConfigurationError(f"{path}: no such file; `overlapse init DIR` writes one")
    return [path]


def host_name() -> str:
    """Return this machine's name without its domain, in lower case."""
    return socket.gethostname().partition(".")[0].lower()


def choose_node(nodes: Sequence[str], wanted: str | None = None, host: str | None = None) -> str:
    """Return the wanted node, else the one that this machine is named after, else the only one.

    Raise ConfigurationError naming the choices.
    """
    host = host if host is not None else host_name()
    choices = ", ".join(nodes) or "none"
    if wanted is not None:
        if wanted not in nodes:
            raise ConfigurationError(f"the site has no node {wanted!r}; it has: {choices}")
        return wanted
    if host in nodes:
        return host
    if len(nodes) != 1:
        raise ConfigurationError(f"which node is this machine ({host})? Say --node; the site has: {choices}")
    return nodes[0]


def glance(file: Path) -> Glance:
    """Return what finding the folders needs, without checking the rest; raise ConfigurationError."""
    import tomllib

    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
        return _glance(tree)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file}: not a site file; `overlapse validate` says why") from error


def _glance(tree: Mapping[str, Any]) -> Glance:
    head, nodes = tree["site"], tree["node"]
    run = head.get("run")
    texts = [head["name"], head["data"], *(node["name"] for node in nodes), *([] if run is None else [run])]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("names and folders are text")
    return Glance(head["name"], tuple(node["name"] for node in nodes), head["data"], run)


def folders_of(file: Path, site: str, node: str, data: str, run: str | None = None, base: Path = RUN) -> Folders:
    """Return the folders of one node; `data` and `run` as the site file says them, relative to that file.

    Without `run`: below `base` where the data folder's owner has a folder there or may make one, else in the data
    folder. The answer is the same whoever asks, so that readers find what the node writes.
    """
    beside = file.absolute().parent
    folder = beside / data
    if run is not None:
        return Folders(folder, beside / run)
    return Folders(folder, _run_folder(folder, base, f"{site}-{node}"))


def _run_folder(data: Path, base: Path, name: str) -> Path | None:
    owner = _owner(data)
    if owner is None:
        owner = os.geteuid()
    below = base / name
    found = _owner(below)
    if found is not None:
        return below if found == owner else None
    return below if owner == os.geteuid() and os.access(base, os.W_OK | os.X_OK) else None


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def place_of(file: Path, node: str | None = None) -> Place:
    """Return where the node that `choose_node` picks of the site in `file` lives; raise ConfigurationError."""
    seen = glance(file)
    try:
        chosen = choose_node(seen.nodes, node)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    return Place(file, seen.site, chosen, folders_of(file, seen.site, chosen, seen.data, seen.run))
