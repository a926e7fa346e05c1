"""Pictures of a camera that another node owns: kept, and sent where that costs nothing; over a metered link when they
fill a hole.
"""

from __future__ import annotations

from core.catalogue import deliveries, pictures
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture
from core.node.context import Context
from core.node.pictures.taking import wanted_by
from core.site.model.file import SiteFile
from core.values import seconds_of


def wanted_of_spare(site: SiteFile, picture: NewPicture, node: str) -> list[NewDelivery]:
    """Return the deliveries of a spare: nothing live, and nothing over a link that has a budget."""
    metered = _metered(site, node)
    wanted = wanted_by(site, picture, node)
    return [one for one in wanted if one.priority != Priority.LIVE and one.destination not in metered]


def fill_holes(context: Context, camera: str, since: float) -> set[str]:
    """Queue what this node shot of a camera from `since` (seconds) on like any picture; return the destinations."""
    found = pictures.between(context.catalogue, camera, int(since), seconds_of(context.now()) + 1)
    places: set[str] = set()
    for picture in found:
        if picture.name.node == context.node.name and not picture.gone:
            wanted = [
                one for one in wanted_by(context.site, picture, context.node.name) if one.priority != Priority.LIVE
            ]
            if deliveries.enqueue(context.catalogue, picture.id, wanted):
                places |= {one.destination for one in wanted}
    return places


def _metered(site: SiteFile, node: str) -> set[str]:
    """Return the destinations that `node` reaches over a link with a budget."""
    links = {link.name for one in site.node if one.name == node for link in one.link if link.budget is not None}
    return {one.name for one in site.destination if one.link in links}
