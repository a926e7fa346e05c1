"""Measure the way from "the camera handed it over" to "catalogued, durable" for a 24 MB RAW.

python benchmarks/intake.py [--rounds N] [--folder DIR]: the bytes are in memory; spool, fsync, hash, final name,
folders, line of the day book and catalogue commit, against cp + fsync + sha256sum of the same file by the system's
own commands and by the same calls in this process. The ratio of the medians to the commands must be at most 1.5.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from core.capture.base import Identity
from core.capture.shot import Spool
from core.catalogue import deliveries, pictures, slots, states
from core.catalogue.store import Catalogue
from core.intake.daybook import DiskKeeper
from core.intake.durable import Keeping, Shelf
from core.intake.entries import OutcomeEntry, PictureEntry
from core.values import Fence, PictureName, Sha256, seconds_of, utc

GOAL = 1.5
SIZE = 24_000_000
CHUNK = 1 << 20


def spool(folder: Path, name: PictureName, data: bytes) -> Sha256:
    """Write what the camera gave with the capture child's own code: hash as received, fsync, folder."""
    spool = Spool(folder, Identity(name.camera, name.node, name.fence))
    with spool.receive(name) as reception:
        for begin in range(0, len(data), CHUNK):
            reception.write(memoryview(data)[begin : begin + CHUNK])
        kept = reception.keep(len(data))
    spool.settle()
    return kept.sha256


class Unit:
    """A data folder with its catalogue, that takes in one RAW a slot."""

    def __init__(self, data: Path) -> None:
        self._spool = data / "spool"
        self._spool.mkdir()
        self._keeper = DiskKeeper(Shelf(self._spool, data / "pictures", data / "quarantine"))
        self._catalogue = Catalogue.open(data / "catalogue.db")
        self._slot = 1_700_000_400

    def take(self, data: bytes) -> None:
        """Take one picture from memory to catalogued and durable."""
        self._slot += 600
        name = PictureName("north", utc(self._slot), "unit1", Fence(1, 1), "cr2")
        sha256 = spool(self._spool, name, data)
        entry = PictureEntry(name=name, slot=self._slot, index=0, kind="raw", size=len(data), sha256=sha256)
        outcome = OutcomeEntry(camera="north", slot=self._slot, node="unit1", outcome="captured")
        Keeping({str(name): entry}, [outcome], lambda lengths: self._commit(entry, dict(lengths))).finish(self._keeper)

    def _commit(self, entry: PictureEntry, lengths: dict[str, int]) -> None:
        catalogue, at = self._catalogue, seconds_of(entry.name.at)
        new = pictures.NewPicture(
            name=entry.name, slot=at, index=0, kind=entry.kind, size=entry.size, sha256=entry.sha256
        )
        with catalogue.transaction():
            picture = pictures.insert(catalogue, new)
            slots.record(catalogue, slots.Outcome(camera="north", slot=at, node="unit1", outcome="captured"))
            wanted = [
                deliveries.NewDelivery(
                    destination=place, remote=entry.name.path, priority=deliveries.Priority.RAW, level=2
                )
                for place in ("nas", "fr")
            ]
            deliveries.enqueue(catalogue, picture, wanted)
            for folder, length in lengths.items():
                states.set_offset(catalogue, folder, length)

    def close(self) -> None:
        self._keeper.close()
        self._catalogue.close()


def commands(source: Path, target: Path) -> None:
    """Do cp + fsync + sha256sum with the system's own commands."""
    for command in (["cp", str(source), str(target)], ["sync", str(target)], ["sha256sum", str(target)]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def calls(source: Path, target: Path) -> None:
    """Do the same in this process."""
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
        hashlib.file_digest(file, "sha256")


def measure(folder: Path, rounds: int) -> dict[str, float]:
    """Return the median seconds of each way, done in turn in another order each round."""
    data = random.Random(1).randbytes(SIZE)
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    unit = Unit(folder)
    ways: dict[str, Callable[[], None]] = {
        "intake": lambda: unit.take(data),
        "commands": lambda: commands(source, target),
        "calls": lambda: calls(source, target),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for nth in range(rounds + 1):
        for way in random.Random(nth).sample(sorted(ways), len(ways)):
            target.unlink(missing_ok=True)
            os.sync()
            begun = time.perf_counter()
            ways[way]()
            if nth > 0:  # the first round warms up
                taken[way].append(time.perf_counter() - begun)
    unit.close()
    return {way: statistics.median(times) for way, times in taken.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure; default: a temporary folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        found = measure(Path(folder), chosen.rounds)
    ratio = found["intake"] / found["commands"]
    print(f"  intake of {SIZE / 1e6:.0f} MB            {found['intake'] * 1e3:8.1f} ms")
    print(f"  cp, sync, sha256sum         {found['commands'] * 1e3:8.1f} ms   ratio {ratio:.2f}   goal {GOAL}")
    print(
        f"  the same in one process     {found['calls'] * 1e3:8.1f} ms   ratio {found['intake'] / found['calls']:.2f}"
    )
    print("reached" if ratio <= GOAL else "missed")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
