"""What this node knows of a shot, for the sidecar of its picture."""

from __future__ import annotations

from importlib.metadata import version

from core.catalogue import pictures, slots
from core.catalogue.pictures import Picture
from core.node.context import Context
from core.node.jobs import Json
from core.transfer.routes import SIDECAR
from core.values import seconds_of

PROGRAM = f"Overlapse {version('overlapse')}"
EXTRA = "extra"  # in the place of an outcome: a shot without a slot


def shot_facts(context: Context, picture: Picture) -> Json:
    """Return what `core.processing.sidecar` writes down; the time is the shutter's, where that is known."""
    site, name, at = context.site.site, picture.name, seconds_of(picture.name.at)
    outcome = None
    if picture.slot is not None:
        outcome = slots.get(context.catalogue, name.camera, picture.slot, name.node)
    together = pictures.between(context.catalogue, name.camera, at, at + 1)
    return {
        "recipe": SIDECAR,
        "program": PROGRAM,
        "camera": name.camera,
        "site": site.name,
        "node": name.node,
        "zone": site.zone,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "time": at if picture.shutter is None else picture.shutter / 1000,
        "slot": picture.slot,
        "index": picture.index,
        "outcome": EXTRA if picture.slot is None else outcome.outcome if outcome is not None else "",
        "trusted": picture.trusted,
        "originals": [
            {"name": str(one.name), "kind": one.kind, "size": one.size, "sha256": one.sha256}
            for one in together
            if one.name.stem == name.stem
        ],
    }
