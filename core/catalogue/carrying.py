"""What a catalogue made anew takes over from the old one: no day book tells of it."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

from core.catalogue import states
from core.catalogue.store import Catalogue
from core.errors import OverlapseError

log = logging.getLogger(__name__)


def carry_over(old: Path, new: Path) -> None:
    """Have the catalogue at `new` know who is to shoot which camera: a node that is cut off cannot ask.

    What the old one does not give any more is left out. Raise CatalogueError when the new one does not take it.
    """
    try:
        with closing(Catalogue.read(old)) as catalogue:
            assigned = states.get_sound(catalogue, states.ASSIGNED)
    except OverlapseError as error:
        log.warning("assignments not carried over: error=%s", error)
        return
    if assigned is not None:
        with closing(Catalogue.open(new)) as catalogue:
            states.put(catalogue, states.ASSIGNED, assigned)
