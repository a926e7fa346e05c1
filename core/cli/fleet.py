"""`overlapse fleet`: the voters that nodes share their leases through, from nothing to a restore."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.cli.ending import unusable
from core.cli.options import Selection, json_option, site_options
from core.errors import ConfigurationError, NoSuchThing
from core.text import safe

if TYPE_CHECKING:
    from core.coordination.nats import NatsCoordination
    from core.site.model.file import SiteFile

FOLDER = click.Path(file_okay=False, path_type=Path)
_fleet_folder = click.option(
    "--fleet", "folder", type=FOLDER, default="fleet", show_default=True, help="The folder that `fleet init` wrote."
)
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")


@click.group()
def fleet() -> None:
    """Make and look after the voters through which nodes share leases, assignments and orders."""


@fleet.command()
@click.argument("folder", metavar="[DIR]", type=FOLDER, default="fleet")
@click.option("--renew", multiple=True, metavar="NODE", help="Give this node a new login; its old one is shut out.")
@click.option("--here", is_flag=True, help="The voters run from DIR on this machine: to try it.")
@site_options
def init(selection: Selection, folder: Path, renew: Sequence[str], here: bool) -> None:
    """Write into DIR what voters and nodes need: configuration, certificates, a README. What is there stays."""
    from core.coordination.issuing import FleetFolder

    written = FleetFolder(folder, here)
    with _files(folder):
        written.write(_sites(selection), renew)
    for line in written.told or ["nothing is missing"]:
        click.echo(safe(line, 1000))
    click.echo(f"Next: {safe(folder / 'README', 1000)} says what to copy where")


@fleet.command()
@click.argument("stolen", metavar="NODE")
@_fleet_folder
@_dry_run
@site_options
def revoke(selection: Selection, stolen: str, folder: Path, dry_run: bool) -> None:
    """Shut a stolen node out: its login at the voters, its lease, its orders."""
    from core.coordination.founding import bury, refuse_orders
    from core.coordination.issuing import FleetFolder

    sites = _sites(selection)
    site = next((site for site in sites if stolen in [each.name for each in site.node]), None)
    if site is None:
        raise NoSuchThing(f"no site has a node {stolen!r}")
    for line in _left_without(site, stolen):
        click.echo(line)
    if dry_run:
        click.echo(f"{stolen} would be shut out: its login taken from every voter, its lease ended, its orders refused")
        return
    papers = FleetFolder(folder)
    with _files(folder):
        papers.revoke(site, stolen)
        files = papers.write_accounts(sites)
    for file in files:
        click.echo(f"copy {safe(file, 1000)} to /etc/overlapse/voter/ there, then: systemctl reload overlapse-voter")
    with _operator(site, folder) as store:
        had = bury(store, stolen, "operator")
        orders = refuse_orders(store, stolen, "operator")
    click.echo(f"lease {'ended' if had else 'none'}, orders refused: {orders}")
    click.echo("Run this again once every voter was reloaded: until then it may have opened a new lease.")
    click.echo("Take its keys from the destinations too: docs/fleet.md")


@fleet.command()
@site_options
@json_option
@click.option("--copies", type=FOLDER, help="Where `fleet copy` writes; default: data/copies of this node.")
def show(selection: Selection, as_json: bool, copies: Path | None) -> None:
    """Show the voters, who leads, how far each is behind, and the newest copy of the store."""
    from core.cli.fleetview import look, shown
    from core.clock import SystemClock

    place, loaded = selection.load()
    if not loaded.site.coordination.servers:
        raise ConfigurationError(f"{place.file}: the site names no voters; docs/fleet.md")
    view = look(loaded.site, loaded.base, place.node, copies or place.folders.data / "copies", SystemClock())
    click.echo(json.dumps(view) if as_json else "\n".join(shown(view)))
    if not view["works"]:
        raise click.exceptions.Exit(1)


@fleet.command()
@click.option("--raise", "raising", is_flag=True, help="Begin the next one; the first makes the store.")
@click.option("--at-least", type=int, default=0, metavar="N", help="With --raise: not below this one.")
@_fleet_folder
@_dry_run
@site_options
def epoch(selection: Selection, raising: bool, at_least: int, folder: Path, dry_run: bool) -> None:
    """Show the epoch of the shared store, or raise it: after a restore nodes believe it no sooner."""
    from core.coordination.epoch import ALONE, KEY, epoch_of
    from core.coordination.founding import found, raise_epoch, state

    for site in _sites(selection):
        with _operator(site, folder) as store:
            there = state(store) is not None
            now = epoch_of(store.read(KEY)) if there else None
            if not raising or dry_run:
                made = "" if there else "there is no store; "
                would = f"; it would be {max((now or ALONE) + 1, at_least)}" if raising else ""
                click.echo(f"{site.site.name}: {made}epoch {now if now is not None else 'none'}{would}")
                continue
            found(store, _voters(site))
            click.echo(f"{site.site.name}: epoch {raise_epoch(store, at_least)}")


@fleet.command()
@site_options
@click.option("--to", "folder", type=FOLDER, help="Where to write; default: data/copies of this node.")
@click.option("--keep", type=click.IntRange(1), default=72, show_default=True, help="How many; the oldest go.")
def copy(selection: Selection, folder: Path | None, keep: int) -> None:
    """Write the shared store to a file: hourly, from a timer, on a machine that is no voter."""
    from core.clock import SystemClock
    from core.coordination import copies
    from core.coordination.opening import open_fleet

    place, loaded = selection.load()
    clock = SystemClock()
    store = open_fleet(loaded.site, loaded.base, place.node, clock)
    try:
        taken = copies.take(store, clock.now())
    finally:
        store.close()
    target = folder or place.folders.data / "copies"
    with _files(target):
        file = copies.write(taken, target, place.site, keep)
    click.echo(f"{safe(file, 1000)}: {len(taken.keys)} keys, epoch {taken.epoch}")


@fleet.command()
@click.argument("file", metavar="COPY", type=click.Path(dir_okay=False, path_type=Path))
@_fleet_folder
@_dry_run
@site_options
def restore(selection: Selection, file: Path, folder: Path, dry_run: bool) -> None:
    """Fill a store that was lost from a copy, and raise its epoch above every one that was seen."""
    from core.coordination import copies
    from core.coordination.founding import found, put_back, raise_epoch

    sites = _sites(selection)
    if len(sites) != 1:
        raise ConfigurationError("which site? Say --site with the one that the copy is of")
    held = copies.read(file)
    click.echo(f"{safe(file, 1000)}: {len(held.keys)} keys of {held.taken}, epoch {held.epoch}")
    if dry_run:
        click.echo("They would be written into the store, and its epoch raised; what is newer in it is lost")
        return
    with _operator(sites[0], folder) as store:
        found(store, _voters(sites[0]))
        written = put_back(store, held)
        click.echo(f"{written} keys written, epoch {raise_epoch(store, (held.epoch or 0) + 1)}")


@fleet.command("try")
@click.option("--units", type=click.IntRange(1, 200), default=3, show_default=True, help="How many simulated units.")
@click.option("--dir", "folder", type=FOLDER, default="overlapse-fleet", show_default=True, help="Where it all lies.")
@click.option("--seconds", type=float, help="End by itself after so long; default: at Ctrl-C.")
def try_(units: int, folder: Path, seconds: float | None) -> None:
    """Run a real fleet of three voters with simulated units on this machine, until Ctrl-C."""
    from core.cli.fleettry import run_fleet

    with _files(folder):
        run_fleet(folder.absolute(), units, seconds, lambda line: click.echo(safe(line, 400)))


def _sites(selection: Selection) -> list[SiteFile]:
    """Return the sites, judged only by what a fleet needs of them: this machine need not be one of their nodes."""
    from core.site.backups import problems_of_backups
    from core.site.engine import problems_of_coordination
    from core.site.load import reparse

    sites, problems = [], []
    for file in selection.files():
        try:
            site = reparse(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise unusable(file, error) from error
        except ConfigurationError as error:
            problems += [f"{file}:{problem}" for problem in error.problems]
            continue
        found = [*problems_of_coordination(site), *problems_of_backups(site)]
        problems += [f"{file}: {key}: {sentence}" for key, sentence in found]
        sites.append(site)
    if problems:
        raise ConfigurationError(problems)
    return sites


def _voters(site: SiteFile) -> int:
    from core.site.engine import voters_of

    return len(voters_of(site.coordination))


@contextmanager
def _operator(site: SiteFile, folder: Path) -> Iterator[NatsCoordination]:
    """Give the operator's session; raise ConfigurationError without its credentials."""
    from core.clock import SystemClock
    from core.coordination.credentials import Credentials
    from core.coordination.issuing import FleetFolder
    from core.coordination.nats import NatsCoordination
    from core.coordination.rights import OPERATOR, user_of
    from core.site.engine import voters_of

    user = user_of(site.site.name, OPERATOR)
    context = Credentials(FleetFolder(folder).operator, user).context()
    store = NatsCoordination(voters_of(site.coordination), context, user, SystemClock())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _files(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unusable(Path(error.filename or folder), error) from error


def _left_without(site: SiteFile, node: str) -> Iterator[str]:
    for camera in site.camera:
        if camera.backup == node:
            yield f"camera {camera.name}: '{node}' is its backup; it has none now"
        elif camera.primary == node and camera.backup is not None:
            yield f"camera {camera.name}: goes to its backup '{camera.backup}'"
        elif camera.primary == node:
            yield f"camera {camera.name}: nobody shoots it now"
