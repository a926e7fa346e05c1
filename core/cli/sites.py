"""Read the site files that a command works on, checked by every room that knows something of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ConfigurationError
from core.site.place import Place, choose_node, glance, place_of

if TYPE_CHECKING:
    from core.site.check import Check
    from core.site.folders import Finding
    from core.site.load import Loaded
    from core.site.model.file import SiteFile
    from core.site.model.links import Link

Reads = Callable[[Iterable[str]], bool]  # whether the files that one of these nodes reads must be there
FILES = ("credentials_file", "key_file", "known_hosts", "ca_file")  # keys whose files stand beside a device's reader


def read_sites(files: Sequence[Path], node: str | None = None) -> list[tuple[Place, Loaded]]:
    """Return every site that this machine serves, checked whole.

    Raise ConfigurationError with all problems of all files, each as FILE:LINE: key.path: sentence.
    """
    sites, problems = [], []
    for loaded, chosen in read_files(files, node):
        try:
            sites.append((place_of(loaded.path, chosen), loaded))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return sites


def read_files(files: Sequence[Path], node: str | None = None) -> list[tuple[Loaded, str | None]]:
    """Return every site, checked whole, and which of its nodes this machine is, None when it is not said.

    Raise ConfigurationError as `read_sites` does.
    """
    from core.site.load import load

    problems: list[str] = []
    read: list[tuple[Loaded, str | None]] = []
    for file in files:
        try:
            chosen = _node_of(file, node)
            read.append((load(file, site_checks(chosen), chosen), chosen))
        except ConfigurationError as error:
            problems += [
                problem if problem.startswith(f"{file}:") else f"{file}:{problem}" for problem in error.problems
            ]
    problems += [*_shared([loaded for loaded, _ in read]), *_same_ports(read)]
    if problems:
        raise ConfigurationError(problems)
    return read


def names_in(file: Path, table: str) -> list[str]:
    """Return the names of the cameras, destinations... of a site file, without checking the rest of it.

    Raise ConfigurationError when it cannot be read at all.
    """
    import tomllib

    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8-sig"))[table]
        return [row["name"] for row in rows if isinstance(row["name"], str)]
    except KeyError:
        return []
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError, TypeError) as error:
        raise ConfigurationError(f"{file}: not a site file; `overlapse validate` says why") from error


def _node_of(file: Path, wanted: str | None) -> str | None:
    """Return the node that this machine is; whether a file holds does not depend on where it is read."""
    try:
        nodes = glance(file).nodes
    except ConfigurationError:
        return None  # the reading of the whole file says why
    try:
        return choose_node(nodes, wanted)
    except ConfigurationError as error:
        if wanted is None:
            return None
        raise ConfigurationError(f"{file}: {error}") from error


def _shared(read: Sequence[Loaded]) -> Iterator[str]:
    """Yield what two sites of one machine must not share."""
    for one in read:
        for other in read:
            if other is not one:
                yield from _meeting(one, other)
    for n, one in enumerate(read):
        for other in read[:n]:
            if one.site.site.name == other.site.site.name:
                name = one.site.site.name
                yield f"{one.path}: site.name: '{name}' is the name of {other.path} too; take another name"
            if (one.base / one.site.site.data).resolve() == (other.base / other.site.site.data).resolve():
                yield f"{one.path}: site.data: the data folder of {other.path} too; each site needs its own"


def _same_ports(read: Sequence[tuple[Loaded, str | None]]) -> Iterator[str]:
    """Yield where two sites of one machine would listen on the same port."""
    from core.capture.listen import port_of

    first: dict[int, Path] = {}
    for loaded, chosen in read:
        for n, node in enumerate(loaded.site.node):
            port = port_of(node.ftp) if node.name == chosen and node.ftp is not None else None
            if port is not None and (other := first.setdefault(port, loaded.path)) != loaded.path:
                yield f"{loaded.path}: node[{n}].ftp.listen: {other} listens on port {port} too; take another one"


def _meeting(one: Loaded, other: Loaded) -> Iterator[str]:
    """Yield where a site reads from or writes to the data folder of another."""
    from core.site.folders import meetings

    for key, sentence in meetings(one.site, one.base, other.base / other.site.site.data):
        yield f"{one.path}: {key}: {sentence}"


def site_checks(node: str | None = None, *, secrets: bool = True) -> list[Check]:
    """Return the checks of what the rooms know: schedules, sources, recipes, destinations, links, watches.

    Of the files with which devices are read, only those that `node` needs must be there, without `secrets` none.
    """

    def reads(nodes: Iterable[str]) -> bool:
        return secrets and (node is None or node in nodes)

    rooms = [_schedules, _sources, _recipes, _destinations, _voters]
    return [*rooms, partial(_links, reads), partial(_watches, reads)]


def _schedules(site: SiteFile, base: Path) -> list[Finding]:
    from core.schedule.check import problems
    from core.site.check import zones

    del base
    head = site.site
    zone = head.zone if head.zone in zones() else "UTC"  # a wrong zone is told once, where it stands
    return [
        (f"camera[{n}].{key}", sentence)
        for n, camera in enumerate(site.camera)
        for key, sentence in problems(camera, zone, head.latitude, head.longitude)
    ]


def _sources(site: SiteFile, base: Path) -> list[Finding]:
    from core.capture.check import problems
    from core.capture.listen import server_problems

    del base
    found = [
        (f"camera[{n}].{key}", sentence) for n, camera in enumerate(site.camera) for key, sentence in problems(camera)
    ]
    return found + server_problems(site)


def _recipes(site: SiteFile, base: Path) -> list[Finding]:
    from core.processing.rules import problems

    return [
        (f"recipe[{n}].{key}", sentence)
        for n, recipe in enumerate(site.recipe)
        for key, sentence in problems(recipe, base)
    ]


def _destinations(site: SiteFile, base: Path) -> list[Finding]:
    from core.site.at import fetched_place
    from core.transfer.registry import problems, twins

    del base
    found = [
        (f"destination[{n}].{key}", sentence)
        for n, destination in enumerate(site.destination)
        for key, sentence in problems(destination)
    ]
    for n, destination in enumerate(site.destination):
        if destination.fetch is not None:
            fetched = fetched_place(destination)
            found += [(f"destination[{n}].fetch.{key}", sentence) for key, sentence in problems(fetched)]
    return found + [(f"destination[{n}].address", sentence) for n, sentence in twins(site.destination)]


def _links(reads: Reads, site: SiteFile, base: Path) -> list[Finding]:
    from core.schedule.opening import window_problems
    from core.transfer.rungs import ladder_problems

    head = site.site
    return [
        (f"node[{n}].link[{m}].{key}", sentence)
        for n, node in enumerate(site.node)
        for m, link in enumerate(node.link)
        for key, sentence in (
            *window_problems(link.window, head.latitude, head.longitude),
            *ladder_problems(link.ladder),
            *_counter(link, base),
        )
        if not key.endswith(FILES) or reads([node.name])
    ]


def _voters(site: SiteFile, base: Path) -> list[Finding]:
    import importlib.util

    del base
    if not site.coordination.servers or importlib.util.find_spec("nats") is not None:
        return []
    return [("coordination.servers", "voters need the package nats-py: pip install 'overlapse[fleet]'")]


def _counter(link: Link, base: Path) -> list[Finding]:
    from core.probes.check import problems

    if link.snmp is None:
        return []
    found = problems(link.snmp.host, base / link.snmp.credentials_file, link.snmp.interface)
    return [(f"snmp.{key}", sentence) for key, sentence in found]


def _watches(reads: Reads, site: SiteFile, base: Path) -> list[Finding]:
    from core.probes.check import api_problems, flow_problems, problems, vantage_problems
    from core.site.model.health import FirewallWatch
    from core.site.watchers import readers

    found: list[Finding] = []
    for n, one in enumerate(site.watch):
        told = []
        if one.snmp is not None:
            wrong = problems(one.snmp.host, base / one.snmp.credentials_file)
            told += [(f"snmp.{key}", sentence) for key, sentence in wrong]
        if isinstance(one, FirewallWatch):
            told += [*api_problems(one.opnsense, base), *vantage_problems(one.vantage, base)]
            told += flow_problems(one.flows)
        own = reads(readers(site, one))
        found += [(f"watch[{n}].{key}", sentence) for key, sentence in told if own or not key.endswith(FILES)]
    return found
