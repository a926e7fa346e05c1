"""What must hold of the names that a site chooses itself, and of its web pages."""

from __future__ import annotations

from collections.abc import Iterator

from core.site.at import driver_of, maker
from core.site.folders import Finding
from core.site.model.file import SiteFile
from core.site.model.places import Page, Route
from core.site.naming import archive_problem, live_name, live_problem, missing

ORIGINALS = ("raw", "jpeg")
INDEX, STYLE, SCRIPT, FACTS = "index.html", "livecam.css", "livecam.js", "livecam.json"


def day_strip(camera: str) -> str:
    """Return what the picture of a camera's day is called, beside a page; no camera or recipe has a dot in its name."""
    return f"{camera}.day.jpg"


def cameras_of(site: SiteFile, route: Route) -> list[str]:
    """Return the names of the cameras whose pictures a route takes."""
    return list(route.cameras) or [camera.name for camera in site.camera]


def published(site: SiteFile) -> Iterator[Finding]:
    """Yield what is wrong with live names, templates and pages; that pages and cameras exist is checked elsewhere."""
    for n, route in enumerate(site.route):
        at = f"route[{n}]"
        if route.live is not None:
            yield from _live(at, route.live, route)
        if route.name is not None and (wrong := archive_problem(route.name)) is not None:
            yield f"{at}.name", wrong
        for key in ("name", "sidecar"):
            if route.live is not None and getattr(route, key) is not None:
                yield f"{at}.{key}", "does not go with live: a live picture has one name, and stays for a moment only"
        if route.page is not None and route.live is None:
            yield f"{at}.page", 'goes with live only; write such as live = "{camera}-{recipe}.jpg"'
        if route.page is not None and "raw" in route.what:
            yield f"{at}.what", "no browser shows a RAW; write the name of a recipe"
    for page in site.page:
        yield from _page(site, page)


def _live(at: str, template: str, route: Route) -> Iterator[Finding]:
    wrong = live_problem(template)
    if wrong is not None:
        yield f"{at}.live", wrong
    elif len(route.what) > 1 and "{recipe}" not in template:
        yield f"{at}.live", 'several pictures would have one name; write such as "{camera}-{recipe}.jpg"'


def _page(site: SiteFile, page: Page) -> Iterator[Finding]:
    """All pictures of a page lie in one folder, under names of their own, apart from the page's."""
    folder: str | None = None
    taken: dict[tuple[str, str], str] = {}
    for n, route in enumerate(site.route):
        if route.page != page.name or route.live is None or live_problem(route.live) is not None:
            continue
        here, _, base = route.live.rpartition("/")
        if "{camera}" in here or "{recipe}" in here:
            yield f"route[{n}].live", f"the pictures of page '{page.name}' lie in one folder; name it without a field"
            continue
        if folder is not None and here != folder:
            yield f"route[{n}].live", f"page '{page.name}' is in the folder {folder!r}; its pictures must be too"
            continue
        folder = here
        yield from _names(site, n, route, base, taken)
    yield from _made_twice(site, page)


def _made_twice(site: SiteFile, page: Page) -> Iterator[Finding]:
    """Yield the first route of a page that has another node make it than those before: they would overwrite it."""
    makers: dict[str, str] = {}  # by destination
    for n, route in enumerate(site.route):
        if route.page != page.name:
            continue
        feeding = [_feeder(site, route, camera, what) for camera in cameras_of(site, route) for what in route.what]
        for place, node in ((place, node) for place in route.places for node in feeding):
            if (first := makers.setdefault(place, node)) != node:
                yield (
                    f"route[{n}].page",
                    f"{first} and {node} would both make page '{page.name}' at {place}, each over the other's; have "
                    f'one node make it that gets all these pictures, with at = "NODE", or write a page for each',
                )
                return


def _feeder(site: SiteFile, route: Route, camera: str, what: str) -> str:
    origin = driver_of(site, camera)
    return (route.at or origin) if what in ORIGINALS else maker(site, route, camera, origin)


def _names(site: SiteFile, n: int, route: Route, base: str, taken: dict[tuple[str, str], str]) -> Iterator[Finding]:
    cameras = cameras_of(site, route)
    ours = {INDEX, STYLE, SCRIPT, FACTS, *map(day_strip, cameras)}
    for camera in cameras:
        for what in route.what:
            name, told = live_name(base, site.site.name, camera, what), f"{what} of {camera}"
            if name in ours:
                yield f"route[{n}].live", f"{name} is a file of the page itself; take another name"
                continue
            others = [taken.setdefault((place, name), told) for place in route.places]
            other = next((one for one in others if one != told), None)
            if other is not None:
                yield f"route[{n}].live", f"{name} would be {other} and {told}; write {{camera}} and {{recipe}} into it"


def doubtful(site: SiteFile) -> Iterator[Finding]:
    """Yield what is allowed and will surprise somebody."""
    for n, route in enumerate(site.route):
        lacks = missing(route.name, len(cameras_of(site, route))) if route.name is not None else []
        if lacks:
            yield (
                f"route[{n}].name",
                f"two pictures can have the same name, for it lacks {', '.join(lacks)}: "
                "the second one is kept beside the first, under a name of its own",
            )
    for n, page in enumerate(site.page):
        if all(route.page != page.name for route in site.route):
            yield f"page[{n}]", f"""no route shows the page '{page.name}'; write page = "{page.name}" to a live route"""
