"""`overlapse ledger --pause` and `--resume`: an operator excuses the slots to come, and sees first which they are."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from core.cli.options import Command, Selection
from core.control.client import ask
from core.errors import NoSuchThing
from core.site.place import Place
from core.units import parse_duration

if TYPE_CHECKING:
    from core.schedule.slots import Slot, Timetable
    from core.site.load import Loaded

SHOWN = 200  # slots that are listed
LONGEST = timedelta(days=3660)  # a pause beyond that is a slip of the pen


@dataclass(frozen=True, slots=True)
class Effect:
    """What an act comes to: the slots of a camera from now until its end."""

    camera: str
    until: datetime | None  # in the site's zone; None: there is no end to be told
    count: int
    first: Sequence[Slot]

    def to_json(self) -> dict[str, Any]:
        """Return it as --json prints it; `slots` has the first ones."""
        return {
            "camera": self.camera,
            "until": None if self.until is None else self.until.isoformat(timespec="seconds"),
            "count": self.count,
            "slots": [int(slot.at.timestamp()) for slot in self.first],
        }

    def lines(self) -> list[str]:
        """Return the slots, a line each."""
        more = [f"... and {self.count - len(self.first)} more"] if self.count > len(self.first) else []
        return [f"{slot.at:%Y-%m-%d %H:%M:%S}" for slot in self.first] + more


@dataclass(frozen=True, slots=True)
class Act:
    """What was asked for on the command line."""

    pause: str | None
    resume: str | None
    until: str | None
    lasting: str | None
    reason: str | None
    dry_run: bool

    def __bool__(self) -> bool:
        """Return whether anything was asked for; raise UsageError when it is not clear what."""
        if self.pause is not None and self.resume is not None:
            raise click.UsageError("say --pause or --resume, not both")
        details = (self.until, self.lasting, self.reason)
        if self.pause is None and (any(word is not None for word in details) or (self.dry_run and not self.resume)):
            raise click.UsageError("--until, --for, --reason and --dry-run belong to --pause CAMERA")
        if self.pause is not None:
            self._judge_pause()
        return self.pause is not None or self.resume is not None

    def _judge_pause(self) -> None:
        judge_end(self.until, self.lasting)
        if self.reason is None:
            raise click.UsageError("say why, with --reason TEXT: it stands in the ledger beside each slot")

    def do(self, selection: Selection, as_json: bool) -> str:
        """Do it, or with --dry-run only show it; return what to print.

        Raise NoSuchThing for a camera that this node does not drive, NodeUnreachable when the node does not run.
        """
        place, loaded = selection.load()
        timetable = _timetable(place, loaded, self.pause or self.resume or "")
        now = datetime.now(UTC)
        if self.pause is not None:
            return self._pause(place, loaded, timetable, now, as_json)
        return self._resume(place, loaded, timetable, now, as_json)

    def _pause(self, place: Place, loaded: Loaded, timetable: Timetable, now: datetime, as_json: bool) -> str:
        camera, until = str(self.pause), end_of(self.until, self.lasting, now, ZoneInfo(loaded.site.site.zone))
        effect = _effect(camera, timetable, now, until)
        if not self.dry_run:
            args = {"camera": camera, "until": until.isoformat(), "reason": self.reason}
            ask(place.folders.control, "pause", args)
        if as_json:
            return json.dumps(effect.to_json())
        if self.dry_run:
            told = f"{effect.count} slots of {camera} would be excused until {shown(until)}; nothing was changed"
            return "\n".join([*effect.lines(), told])
        return (
            f"{camera} is paused until {shown(until)}; {effect.count} slots will be excused. "
            f"Sooner: overlapse ledger --resume {camera}"
        )

    def _resume(self, place: Place, loaded: Loaded, timetable: Timetable, now: datetime, as_json: bool) -> str:
        camera = str(self.resume)
        if not self.dry_run:
            ask(place.folders.control, "resume", {"camera": camera})
            return json.dumps({"camera": camera}) if as_json else f"{camera} shoots on schedule again"
        paused, end = _pause_now(place, camera, now)
        until = None if end is None else end.astimezone(ZoneInfo(loaded.site.site.zone))
        effect = _effect(camera, timetable, now, until) if paused and until else Effect(camera, until, 0, ())
        if as_json:
            return json.dumps(effect.to_json())
        if not paused:
            return f"{camera} is not paused"
        ends = "" if until is None else f"{effect.count} slots until {shown(until)} "
        return "\n".join([*effect.lines(), f"{camera}: {ends}would be shot after all; nothing was changed"])


def act_options(command: Command) -> Command:
    """Give `command` the acts on a camera's slots; it receives them as the keyword `act`, an Act."""

    @click.option("--pause", metavar="CAMERA", help="Excuse this camera's slots until --until, or --for so long.")
    @click.option("--resume", metavar="CAMERA", help="Let a paused camera shoot again, from its next slot on.")
    @click.option("--until", metavar="TIME", help='"14:00" or "2026-11-21 14:00", in the site\'s time zone.')
    @click.option("--for", "lasting", metavar="DURATION", help='Such as "90m".')
    @click.option("--reason", metavar="TEXT", help="Why; it stands in the ledger.")
    @click.option("--dry-run", is_flag=True, help="Only show which slots that would be.")
    @functools.wraps(command)
    def with_act(*args: Any, **given: Any) -> Any:
        names = ("pause", "resume", "until", "lasting", "reason", "dry_run")
        return command(*args, act=Act(**{name: given.pop(name) for name in names}), **given)

    return with_act  # type: ignore[return-value]


