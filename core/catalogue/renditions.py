"""Files of renditions: a cache, in which a file stays as long as a delivery waits for it."""

from __future__ import annotations

from collections.abc import Iterable

from core.catalogue.store import Catalogue
from core.values import PictureName, seconds_of

FOLDER = "renditions/"  # what the paths of renditions begin with, below the data folder

_OPEN = """SELECT 1 FROM picture p JOIN delivery d ON d.picture = p.id
    WHERE p.camera = ? AND p.at = ? AND p.node = ? AND p.epoch = ? AND p.token = ? AND p.nth = ?
    AND d.rendition = ? AND d.state <> 'proven' LIMIT 1"""


def leave(catalogue: Catalogue, path: str) -> None:
    """Note that nothing waits for a rendition that was made."""
    catalogue.run("INSERT OR IGNORE INTO unneeded VALUES (?)", (path,))


def unneeded(catalogue: Catalogue, limit: int) -> list[str]:
    """Return paths, below the data folder, of renditions whose last delivery was proven or withdrawn."""
    return [str(row[0]) for row in catalogue.rows("SELECT path FROM unneeded LIMIT ?", (limit,))]


def forget(catalogue: Catalogue, paths: Iterable[str]) -> None:
    """Note that these files are gone."""
    with catalogue.transaction():
        catalogue.many("DELETE FROM unneeded WHERE path = ?", ((path,) for path in paths))


def is_needed(catalogue: Catalogue, path: str) -> bool:
    """Return whether a delivery waits for this file, be it made anew; what has no name of ours is left alone."""
    stem, _, recipe = path.rpartition("/")[2].removesuffix(".part").removesuffix(".jpg").partition(".")
    try:
        name = PictureName.parse(f"{stem}.jpg")
    except ValueError:
        return True
    key = (name.camera, seconds_of(name.at), name.node, name.fence.epoch, name.fence.token, name.nth, recipe)
    return catalogue.row(_OPEN, key) is not None
