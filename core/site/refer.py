"""Names in one table that stand for another: each must be there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.site.folders import Finding
from core.site.shape import UNNAMED, meant
from core.text import safe

NONE = "; the file has no "  # its table may be one that could not be read


def refer(at: str, what: str, name: str, known: Iterable[str]) -> Iterator[Finding]:
    """Yield the problem of `name`, which should be that of a `what` among `known`, with the nearest one."""
    names = list(dict.fromkeys(known))
    near = meant(name, names)
    if name in names or (UNNAMED in names and not near):  # it may well be the one whose name is missing
        return
    rest = f"; there are: {', '.join(names)}" if names else f"{NONE}{what}"
    yield at, f"no {what} is named '{safe(name, 60)}'{near or rest}"
