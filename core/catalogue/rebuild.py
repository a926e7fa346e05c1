"""Make the catalogue from the day books: what follows its offsets at a start, or all of it anew.

What a line says is applied by the same functions that the node uses while it runs, and applying it twice changes
nothing. Deliveries that have a receipt become proven, so nothing is sent again; the routes of the caller (`plan`)
queue the others. Attempts and backoff start anew.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from core.catalogue import buffer, deliveries, overrides, pictures, receipts, slots, states
from core.catalogue.carrying import carry_over
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture, Picture
from core.catalogue.store import Catalogue, sync_folder
from core.errors import CatalogueError, NameTaken, NoSuchThing, NotDurable, ObjectDiffers
from core.text import safe
from core.values import Fence, PictureName, Sha256

Fields = Mapping[str, Any]
Plan = Callable[[Picture], Iterable[NewDelivery]]
MAX_TOLD = 1000
_MARK = re.compile(r"~[0-9a-f]{8}(\.[^./]+)?$")  # what a delivery adds to a name that is another object's
DAY = 86400  # seconds

_UNFIT = (CatalogueError, NameTaken, NoSuchThing, ObjectDiffers, KeyError, ValueError, TypeError, AttributeError)


class Line(Protocol):
    """What the reader of the day books gives for each line; `fields` is its JSON object, None where it is damaged."""

    @property
    def folder(self) -> str:
        """CAMERA/YYYY/MM/DD."""

    @property
    def end(self) -> int:
        """The offset behind the line."""

    @property
    def fields(self) -> Fields | None:
        """What the line says."""

    @property
    def problem(self) -> str | None:
        """What the reader found wrong."""


@dataclass(slots=True)
class Replayed:
    """What a replay did: lines applied by kind, and what an operator must be told."""

    applied: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    queued: int = 0  # deliveries without a receipt
    late: dict[str, bool] = field(default_factory=dict)  # pictures that were no new ones -> are copies made of them?
    spares: set[str] = field(default_factory=set)  # pictures that nothing needs over a metered link
    needed: set[str] = field(default_factory=set)  # spares that fill a hole
    without_line: list[str] = field(default_factory=list)  # pictures on disk that no line tells of
    without_file: list[str] = field(default_factory=list)  # lines whose picture is neither on disk nor deleted
    undeleted: list[str] = field(default_factory=list)  # still on disk, although a line tells of their deletion

    def tell(self, what: str) -> None:
        """Add a sentence for the operator, at most MAX_TOLD of them."""
        if len(self.told) < MAX_TOLD:
            self.told.append(safe(what, 300))


def follow(
    catalogue: Catalogue, lines: Iterable[Line], plan: Plan | None = None, spares: Plan | None = None
) -> Replayed:
    """Apply lines that the catalogue has not seen, each day's in one transaction with its new offset.

    `spares` is the plan for pictures that were spares when they were shot and fill no hole; None: the same.
    """
    done, last = Replayed(), int(catalogue.value("SELECT ifnull(max(id), 0) FROM picture"))
    for folder, of_a_day in groupby(lines, key=lambda line: line.folder):
        with catalogue.transaction():
            end = 0
            for line in of_a_day:
                end = line.end
                _replay(catalogue, line, done)
            states.set_offset(catalogue, folder, end)
    if plan is not None:
        _enqueue(catalogue, plan, spares or plan, last, done)
    return done


def _replay(catalogue: Catalogue, line: Line, done: Replayed) -> None:
    if line.problem is not None:
        done.tell(line.problem)
    if line.fields is None:
        return
    kind, error = attempt(catalogue, line.fields)
    if error is None:
        done.applied[kind] += 1
        if kind == "picture" and (line.fields.get("dated") or line.fields.get("restored")):
            done.late[str(line.fields["name"])] = not line.fields.get("restored")
        if kind == "picture" and line.fields.get("spare"):
            done.spares.add(str(line.fields["name"]))
        elif kind == "needed":
            done.spares.discard(str(line.fields["name"]))
            done.needed.add(str(line.fields["name"]))
    else:
        done.tell(f"{line.folder}: a line could not be applied: {error}")


def attempt(catalogue: Catalogue, said: Fields) -> tuple[str, Exception | None]:
    """Do what a line says, in a transaction of its own; return its kind, and why it could not be done.

    Raise CatalogueError only for a catalogue that takes nothing now.
    """
    try:
        with catalogue.transaction():
            return apply(catalogue, said), None
    except _UNFIT as error:
        if isinstance(error, CatalogueError) and type(error) is not CatalogueError:  # locked or corrupt: not the line
            raise
        return "", error


def _enqueue(catalogue: Catalogue, plan: Plan, spares: Plan, last: int, done: Replayed) -> None:
    before = last
    while some := pictures.after(catalogue, last):
        with catalogue.transaction():
            for picture in some:
                if not picture.gone:
                    asked = spares if str(picture.name) in done.spares else plan
                    wanted = _still_wanted(catalogue, picture.id, _behind(picture, asked(picture), done))
                    done.queued += len(deliveries.enqueue(catalogue, picture.id, wanted))
        last = some[-1].id
    with catalogue.transaction():
        for name in sorted(done.needed):  # of those that were known before, only what they lacked as spares
            known = pictures.by_name(catalogue, PictureName.parse(name))
            if known is not None and known.id <= before and not known.gone:
                late = [one for one in plan(known) if one.priority != Priority.LIVE]
                done.queued += len(deliveries.enqueue(catalogue, known.id, _still_wanted(catalogue, known.id, late)))


def _behind(picture: Picture, wanted: Iterable[NewDelivery], done: Replayed) -> Iterable[NewDelivery]:
    """Return what is wanted of a picture: of one that was imported or restored after all that is shot, never live."""
    copies = done.late.get(str(picture.name))
    if copies is None:
        return wanted
    kept = (one for one in wanted if one.priority != Priority.LIVE and (copies or not one.rendition))
    return [replace(one, priority=Priority.AUDIT) for one in kept]


def _still_wanted(catalogue: Catalogue, picture: int, wanted: Iterable[NewDelivery]) -> list[NewDelivery]:
    """Return what a picture still needs: not what a destination has under a name that avoids another's object."""
    there = deliveries.of_picture(catalogue, picture)
    renamed = {
        (one.destination, one.rendition, _plain(one.remote)) for one in there if _plain(one.remote) != one.remote
    }
    return [one for one in wanted if (one.destination, one.rendition, one.remote) not in renamed]


