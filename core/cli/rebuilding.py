"""Make the catalogue of a stopped node anew from its day books."""

from __future__ import annotations

from typing import Any

from core.catalogue.rebuild import rebuild
from core.errors import ConfigurationError
from core.intake.daybook import read_all
from core.node.start import held, make_folders
from core.node.taking import wanted_by
from core.site.load import Loaded
from core.site.place import Place


def rebuilt(place: Place, loaded: Loaded) -> dict[str, Any]:
    """Rebuild while holding the data folder; return what was applied and what an operator must be told.

    Raise AlreadyRunning while the node runs: stop it first.
    """
    if not place.folders.pictures.is_dir():
        raise ConfigurationError(f"{place.folders.pictures}: there are no pictures to rebuild from")
    make_folders(place.folders)
    with held(place.folders.lock):
        done = rebuild(
            place.folders.catalogue,
            read_all(place.folders.pictures),
            folder=place.folders.pictures,
            plan=lambda picture: wanted_by(loaded.site, picture),
        )
    told = [*done.told]
    told += [f"{name}: on disk, but no line tells of it; the next start takes it in" for name in done.without_line]
    told += [f"{name}: its file is gone, and no line tells why" for name in done.without_file]
    told += [f"{name}: deleted, but still on disk" for name in done.undeleted]
    return {"applied": dict(done.applied), "queued": done.queued, "told": told}