def _timetable(place: Place, loaded: Loaded, name: str) -> Timetable:
    from core.schedule.slots import Timetable
    from core.site.change import cameras_of

    head, ours = loaded.site.site, {camera.name: camera for camera in cameras_of(loaded.site, place.node)}
    if name not in ours:
        raise NoSuchThing(f"this node drives no camera {name}; it drives: {', '.join(ours) or 'none'}")
    return Timetable(ours[name], head.zone, head.latitude, head.longitude)


def _effect(camera: str, timetable: Timetable, now: datetime, until: datetime) -> Effect:
    first = tuple(islice(timetable.slots(now, until), SHOWN))
    return Effect(camera, until, timetable.count(now, until), first)


def _pause_now(place: Place, camera: str, now: datetime) -> tuple[bool, datetime | None]:
    """Return whether a camera is paused, and until when, from the catalogue of a node that runs or not."""
    from core.catalogue.store import Catalogue
    from core.node.cameras.pauses import pause_at

    with closing(Catalogue.read(place.folders.catalogue)) as catalogue:
        pause = pause_at(catalogue, camera, now)
    return pause is not None, None if pause is None else pause.end


def judge_end(until: str | None, lasting: str | None) -> None:
    """Raise UsageError unless it is said, and in one way, how long something lasts."""
    if until is not None and lasting is not None:
        raise click.UsageError("say --until or --for, not both")
    if until is None and lasting is None:
        raise click.UsageError("say how long, with --until TIME or --for DURATION")


def end_of(until: str | None, lasting: str | None, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when an order ends, in the site's zone; raise UsageError with what to write instead."""
    judge_end(until, lasting)
    try:
        end = (
            (now + parse_duration(lasting)).astimezone(zone)
            if lasting is not None
            else _instant(until or "", now, zone)
        )
    except (ValueError, OverflowError) as error:
        raise click.UsageError(str(error)) from error
    if not now < end <= now + LONGEST:
        raise click.UsageError(f"{shown(end)} is {'in the past' if end <= now else 'too far away'}")
    return end


def _instant(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the next "14:00", or the day and time that `text` says; raise ValueError."""
    here = now.astimezone(zone)
    try:
        if len(text) <= len("14:00:00"):
            at = datetime.combine(here.date(), time.fromisoformat(text), zone)
            return at if at > now else datetime.combine(here.date() + timedelta(days=1), at.time(), zone)
        said = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f'{text!r} is no time; write such as "14:00" or "2026-11-21 14:00", in the site\'s zone'
        ) from None
    return said.replace(tzinfo=zone) if said.tzinfo is None else said.astimezone(zone)


def shown(instant: datetime) -> str:
    """Return an instant as people read it, in its own zone."""
    return f"{instant:%Y-%m-%d %H:%M:%S %Z}"
