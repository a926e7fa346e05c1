"""Make the catalogue of a node anew from its day books, whether it runs or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from core.catalogue.rebuild import Replayed, forget_prepared, install, prepare
from core.control.client import ask
from core.errors import ConfigurationError, NodeUnreachable, OverlapseError
from core.intake.daybook import read_all
from core.node.fleet.spares import wanted_of_spare
from core.node.pictures.taking import wanted_by
from core.node.start import held, make_folders
from core.site.load import Loaded
from core.site.place import Place

RESTART_SECONDS = 180.0  # for the shot in hand, the lines written meanwhile, and the start
LOOK = 0.2  # seconds between two looks

Json = dict[str, Any]


def rebuilt(place: Place, loaded: Loaded, progress: Callable[[str], None]) -> Json:
    """Rebuild, and return what was applied and what an operator must be told.

    A node that runs goes on while its new catalogue is made, and is then started again on it by its control socket;
    one that does not run is held meanwhile. Raise AlreadyRunning for one that runs and does not answer.
    """
    if not place.folders.pictures.is_dir():
        raise ConfigurationError(f"{place.folders.pictures}: there are no pictures to rebuild from")
    try:
        before = ask(place.folders.control, "status", {})["started"]
    except NodeUnreachable:
        make_folders(place.folders)
        with held(place.folders.lock):
            done = _prepare(place, loaded, progress)
            install(place.folders.catalogue)
    else:
        done = _prepare(place, loaded, progress)
        _restart(place, before, progress)
    return {"applied": dict(done.applied), "queued": done.queued, "told": _told(done)}


def _prepare(place: Place, loaded: Loaded, progress: Callable[[str], None]) -> Replayed:
    folders = place.folders
    progress("reading the day books")
    return prepare(
        folders.catalogue,
        read_all(folders.pictures),
        folder=folders.pictures,
        plan=lambda picture: wanted_by(loaded.site, picture, place.node),
        spares=lambda picture: wanted_of_spare(loaded.site, picture, place.node),
    )


def _restart(place: Place, before: float, progress: Callable[[str], None]) -> None:
    """Have the node start again on the new catalogue, and wait until it does; raise NodeUnreachable, Forbidden."""
    progress("the node starts again on its new catalogue")
    try:
        ask(place.folders.control, "restart", {"reason": "rebuild"})
    except OverlapseError:
        forget_prepared(place.folders.catalogue)
        raise
    end = time.monotonic() + RESTART_SECONDS
    while time.monotonic() < end:
        time.sleep(LOOK)
        try:
            if ask(place.folders.control, "status", {})["started"] != before:
                return
        except NodeUnreachable:
            continue
    raise NodeUnreachable("the node did not come back: see its log; the old catalogue is catalogue.db.old")


def _told(done: Replayed) -> list[str]:
    told = [*done.told]
    told += [f"{name}: on disk, but no line tells of it; the next start takes it in" for name in done.without_line]
    told += [f"{name}: its file is gone, and no line tells why" for name in done.without_file]
    told += [f"{name}: deleted, but still on disk" for name in done.undeleted]
    return told
