"""Measure the catalogue at 50 thousand and at 5 million pictures, side by side in one run.

python benchmarks/catalogue.py [--small N] [--large N] [--folder DIR]: next delivery, status tallies and the plans of
retention; the large catalogue may take at most twice as long as the small one. Exit status 1 when not. Two kinds of
catalogue are asked: one in which nine pictures of ten are proven, and one of JPEG alone in which none is.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from core.catalogue import buffer, deliveries, pictures, ready, schema, slots, states
from core.catalogue.store import Catalogue, row_sum
from core.node.keeping.outlook import ANNOUNCED, Outlook, look
from core.retention.apply import AT_MOST
from core.retention.model import Space
from core.retention.plan import LISTED
from core.site.load import reparse
from core.values import Fence, PictureName, utc

GOAL = 2.0
BYTES_EACH = 900  # on disk, for a picture with two deliveries and their receipts, indexes included
CAMERAS = ("north", "south", "gate", "roof", "crane")
BEGIN = 1_700_000_400
EVERY = 600  # seconds
KINDS = (("raw", "cr2", 24_000_000), ("jpeg", "jpg", 6_000_000))
KEEP_FREE = 200_000_000_000  # bytes
NOW = 4_000_000_000_000  # milliseconds
SITE = reparse(
    """version = 1
site = { name = "quarry", zone = "UTC", data = "data" }
node = [{ name = "unit1" }]
destination = [{ name = "nas", address = "folder:/nas" }]
route = [{ what = ["raw", "jpeg"], to = "nas" }]
"""
    + "".join(
        f"""[[camera]]
