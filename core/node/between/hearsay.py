"""What other nodes say in the lines that they send along: outcomes are written down, pictures are expected."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.catalogue import announced, rebuild, slots
from core.intake.entries import Entry, FilledEntry, OutcomeEntry, OverrideEntry, PictureEntry, from_json, to_json
from core.node.between import batches
from core.node.between.checkins import CheckIns
from core.node.between.drop import Drop, may_speak
from core.node.between.givingback import GivingBack
from core.node.context import Context
from core.node.jobs import Done, Json
from core.node.pictures.taking import Taking
from core.node.writing import Writer
from core.text import safe
from core.transfer import drops
from core.transfer.base import Level
from core.transfer.drops import Found

log = logging.getLogger(__name__)


@dataclass
class Hearsay:
    """Believes of a batch what its deliverer may know."""

    context: Context
    writer: Writer
    taking: Taking
    giving: GivingBack
    checkins: CheckIns
    on_lines: Callable[[Drop, Found], None]  # hears of a batch of lines that a node sent
    on_report: Callable[[str, Json], None]  # hears what a node reports of an order

    def collected(self, drop: Drop, done: Done) -> None:
        found: Found = done.job.about[0]
        for one in done.result["objects"]:
            try:
                said = batches.said_in(one)
            except ValueError as error:
                self.context.tell("inbox refused", drop.name, f"{found.name}: {error}")
                drop.remove.append(found.name)
                continue
            self.on_lines(drop, found)
            self._believe(drop, found, said)

    def _believe(self, drop: Drop, found: Found, said: Iterable[Json]) -> None:
        """Keep what the lines say of outcomes; those of pictures wait for them."""
        lines: list[Entry] = []
        coming: list[PictureEntry] = []
        reports: list[Json] = []
        wanted: Json | None = None
        said = list(said)
        self.checkins.hear(drop, found, [one for one in said if "status" in one])
        for one in said:
            if "status" in one:
                continue
            if "heard" in one:
                self._acknowledged(drop, found, one["heard"])
                continue
            if "ask" in one:
                drop.asked.append((found.prefix, one))
                continue
            if "back" in one:
                wanted = one
                continue
            if "report" in one:
                reports.append(one)
                continue
            line = self._credible(found, one)
            if isinstance(line, PictureEntry) and self.taking.has(line.name, line.sha256):
                self._tell_again(drop, found, line)
            elif isinstance(line, PictureEntry):
                coming.append(line)
            elif line is not None and self._is_new(line):
                lines.append(line)

        def commit() -> None:
            for line in lines:
                rebuild.apply(self.context.catalogue, to_json(line))
            for line in coming:
                announced.put(self.context.catalogue, line.name, to_json(line))
            if wanted is not None:
                self._wanted(drop, found, wanted)
            for one in reports:
                self.on_report(found.node, one)

        self.writer.write(lines, commit, then=lambda: drop.remove.append(found.name))

    def _wanted(self, drop: Drop, found: Found, said: Json) -> None:
        try:
            self.giving.note(drop, found, said)
        except (ValueError, KeyError, TypeError) as error:
            log.error("wish not understood: object=%s error=%s", safe(found.name), safe(str(error)))

    def _credible(self, found: Found, said: Json) -> Entry | None:
        try:
            line = from_json(said)
            if line is None or not batches.is_credible(self.context.site, line, self.context.now().timestamp()):
                raise ValueError("not a line that comes with pictures of this site")
            node = line.name.node if isinstance(line, PictureEntry) else getattr(line, "node", found.node)
            if node == self.context.node.name or not may_speak(self.context, found.prefix, node):
                raise ValueError(f"{found.prefix or drops.LINES} does not speak for {node}")
        except (ValueError, OverflowError, OSError) as error:  # a time that no calendar has, for one
            log.error("line not believed: object=%s error=%s", safe(found.name), safe(str(error)))
            return None
        return line

    def _tell_again(self, drop: Drop, found: Found, line: PictureEntry) -> None:
        """Tell a deliverer that a picture is here already: one that was filled again need not send all anew."""
        if self.taking.is_safe(line.name, line.sha256):
            receipt = {"s": line.sha256, "z": line.size, "l": int(Level.READ_BACK), "a": self.context.now_ms()}
            drop.receipts.setdefault(found.prefix, []).append({"n": str(line.name), **receipt})

    def _is_new(self, line: Entry) -> bool:
        catalogue = self.context.catalogue
        if isinstance(line, OutcomeEntry):
            return slots.get(catalogue, line.camera, line.slot, line.node) is None
        if isinstance(line, FilledEntry):
            row = slots.get(catalogue, line.camera, line.slot, line.node)
            return row is None or row.filled is None
        return isinstance(line, OverrideEntry)

    def _acknowledged(self, drop: Drop, found: Found, names: object) -> None:
        """Remove batches of receipts and answers that their deliverer has read."""
        site, node = self.context.site.site.name, self.context.node.name
        ours = [f"{site}/{what}/{node}_" for what in (drops.RECEIPTS, drops.ANSWERS)]
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and any(name.startswith(one) and name[len(one) :].isdigit() for one in ours):
                drop.remove.append(f"{found.prefix}{name}")
