"""`overlapse retention`, `verify` and `rebuild`: what is kept, whether it is whole, and the catalogue made anew."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from core.cli.options import Selection, json_option, site_options
from core.cli.show import table
from core.control.client import ask
from core.errors import NodeUnreachable, OverlapseError
from core.site.place import Place
from core.units import show_size

Json = dict[str, Any]


@click.command()
@site_options
@json_option
@click.option("--dry-run", is_flag=True, help="Show what would go next and why; delete nothing (the default).")
@click.option("--apply", "apply_now", is_flag=True, help="Delete what the plan names, now (asks the running node).")
def retention(selection: Selection, as_json: bool, dry_run: bool, apply_now: bool) -> None:
    """Show what would be deleted next, why, and where its proven copies are."""
    if dry_run and apply_now:
        raise click.UsageError("say --dry-run or --apply, not both")
    place = selection.place()
    if apply_now:
        click.echo(_apply(place, as_json))
        return
    try:
        plan = ask(place.folders.control, "retention-plan", {})
    except NodeUnreachable:
        plan = _plan_of_stopped(place, selection)
    click.echo(json.dumps(plan) if as_json else _plan_text(plan))


def _apply(place: Place, as_json: bool) -> str:
    done = ask(place.folders.control, "retention-apply", {})
    if as_json:
        return json.dumps(done)
    more = f"; {done['left']} more follow" if done["left"] else ""
    return f"{done['gone']} pictures deleted, {show_size(done['freed'])} freed{more}"


def _plan_of_stopped(place: Place, selection: Selection) -> Json:
    """Make the plan of a node that does not run, by the clock of this machine."""
    from core.clock import SystemClock, kernel_synchronised
    from core.node.outlook import look_at_stopped

    _, loaded = selection.load()
    trusted = loaded.site.site.clock == "host" or kernel_synchronised()
    return look_at_stopped(place.folders, loaded, place.node, SystemClock().now(), trusted).to_json()


def _plan_text(plan: Json) -> str:
    rows = [(row["name"], show_size(row["size"]), row["why"], row["copies"]) for row in plan["rows"]]
    shown = table(("PICTURE", "SIZE", "WHY", "PROVEN COPIES"), rows) if rows else ["nothing would be deleted now"]
    return "\n".join([*shown, "", *plan["lines"]])


@click.command()
@site_options
@json_option
@click.option("--remote", is_flag=True, help="Prove every receipt anew at its destination, too: it costs bytes there.")
def verify(selection: Selection, as_json: bool, remote: bool) -> None:
    """Compare every picture with its hash, and the catalogue with itself; exit 1 when something is wrong."""
    from core.cli.checking import verified

    place, loaded = selection.load()
    found = verified(place, loaded, remote, _progress if not as_json else lambda line: None)
    click.echo(json.dumps(asdict(found)) if as_json else found.text())
    if found.wrong:
        raise OverlapseError(f"{found.wrong} things are not as they should be")


@click.command()
@site_options
@json_option
def rebuild(selection: Selection, as_json: bool) -> None:
    """Make the catalogue anew from the day books (the old one stays beside it); a node that runs is restarted on it."""
    from core.cli.rebuilding import rebuilt

    place, loaded = selection.load()
    done = rebuilt(place, loaded, _progress if not as_json else lambda line: None)
    click.echo(json.dumps(done) if as_json else "\n".join(f"{count} {what}" for what, count in done["applied"].items()))
    for line in done["told"]:
        click.echo(f"told: {line}", err=True)


def _progress(line: str) -> None:
    click.echo(line, err=True, nl=not sys.stderr.isatty())