name = "{name}"
shoots = "raw+jpeg"
source = {{ kind = "gphoto2" }}
schedule = [{{ every = "10m" }}]
"""
        for name in CAMERAS
    )
)

Question = tuple[str, Callable[[Catalogue], object], int]  # with the number of rounds


def shots(count: int) -> Iterator[tuple[int, str, int, str, str, int]]:
    """Yield (id, camera, slot, kind, extension, size) of `count` pictures, in the order in which they come."""
    number = 0
    while True:
        slot = BEGIN + EVERY * (number // (len(CAMERAS) * len(KINDS)))
        for camera in CAMERAS:
            for kind, extension, size in KINDS:
                number += 1
                yield number, camera, slot, kind, extension, size
                if number == count:
                    return


def picture_rows(count: int) -> Iterator[tuple[object, ...]]:
    digests = random.Random(1)
    for number, camera, slot, kind, extension, size in shots(count):
        sealed = (camera, slot, "unit1", 1, 7, 1, extension, slot, slot // EVERY % 144, kind, size)
        sealed += (digests.randbytes(32), slot * 1000, f"/DCIM/{number}", None, 1, slot * 1000)  # type: ignore[assignment]
        state = (0, 2, 2 if number > count * 0.98 else 1 if number > count * 0.9 else 0)
        yield number, *sealed, row_sum(*sealed), *state


@lru_cache(maxsize=1000)
def remote(camera: str, slot: int) -> str:
    return PictureName(camera, utc(slot), "unit1", Fence(1, 7), "").path


def delivery_rows(count: int) -> Iterator[tuple[object, ...]]:
    for number, camera, slot, kind, extension, size in shots(count):
        priority = int(deliveries.Priority.RAW if kind == "raw" else deliveries.Priority.JPEG)
        for nth, (destination, behind) in enumerate((("nas", 0.98), ("fr", 0.9))):
            sealed = (number, "", destination, remote(camera, slot) + extension, priority, slot, 1, 2)
            state = "queued" if number > count * behind else "proven"
            yield 2 * number + nth, *sealed, row_sum(*sealed), state, size


def waiting_rows(count: int) -> Iterator[tuple[object, ...]]:
    """Yield JPEGs of which none is proven: no rung of RAW ends a plan."""
    for number in range(1, count + 1):
        camera, slot = CAMERAS[number % len(CAMERAS)], BEGIN + EVERY * (number // len(CAMERAS))
        sealed = (camera, slot, "unit1", 1, 7, 1, "jpg", slot, slot // EVERY % 144, "jpeg", 6_000_000)
        sealed += (number.to_bytes(32, "big"), slot * 1000, f"/DCIM/{number}", None, 1, slot * 1000)  # type: ignore[assignment]
        yield number, *sealed, row_sum(*sealed), 0, 1, 1


def slot_rows(count: int) -> Iterator[tuple[object, ...]]:
    for _, camera, slot, kind, _, _ in shots(count):
        if kind == "raw":
            sealed = (camera, slot, "unit1", slot // EVERY % 144, "captured", 0, "", slot * 1000, 1, 7, None)
            yield *sealed, row_sum(*sealed)


def filling(count: int, proven: bool) -> Iterator[tuple[str, str, Iterator[tuple[object, ...]]]]:
    """Yield (what, statement, rows) for each table."""

    def insert(table: str, columns: str) -> str:
        marks = ", ".join("?" * len(columns.split(",")))
        return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - constants

    yield (
        "pictures",
        insert("picture", f"id, {schema.SEALED['picture']}, sum, gone, required, pending"),
        picture_rows(count) if proven else waiting_rows(count),
    )
    if not proven:
        return
    yield (
        "deliveries",
        insert("delivery", f"id, {schema.SEALED['delivery']}, sum, state, size"),
        delivery_rows(count),
    )
    yield "slots", insert("slot", f"{schema.SEALED['slot']}, sum"), slot_rows(count)


def build(path: Path, count: int, proven: bool) -> None:
    """Fill a catalogue without its triggers and indexes, then make those and count the tallies."""
    Catalogue.open(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    later = [one for one in schema.STATEMENTS if one.split()[1] in ("TRIGGER", "INDEX")]
    for statement in later:
        kind, name = statement.split()[1:3]
        connection.execute(f"DROP {kind} {name}")
    begun = time.monotonic()
    for what, statement, rows in filling(count, proven):
        say(f"{count:,} pictures: {what}", begun)
        connection.execute("BEGIN")
        connection.executemany(statement, rows)
        connection.execute("COMMIT")
    say(f"{count:,} pictures: receipts, indexes, tallies", begun)
    connection.execute(
        "INSERT INTO receipt SELECT d.id, 2, p.size, p.sha256, d.at * 1000, 0 FROM delivery d "
        "JOIN picture p ON p.id = d.picture WHERE d.state = 'proven'"
    )
    for table, counted in schema.COUNTED.items():
        connection.execute(f"INSERT INTO {table} {counted}")
    for statement in later:
        connection.execute(statement)
    connection.close()
    say(f"{count:,} pictures: {path.stat().st_size / count:.0f} bytes each", begun)


def say(what: str, begun: float) -> None:
    print(f"  {time.monotonic() - begun:6.1f} s  {what}", flush=True)


def next_delivery(catalogue: Catalogue) -> object:
    return ready.next_ready(catalogue, "fr", NOW), ready.next_due(catalogue, "nas")


def status(catalogue: Catalogue) -> object:
    found: list[object] = [buffer.tally(catalogue), buffer.at_risk(catalogue), deliveries.tally(catalogue)]
    for destination in ("nas", "fr"):
        found += [deliveries.backlog(catalogue, destination), deliveries.oldest(catalogue, destination)]
    for camera in CAMERAS:
        newest = pictures.newest(catalogue, camera)
        assert newest is not None
        day = newest.slot // 86400 if newest.slot is not None else 0
        found += [newest, slots.latest(catalogue, camera, "unit1"), slots.counts(catalogue, camera, day - 1, day)]
    return found


def retention(lacking: int, keep: float | None = None, most: int = AT_MOST) -> Callable[[Catalogue], object]:
    """Return a question for the plan that frees `lacking` bytes; `keep`: this share of all time stays."""

    def ask(catalogue: Catalogue) -> Outlook:
        last = max(found.slot or 0 for camera in CAMERAS if (found := pictures.newest(catalogue, camera)))
        older = None if keep is None else timedelta(seconds=keep * (last - BEGIN))
        ours = SITE.node[0]
        node = replace(ours, buffer=replace(ours.buffer, keep_free=KEEP_FREE, keep=older))
        space = Space(KEEP_FREE - lacking, 10**15)
        return look(catalogue, SITE, node, space, utc(last + EVERY), True, most)

    return ask


PROVEN: tuple[Question, ...] = (
    ("next delivery", next_delivery, 2000),
    ("status tallies", status, 500),
    ("plan: nothing lacking", retention(0), 60),
    ("plan: 20 MB lacking", retention(20_000_000), 60),
    ("plan: 50 GB lacking, to show", retention(50_000_000_000, most=LISTED), 15),
    ("plan: a fifth is older", retention(0, keep=0.8), 30),
    ("plan: half is older, refused", retention(0, keep=0.5), 30),
)
WAITING: tuple[Question, ...] = (
    ("JPEG alone, 10 MB thinned", retention(10_000_000), 60),
    ("JPEG alone, 5 GB thinned", retention(5_000_000_000), 30),
)


def medians(ask: Callable[[Catalogue], object], catalogues: list[Catalogue], rounds: int) -> list[float]:
    """Return the median seconds of a question to each catalogue, asked in turn."""
    taken: list[list[float]] = [[] for _ in catalogues]
    for _ in range(rounds):
        for times, catalogue in zip(taken, catalogues, strict=True):
            begun = time.perf_counter()
            ask(catalogue)
            times.append(time.perf_counter() - begun)
    return [statistics.median(times) for times in taken]


def compare(paths: list[Path], questions: tuple[Question, ...]) -> bool:
    catalogues = [Catalogue.open(path) for path in paths]
    reached = True
    for catalogue in catalogues:
        states.put(catalogue, ANNOUNCED, 0)  # so long ago that the loss may begin
    print(f"  {'':30}{'small':>10}{'large':>10}{'ratio':>8}   goal {GOAL}")
    for what, ask, rounds in questions:
        small, large = medians(ask, catalogues, rounds)
        reached &= large / small <= GOAL
        print(f"  {what:30}{small * 1e3:8.3f}ms{large * 1e3:8.3f}ms{large / small:8.2f}", flush=True)
    for catalogue in catalogues:
        catalogue.close()
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--small", type=int, default=50_000)
    parser.add_argument("--large", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, default=None, help="where to build them; default: a temporary folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        needed, free = 2 * chosen.large * BYTES_EACH, shutil.disk_usage(folder).free
        if free < needed:
            print(f"{needed / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free", file=sys.stderr)
            return 2
        reached = True
        for questions in (PROVEN, WAITING):
            paths = [Path(folder) / f"{size}.db" for size in ("small", "large")]
            for path, count in zip(paths, (chosen.small, chosen.large), strict=True):
                build(path, count, questions is PROVEN)
            reached &= compare(paths, questions)
            for path in paths:
                path.unlink()
    print("reached" if reached else "missed")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
