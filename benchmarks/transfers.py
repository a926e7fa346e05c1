"""Deliveries side by side with OpenSSH sftp, rsync, rclone, lftp and curl: on loopback, over a thin link, through cuts.

Run `python benchmarks/transfers.py [--quick] [--only loopback,thin,cut,raw,cuts]`. Ours is the node's real way: its
catalogue, its delivering desk with lanes and grants, its child processes, receipts on the disk. The servers are real:
OpenSSH, vsftpd, nginx with TLS, SeaweedFS. The thin link is made of two network namespaces, tbf (1 Mbit/s up, 3 down,
64 KB queue) and a relay between two TUN devices that holds each IP packet for 150 ms: TCP sees 300 ms. Bytes are those
of the interface's counters, IP headers included. Exit status 1 when a figure is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from peers.thinlink import FAR, Link, inside, missing

from benchmarks import _others, _places
from benchmarks._desk import Desk, desk
from benchmarks._places import There

PICTURE, LARGE = 200_000, 6_000_000
LOOPBACK = "127.0.0.1"
PARTS = ("loopback", "thin", "cut", "raw", "cuts")
Server = Callable[[Path, str], contextlib.AbstractContextManager[There]]
SHARES: dict[str, tuple[Server, float, str]] = {  # kind -> server, share asked, level of the proof
    "SFTP": (_places.sftp, 0.90, "size"),
    "SFTP+hash": (_places.sftp, 0.90, "hash"),  # by the server's sha256sum
    "HTTPS": (_places.https, 0.92, "size"),  # nginx has no hash: more would be read back
    "S3": (_places.s3, 0.85, "hash"),
    "FTP": (_places.ftp, 0.80, "size"),  # nor has vsftpd
}


@dataclass
class Table:
    """What was asked beside what was measured."""

    missed: int = 0
    rows: list[str] = field(default_factory=list)

    def add(self, what: str, asked: str, measured: float, fine: bool) -> None:
        row = f"{what:58} asked {asked:>8}  measured {measured:7.3f}  {'ok' if fine else 'MISSED'}"
        self.rows.append(row)
        self.missed += not fine
        print(row, flush=True)

    def most(self, what: str, measured: float, most: float) -> None:
        self.add(what, f"<= {most:g}", measured, measured <= most)

    def least(self, what: str, measured: float, least: float) -> None:
        self.add(what, f">= {least:g}", measured, measured >= least)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="overlapse-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def filled(one: Desk, count: int, size: int) -> Desk:
    for _ in range(count):
        one.add(os.urandom(size))
    return one


def timed(one: Desk, limit: float = 900.0) -> float:
    """Return the seconds until all is delivered; the child's start and the log-in are in it.

    What was written just before, to have something to send, goes to the disk first, as for the others: each fsync of
    the server would else wait for it.
    """
    os.sync()
    begun = time.monotonic()
    assert one.run(limit), "not all was delivered"
    return time.monotonic() - begun


# --- loopback


def loopback(table: Table, quick: bool) -> None:
    """Compare the wall time with OpenSSH sftp: medians of interleaved rounds."""
    rounds = 3 if quick else 7
    for what, count, size, most in (("20 x 6 MB", 20, LARGE, 1.1), ("500 x 200 KB", 500, PICTURE, 1.0)):
        took: dict[str, list[float]] = {}
        with workspace() as folder, _places.sftp(folder / "server", LOOPBACK) as there:
            files = [folder / "files" / f"{n:04}.jpg" for n in range(count)]
            files[0].parent.mkdir()
            for file in files:
                file.write_bytes(os.urandom(size))
            for nth in range(rounds):
                with desk(folder / f"ours{nth}", there.keys, "size") as ours:
                    took.setdefault("ours", []).append(timed(filled(ours, count, size)))
                    took.setdefault("ours again", []).append(timed(filled(ours, count, size)))  # its child is there
                there.empty()
                for program in _others.COMMANDS if not quick else ("sftp", "sftp -f"):
                    found = None if _others.missing(program) else _others.seconds(program, there, files)
                    if found is not None:
                        took.setdefault(program, []).append(found)
                    elif not nth:
                        say(f"{program}: {'not on this machine' if _others.missing(program) else 'failed'}")
                    there.empty()
        middle = {name: statistics.median(values) for name, values in took.items()}
        say(f"{what}: " + ", ".join(f"{name} {value:.2f} s" for name, value in middle.items()))
        table.most(f"loopback SFTP, {what}: wall time / OpenSSH sftp", middle["ours"] / middle["sftp"], most)
        say(f"with the child resident, as it is in a node that sends: {middle['ours again'] / middle['sftp']:.3f}")
        synced = ", ".join(f"{middle[name] / middle['sftp -f']:.3f}" for name in ("ours", "ours again"))
        say(f"both to `sftp` with `put -f`, which syncs each file as ours does: {synced}")


# --- a thin link


def one_stream(link: Link, size: int) -> float:
    """Return the bits a second that one TCP stream brings through, from connect to the last byte."""
    with inside(link.far):
        listener = socket.create_server((FAR, 0))
    arrived: list[float] = []

    def sink() -> None:
        line, _ = listener.accept()
        left = size
        while left and (block := line.recv(1 << 16)):
            left -= len(block)
        arrived.append(time.monotonic())
        line.close()

    thread = threading.Thread(target=sink)
    thread.start()
    begun = time.monotonic()
    with inside(link.near):
        line = socket.create_connection(listener.getsockname())
    line.sendall(bytes(size))
    thread.join()
    line.close()
    listener.close()
    return size * 8 / (arrived[0] - begun)


def thin(table: Table, quick: bool) -> None:
    """Compare with the limit of one stream, from the child's start to the last receipt."""
    count = 20 if quick else 60
    with workspace() as folder, Link() as link:
        limit = one_stream(link, count * PICTURE)
        table.least("one TCP stream at 1 Mbit/s and 300 ms: share of the rate", limit / 1e6, 0.92)
        say("from the start of the child to the last receipt, log-in and proofs included")
        for kind, (server, least, level) in SHARES.items():
            with ExitStack() as held:
                with inside(link.far):
                    there = held.enter_context(server(folder / kind, FAR))
                with inside(link.near), desk(folder / f"{kind}-ours", there.keys, level) as ours:
                    before = link.counted()
                    took = timed(filled(ours, count, PICTURE))
                    sent = (link.counted()[0] - before[0]) / (count * PICTURE)
                table.least(f"{kind}: {count} x 200 KB, share of one stream", count * PICTURE * 8 / took / limit, least)
                if kind in ("SFTP", "FTP"):
                    table.most(f"{kind}: bytes sent / payload, no cut", sent, 1.045)
                else:
                    say(f"{kind}: bytes sent / payload {sent:.4f}")
                if kind == "SFTP":
                    beside(link, folder, there, limit, 20)


