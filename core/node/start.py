"""Put one site of this node together: lock, catalogue, fence, desks; and take it apart again."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from core.catalogue import deliveries, news, pictures, states
from core.catalogue.deliveries import NewDelivery
from core.catalogue.pictures import Picture
from core.catalogue.rebuild import Plan, distrust, distrusted, follow, install, rebuild
from core.catalogue.store import Catalogue
from core.clock import Clock, kernel_synchronised, rtc_time
from core.control.audit import Audit
from core.control.server import Server
from core.coordination.fence import next_fence
from core.coordination.opening import open_coordination
from core.coordination.sqlite import SqliteCoordination
from core.errors import AlreadyRunning, CatalogueCorrupt, CatalogueError, StorageError
from core.intake.daybook import DiskKeeper, Line, read_after, read_all
from core.intake.durable import Shelf
from core.node.children import Children
from core.node.context import Context, Pace
from core.node.engine import Far
from core.node.evaluating import evaluation
from core.node.fleet.assigned import as_assigned, recalled
from core.node.fleet.spares import wanted_of_spare
from core.node.keeping.retaining import expect_removal
from core.node.loop import Event, Stop
from core.node.part import SitePart
from core.node.pictures.taking import wanted_by
from core.node.reload import Applied
from core.site.change import difference
from core.site.engine import needs_session
from core.site.load import Loaded
from core.site.model.file import SiteFile
from core.site.place import Folders, Place
from core.values import Fence

log = logging.getLogger(__name__)

Reread = Callable[[], Loaded]
Progress = Callable[[str], object]

PROBE = 300.0  # seconds between two readings of machine, drives and mounts
LINES = 1000  # of the day books between two words of progress


@dataclass
class Opened:
    """One site that runs; `close` lets go of what the loop does not own."""

    part: SitePart
    _after: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Close the control socket and give the data folder free; the part itself is closed by the loop."""
        self._after.close()


def open_site(
    place: Place,
    loaded: Loaded,
    clock: Clock,
    queue: SimpleQueue[Event | Stop],
    reread: Reread,
    *,
    listen: bool = True,
    progress: Progress = lambda text: None,
) -> Opened:
    """Return the part of this node in a site, ready for the loop.

    `progress` hears what takes long, for as long as it goes on: a catalogue made anew. Raise AlreadyRunning when
    another node holds the data folder, ConfigurationError, StorageError, CatalogueError.
    """
    try:
        return _open_site(place, loaded, clock, queue, reread, listen, progress)
    except CatalogueCorrupt as error:
        distrust(place.folders.catalogue, str(error))
    except (StorageError, CatalogueError):
        if not _shelf(place.folders).drop_reserve():  # on a full disk: it lets the node start, and retention work
            raise
    return _open_site(place, loaded, clock, queue, reread, listen, progress)


def _open_site(
    place: Place,
    loaded: Loaded,
    clock: Clock,
    queue: SimpleQueue[Event | Stop],
    reread: Reread,
    listen: bool,
    progress: Progress,
) -> Opened:
    folders = place.folders
    with ExitStack() as undo:
        make_folders(folders)
        undo.enter_context(held(folders.lock))
        told: list[str] = []
        catalogue = undo.enter_context(_closing(open_catalogue(folders, loaded.site, place.node, told, progress)))
        context = _context(place, loaded, clock, catalogue)
        assigned = as_assigned(loaded.site, recalled(catalogue).cameras)
        if needs_session(assigned, place.node):  # not by the file alone: a backup that it names no more may count
            context.site = assigned
            store = open_coordination(assigned, loaded.base, place.node, folders, clock)
            context.engine = Far(store, lambda said: queue.put(Event(part, said)), store.close)
        part = _part(context, loaded, queue, reread, Applied(folders.applied))
        context.hands = Children(lambda report: queue.put(Event(part, report)))
        if listen:  # before anything is written: whoever answers there already is another node on this folder
            server = Server(
                folders.control,
                loaded.site.roles,
                lambda request: queue.put(Event(part, request)),
                Audit(folders.audit, clock),
            )
            server.start()
            undo.callback(server.close)
        _catch_up(context, told, progress)
        part.begin(Applied(folders.applied).read())
        Applied(folders.applied).write(loaded)
        for line in told:
            context.tell("catalogue", context.node.name, line)
        folders.run.mkdir(parents=True, exist_ok=True)
        return Opened(part, undo.pop_all())


def _shelf(folders: Folders) -> Shelf:
    return Shelf(folders.spool, folders.pictures, folders.quarantine, folders.renditions)


