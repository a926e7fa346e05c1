"""What sharing costs: bytes of a unit on the wire, the way back after a cut, latency, and fifty units at three voters.

Run `python benchmarks/coordination.py [--quick] [--only wire,shared,cut,latency,fifty] [--json]`. Voters are real
servers, as `overlapse fleet init` configures them, nodes the product's own client; `shared` runs whole nodes. The link
of a unit is made of two network namespaces and a relay between two TUN devices that holds each IP packet for 50 ms (TCP
sees 100 ms); bytes are those of its interface, IP headers included. After a cut the old flow stays dead: a new address,
as a modem gets it. Exit status 1 when a figure is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from peers import natsd
from peers.natsd import Voters
from peers.thinlink import FAR, Link, inside, missing

from benchmarks._sharing import shared_bytes
from core.coordination.base import Coordination, CoordinationError
from core.site.load import reparse

ROUND_TRIP = 0.1  # seconds
RENEW = 30.0  # seconds, of the cellular profile
MOST = 110.0  # kB an hour
A_MONTH = 100.0  # MB
BACK = 1.0  # seconds
TICKS = os.sysconf("SC_CLK_TCK")
UNITS = 50


@dataclass
class Table:
    """What was asked beside what was measured."""

    missed: int = 0
    rows: list[dict[str, object]] = field(default_factory=list)

    def most(self, what: str, measured: float, most: float) -> None:
        self.missed += measured > most
        self.rows.append({"what": what, "asked": most, "measured": measured})
        print(
            f"{what:60} asked <= {most:6g}  measured {measured:8.2f}  {'ok' if measured <= most else 'MISSED'}",
            flush=True,
        )

    def say(self, what: str, measured: float, unit: str) -> None:
        self.rows.append({"what": what, "measured": measured, "unit": unit})
        print(f"{what:60} {'':17}  measured {measured:8.2f} {unit}", flush=True)


def session(n: int, vitals: int = 300) -> bytes:
    """Return what a node renews: a lease with its vitals in it."""
    head = {"sid": "0123456789abcdef", "n": n, "R": 30, "T": 90, "dead": None}
    return json.dumps({**head, "st": "v" * vitals}, separators=(",", ":")).encode()


@contextmanager
def across(folder: Path) -> Iterator[tuple[Link, Voters]]:
    """Give a link with one voter at its far end."""
    with Link(up=None, down=None, round_trip=ROUND_TRIP) as link, inside(link.far):
        fleet = Voters(folder / "fleet", 1, FAR)
        try:
            fleet.start()
            fleet.found()
            yield link, fleet
        finally:
            fleet.close()


def wire(table: Table, quick: bool) -> None:
    """Renew one session as a cellular unit does, and count."""
    seconds = 120.0 if quick else 600.0
    with tempfile.TemporaryDirectory() as name, across(Path(name)) as (link, fleet):
        with inside(link.near):
            unit = fleet.open("unit1")
            for prefix in ("own.gate", "own.north", "order.unit1."):
                unit.hint(prefix, lambda key: None)
            rev = unit.cas("sess.unit1", 0, session(0))
        before, begun = link.counted(), time.monotonic()
        for n in range(1, int(seconds / RENEW) + 1):
            time.sleep(max(0.0, begun + n * RENEW - time.monotonic()))
            rev = unit.cas("sess.unit1", rev, session(n))
        hours = (time.monotonic() - begun) / 3600
        up, down = (after - was for after, was in zip(link.counted(), before, strict=True))
    table.most("a unit at the cellular profile, TLS, kB an hour up and down", (up + down) / hours / 1000, MOST)
    table.say("  of which up", up / hours / 1000, "kB/h")
    table.say("  a month of it", (up + down) / hours * 24 * 30 / 1e6, "MB")


def shared(table: Table, quick: bool) -> None:
    """Run a real unit that shares its camera, then one that stands by for another unit's as well, and count."""
    seconds = 180.0 if quick else 1800.0
    up, down = shared_bytes(seconds, ROUND_TRIP, watching=False)
    table.most("a whole unit that shares its camera, TLS, kB an hour", (up + down) / 1000, MOST)
    table.say("  of which up", up / 1000, "kB/h")
    table.most("  a month of it, MB", (up + down) * 24 * 30 / 1e6, A_MONTH)
    up, down = shared_bytes(seconds, ROUND_TRIP, watching=True)
    table.say("one that stands by for another unit's, too", (up + down) / 1000, "kB/h")
    table.say("  a month of it", (up + down) * 24 * 30 / 1e6, "MB")


