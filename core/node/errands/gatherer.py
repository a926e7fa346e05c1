"""The child that walks through a card or an old archive: the kind "import" of worker.

| op | args | result |
|---|---|---|
| survey | path, camera, layout, zone, cameras, site_zone, apart | layout, left, doubtful |
| copy | the same; spool, remove, at_most | layout, left, doubtful, removed |

`survey` asks {"found": [row...]} for some rows at a time; `copy` asks {"next": bytes} before it copies some groups of
files, {"copied": [[row...]...]}, the groups, when it has, and {"spooled": number} when they are durable in the spool.
Each answer has "go"; without it the work ends there. The one to "copied" has "names", for each row a name in the spool,
or null for bytes that are known; the one to "spooled" has "safe", for each row whether its bytes are kept here now.
`left`: how many files were left where they are, by reason.
A row is described in core/node/errands/walk.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.errors import NoSuchThing
from core.intake.importer import Copies, Copy, Unreadable, remove
from core.node.errands.walk import File, Group, Walk
from core.worker import Json, Talk

ROWS = 50  # of a survey in one question
FILES, BYTES = 4, 64_000_000  # copied and kept at once: so long a shot may have to wait for the disk
NICE = 10  # a shot goes first
SIGN = 4_000_000  # bytes between two signs of life


class ImportService:
    """Serves `survey` and `copy`."""

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do `op`; raise NoSuchThing for a path, layout or camera that is not there, StorageError for our own disk."""
        with suppress(OSError):
            os.nice(NICE - os.nice(0))
        walk = Walk.of(args)
        if op == "survey":
            survey(walk, talk)
            return walk.result()
        if op == "copy":
            removed = copy(walk, Path(args["spool"]), bool(args.get("remove")), args.get("at_most"), talk)
            return {**walk.result(), "removed": removed}
        raise NoSuchThing(f"the import worker knows no {op!r}")

    def close(self) -> None:
        """Nothing is held."""


def survey(walk: Walk, talk: Talk) -> None:
    """Ask what is thought of all that is there."""
    rows: list[Json] = []
    for group in walk.groups():
        rows += [group.row(file, walk.root) for file in group.files]
        if len(rows) >= ROWS:
            if not talk.ask(found=rows)["go"]:
                return
            rows = []
    if rows:
        talk.ask(found=rows)


def copy(walk: Walk, spool: Path, take_away: bool, at_most: int | None, talk: Talk) -> int:
    """Bring what is wanted into the spool, some shots at a time; return how many files left the archive."""
    copies, removed = Copies(spool), 0
    budget = Budget(at_most)
    for some in some_of(walk.groups(), budget):
        if not talk.ask(next=sum(file.size for group in some for file in group.files))["go"]:
            break
        copied = _copied(copies, walk, some, talk)
        rows = [[group.row(file, walk.root, copy) for file, copy in files] for group, files in copied]
        answer = talk.ask(copied=rows)
        flat = [pair for _, files in copied for pair in files]
        if not answer["go"]:
            copies.discard([copy for _, copy in flat])
            break
        named = list(zip(flat, answer["names"], strict=True))
        copies.discard([copy for (_, copy), name in named if name is None])
        copies.spool([(copy, name) for (_, copy), name in named if name is not None])
        budget.left -= len(answer["names"]) - answer["names"].count(None)
        answer = talk.ask(spooled=len(flat))
        if take_away:
            safe_here = zip(flat, answer["safe"], strict=True)
            removed += sum(remove(file.path, copy.size) for (file, copy), is_safe in safe_here if is_safe)
        if not answer["go"]:
            break
    copies.close()
    return removed


class Budget:
    """How many new files are still to be taken."""

    def __init__(self, at_most: int | None) -> None:
        self.left: float = float("inf") if at_most is None else at_most


def some_of(groups: Iterator[Group], budget: Budget) -> Iterator[list[Group]]:
    """Yield groups, pairs together, so many at once that a capture never waits long and the budget holds."""
    some: list[Group] = []
    count = size = 0
    for group in groups:
        more = len(group.files)
        if some and (count + more > min(FILES, budget.left) or size >= BYTES):
            yield some
            some, count, size = [], 0, 0
        if more > budget.left:
            return
        some.append(group)
        count += more
        size += sum(file.size for file in group.files)
    if some and count <= budget.left:
        yield some


Copied = list[tuple[Group, list[tuple[File, Copy]]]]


def _copied(copies: Copies, walk: Walk, groups: list[Group], talk: Talk) -> Copied:
    done: Copied = []
    told = 0

    def progress(size: int) -> None:
        nonlocal told
        told += size
        if told >= SIGN:
            talk.say(bytes=told)
            told = 0

    for group in groups:
        files: list[tuple[File, Copy]] = []
        for file in group.files:
            try:
                files.append((file, copies.copy(file.path, progress)))
            except Unreadable as error:
                walk.pass_over(str(error))
        if files:
            done.append((replace(group, files=tuple(file for file, _ in files)), files))
    return done
