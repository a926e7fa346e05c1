"""What a mail says of a server that failed and of one that returned: one cause each, listing its cameras. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.notify.outbox import Cause
from core.text import safe
from core.units import show_duration
from core.values import milliseconds_of

NAMED = 3  # cameras in a subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One camera that went to another node. Slots as far as they are known when the mail is written."""

    camera: str
    lost: int = 0  # slots that gave no picture
    filled: int = 0  # of those, slots that a spare has filled since


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Cameras that went from one node to another for one reason, at one time.

    `session`: what tells this failure, or this return, from every other: the session that was buried, or the new one.
    `dark_from`: the last sign of life of who drove them; `at`: when the other one began. `after`: what comes next, in a
    sentence for the operator.
    """

    site: str
    zone: str
    origin: str
    to: str
    session: str
    why: str
    dark_from: datetime
    at: datetime
    cameras: Sequence[Handed]
    after: str

    @property
    def dark(self) -> timedelta:
        """How long nobody drove them; nothing where the hand-back was seamless."""
        return max(timedelta(0), self.at - self.dark_from)


def failure(switch: Switch) -> Cause:
    """Return the mail that tells of a server that failed."""
    head = f"Server {switch.origin} of site {switch.site} fell silent; {switch.to} shoots {_what(switch)} now."
    return _cause(switch, f"failed.{switch.origin}.{switch.session}", f"{switch.origin} failed", head)


def returned(switch: Switch) -> Cause:
    """Return the mail that tells of a server that returned."""
    head = f"Server {switch.to} of site {switch.site} is back and shoots {_what(switch)} again."
    return _cause(switch, f"returned.{switch.to}.{switch.session}", f"{switch.to} is back", head)


def _cause(switch: Switch, key: str, what: str, head: str) -> Cause:
    names = [one.camera for one in switch.cameras]
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return Cause(
        key=key,
        subject=f"[{switch.site}] {what}: {shown or 'no camera'} from {switch.origin} to {switch.to}",
        text="\n".join(
            [head, "", *_facts(switch), "", *_table(switch.cameras), "", f"Next: {safe(switch.after, 300)}"]
        ),
        at=milliseconds_of(switch.at),
        family=" and ".join(sorted((switch.origin, switch.to))),
    )


def _what(switch: Switch) -> str:
    return "its camera" if len(switch.cameras) == 1 else f"its {len(switch.cameras)} cameras"


def _facts(switch: Switch) -> Iterator[str]:
    zone = ZoneInfo(switch.zone)
    begin, end = switch.dark_from.astimezone(zone), switch.at.astimezone(zone)
    yield f"From   {switch.origin}"
    yield f"To     {switch.to}"
    yield f"Why    {safe(switch.why)}"
    if switch.dark:
        day = "" if begin.date() == end.date() else f"{end:%d %b} "
        yield f"Dark   {_span(switch.dark)}: {begin:%d %b %Y %H:%M:%S} to {day}{end:%H:%M:%S} ({switch.zone})"
    else:
        yield f"Dark   not at all; {end:%d %b %Y %H:%M:%S} ({switch.zone})"


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else show_duration(seconds)


def _table(cameras: Sequence[Handed]) -> Iterator[str]:
    width = max((len(one.camera) for one in cameras), default=6)
    yield f"{'Camera':{width}}  slots lost  filled since"
    for one in cameras:
        yield f"{one.camera:{width}}  {one.lost:10d}  {one.filled:12d}"
    if len(cameras) > 1:
        lost, filled = sum(one.lost for one in cameras), sum(one.filled for one in cameras)
        yield f"{'all':{width}}  {lost:10d}  {filled:12d}"