def _plain(remote: str) -> str:
    """Return the name that was asked for, without the mark that keeps it apart from another object of that name."""
    return _MARK.sub(r"\1", remote)


def apply(catalogue: Catalogue, said: Fields) -> str:
    """Do what a line of a day book says, and return its kind, "unknown" for one that we do not know.

    Raise OverlapseError, or for a line without sense KeyError, ValueError, TypeError or AttributeError. The transaction
    is the caller's.
    """
    act = _ACTS.get(said["line"])
    if act is None:
        return "unknown"
    act(catalogue, said)
    return str(said["line"])


def _picture(catalogue: Catalogue, said: Fields) -> None:
    names = ("slot", "index", "shutter", "source_time")
    optional = {name: said.get(name) for name in names}
    new = NewPicture(
        name=PictureName.parse(said["name"]),
        kind=said["kind"],
        size=said["size"],
        sha256=Sha256(said["sha256"]),
        source_name=said.get("source_name", ""),
        trusted=said.get("trusted", True),
        taken_in=said.get("taken_in", 0),
        **optional,
    )
    pictures.insert(catalogue, new)


def _outcome(catalogue: Catalogue, said: Fields) -> None:
    fence = said.get("fence")
    outcome = slots.Outcome(
        camera=said["camera"],
        slot=said["slot"],
        node=said["node"],
        outcome=said["outcome"],
        index=said.get("index"),
        partial=said.get("partial", False),
        cause=said.get("cause", ""),
        shutter=said.get("shutter"),
        fence=None if fence is None else Fence.parse(fence),
    )
    slots.record(catalogue, outcome)


