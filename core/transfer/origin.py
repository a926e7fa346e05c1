"""From where a node that was emptied is filled again: pure, from the site's destinations."""

from __future__ import annotations

from core.errors import NoSuchThing
from core.site.at import used_at
from core.site.model.file import SiteFile
from core.site.model.places import Destination


def origin(site: SiteFile, node: str, word: str) -> Destination:
    """Return the destination of that name, else one that leads to the node of that name.

    Of several that lead there the first to which `node` delivers, since it has the keys of that. Raise NoSuchThing
    with the choices, also for `node` itself.
    """
    choices = _choices(site, node)
    found = [one for one in choices if one.name == word] or [one for one in choices if one.node == word]
    if not found:
        names = ", ".join(origins(site, node)) or "none"
        raise NoSuchThing(f"there is no destination {word}, and none leads to a node of that name; there are: {names}")
    return found[0]


def origins(site: SiteFile, node: str) -> list[str]:
    """Return the names of the destinations from which `node` may be filled, those first to which it delivers."""
    return [one.name for one in _choices(site, node)]


def _choices(site: SiteFile, node: str) -> list[Destination]:
    used = used_at(site, node)
    return sorted((one for one in site.destination if one.node != node), key=lambda one: one.name not in used)
