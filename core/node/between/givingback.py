"""Giving back: copies of pictures are put into the drop for a node that was emptied, a few at a time.

Such a node says again and again which ones it wants next: {"back": ID, "want": [names]}. That is all there is to
it: those copies are put there, and all others of it are removed. So it acknowledges by not wanting any more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.catalogue import pictures, states
from core.errors import OriginalLost
from core.node.between.drop import Drop, may_have
from core.node.context import Context
from core.node.jobs import Asked, Done, Failed, Job, Json
from core.node.sending.linking import Linking
from core.text import safe
from core.transfer import drops
from core.transfer.base import Level
from core.transfer.drops import Found
from core.transfer.handover import MOST_BACK
from core.values import PictureName

log = logging.getLogger(__name__)

WINDOW = 64_000_000  # bytes of copies for one node that stand in a drop at once; one picture may be larger
MOST = 64  # names that are wanted at once
KEPT = 86400  # seconds after its last word that copies for a node stand in a drop
ROOM = 64_000_000  # bytes that stay free where the drop is a folder of this machine
AGAIN = 60.0  # seconds until what failed is tried again
DEADLINE, QUIET = 6 * 3600.0, 120.0  # seconds for one copy, and without a sign of life
KEY = "back/"  # before drop, folder and node: as whom the catalogue knows what is wanted
NEVER = float("inf")


@dataclass
class Giving:
    """What one emptied node wants by one drop."""

    drop: str
    prefix: str
    node: str
    want: list[PictureName]
    of: str  # the number under which it asks
    at: int  # milliseconds since the epoch: its last word
    there: dict[PictureName, int] = field(default_factory=dict)  # copies that stand there -> size
    refused: set[PictureName] = field(default_factory=set)  # told that it does not get them
    resume: dict[PictureName, str] = field(default_factory=dict)  # of a copy that was cut

    @property
    def key(self) -> str:
        """Under which the catalogue keeps it."""
        return f"{KEY}{self.drop}/{self.prefix}{self.node}"

    def remote(self, site: str, name: PictureName | str) -> str:
        """Return the name of a copy in the drop."""
        return f"{self.prefix}{drops.back(site, self.node, name)}"


@dataclass
class GivingBack:
    """Keeps what is wanted over a restart, and hands out the next copy."""

    context: Context
    linking: Linking
    _givings: dict[str, Giving] = field(default_factory=dict)
    _look_at: dict[str, float] = field(default_factory=dict)  # drop -> monotonic: when something may be to do
    _stopping: bool = False

    def apply(self, known: Iterable[str]) -> None:
        """Take up what is wanted by the drops that this node empties now."""
        there = set(known)
        for key in states.keys(self.context.catalogue, KEY):
            said = states.get(self.context.catalogue, key)
            if said["drop"] not in there:
                states.forget(self.context.catalogue, key)
                self._givings.pop(key, None)
            elif key not in self._givings:
                want = [PictureName.parse(name) for name in said["want"]]
                self._givings[key] = Giving(said["drop"], said["prefix"], said["node"], want, said["of"], said["at"])
        self._look_at = dict.fromkeys(there, 0.0)

    def stop(self) -> None:
        """Put nothing more there."""
        self._stopping = True

    def note(self, drop: Drop, found: Found, said: Json) -> None:
        """Remember what is wanted, within a transaction; raise ValueError, KeyError or TypeError."""
        owner, nodes = found.prefix.partition("/")[0], {one.name for one in self.context.site.node}
        if found.node not in nodes or (owner in nodes and owner != found.node):
            raise ValueError(
                f"{found.prefix} does not ask for {found.node}"
            )  # each name could fill a window of its own
        number, want = str(said["back"])[:32], [PictureName.parse(str(name)) for name in said["want"][:MOST]]
        new = Giving(drop.name, found.prefix, found.node, list(dict.fromkeys(want)), number, self.context.now_ms())
        kept = {"drop": new.drop, "prefix": new.prefix, "node": new.node, "of": number, "at": new.at}
        if want:
            states.put(self.context.catalogue, new.key, {**kept, "want": [str(name) for name in new.want]})
        else:
            states.forget(self.context.catalogue, new.key)
        before = self._givings.get(new.key)
        if before is not None:
            new.there, new.resume = before.there, before.resume
        self._givings[new.key] = new
        self._look_at[drop.name] = 0.0
        for name in [name for name in new.there if name not in new.want]:
            drop.remove.append(new.remote(self.context.site.site.name, name))
            del new.there[name]
        if not want:
            del self._givings[new.key]

    def seen(self, drop: Drop, names: Iterable[str]) -> None:
        """Remove copies that nobody wants, as a stop of either side leaves them, and miss those that are not there."""
        site, names = self.context.site.site.name, set(names)
        for giving in self._of(drop.name):
            gone = [name for name in giving.there if giving.remote(site, name) not in names]
            for name in gone if len(names) < MOST_BACK else ():
                del giving.there[name]
                self._look_at[drop.name] = 0.0
        wanted = {one.remote(site, name) for one in self._of(drop.name) for name in one.want}
        drop.remove += [name for name in sorted(names) if name not in wanted and name not in drop.remove]

    def wake(self, drop: Drop) -> float:
        """Return the monotonic time at which there may be something to put into a drop."""
        return NEVER if self._stopping else self._look_at.get(drop.name, NEVER)

    def next(self, drop: Drop) -> Job | None:
        """Return the job that puts the next copy into a drop; None: there is none now."""
        if self._stopping or self.context.monotonic() < self._look_at.get(drop.name, NEVER):
            return None
        self._look_at[drop.name] = NEVER
        for giving in list(self._of(drop.name)):
            if self.context.now_ms() - giving.at > KEPT * 1000:
                self._give_up(drop, giving)
            for name in self._missing(giving):
                job = self._job(drop, giving, name)
                if job is not None:
                    return job
        self._look_at[drop.name] = min(self._look_at[drop.name], self._next_end(drop))
        return None

    def _next_end(self, drop: Drop) -> float:
        """Return the monotonic time at which the first one will have been silent for too long."""
        ends = [one.at + KEPT * 1000 - self.context.now_ms() for one in self._of(drop.name)]
        return self.context.monotonic() + max(1.0, min(ends) / 1000 + 1) if ends else NEVER

    def _of(self, drop: str) -> Iterator[Giving]:
        return (one for one in self._givings.values() if one.drop == drop)

    def _missing(self, giving: Giving) -> list[PictureName]:
        return [name for name in giving.want if name not in giving.there and name not in giving.refused]

    def _job(self, drop: Drop, giving: Giving, name: PictureName) -> Job | None:
        """Return the job for one copy; None where it may not be given, or has to wait for those before it."""
        picture = pictures.by_name(self.context.catalogue, name)
        if not may_have(self.context, drop, giving.prefix, name.camera, name.node):
            self._refuse(drop, giving, name, "it concerns another unit")
        elif picture is None or picture.gone:
            self._refuse(drop, giving, name, "it is not here any more")
        elif giving.there and sum(giving.there.values()) + picture.size > WINDOW:
            return None  # its next word says what it has, and so makes room
        elif self.context.keeper.free().free < picture.size + ROOM:
            self._again(drop)
        else:
            args = {
                "name": giving.remote(self.context.site.site.name, name),
                "path": str(self.context.folders.pictures / name.path),
                "size": picture.size,
                "sha256": picture.sha256,
                "resume": giving.resume.get(name),
                "level": Level.SIZE.word,
                "chunk": drop.place.chunk,
                "replace": True,  # what stands there under its name is an older copy
            }
            return Job(drop.worker, "deliver", args, DEADLINE, QUIET, (giving, name))
        return None

    def asked(self, drop: Drop, asked: Asked) -> None:
        """Put a copy into the line of the link, where the drop lies behind one."""
        giving, name = asked.job.about
        giving.resume[name] = asked.question["resume"]
        if self._stopping:
            asked.answer({"granted": 0})
            return

        def granted(size: int) -> None:
            asked.answer({"granted": size})

        self.linking.ask(drop.place, f"back/{drop.name}", asked.question["grant"], "audit", granted)

    def done(self, drop: Drop, done: Done) -> None:
        """Note that a copy stands there, whole; one that nobody wants any more is removed."""
        giving, name = done.job.about
        self.linking.forget(f"back/{drop.name}")
        if done.result.get("paused"):
            self._again(drop)
            return
        self._look_at[drop.name] = 0.0
        giving.resume.pop(name, None)
        now = self._givings.get(giving.key)
        if now is not None and name in now.want:
            now.there[name] = done.result["size"]
        else:
            drop.remove.append(done.job.args["name"])

    def failed(self, drop: Drop, failed: Failed) -> bool:
        """Pass over a picture that is lost here, or a folder that takes nothing; return False for a drop in trouble."""
        giving, name = failed.job.about
        self.linking.forget(f"back/{drop.name}")
        if isinstance(failed.error, OriginalLost):
            self._refuse(drop, giving, name, "its file is lost here")
            self._look_at[drop.name] = 0.0
            return True
        self._again(drop)
        if failed.error.transient or failed.opening:
            return False
        log.warning("copy not put there: drop=%s picture=%s error=%s", drop.name, name, failed.error)
        return True

    def _again(self, drop: Drop) -> None:
        self._look_at[drop.name] = self.context.monotonic() + AGAIN

    def _refuse(self, drop: Drop, giving: Giving, name: PictureName, why: str) -> None:
        log.info("not given back: node=%s picture=%s why=%s", safe(giving.node), name, why)
        giving.refused.add(name)
        drop.answers.setdefault(giving.prefix, []).append({"of": giving.of, "n": str(name), "no": why})

    def _give_up(self, drop: Drop, giving: Giving) -> None:
        """Remove the copies for a node that has not said anything for a day."""
        states.forget(self.context.catalogue, giving.key)
        self._givings.pop(giving.key)
        site = self.context.site.site.name
        drop.remove += [giving.remote(site, name) for name in giving.there]
        giving.want = []
        told = f"{giving.node} has not fetched what it asked for, for a day: {len(giving.there)} copies are removed"
        self.context.tell("giving back ended", drop.name, told)