def _filled(catalogue: Catalogue, said: Fields) -> None:
    slots.fill(catalogue, said["camera"], said["slot"], said["node"], said["name"])


def _needed(catalogue: Catalogue, said: Fields) -> None:
    _known(catalogue, said)  # what it asks for is queued when all lines are applied


def _view(catalogue: Catalogue, said: Fields) -> None:
    picture = _known(catalogue, said)
    pictures.set_view(catalogue, picture.id, said["verdict"], said.get("why", ""), said["stats"])


def _receipt(catalogue: Catalogue, said: Fields) -> None:
    picture = _known(catalogue, said)
    wanted = NewDelivery(
        destination=said["destination"],
        remote=said["remote"],
        rendition=said.get("rendition", ""),
        priority=Priority(said["priority"]),
        level=said["wanted"],
        required=said.get("required", True),
    )
    deliveries.enqueue(catalogue, picture.id, [wanted])
    for number in _meant(catalogue, picture, said):
        receipts.prove(catalogue, number, said["level"], said["size"], Sha256(said["sha256"]), said["at"])


def _disproof(catalogue: Catalogue, said: Fields) -> None:
    for number in _meant(catalogue, _known(catalogue, said), said):
        receipts.disprove(catalogue, number, said["error"], said.get("text", ""))


def _meant(catalogue: Catalogue, picture: Picture, said: Fields) -> list[int]:
    """Return the delivery that a line is about; none when there is none any more."""
    key = said["destination"], said["remote"], said.get("rendition", "")
    there = deliveries.of_picture(catalogue, picture.id)
    return [one.id for one in there if (one.destination, one.remote, one.rendition) == key]


def _deletion(catalogue: Catalogue, said: Fields) -> None:
    buffer.mark_gone(catalogue, _known(catalogue, said).id, said["at"], said["why"], said.get("copies", ()))


def _override(catalogue: Catalogue, said: Fields) -> None:
    keys = ("camera", "at", "what", "who", "until", "why")
    overrides.add(catalogue, overrides.Override(**{key: said[key] for key in keys if key in said}))


def _known(catalogue: Catalogue, said: Fields) -> Picture:
    found = pictures.by_name(catalogue, PictureName.parse(said["name"]))
    if found is None:
        raise ValueError(f"{said['line']} of {said['name']}, which no line before it tells of")
    return found


_ACTS: Mapping[str, Callable[[Catalogue, Fields], None]] = {
    "picture": _picture,
    "outcome": _outcome,
    "filled": _filled,
    "needed": _needed,
    "view": _view,
    "receipt": _receipt,
    "disproof": _disproof,
    "deletion": _deletion,
    "override": _override,
}


def rebuild(
    path: Path,
    lines: Iterable[Line],
    *,
    folder: Path | None = None,
    plan: Plan | None = None,
    spares: Plan | None = None,
) -> Replayed:
    """Make the catalogue at `path` anew and put it into the place of the old one; the node must not run.

    When this raises, or is stopped, the old catalogue is where it was, or there is none and the next start makes it
    from the same lines.
    """
    done = prepare(path, lines, folder=folder, plan=plan, spares=spares)
    install(path)
    return done


def prepare(
    path: Path,
    lines: Iterable[Line],
    *,
    folder: Path | None = None,
    plan: Plan | None = None,
    spares: Plan | None = None,
) -> Replayed:
    """Make a new catalogue beside the one at `path`, which the node may go on using, ready to `install`.

    With `folder`, the pictures there are compared with the lines; `plan` and `spares` as `follow` has them.
    """
    new = path.with_name(f"{path.name}.new")
    _remove(new)
    catalogue = Catalogue.open(new)
    try:
        done = follow(catalogue, lines, plan, spares)
        _restore_outcomes(catalogue, done)
        if folder is not None:
            _compare(catalogue, _disk(folder), done)
    finally:
        catalogue.close()
    _sync(new)
    new.replace(_ready(path))
    return done


