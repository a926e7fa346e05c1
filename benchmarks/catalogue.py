"""Measure the catalogue at 50 thousand and at 5 million pictures, side by side in one run.

python benchmarks/catalogue.py [--small N] [--large N] [--folder DIR]: next delivery, status tallies and the retention
plan of the first 50 GB; the large catalogue may take at most twice as long as the small one. Exit status 1 when not.
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
from functools import lru_cache
from pathlib import Path

from core.catalogue import buffer, deliveries, pictures, schema, slots
from core.catalogue.store import Catalogue, row_sum
from core.values import Fence, PictureName, utc

GOAL = 2.0
BYTES_EACH = 900  # on disk, for a picture with two deliveries and their receipts, indexes included
CAMERAS = ("north", "south", "gate", "roof", "crane")
BEGIN = 1_700_000_400
EVERY = 600  # seconds
KINDS = (("raw", "cr2", 24_000_000), ("jpeg", "jpg", 6_000_000))
PLAN = 50_000_000_000  # bytes
NOW = 4_000_000_000_000  # milliseconds


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


def slot_rows(count: int) -> Iterator[tuple[object, ...]]:
    for _, camera, slot, kind, _, _ in shots(count):
        if kind == "raw":
            sealed = (camera, slot, "unit1", slot // EVERY % 144, "captured", 0, "", slot * 1000, 1, 7, None)
            yield *sealed, row_sum(*sealed)


def filling(count: int) -> Iterator[tuple[str, str, Iterator[tuple[object, ...]]]]:
    """Yield (what, statement, rows) for each table."""

    def insert(table: str, columns: str) -> str:
        marks = ", ".join("?" * len(columns.split(",")))
        return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - constants

    yield (
        "pictures",
        insert("picture", f"id, {schema.SEALED['picture']}, sum, gone, required, pending"),
        picture_rows(count),
    )
    yield (
        "deliveries",
        insert("delivery", f"id, {schema.SEALED['delivery']}, sum, state, size"),
        delivery_rows(count),
    )
    yield "slots", insert("slot", f"{schema.SEALED['slot']}, sum"), slot_rows(count)


def build(path: Path, count: int) -> None:
    """Fill a catalogue without its triggers and indexes, then make those and count the tallies."""
    Catalogue.open(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    for statement in (*schema.TRIGGERS, *schema.INDEXES):
        kind, name = statement.split()[1:3]
        connection.execute(f"DROP {kind} {name}")
    begun = time.monotonic()
    for what, statement, rows in filling(count):
        say(f"{count:,} pictures: {what}", begun)
        connection.execute("BEGIN")
        connection.executemany(statement, rows)
        connection.execute("COMMIT")
    say(f"{count:,} pictures: receipts, indexes, tallies", begun)
    connection.execute(
        "INSERT INTO receipt SELECT d.id, 2, p.size, p.sha256, d.at * 1000, 0 FROM delivery d "
        "JOIN picture p ON p.id = d.picture WHERE d.state = 'proven'"
    )
    for statement in schema.INDEXES:
        connection.execute(statement)
    for table, counted in schema.COUNTED.items():
        connection.execute(f"INSERT INTO {table} {counted}")
    for statement in schema.TRIGGERS:
        connection.execute(statement)
    connection.close()
    say(f"{count:,} pictures: {path.stat().st_size / count:.0f} bytes each", begun)


def say(what: str, begun: float) -> None:
    print(f"  {time.monotonic() - begun:6.1f} s  {what}", flush=True)


def next_delivery(catalogue: Catalogue) -> object:
    return deliveries.next_ready(catalogue, "fr", NOW), deliveries.next_wake(catalogue, "nas")


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


def retention(catalogue: Catalogue) -> object:
    plan, total = [], 0
    for picture in buffer.proven_oldest_first(catalogue):
        plan.append(picture)
        total += picture.size
        if total >= PLAN:
            break
    return plan


QUESTIONS: tuple[tuple[str, Callable[[Catalogue], object], int], ...] = (
    ("next delivery", next_delivery, 2000),
    ("status tallies", status, 500),
    ("retention plan, 50 GB", retention, 15),
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


def compare(paths: list[Path]) -> bool:
    catalogues = [Catalogue.open(path) for path in paths]
    reached = True
    print(f"  {'':24}{'small':>10}{'large':>10}{'ratio':>8}   goal {GOAL}")
    for what, ask, rounds in QUESTIONS:
        small, large = medians(ask, catalogues, rounds)
        reached &= large / small <= GOAL
        print(f"  {what:24}{small * 1e3:8.3f}ms{large * 1e3:8.3f}ms{large / small:8.2f}")
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
        paths = [Path(folder) / f"{size}.db" for size in ("small", "large")]
        for path, count in zip(paths, (chosen.small, chosen.large), strict=True):
            build(path, count)
        reached = compare(paths)
    print("reached" if reached else "missed")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
