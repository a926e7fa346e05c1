"""Pictures of a camera that another node owns: kept, and sent where that costs nothing; over a metered link when they
fill a hole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.catalogue import deliveries, pictures
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture
from core.intake.entries import NeededEntry
from core.node.context import Context
from core.node.pictures.taking import More, wanted_by
from core.node.writing import Writer
from core.site.model.file import SiteFile
from core.values import seconds_of


def wanted_of_spare(site: SiteFile, picture: NewPicture, node: str) -> list[NewDelivery]:
    """Return the deliveries of a spare: nothing live, and nothing over a link that has a budget."""
    metered = _metered(site, node)
    return [one for one in _late(site, picture, node) if one.destination not in metered]


AS_SPARE = More(wants=wanted_of_spare, line=lambda line: replace(line, spare=True))


def fill_holes(
    context: Context, writer: Writer, camera: str, since: float, on_queued: Callable[[set[str]], None]
) -> None:
    """Queue what this node shot of a camera from `since` (seconds) on like any picture, and write that it is needed.

    `on_queued` hears of the destinations. Raise StorageError or CatalogueError when it cannot be done now: it is tried
    again.
    """

    def prepare() -> Callable[[], None]:
        found = pictures.between(context.catalogue, camera, int(since), seconds_of(context.now()) + 1)
        ours = [picture for picture in found if picture.name.node == context.node.name and not picture.gone]
        wanted = {picture.id: _late(context.site, picture, context.node.name) for picture in ours}

        def commit() -> None:
            for picture, some in wanted.items():
                deliveries.enqueue(context.catalogue, picture, some)

        def done() -> None:
            on_queued({one.destination for some in wanted.values() for one in some})

        lines = [NeededEntry(name=picture.name) for picture in ours]
        return lambda: writer.write(lines, commit, then=done) if lines else None

    writer.attempt(prepare)


def _late(site: SiteFile, picture: NewPicture, node: str) -> list[NewDelivery]:
    """Return the deliveries of a picture that is no news any more."""
    return [one for one in wanted_by(site, picture, node) if one.priority != Priority.LIVE]


def _metered(site: SiteFile, node: str) -> set[str]:
    """Return the destinations that `node` reaches over a link with a budget."""
    links = {link.name for one in site.node if one.name == node for link in one.link if link.budget is not None}
    return {one.name for one in site.destination if one.link in links}
