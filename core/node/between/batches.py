"""Small batches between nodes: what they are numbered by, which lines go into them, how they are read again."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import timedelta

from core.catalogue import states
from core.intake.entries import Entry, FilledEntry, OutcomeEntry, OverrideEntry, PictureEntry, from_json
from core.node.context import Context
from core.node.jobs import Done, Job, Json, Worker
from core.site.at import ORIGINALS, shooters_of, way_home
from core.site.model.file import SiteFile
from core.transfer import drops
from core.transfer.routes import for_original
from core.values import utc

BOOKS = Worker("disk", "books")  # reads what the day books say
FORWARD = ("picture", "outcome", "filled", "override")  # kinds of lines that go with the pictures
BACK = ("receipt",)
RECENT = timedelta(days=7)  # of the day books, for who hears of them for the first time
QUICK, DEADLINE = 60.0, 600.0  # seconds
AROUND = 700  # bytes around a batch, both ways: the requests of SFTP (docs/nodes.md)

TO = "to/"  # before the destination: as whom the catalogue knows a taker
_SEQUENCE = "batches/sequence"


def next_number(context: Context) -> int:
    """Return the number of the next batch: the time, or one more than the last number where the clock was set back."""
    number = max(int(states.get(context.catalogue, _SEQUENCE, 0)) + 1, context.now_ms())
    states.put(context.catalogue, _SEQUENCE, number)
    return number


def recent_folders(context: Context) -> list[str]:
    """Return the day books of the last days."""
    begin = f"{context.now() - RECENT:%Y/%m/%d}"
    return [folder for folder in states.offsets(context.catalogue) if folder.partition("/")[2] >= begin]


def tails_job(context: Context, begins: Json, kinds: Sequence[str], about: object) -> Job:
    """Return the job that reads what day books say from these offsets on."""
    args = {"pictures": str(context.folders.pictures), "begins": begins, "kinds": list(kinds), "limit": drops.BATCH}
    return Job(BOOKS, "tails", args, QUICK, about=about)


def put(name: str, said: Iterable[Json]) -> Json:
    """Return an object for a drop, as `settle` takes it."""
    return {"name": name, "data": base64.b64encode(drops.pack(said)).decode()}


def cost(done: Done) -> int:
    """Return about how many bytes a `settle` or a `collect` cost on its link."""
    result, args = done.result, done.job.args
    objects = len(args["put"]) + len(args["remove"]) if done.job.op == "settle" else 1 + len(result["objects"])
    return int(result.get("sent", 0) + result.get("received", 0) + objects * AROUND)


def said_in(found: Json) -> list[Json]:
    """Return what an object says that `collect` read; raise ValueError."""
    if found["data"] is None:
        raise ValueError(f"it is larger than {drops.MAX_OBJECT} bytes")
    try:
        return drops.unpack(base64.b64decode(found["data"]))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def for_taker(site: SiteFile, node: str, destination: str, lines: Iterable[Json]) -> list[Json]:
    """Return those lines that a taker wants: of the cameras whose pictures go there, of pictures that do."""
    cameras = {
        camera.name
        for camera in site.camera
        for route in site.route
        if destination in route.places
        and (not route.cameras or camera.name in route.cameras)
        and node in ((route.at,) if route.at is not None else shooters_of(site, camera.name))
        and any(what in ORIGINALS for what in route.what)
    }
    cameras |= {
        camera.name
        for camera in site.camera
        if any(way_home(site, camera.name, kind, node) == destination for kind in ORIGINALS)
    }
    return [line for line in lines if _is_wanted(site, node, destination, cameras, from_json(line))]


def _is_wanted(site: SiteFile, node: str, destination: str, cameras: set[str], line: Entry | None) -> bool:
    if isinstance(line, PictureEntry):
        wanted = for_original(site, line.name, line.kind, line.index, node)
        return any(one.destination == destination for one in wanted)
    return isinstance(line, OutcomeEntry | FilledEntry | OverrideEntry) and line.camera in cameras


def is_credible(site: SiteFile, line: Entry, now_seconds: float) -> bool:
    """Return whether a line may be of this site at all: a camera that it has, a time that has come."""
    if isinstance(line, PictureEntry):
        camera, at = line.name.camera, line.name.at
    elif isinstance(line, OutcomeEntry | FilledEntry):
        camera, at = line.camera, utc(line.slot)
    elif isinstance(line, OverrideEntry):
        camera, at = line.camera, utc(line.at / 1000)
    else:
        return False
    return any(one.name == camera for one in site.camera) and at.timestamp() < now_seconds + 2 * 86400