def _restore_outcomes(catalogue: Catalogue, done: Replayed) -> None:
    """Give a slot whose line is damaged the outcome that its picture shows."""
    sql = """SELECT camera, slot, node, idx, epoch, token, min(shutter) AS shutter FROM picture p
        WHERE slot IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM slot s WHERE s.camera = p.camera AND s.slot = p.slot AND s.node = p.node)
        GROUP BY camera, slot, node"""
    found = catalogue.rows(sql)
    with catalogue.transaction():
        for row in found:
            outcome = slots.Outcome(
                camera=row["camera"],
                slot=row["slot"],
                node=row["node"],
                outcome="captured",
                index=row["idx"],
                shutter=row["shutter"],
                fence=Fence(row["epoch"], row["token"]),
            )
            slots.record(catalogue, outcome)
    if found:
        done.tell(f"{len(found)} slots without a line have a picture: they stand as captured")


def install(path: Path) -> bool:
    """Put the catalogue that was prepared, if one was, into the place of the one at `path`, which stays as PATH.old.

    What was written since it was prepared is not in it: `follow` the day books from its offsets.
    """
    if not _ready(path).exists():
        return False
    carry_over(path, _ready(path))
    _put_aside(path)
    _ready(path).replace(path)
    _mark(path).unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def forget_prepared(path: Path) -> None:
    """Remove a catalogue that was prepared and is not wanted any more."""
    _remove(_ready(path))


def distrust(path: Path, why: str) -> None:
    """Have the next start make the catalogue at `path` anew: opening it again would not show the damage."""
    with suppress(OSError):  # on a disk that takes nothing the damage shows once more
        _mark(path).write_text(why)


def distrusted(path: Path) -> str | None:
    """Return why the catalogue at `path` is to be made anew, None when it is not."""
    try:
        return safe(_mark(path).read_text(errors="replace"), 300) or "no reason is known"
    except OSError:
        return None


def _ready(path: Path) -> Path:
    return path.with_name(f"{path.name}.ready")


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")


def _disk(folder: Path) -> Iterator[tuple[str, int, set[str]]]:
    """Yield (camera, days since the epoch, names of its pictures) for every day folder that holds some."""
    for place in sorted(folder.glob("*/[0-9]*/[0-9]*/[0-9]*")):
        names = {}
        for path in place.iterdir():
            with suppress(ValueError):
                names[path.name] = PictureName.parse(path.name)
        right = {text for text, name in names.items() if name.folder == place.relative_to(folder).as_posix()}
        if right:
            first = names[min(right)]
            yield first.camera, int(first.at.timestamp()) // DAY, right


def _compare(catalogue: Catalogue, disk: Iterator[tuple[str, int, set[str]]], done: Replayed) -> None:
    """Compare disk and catalogue day by day, so that millions of names never are in memory at once."""
    unseen = set(pictures.days(catalogue))
    for camera, day, names in disk:
        unseen.discard((camera, day))
        _compare_day(catalogue, camera, day, names, done)
    for camera, day in sorted(unseen):
        _compare_day(catalogue, camera, day, set(), done)


def _compare_day(catalogue: Catalogue, camera: str, day: int, on_disk: set[str], done: Replayed) -> None:
    found = pictures.between(catalogue, camera, day * DAY, (day + 1) * DAY)
    here, gone = ({str(one.name) for one in found if bool(one.gone) is left} for left in (False, True))
    done.without_line += sorted(on_disk - here - gone)
    done.without_file += sorted(here - on_disk)
    done.undeleted += sorted(on_disk & gone)


def _remove(path: Path) -> None:
    for one in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        one.unlink(missing_ok=True)


def _put_aside(path: Path) -> None:
    """Rename the old catalogue and its WAL, which must never meet the new file."""
    old = path.with_name(f"{path.name}.old")
    _remove(old)
    for ending in ("-shm", "-wal", ""):
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{old}{ending}")


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotDurable(f"{path}: {error.strerror}") from error
