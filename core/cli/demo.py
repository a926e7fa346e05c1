"""`overlapse demo`: a whole small site on this machine, through the real libgphoto2."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from math import isfinite
from pathlib import Path
from queue import SimpleQueue

import click

from core.catalogue.store import Catalogue
from core.child import Child
from core.cli.checking import altered
from core.cli.ending import Interrupted, called, unusable
from core.cli.practice import practise
from core.cli.run import interruptible
from core.cli.sites import read_sites
from core.clock import SystemClock
from core.errors import OverlapseError
from core.node.loop import Event, Loop, Stop
from core.node.start import open_site
from core.simulate.demo import CAMERAS, Office, draw, draw_logo, prepare
from core.simulate.director import Director, Result, count
from core.site.init import local_zone
from core.site.place import Place
from core.units import parse_duration, show_size

Tell = Callable[[str], None]


def _finite(context: click.Context, option: click.Parameter, value: float) -> float:
    if not isfinite(value):  # "nan" lies in no range, and outside of none
        raise click.BadParameter("a number from 2 to 3600", context, option)
    return value


def _duration(value: str) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.option("--shots", default=6, show_default=True, type=click.IntRange(2, 10_000), help="Shots of each camera.")
@click.option(
    "--every",
    default=4.0,
    show_default=True,
    type=click.FloatRange(2, 3600),
    callback=_finite,
    help="Seconds between shots.",
)
@click.option(
    "--dir", "folder", default="overlapse-demo", show_default=True, type=click.Path(path_type=Path), help="Where."
)
@click.option(
    "--fleet",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Instead a simulated fleet of N units, to practise on, until Ctrl-C.",
)
@click.option(
    "--history",
    default="24h",
    show_default=True,
    callback=lambda context, option, value: _duration(value),
    help="How long the fleet has lived already; a large one less.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
def demo(shots: int, every: float, folder: Path, fleet: int | None, history: timedelta, as_json: bool) -> None:
    """Run a whole small site on this machine, without hardware."""
    folder = folder.absolute()
    if fleet is not None:
        practise(folder, fleet, history)
        return
    clock = SystemClock()

    def tell(line: str) -> None:
        if not as_json:
            click.echo(f"{clock.now().astimezone():%H:%M:%S}  {line}")

    result = _run(folder, shots, round(every), tell)
    program, site = shlex.quote(called(sys.argv[0])), shlex.quote(f"{folder}/site.toml")
    click.echo(json.dumps(asdict(result)) if as_json else _table(result, folder, program, site))
    if not (as_json or result.lost or result.interrupted):
        _offer(Path(folder, "site.toml"))
    if result.lost:
        raise OverlapseError(f"{result.lost} pictures are lost: see `{program} events --site {site}`")
    if result.interrupted:
        again = f"{program} demo --dir {shlex.quote(str(folder))}"
        raise Interrupted(
            f"interrupted: every picture is whole here; {result.waiting} deliveries wait: `{again}` goes on with them"
            if result.waiting
            else "interrupted: every picture is whole here, and delivered"
        )


def _offer(file: Path) -> None:
    """Open the console on the site, where somebody sits who wants it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    from core.cli.consoling import console

    if click.confirm("\nOpen the console on what the demo left? q ends it", default=False):
        console.main(["--site", str(file)], standalone_mode=False)


def _run(folder: Path, shots: int, every: int, tell: Tell) -> Result:
    clock, zone = SystemClock(), local_zone()
    with ExitStack() as leave:
        file, office = _prepare(folder, every, zone)
        if office is not None:
            leave.callback(office.close)
        tell(f"the site is {file}; " + ("an OpenSSH server plays the office" if office else "no sshd here: no office"))
        _first_pictures(folder, zone)
        queue: SimpleQueue[Event | Stop] = SimpleQueue()
        place, loaded = read_sites([file], "unit1")[0]
        began = clock.monotonic()
        opened = open_site(place, loaded, clock, queue, lambda: read_sites([file], "unit1")[0][1])
        leave.callback(opened.close)
        director = Director(opened.part, folder, shots, every, queue, tell)
        with interruptible(queue):
            Loop(clock, queue).run([opened.part, director])
        return _count(place, director, clock.monotonic() - began)


def _prepare(folder: Path, every: int, zone: str) -> tuple[Path, Office | None]:
    try:
        return prepare(folder, every, zone)
    except OSError as error:
        raise unusable(folder, error) from error


def _first_pictures(folder: Path, zone: str) -> None:
    """Draw what the cameras see at first: the virtual camera takes its size from it."""
    child = Child("scene")
    try:
        draw_logo(folder, child)
        for camera in CAMERAS:
            draw(folder, camera, 1, SystemClock().now().timestamp(), zone, child)
    finally:
        child.close()


def _count(place: Place, director: Director, seconds: float) -> Result:
    """Count, from the catalogue and from the bytes on the disk."""
    catalogue = Catalogue.read(place.folders.catalogue)
    try:
        broken = len(altered(catalogue, place.folders.pictures))
        return count(catalogue, director.begun, seconds, broken, interrupted=not director.over)
    finally:
        catalogue.close()


def _table(result: Result, folder: Path, program: str, site: str) -> str:
    rows = [
        ("slots", f"{result.slots}"),
        ("captured", f"{result.captured}" + (f", {result.missed} missed" if result.missed else "")),
        ("delivered and proven", f"{result.proven} of {result.deliveries}"),
        ("bytes sent", show_size(result.bytes_sent)),
        ("seconds", f"{result.seconds:g}"),
        ("lost", f"{result.lost} pictures" if result.lost else "nothing"),
    ]
    if result.interrupted:
        rows.append(("waiting", f"{result.waiting} deliveries, kept for the next run"))
    told = "\n".join(f"  {name:<22}{value}" for name, value in rows)
    words = ("status", "ledger", "events", "retention --dry-run", "verify")
    tries = "\n".join(f"  {program} {word} --site {site}" for word in words)
    proven = "proven" if not result.interrupted else "and, as far as it is delivered, proven"
    return f"""
{told}

Every original is in {folder}/data/pictures, {proven} on the NAS in {folder}/nas.
Look at the live pictures: {folder}/website/north.jpg and south.jpg
All of it on one screen: {program} console --site {site}

Try next:
{tries}"""
