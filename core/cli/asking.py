"""Ask the running node; when it does not run, read what it left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import NodeUnreachable, NoSuchThing
from core.site.place import Place
from core.text import safe

Json = dict[str, Any]


@contextmanager
def open_catalogue(place: Place) -> Iterator[Any]:
    """Open the catalogue of a node that runs or not, to read; raise CatalogueError."""
    from core.catalogue.store import Catalogue  # only a node that does not answer makes us read it

    catalogue = Catalogue.read(place.folders.catalogue)
    try:
        yield catalogue
    finally:
        catalogue.close()


def asked(place: Place, verb: str, args: Json, otherwise: Callable[[], Json]) -> Json:
    """Return what the node answers; what `otherwise` finds when it does not run."""
    from core.control.client import ask

    try:
        return ask(place.folders.control, verb, args)
    except NodeUnreachable:
        return otherwise()


def need(table: str, name: str, place: Place) -> None:
    """Raise NoSuchThing for a name that the site file does not have: nothing was found, and that is no good news."""
    from core.cli.sites import names_in

    names = names_in(place.file, table)
    if name not in names:
        raise NoSuchThing(f"there is no {table} {safe(name)}; there are: {', '.join(names) or 'none'}")
