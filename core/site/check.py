"""What must hold between the tables of a site: names, references, ranges; and what an operator should be warned of."""

from __future__ import annotations

import functools
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.site.at import used_at
from core.site.backups import costly, left_behind, problems_of_backups
from core.site.engine import problems_of_coordination, uncovered
from core.site.folders import Finding, folder_problems
from core.site.handed import handing_problems
from core.site.mailing import mail_problems
from core.site.model.cameras import Camera, GphotoSource
from core.site.model.file import SiteFile
from core.site.model.links import Link
from core.site.monitoring import problems_of_monitoring
from core.site.obeying import obeying_problems
from core.site.paths import is_folder
from core.site.published import ORIGINALS, doubtful, published
from core.site.refer import NONE, refer
from core.site.shape import by_name, meant
from core.site.watches import watch_problems
from core.text import safe

Check = Callable[[SiteFile, Path], Sequence[Finding]]  # the site and the folder of its file

MOST_SLOTS = 86_400  # of a day: one a second
MOST_STARTS = 28  # the last day that every month has
SOONEST_AUDIT = timedelta(days=1)
SHOWN = 5  # zones of a region


@functools.cache
def zones() -> frozenset[str]:
    """Return the names of all time zones that this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def zone_hint(zone: str) -> str:
    """Return what to write instead of a zone that there is not: "; did you mean 'Europe/Paris'?"."""
    below = sorted(name for name in zones() if name.lower().startswith(f"{zone.lower().strip('/')}/"))
    if below:
        few = ", ".join(f'"{name}"' for name in below[:: -(-len(below) // SHOWN)])
        return (
            f"; that is a region of {len(below)} zones: write one of them, such as {few} "
            "(`timedatectl list-timezones` tells all)"
        )
    city = zone.strip().replace(" ", "_").lower()
    same = sorted(name for name in zones() if name.rpartition("/")[2].lower() == city)
    return f"; did you mean '{same[0]}'?" if same else meant(zone, zones()) or '; write such as "Europe/Paris"'


def own_checks(site: SiteFile, base: Path, lost: bool = False) -> list[Finding]:
    """Return what is wrong between the tables of `site`, apart from its secrets.

    `lost`: a table of the file is not known, so that nothing is said of names that might have stood in it.
    """
    rooms = (
        problems_of_backups,
        problems_of_coordination,
        obeying_problems,
        published,
        problems_of_monitoring,
        mail_problems,
    )
    tables = (_names, _cameras, _links, _destinations, _routes, *rooms, problems_of_monitoring, _values)
    found = [finding for told in tables for finding in told(site)]
    if lost:
        found = [(key, sentence) for key, sentence in found if NONE not in sentence]
    found += watch_problems(site)
    found += folder_problems(site, base)
    found += handing_problems(site, base)
    for n, camera in enumerate(site.camera):
        virtual = camera.source.virtual if isinstance(camera.source, GphotoSource) else None
        if virtual and not is_folder(base / virtual):
            found.append((f"camera[{n}].source.virtual", f"{safe(base / virtual)}: no such folder"))
    said = {key for key, _ in found}
    return found + [(key, sentence) for key, sentence in _empty(site, "") if key not in said]


def _empty(table: Any, at: str) -> Iterator[Finding]:
    """Yield every text without a character: the programs behind it would take it for something else."""
    kind: type = type(table)
    for field in by_name(kind).values():
        key, value = f"{at}.{field.word}" if at else field.word, getattr(table, field.name)
        for n, each in enumerate(value) if isinstance(value, tuple) else [(None, value)]:
            here = key if n is None else f"{key}[{n}]"
            if is_dataclass(each):
                yield from _empty(each, here)
            elif each == "":
                yield here, "empty; write what it shall be" + ("" if field.required else ", or leave the key out")


def _names(site: SiteFile) -> Iterator[Finding]:
    if not site.node:
        yield "node", 'no node; write [[node]] and name = "unit1" for the machine that this runs on'
    for table in ("node", "camera", "recipe", "destination", "page", "watch"):
        yield from _unique(table, [each.name for each in getattr(site, table)])
    for n, node in enumerate(site.node):
        yield from _unique(f"node[{n}].link", [link.name for link in node.link])
        for m, name in enumerate(node.pull):
            yield from refer(f"node[{n}].pull[{m}]", "node", name, [each.name for each in site.node])
    for n, recipe in enumerate(site.recipe):
        if recipe.name in ORIGINALS:
            yield f"recipe[{n}].name", f"'{recipe.name}' is what routes call an original; take another name"


def _unique(table: str, names: Sequence[str]) -> Iterator[Finding]:
    for index, name in enumerate(names):
        if (first := names.index(name)) < index:
            yield f"{table}[{index}].name", f"'{name}' is taken by {table}[{first}]; take another name"


def _cameras(site: SiteFile) -> Iterator[Finding]:
    nodes = [node.name for node in site.node]
    for n, camera in enumerate(site.camera):
        at = f"camera[{n}]"
        if camera.primary is not None:
            yield from refer(f"{at}.primary", "node", camera.primary, nodes)
        if camera.primary is None and len(nodes) > 1:
            yield f"{at}.primary", f'missing key; write primary = "{nodes[0]}", the node that drives this camera'
        if camera.recovery.hooks_a_day < 0:
            yield f"{at}.recovery.hooks_a_day", "at least 0"
        yield from _sources(site, n, camera)


def _sources(site: SiteFile, n: int, camera: Camera) -> Iterator[Finding]:
    driver = _driver(site, camera)
    others = {m: each for m, each in enumerate(site.camera) if m != n and _driver(site, each) == driver}
    twin = next((each for m, each in others.items() if m < n and each.source == camera.source), None)
    if _on_usb(camera) and any(_on_usb(each, anyone=True) for each in others.values()):
        yield f"camera[{n}].source.serial", "missing key; with several cameras on USB each needs its serial"
    elif twin is not None:
        yield f"camera[{n}].source", f"the same source as camera '{twin.name}'; each camera needs its own"
    if isinstance(camera.source, GphotoSource):
        ways = [word for word in ("serial", "address", "virtual") if getattr(camera.source, word) is not None]
        if len(ways) > 1:
            yield f"camera[{n}].source.{ways[1]}", f"a camera is found in one way; drop this or {ways[0]}"


def _driver(site: SiteFile, camera: Camera) -> str:
    return camera.primary or (site.node[0].name if site.node else "")


def _on_usb(camera: Camera, anyone: bool = False) -> bool:
    source = camera.source
    if not isinstance(source, GphotoSource) or source.address is not None or source.virtual is not None:
        return False
    return anyone or source.serial is None


def _links(site: SiteFile) -> Iterator[Finding]:
    for n, node in enumerate(site.node):
        for m, link in enumerate(node.link):
            at = f"node[{n}].link[{m}]"
            if link.budget is not None and not 1 <= link.budget.month_starts <= MOST_STARTS:
                yield f"{at}.budget.month_starts", f"1 to {MOST_STARTS}: a day that every month has"
            if link.budget is not None and link.budget.bytes < 1:
                yield f"{at}.budget.bytes", "at least 1B; without a limit leave budget out"
            if link.rate is not None and link.rate < 1:
                yield f"{at}.rate", "at least 1B/s; without a limit leave it out"
            if link.weight < 1:
                yield f"{at}.weight", "at least 1"
            if link.weight != 1 and not link.shared:
                yield f"{at}.weight", "it counts only with shared = true, on the link of every node that shares it"
            if link.counter == "interface" and link.interface is None:
                yield f"{at}.interface", 'missing key; counter = "interface" needs to know which, such as "wwan0"'
            if link.snmp is not None and link.counter != "auto":
                yield f"{at}.counter", "snmp counts the bytes already; keep one of the two"
            yield from _sharing(site, at, node.name, link)


def _sharing(site: SiteFile, at: str, node: str, link: Link) -> Iterator[Finding]:
    """Yield where nodes that share a link say different things of it."""
    others = [
        (other.name, each)
        for other in site.node
        if other.name != node
        for each in other.link
        if each.name == link.name and each.shared
    ]
    if link.shared and not others:
        yield (
            f"{at}.shared",
            f"no other node has a shared link '{link.name}'; give it the same name there, or leave it out",
        )
    for name, other in others:
        for key in ("rate", "budget") if link.shared else ():
            if getattr(other, key) != getattr(link, key):
                yield f"{at}.{key}", f"node '{name}' says something else of the shared link; write the same on both"


def _destinations(site: SiteFile) -> Iterator[Finding]:
    links = [link.name for node in site.node for link in node.link]
    for n, destination in enumerate(site.destination):
        if destination.link is not None:
            yield from refer(f"destination[{n}].link", "link", destination.link, links)
        if destination.fetch is not None and destination.fetch.link is not None:
            theirs = [link.name for node in site.node if node.name == destination.node for link in node.link]
            yield from refer(f"destination[{n}].fetch.link", "link", destination.fetch.link, theirs)
        if destination.node is not None:
            yield from refer(f"destination[{n}].node", "node", destination.node, [node.name for node in site.node])
        if destination.chunk < 1:
            yield f"destination[{n}].chunk", "at least 1B"
        if destination.lanes is not None and not 1 <= destination.lanes <= 8:
            yield f"destination[{n}].lanes", "1 to 8 files at once"
        if timedelta(0) < destination.audit < SOONEST_AUDIT:
            yield f"destination[{n}].audit", 'at least "1d"; "0s" looks at no copy again'
        if destination.audit_read < 0:
            yield f"destination[{n}].audit_read", "at least 0, which reads no copy back; 100 reads one in a hundred"


def _routes(site: SiteFile) -> Iterator[Finding]:
    destinations = [each.name for each in site.destination]
    cameras = [each.name for each in site.camera]
    whats = [*ORIGINALS, *(recipe.name for recipe in site.recipe)]
    for n, route in enumerate(site.route):
        at = f"route[{n}]"
        for place in route.places:
            yield from refer(f"{at}.to", "destination", place, destinations)
        if route.at is not None:
            yield from refer(f"{at}.at", "node", route.at, [node.name for node in site.node])
        for m, name in enumerate(route.cameras):
            yield from refer(f"{at}.cameras[{m}]", "camera", name, cameras)
        if not route.what:
            yield f"{at}.what", 'nothing to send; write what = ["jpeg"], or names of recipes'
        for m, what in enumerate(route.what):
            yield from refer(f"{at}.what[{m}]", "recipe", what, whats)
        if route.every_nth < 1:
            yield f"{at}.every_nth", "at least 1, which sends every slot"
        if route.every_nth > MOST_SLOTS:
            yield f"{at}.every_nth", f"at most {MOST_SLOTS}: no day has more slots; 1 sends every slot"
        if route.page is not None:
            yield from refer(f"{at}.page", "page", route.page, [page.name for page in site.page])
    for n, page in enumerate(site.page):
        for m, each in enumerate(page.camera):
            yield from refer(f"page[{n}].camera[{m}].name", "camera", each.name, cameras)


def _values(site: SiteFile) -> Iterator[Finding]:
    head = site.site
    if head.zone not in zones():
        yield "site.zone", f"no time zone is named '{safe(head.zone, 60)}'{zone_hint(head.zone)}"
    for word, limit in (("latitude", 90), ("longitude", 180)):
        value = getattr(head, word)
        if value is not None and not -limit <= value <= limit:
            yield f"site.{word}", f"{value} is not between -{limit} and {limit} degrees"
    for word, value in vars(site.checks).items():
        if not 0 < value < 1e6:
            yield f"checks.{word}", f"{value} is not a number above 0"
    if (head.latitude is None) != (head.longitude is None):
        missing = "latitude" if head.latitude is None else "longitude"
        yield f"site.{missing}", "missing key; the sun's times need latitude and longitude"


def warnings(site: SiteFile) -> list[Finding]:
    """Return what is allowed and costs somebody later."""
    return [
        *uncovered(site),
        *left_behind(site),
        *costly(site),
        *_only_copies(site),
        *_idle(site),
        *doubtful(site),
        *_theft(site),
    ]


def _theft(site: SiteFile) -> Iterator[Finding]:
    """Name in one line what units reach, and of which nobody has said that a thief with their keys is kept out."""
    beside = {each.name for each in site.node if each.kind == "unit"} | {_driver(site, each) for each in site.camera}
    reached = {name for node in beside for name in used_at(site, node)}
    of_places = (each for each in site.destination if each.name in reached and each.node is None)
    open_to_it = [each for each in of_places if not each.protected]
    folders = [each.name for each in open_to_it if each.address.startswith("folder:")]
    servers = [each.name for each in open_to_it if each.name not in folders]
    places = [", ".join(servers)] if servers else []
    if folders:
        places.append(f"{', '.join(folders)} (mounted here: nothing but snapshots there can prevent it)")
    if places:
        yield (
            "destination",
            f"who steals a unit can alter and delete what has arrived at {' and at '.join(places)}; "
            "docs/destinations/theft.md says what to set up, then write protected = true",
        )


def _only_copies(site: SiteFile) -> Iterator[Finding]:
    for n, camera in enumerate(site.camera):
        for kind in camera.shoots.split("+"):
            wanted = [
                route
                for route in site.route
                if route.required
                and route.live is None
                and kind in route.what
                and (not route.cameras or camera.name in route.cameras)
                and route.at in (None, _driver(site, camera))
            ]
            if not wanted:
                yield (
                    f"camera[{n}]",
                    f"no route requires the {kind.upper()} pictures of camera '{camera.name}': "
                    "its node will have the only copy",
                )
            elif (nth := min(route.every_nth for route in wanted)) > 1:
                yield (
                    f"camera[{n}]",
                    f"routes require the {kind.upper()} pictures of camera '{camera.name}' of one slot in {nth} only: "
                    "of the others its node will have the only copy",
                )


def _idle(site: SiteFile) -> Iterator[Finding]:
    for n, camera in enumerate(site.camera):
        if not camera.schedule:
            yield f"camera[{n}].schedule", f"camera '{camera.name}' has no schedule: it shoots only by hand"
    used = Counter(what for route in site.route for what in route.what)
    for n, recipe in enumerate(site.recipe):
        if recipe.name not in used:
            yield f"recipe[{n}]", f"no route sends the recipe '{recipe.name}'"
    targets = {place for route in site.route for place in route.places}
    for n, destination in enumerate(site.destination):
        if destination.name not in targets:
            yield f"destination[{n}]", f"no route goes to '{destination.name}'"
    for n, route in enumerate(site.route):
        yield from _never_shot(site, n, route.what, route.cameras)


def _never_shot(site: SiteFile, n: int, what: Sequence[str], cameras: Sequence[str]) -> Iterator[Finding]:
    shot = {
        kind for camera in site.camera if not cameras or camera.name in cameras for kind in camera.shoots.split("+")
    }
    if shot and what and all(kind in ORIGINALS and kind not in shot for kind in what):
        yield f"route[{n}].what", f"no camera of this route shoots {what[0].upper()}"