def cut(table: Table, quick: bool) -> None:
    """Cut the link for two minutes, and count from its return to the next committed renewal."""
    with tempfile.TemporaryDirectory() as name, across(Path(name)) as (link, fleet):
        with inside(link.near):
            unit = fleet.open("unit1", deadline=5.0)
        renewals: list[float] = []
        over = threading.Event()
        worker = threading.Thread(target=renewing, args=(unit, renewals, over))
        worker.start()
        found = []
        for _ in range(1 if quick else 3):
            link.cut()
            time.sleep(60 if quick else 120)
            mended, so_far = time.monotonic(), len(renewals)
            link.mend(new_address=True)
            while len(renewals) == so_far:
                time.sleep(0.005)
            found.append(renewals[so_far] - mended)
            time.sleep(1)
        over.set()
        worker.join()
    table.most(f"link cut for 120 s, old flow dead: back after s, worst of {len(found)}", max(found), BACK)
    table.say("  the best of them", min(found), "s")


def renewing(unit: Coordination, renewals: list[float], over: threading.Event) -> None:
    """Renew as a cellular unit does, and try again at once what failed; note each success."""
    while not over.is_set():
        try:
            held = unit.read("sess.unit1")
            unit.cas("sess.unit1", held.rev if held else 0, session(len(renewals)))
        except CoordinationError:
            continue
        renewals.append(time.monotonic())
        over.wait(RENEW)


def latency(table: Table, quick: bool) -> None:
    """Change one key again and again at three voters on this machine, each change synced to three disks."""
    with tempfile.TemporaryDirectory() as name, natsd.running(Path(name) / "fleet", 3) as fleet:
        store = fleet.open("fr")
        rev, took = store.cas("own.gate", 0, b"x" * 200), []
        for _ in range(200 if quick else 2000):
            begun = time.perf_counter()
            rev = store.cas("own.gate", rev, b"x" * 200)
            took.append(time.perf_counter() - begun)
    took.sort()
    table.say("a change at three voters, ms, median", statistics.median(took) * 1000, "ms")
    table.say("a change at three voters, ms, 99 in 100", took[int(len(took) * 0.99)] * 1000, "ms")


def fifty(table: Table, quick: bool) -> None:
    """Have fifty units renew their sessions, each by a client of its own, and see what the voters spend."""
    nodes = "".join(f'[[node]]\nname = "u{n}"\nkind = "cloud"\n' for n in range(UNITS))
    site = reparse(f'version = 1\nsite = {{ name = "harbour", zone = "UTC", data = "data" }}\n{nodes}')
    seconds = 30.0 if quick else 120.0
    with tempfile.TemporaryDirectory() as name:
        fleet = Voters(Path(name) / "fleet", 3, site=site)
        try:
            fleet.start()
            fleet.found()
            units = [fleet.open(f"u{n}") for n in range(UNITS)]
            revs = [unit.cas(f"sess.u{n}", 0, session(0)) for n, unit in enumerate(units)]
            before, begun = [spent(process.pid) for process in fleet.running.values()], time.monotonic()
            count = 0
            while time.monotonic() - begun < seconds:
                at = count % UNITS
                revs[at] = units[at].cas(f"sess.u{at}", revs[at], session(count))
                count += 1
                time.sleep(max(0.0, begun + count * RENEW / UNITS - time.monotonic()))
            lasted = time.monotonic() - begun
            cpu = sum(spent(process.pid) for process in fleet.running.values()) - sum(before)
            memory = [resident(process.pid) for process in fleet.running.values()]
        finally:
            fleet.close()
    table.say(f"{UNITS} units renewing each {RENEW:g} s: one voter's CPU, % of a core", cpu / lasted / 3 * 100, "%")
    table.say("  per unit and voter", cpu / lasted / 3 * 100 / UNITS, "%")
    table.say("  one voter's memory, the largest", max(memory) / 1e6, "MB")


def spent(pid: int) -> float:
    """Return the CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> int:
    """Return the bytes of memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


PARTS = {"wire": wire, "shared": shared, "cut": cut, "latency": latency, "fifty": fifty}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few minutes less, and figures to match")
    parser.add_argument("--only", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    parser.add_argument("--json", action="store_true", help="also one JSON document at the end")
    asked = parser.parse_args()
    if natsd.SERVER is None:
        print(natsd.MISSING)
        return 0
    table = Table()
    for part in asked.only.split(","):
        if part in ("wire", "cut") and (why := missing()) is not None:
            print(f"{part}: not measured: {why}")
            continue
        PARTS[part](table, asked.quick)
    if asked.json:
        print(json.dumps(table.rows))
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
