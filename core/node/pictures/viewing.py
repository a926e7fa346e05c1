"""The look at each new picture, after it is safe: verdict, statistics, renditions; one image child for all cameras."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue import deliveries, live, pictures, renditions, sizes
from core.catalogue.pictures import Picture
from core.errors import OverlapseError, StorageError
from core.intake.entries import ViewEntry
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Setting, Worker
from core.node.pictures.judging import Judging
from core.node.pictures.shot import shot_facts
from core.processing.wire import ENVIRONMENT, recipe_to_json
from core.transfer.routes import SIDECAR, is_shown, origin_of, recipes_for
from core.values import PictureName

log = logging.getLogger(__name__)

IMAGES = Worker("images")
DEADLINE = 120.0  # seconds for one picture, on a slow board
IDLE = 60.0  # seconds after which the child ends
LIVES = 200  # pictures after which the child is renewed
MEMORY = 300_000_000  # bytes that it holds, over which it is renewed: what a huge picture took
AGAIN = 60.0  # seconds after which renditions that the disk did not take are tried again
BATCH = 100  # pictures queued at once of those that a stop left
FIRST = (-1, 0, 0)  # before all deliveries
NEVER = float("inf")
ATTEMPTS = 2  # a picture that ended the child twice is not given to it again


@dataclass
class Viewing:
    """Hands pictures to the image child one by one and keeps what it found; `on_made` hears who can be sent more."""

    context: Context
    on_made: Callable[[set[str]], None]
    judging: Judging
    _waiting: deque[PictureName] = field(default_factory=deque)
    _looking: Job | None = None
    _attempts: dict[PictureName, int] = field(default_factory=dict)
    _not_made: dict[tuple[str, str], str] = field(default_factory=dict)  # camera, recipe -> why, as it was told
    _again: float = NEVER  # monotonic
    _after: tuple[int, int, int] | None = None  # the delivery up to which what lacks a rendition was queued; None: all
    _unseen: frozenset[PictureName] = frozenset()  # those without a look that were queued last
    _stopping: bool = False

    def apply(self) -> None:
        """Take over the configuration, and at the start what a stop left without a look or a rendition."""
        self.context.hands.equip(IMAGES, Setting(idle=IDLE, lives=LIVES, memory=MEMORY, environment=ENVIRONMENT))
        self.recover()

    def recover(self) -> None:
        """Queue again what has no look or lacks a rendition, when nothing is queued."""
        if self.waiting() == 0:
            self._after, self._unseen = FIRST, frozenset()
            self._refill()

    def _refill(self) -> None:
        """Queue the next of them: each once, so that those that cannot be made do not hide the others."""
        if self._after is None:
            return
        found = [picture.name for picture in pictures.unseen(self.context.catalogue, BATCH)]
        unseen = [name for name in found if name not in self._unseen]  # a look that the catalogue did not take: later
        self._unseen = frozenset(found)
        unmade = deliveries.unmade(self.context.catalogue, BATCH, self._after)
        self.add(dict.fromkeys([*unseen, *(delivery.name for delivery in unmade)]))
        if len(unmade) == BATCH:
            self._after = (unmade[-1].priority, unmade[-1].at, unmade[-1].id)
        elif len(unseen) < BATCH:
            self._after = None

    def add(self, names: Iterable[PictureName]) -> None:
        """Queue pictures."""
        self._waiting.extend(names)

    def tick(self) -> None:
        """Give the next picture to the child when it is free."""
        if self.context.monotonic() >= self.wake():
            self._again = NEVER
            self.recover()
        if self.waiting() == 0 and not self._stopping:
            self._refill()
        while self._looking is None and self._waiting and not self._stopping:
            picture = pictures.by_name(self.context.catalogue, self._waiting.popleft())
            if picture is not None and not picture.gone:
                self._looking = self._job(picture)
                self.context.hands.give(self._looking)

    def wake(self) -> float:
        """Return the monotonic time at which something is due: but for another try its work begins with an event."""
        return self._again if self.waiting() == 0 and not self._stopping else NEVER

    def stop(self) -> None:
        """Begin nothing new; what waits is found again at the next start."""
        self._stopping = True

    def finished(self) -> bool:
        """Return whether the child has nothing in hand."""
        return self._looking is None

    def waiting(self) -> int:
        """Return how many pictures wait for their look."""
        return len(self._waiting) + (self._looking is not None)

    def handle(self, report: Report) -> None:
        """Take in what the image child reports."""
        if report.job is not self._looking or not isinstance(report, Done | Failed):
            return
        self._looking = None
        picture: Picture = report.job.about
        if isinstance(report, Done):
            self._attempts.pop(picture.name, None)
            self._seen(picture, report.result)
        else:
            self._failed(picture, report.error)

    def _failed(self, picture: Picture, error: OverlapseError) -> None:
        """The child died, hung or ran out of memory over this picture: try once more, then mark it."""
        self.context.hands.renew(IMAGES)
        attempts = self._attempts[picture.name] = self._attempts.get(picture.name, 0) + 1
        if attempts < ATTEMPTS:
            self._waiting.appendleft(picture.name)
            return
        del self._attempts[picture.name]
        self._seen(picture, {"verdict": "broken", "why": f"the image child failed over it: {error}"})

    def _job(self, picture: Picture) -> Job:
        name, site = picture.name, self.context.site.site
        camera = self.context.camera(name.camera)
        here, origin = self.context.node.name, origin_of(self.context.site, name)
        wanted = (
            set(recipes_for(self.context.site, camera, picture.kind, picture.index, here, origin)) if camera else set()
        )
        unmade = deliveries.unmade_of(self.context.catalogue, picture.id)
        wanted &= unmade
        args = {
            "path": str(self.context.folders.pictures / name.path),
            "kind": picture.kind,
            "recipes": [recipe_to_json(recipe) for recipe in self.context.site.recipe if recipe.name in wanted],
            "out": str(self.context.folders.renditions / name.folder),
            "stem": name.stem,
            "facts": {
                "camera": name.camera,
                "site": site.name,
                "time": name.at.timestamp(),
                "zone": site.zone,
            },
            "base": str(self.context.base),
            "thumbnail": False,
            "column": is_shown(self.context.site, name.camera),
            "shot": shot_facts(self.context, picture) if SIDECAR in unmade else None,
        }
        return Job(IMAGES, "process", args, DEADLINE, about=picture)

    def _seen(self, picture: Picture, result: Json) -> None:
        """Keep the verdict, and free the deliveries of the renditions that were made."""
        catalogue, name = self.context.catalogue, picture.name
        verdict, why, stats = result["verdict"], result.get("why", ""), dict(result.get("stats") or {})
        zones = stats.pop("zones", "")  # only ever compared with those of the next picture
        # Not synced, and its offset not noted: a look that a power cut takes back is read or made again.
        try:
            self.context.keeper.append([ViewEntry(name=name, verdict=verdict, why=why, stats=stats)], sync=False)
        except StorageError as error:
            log.error("look not written yet: picture=%s error=%s", name, error)
        folder = Path("renditions") / name.folder
        with catalogue.transaction():
            pictures.set_view(catalogue, picture.id, verdict, why, stats)
            for made in result.get("renditions", []):
                path = str(folder / made["name"])
                if not deliveries.made(catalogue, picture.id, made["recipe"], path, made["size"], made["sha256"]):
                    renditions.leave(catalogue, path)  # what waited for it was withdrawn meanwhile
            sizes.note(catalogue, name.camera, picture.kind, result)
            self.judging.seen(name, verdict == live.BROKEN, why, stats | {"zones": zones} if stats else {})
            (live.stay_back if verdict == live.BROKEN else live.go_live)(catalogue, picture.id)
            if verdict == live.BROKEN:
                deliveries.never_made(catalogue, picture.id, {recipe.name for recipe in self.context.site.recipe})
        if verdict == live.BROKEN:
            self.context.tell("picture broken", str(name), f"kept and marked: {why}", camera=name.camera)
        self._tell_not_made(name, result)
        self.on_made({one.destination for one in deliveries.of_picture(catalogue, picture.id)})

    def _tell_not_made(self, name: PictureName, result: Json) -> None:
        """Tell which renditions could not be made and why: once, until it is another reason or one is made again."""
        for made in result.get("renditions", []):
            self._not_made.pop((name.camera, made["recipe"]), None)
        for failed in result.get("failed", []):
            recipe, why = failed["recipe"], failed["why"]
            if self._not_made.get((name.camera, recipe)) != why:
                self._not_made[name.camera, recipe] = why
                self.context.tell("rendition not made", str(name), f"{recipe}: {why}", camera=name.camera)
            if failed["again"]:
                self._again = self.context.monotonic() + AGAIN