def beside(link: Link, folder: Path, there: There, limit: float, count: int) -> None:
    """Print what the others reach."""
    files = [folder / "files" / f"{n:04}.jpg" for n in range(count)]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(os.urandom(PICTURE))
    for program in _others.COMMANDS:
        there.empty()
        if _others.missing(program):
            say(f"{program}: not on this machine")
            continue
        with inside(link.near):
            before = link.counted()[0]
            took = _others.seconds(program, there, files)
            sent = (link.counted()[0] - before) / (count * PICTURE)
        share = "failed" if took is None else f"share of one stream {count * PICTURE * 8 / took / limit:.3f}"
        say(f"{program}: {count} x 200 KB: {share}, bytes sent / payload {sent:.3f}")


# --- cuts


@contextlib.contextmanager
def sending(folder: Path, link: Link, server: Server, size: int) -> Iterator[tuple[Desk, int]]:
    """Have one file of `size` bytes to send over the link; yield the desk and the delivery."""
    with ExitStack() as held:
        with inside(link.far):
            there = held.enter_context(server(folder / "server", FAR))
        held.enter_context(inside(link.near))
        ours = held.enter_context(desk(folder / "ours", there.keys, "size"))
        yield ours, ours.add(os.urandom(size))


def through_cuts(ours: Desk, link: Link, number: int, at: list[int], away: Callable[[], float]) -> list[float]:
    """Deliver, cutting the link whenever so many bytes have been asked for; return the seconds from back to flowing."""
    flowing: list[float] = []
    for cut_at in at:
        assert ours.run(900, lambda cut_at=cut_at: ours.offsets.get(number, 0) >= cut_at or ours.is_done())  # type: ignore[misc]
        link.cut()
        ours.run(away(), lambda: False)
        link.mend(new_address=True)
        back = time.monotonic()
        assert ours.run(120, lambda: link.flowing_at is not None), "it hangs"
        assert link.flowing_at is not None
        flowing.append(link.flowing_at - back)
    assert ours.run(900), "it never arrives"
    return flowing


