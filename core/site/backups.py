"""What is wrong, or will be missed, with the nodes that stand by for a camera."""

from __future__ import annotations

from collections.abc import Iterator

from core.site.at import is_kept_from, way_home
from core.site.folders import Finding
from core.site.model.cameras import Camera, FtpSource, GphotoSource
from core.site.model.file import SiteFile
from core.site.refer import refer


def problems_of_backups(site: SiteFile) -> Iterator[Finding]:
    """Yield each problem of `backup`, `reach` and a node's `redundancy`."""
    names = [node.name for node in site.node]
    for n, camera in enumerate(site.camera):
        at = f"camera[{n}]"
        if camera.backup is not None:
            yield from refer(f"{at}.backup", "node", camera.backup, names)
            yield from _backup(at, camera)
        for m, name in enumerate(camera.reach):
            yield from refer(f"{at}.reach[{m}]", "node", name, names)
    for n, node in enumerate(site.node):
        most = node.redundancy.max_cameras
        if most is not None and most < 1:
            yield f"node[{n}].redundancy.max_cameras", "at least 1; a node that is only a backup needs one as well"


def left_behind(site: SiteFile) -> Iterator[Finding]:
    """Yield the cameras whose backup would have the only copy of what it shoots, with no way to bring it anywhere."""
    for n, camera in enumerate(site.camera):
        node = camera.backup
        kinds = camera.shoots.split("+") if node is not None else ()
        stays = [
            kind.upper()
            for kind in kinds
            if not is_kept_from(site, camera.name, kind, str(node))
            and way_home(site, camera.name, kind, str(node)) is None
        ]
        if stays:
            yield (
                f"camera[{n}].backup",
                f"the {' and '.join(stays)} that '{node}' shoots stay there: no route takes them where it gets to; "
                f'write such a route, or a [[destination]] with node = "{camera.primary}", which brings them home',
            )


def costly(site: SiteFile) -> Iterator[Finding]:
    """Yield the cameras whose backup is on a cellular link, where watching their primary costs more than sharing."""
    cellular = {node.name for node in site.node if node.profile == "cellular"}
    told: set[tuple[str | None, str | None]] = set()
    for n, camera in enumerate(site.camera):
        if camera.backup in cellular and (camera.backup, camera.primary) not in told:
            told.add((camera.backup, camera.primary))
            yield (
                f"camera[{n}].backup",
                f"'{camera.backup}' is on a cellular link: to watch '{camera.primary}' takes it some 110 MB a month "
                "more (docs/fleet.md); a cloud or office node has them for nothing",
            )


def _backup(at: str, camera: Camera) -> Iterator[Finding]:
    if camera.backup == camera.primary:
        yield f"{at}.backup", "is the primary itself; name another node, or drop this key"
    elif (why := _out_of_reach(camera)) is not None:
        yield f"{at}.backup", why


def _out_of_reach(camera: Camera) -> str | None:
    """Return why no other node than its primary can ever open this camera; None when one can."""
    source = camera.source
    if isinstance(source, GphotoSource) and source.address is None:
        return "a camera on USB is reached by no other node; drop this key, or give the source an address (PTP/IP)"
    if isinstance(source, FtpSource):
        return "a camera that pushes by FTP leaves its pictures at one node only; drop this key"
    return None
