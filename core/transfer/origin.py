"""From where a node that was emptied is filled again: pure, from the site's destinations."""

from __future__ import annotations

from core.errors import NoSuchThing
from core.site.model import Destination, SiteFile


def origin(site: SiteFile, word: str) -> Destination:
    """Return the destination of that name, else the first one that leads to the node of that name.

    Raise NoSuchThing with the choices.
    """
    found = [one for one in site.destination if one.name == word]
    found += [one for one in site.destination if getattr(one, "node", None) == word]
    if not found:
        names = ", ".join(one.name for one in site.destination) or "none"
        raise NoSuchThing(f"there is no destination {word}, and none leads to a node of that name; there are: {names}")
    return found[0]