def cut(table: Table, quick: bool) -> None:
    """Cut a file in the middle, for 15 s, and come back under a new address."""
    for kind, server in (("SFTP", _places.sftp), ("FTP", _places.ftp)):
        size = 2_400_000
        with workspace() as folder, Link() as link, sending(folder, link, server, size) as (ours, number):
            before, aired = link.counted()[0], link.aired
            flowing = through_cuts(ours, link, number, [size // 2], lambda: 15.0)
            table.most(
                f"{kind}: bytes sent / payload, a cut and a new address", (link.counted()[0] - before) / size, 1.07
            )
            aired = link.aired - aired
            say(f"of them while the link worked, without what its queue held at the cut: {aired / size:.3f}")
            table.most(f"{kind}: seconds from link back to data flowing", flowing[0], 15)


def raw(table: Table, quick: bool) -> None:
    """Send a RAW of 30 MB that is cut ten times.

    10 KB/s and a cut every 5 minutes is a cut every 3 MB. So it is here, on a link ten times as fast: what a cut costs
    is what was on its way, which the queue of 64 KB bounds on both.
    """
    size, every = (9_000_000 if quick else 30_000_000), 3_000_000
    with workspace() as folder, Link() as link, sending(folder, link, _places.sftp, every) as (ours, _):
        assert ours.run(300), "not all was delivered"
        whole = link.counted()[0] / every
        number, before, aired = ours.add(os.urandom(size)), link.counted()[0], link.aired
        flowing = through_cuts(ours, link, number, list(range(every, size, every)), lambda: 12.0)
        sent, aired = (link.counted()[0] - before) / size, link.aired - aired
        what = f"RAW of {size // 1_000_000} MB, a cut every 3 MB"
        table.most(f"{what}: bytes beyond those without a cut / payload", sent - whole, 0.05)
        say(f"bytes sent / payload: {sent:.4f}, without a cut {whole:.4f}, while the link worked {aired / size:.4f}")
        say(f"link back to data flowing: at most {max(flowing):.1f} s")


def cuts(table: Table, quick: bool) -> None:
    """Cut a hundred times, ten links at once, for 1 to 25 s, each time with a new address."""
    links, each = (2, 3) if quick else (10, 10)

    def one(seed: int) -> tuple[str, list[float]]:
        dice, (kind, server) = random.Random(seed), (("SFTP", _places.sftp), ("FTP", _places.ftp))[seed % 2]
        with workspace() as folder, Link() as link, sending(folder, link, server, each * 300_000) as (ours, number):
            at = [150_000 + 250_000 * nth for nth in range(each)]
            found = through_cuts(ours, link, number, at, lambda: dice.uniform(1, 25))
        say(f"link {seed}, {kind}: " + " ".join(f"{second:.1f}" for second in found))
        return kind, found

    with ThreadPoolExecutor(links) as pool:
        tried = [pool.submit(one, seed) for seed in range(links)]
    for error in filter(None, (one.exception() for one in tried)):
        say(f"a link failed: {error}")
    flowing: dict[str, list[float]] = {}
    for kind, found in (one.result() for one in tried if one.exception() is None):
        flowing.setdefault(kind, []).extend(found)
    count = sum(map(len, flowing.values()))
    table.least(f"of {links * each} cuts survived", count, links * each)
    for kind, seconds in flowing.items():
        say(f"{kind}: {len(seconds)} cuts: median {statistics.median(seconds):.1f} s")
        table.most(f"{kind}, {len(seconds)} cuts: seconds from link back to data flowing, worst", max(seconds), 15)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller files, fewer cuts")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    given = parser.parse_args()
    table, parts = Table(), {"loopback": loopback, "thin": thin, "cut": cut, "raw": raw, "cuts": cuts}
    for name in given.only.split(","):
        if name != "loopback" and missing():
            say(f"{name}: not measured here: {missing()}")
            continue
        parts[name](table, given.quick)
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
