"""What a restore would bring back, by day, newest first, and how much of it fits."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import date

from core.errors import NoSuchThing
from core.node.context import Context
from core.node.errands.errands import Json
from core.transfer.holdings import Held, prefixes
from core.values import seconds_of, utc

FOREVER = 2**40  # seconds since the epoch: later than any picture
MOST_MONTHS = 120  # that are listed one by one; of a longer time everything is listed
DAYS = 400  # of a plan that are shown


@dataclass
class RestorePlan:
    """`args` are those of the order: camera, since and until (seconds since the epoch). Raise NoSuchThing."""

    context: Context
    args: Json
    days: list[Json] = field(default_factory=list)  # core.transfer.holdings.Day, and whether it "fits"
    todo: deque[Json] = field(default_factory=deque)  # of them, those of which something is missing here
    listed: int = 0  # names that the destination listed for it
    room: int = 0  # bytes that fit
    cameras: list[str] = field(init=False)  # whose pictures are wanted

    def __post_init__(self) -> None:
        known, name = [camera.name for camera in self.context.site.camera], self.args.get("camera")
        if name is not None and name not in known:
            raise NoSuchThing(f"the site has no camera {name}; it has: {', '.join(known) or 'none'}")
        self.cameras = known if name is None else [name]

    def asked(self) -> Json:
        """Return what the destination's child is asked to list."""
        site, months = self.context.site.site.name, self._months()
        names = [one for camera in self.cameras for one in prefixes(site, camera, months)]
        return {"prefixes": names, "begin": self.begin(), "end": self.end()}

    def begin(self) -> int:
        """Return from when on pictures are wanted: what is older than `keep` would leave at once."""
        keep, since = self.context.node.buffer.keep, int(self.args.get("since") or 0)
        return since if keep is None else max(since, seconds_of(self.context.now() - keep))

    def end(self) -> int:
        """Return before when pictures are wanted."""
        return int(self.args.get("until") or FOREVER)

    def _months(self) -> list[str] | None:
        """Return the months that are looked at, newest first; None: all that is there."""
        begin, end = utc(self.begin()), utc(min(self.end(), seconds_of(self.context.now())))
        first = begin.year * 12 + begin.month - 1
        count = end.year * 12 + end.month - first
        if count > MOST_MONTHS:
            return None
        return [f"{n // 12:04d}/{n % 12 + 1:02d}" for n in range(first + count - 1, first - 1, -1)]

    def take(self, result: Json) -> None:
        """Take in what the child found."""
        self.listed = result["listed"]
        self.room = left = max(0, self.context.keeper.free().free - self.context.node.buffer.keep_free)
        self.days = sorted(result["days"], key=lambda day: (day["day"], day["camera"]), reverse=True)
        for day in self.days:
            left -= day["missing_bytes"]
            day["fits"] = left >= 0
        self.todo = deque(day for day in self.days if day["missing"])

    def wants(self, held: Held) -> bool:
        """Return whether an original is of the time that is asked for."""
        return self.begin() <= seconds_of(held.name.at) < self.end()

    def folder(self) -> str:
        """Return the folder of the day that is next: CAMERA/YYYY/MM/DD."""
        day = self.todo[0]
        return f"{day['camera']}/{day['day'].replace('-', '/')}"

    def number(self) -> int:
        """Return the day that is next, in days since the epoch."""
        return date.fromisoformat(self.todo[0]["day"]).toordinal() - date(1970, 1, 1).toordinal()

    def to_json(self) -> Json:
        """Return it for the wire."""
        return {
            "days": self.days[:DAYS],
            "more_days": max(0, len(self.days) - DAYS),
            "listed": self.listed,
            "pictures": sum(day["missing"] for day in self.days),
            "bytes": sum(day["missing_bytes"] for day in self.days),
            "here": sum(day["pictures"] - day["missing"] for day in self.days),
            "room": self.room,
        }