def make_folders(folders: Folders) -> None:
    """Make the folders of a node; raise StorageError."""
    try:
        for folder in (folders.data, folders.spool, folders.pictures, folders.renditions, folders.quarantine):
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise StorageError(f"{error.filename}: {error.strerror}; the data folder must be writable") from error


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold the data folder against a second node; raise AlreadyRunning."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read_text().strip() or "unknown"
            raise AlreadyRunning(
                f"{lock.parent}: another node (process {holder}) runs on this data folder; stop it first"
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def open_catalogue(
    folders: Folders, site: SiteFile, node: str, told: list[str], progress: Progress = lambda text: None
) -> Catalogue:
    """Open the catalogue; one that is damaged is made anew from the day books, and that is told."""
    progress("the catalogue is opened")
    try:
        if install(folders.catalogue):
            told.append("was made anew from the day books, as somebody asked; the old one stays as catalogue.db.old")
        damage = distrusted(folders.catalogue)
        if damage is not None:
            raise CatalogueCorrupt(damage)
        return Catalogue.open(folders.catalogue)
    except CatalogueCorrupt as error:
        told.append(f"was damaged ({error}) and is made anew from the day books")
        lines = _counted(read_all(folders.pictures), progress)
        plan = _counting(partial(wanted_by, site, node=node), progress)
        spares = _counting(partial(wanted_of_spare, site, node=node), progress)
        done = rebuild(folders.catalogue, lines, folder=folders.pictures, plan=plan, spares=spares)
        told += done.told
        return Catalogue.open(folders.catalogue)


@contextmanager
def _closing(catalogue: Catalogue) -> Iterator[Catalogue]:
    try:
        yield catalogue
    finally:
        catalogue.close()


def _context(place: Place, loaded: Loaded, clock: Clock, catalogue: Catalogue) -> Context:
    folders, site = place.folders, loaded.site
    node = next(node for node in site.node if node.name == place.node)
    keeper = DiskKeeper(_shelf(folders))
    return Context(
        site=site,
        base=loaded.base,
        node=node,
        folders=folders,
        clock=clock,
        catalogue=catalogue,
        keeper=keeper,
        hands=Children(lambda report: None),
        fence=take_fence(folders, site, place.node, clock, catalogue),
        pace=Pace(probe=PROBE),
        evaluate=evaluation(),
        run=secrets.token_hex(8),
    )


def take_fence(folders: Folders, site: SiteFile, node: str, clock: Clock, catalogue: Catalogue) -> Fence:
    """Return the fence of this start, higher than any that was ever seen here."""
    coordination = SqliteCoordination(folders.coordination, clock)
    try:
        cameras = [camera.name for camera in site.camera if camera.primary in (None, node)]
        return next_fence(coordination, node, cameras, pictures.highest_fence(catalogue))
    finally:
        coordination.close()


def _part(
    context: Context, loaded: Loaded, queue: SimpleQueue[Event | Stop], reread: Reread, applied: Applied
) -> SitePart:
    newest = [loaded]

    def read() -> SiteFile:
        newest[0] = reread()
        return newest[0].site

    def keep(site: SiteFile) -> list[str]:
        change = difference(context.file, site, context.node.name)
        applied.write(newest[0])
        return change.lines()

    return SitePart(
        context, witnesses=_witnesses, reread=read, on_reload=keep, on_stop=lambda again: queue.put(Stop(again))
    )


def _witnesses() -> tuple[bool, Mapping[str, datetime]]:
    rtc = rtc_time()
    return kernel_synchronised(), {} if rtc is None else {"rtc": rtc}


def _counted(lines: Iterable[Line], progress: Progress) -> Iterator[Line]:
    """Yield the lines, and tell of them now and then."""
    for number, line in enumerate(lines):
        if number % LINES == 0:
            progress(f"the catalogue is made from the day books: {number} lines, {line.folder}")
        yield line


def _counting(plan: Plan, progress: Progress) -> Plan:
    """Return the same plan, which tells now and then of how many pictures it was asked."""
    asked = count()

    def planned(picture: Picture) -> Iterable[NewDelivery]:
        if (number := next(asked)) % LINES == 0:
            progress(f"deliveries are queued: {number} pictures, {picture.name.folder}")
        return plan(picture)

    return planned


def _catch_up(context: Context, told: list[str], progress: Progress) -> None:
    """Apply what the day books say and the catalogue does not know: a stop came between line and commit."""
    catalogue, folders = context.catalogue, context.folders
    leaving: list[str] = []
    behind = _counted(read_after(folders.pictures, states.offsets(catalogue)), progress)
    lines = _noting_deletions(_noting_news(catalogue, behind), leaving)
    plans = [partial(wants, context.site, node=context.node.name) for wants in (wanted_by, wanted_of_spare)]
    done = follow(catalogue, lines, *plans)
    expect_removal(catalogue, leaving)
    progress("deliveries and slots are looked through")
    deliveries.resume_all(catalogue)
    told += done.told
    if done.applied:
        told.append(f"caught up with the day books: {dict(done.applied)}")


def _noting_news(catalogue: Catalogue, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines, and have other nodes hear of the day books that they are in."""
    noted = set()
    for line in lines:
        if line.folder not in noted:
            noted.add(line.folder)
            news.mark(catalogue, line.folder, states.offset(catalogue, line.folder))
        yield line


def _noting_deletions(lines: Iterable[Line], leaving: list[str]) -> Iterator[Line]:
    for line in lines:
        if line.fields is not None and line.fields.get("line") == "deletion":
            leaving.append(str(line.fields["name"]))
        yield line
