"""`overlapse retention`, `verify` and `rebuild`: what is kept, whether it is whole, and the catalogue made anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from core.cli.options import Selection, json_option, site_options
from core.cli.progress import progress, step
from core.cli.show import table
from core.control.client import ask
from core.errors import NodeUnreachable, OverlapseError
from core.site.place import Place
from core.units import parse_duration, show_size

if TYPE_CHECKING:
    from core.site.load import Loaded

Json = dict[str, Any]
AT_ONCE = 500  # pictures of one request to the node


@click.command()
@site_options
@json_option
@click.option("--dry-run", is_flag=True, help="Show what would go next and why; delete nothing (the default).")
@click.option("--apply", "apply_now", is_flag=True, help="Delete what the plan names, after you have seen it.")
@click.option("--yes", is_flag=True, help="With --apply: do not ask.")
@click.option("--plan", "digest", metavar="DIGITS", help="With --apply: only if this is still the plan.")
def retention(
    selection: Selection, as_json: bool, dry_run: bool, apply_now: bool, yes: bool, digest: str | None
) -> None:
    """Show what would be deleted next, why, and where its proven copies are."""
    if dry_run and apply_now:
        raise click.UsageError("say --dry-run or --apply, not both")
    if (yes or digest is not None) and not apply_now:
        raise click.UsageError("--yes and --plan belong to --apply")
    place = selection.place()
    if apply_now:
        click.echo(_apply(place, as_json, yes, digest))
        return
    try:
        plan = ask(place.folders.control, "retention-plan", {})
    except NodeUnreachable:
        plan = _plan_of_stopped(place, selection)
    click.echo(json.dumps(plan) if as_json else f"{_plan_text(plan)}\nplan {plan['plan']}")


def _apply(place: Place, as_json: bool, yes: bool, digest: str | None) -> str:
    """Show the plan, have a person agree to it, and have the node carry out this one and no other."""
    if not yes and (as_json or not _is_terminal()):
        raise click.UsageError("there is nobody to ask: look with --dry-run, then say --apply --yes")
    plan = ask(place.folders.control, "retention-plan", {})
    effect = plan.get("confirmed", plan)
    if not as_json:
        click.echo(_plan_text(effect) + "\n")
    if not yes and effect["count"] and not click.confirm(f"Delete these {effect['count']} pictures from this node?"):
        return "nothing was deleted"
    return _done(ask(place.folders.control, "retention-apply", {"plan": digest or plan["plan"]}), as_json)


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _done(done: Json, as_json: bool) -> str:
    if as_json:
        return json.dumps(done)
    more = f"; {done['left']} more follow" if done["left"] else ""
    return f"{done['gone']} pictures deleted, {show_size(done['freed'])} freed{more}"


def _plan_of_stopped(place: Place, selection: Selection) -> Json:
    """Make the plan of a node that does not run, by the clock of this machine."""
    from core.clock import SystemClock, kernel_synchronised
    from core.node.keeping.outlook import look_at_stopped

    _, loaded = selection.load()
    trusted = loaded.site.site.clock == "host" or kernel_synchronised()
    return look_at_stopped(place.folders, loaded, place.node, SystemClock().now(), trusted).to_json()


def _plan_text(plan: Json) -> str:
    rows = [(row["name"], show_size(row["size"]), row["why"], row["copies"]) for row in plan["rows"]]
    shown = table(("PICTURE", "SIZE", "WHY", "PROVEN COPIES"), rows) if rows else ["nothing would be deleted now"]
    more = [f"... and {plan['count'] - len(rows)} more"] if plan["count"] > len(rows) else []
    offered = ["", "if you confirm it with --apply:", _plan_text(plan["confirmed"])] if "confirmed" in plan else []
    return "\n".join([*shown, *more, "", *plan["lines"], *offered])


@click.command()
@site_options
@json_option
@click.option("--remote", is_flag=True, help="Prove every receipt anew at its destination, too: it costs bytes there.")
@click.option("--apply", "apply_now", is_flag=True, help="With --remote: deliver again what is not whole there.")
@click.option("--dry-run", is_flag=True, help="With --remote: tell what would be delivered again (the default).")
@click.option("--theft", metavar="NAME", help="Only try, on an object made for it, what a thief could do there.")
@click.option("--after", metavar="TIME", help="With --theft: wait so long for the server's job; default: as it needs.")
def verify(
    selection: Selection,
    as_json: bool,
    remote: bool,
    apply_now: bool,
    dry_run: bool,
    theft: str | None,
    after: str | None,
) -> None:
    """Compare every picture with its hash, and the catalogue with itself; exit 1 when something is wrong."""
    from core.cli.checking import verified

    if apply_now and (dry_run or not remote):
        raise click.UsageError("--apply belongs to --remote, and not to --dry-run")
    if (theft is not None and remote) or (after is not None and theft is None):
        raise click.UsageError("--theft goes alone, and --after with it")
    place, loaded = selection.load()
    if theft is not None:
        _rob(loaded, place.node, theft, after, as_json)
        return
    with nullcontext(lambda line: None) if as_json else progress() as tell:
        found = verified(place, loaded, remote, tell, step)
    _charge(place, loaded, found.spent)
    click.echo(json.dumps(found.to_json()) if as_json else found.text())
    if apply_now and found.unproven:
        from core.cli.amends import make_amends

        click.echo(make_amends(place, loaded, found.unproven), err=as_json)
    for node in found.nodes if apply_now else ():
        _deliver_again(place, node.destination, [one.name for one in node.missing_there] + node.different)
    if found.wrong:
        raise OverlapseError(f"{found.wrong} things are not as they should be")


def _charge(place: Place, loaded: Loaded, spent: Mapping[str, int]) -> None:
    """Have the running node count what went over its links; where that cannot be, say so."""
    links = {one.name: one.link for one in loaded.site.destination if one.link is not None}
    for name, size in spent.items():
        if name in links:
            try:
                ask(place.folders.control, "charge", {"destination": name, "bytes": size})
            except OverlapseError as error:  # it does not run, this person may not, or it is of an older release
                step(f"{name}: about {show_size(size)} are not in the account of link {links[name]}: {error}")


def _deliver_again(place: Place, destination: str, names: list[str]) -> None:
    """Have the running node take receipts back that do not hold, and deliver those pictures again."""
    for begin in range(0, len(names), AT_ONCE):
        args = {"destination": destination, "pictures": names[begin : begin + AT_ONCE], "reason": "missing there"}
        done = ask(place.folders.control, "deliver-again", args)
        step(f"{destination}: {done['again']} delivered again, {done['gone']} are not here any more either")


def _rob(loaded: Loaded, node: str, name: str, after: str | None, as_json: bool) -> None:
    from core.cli.robbing import tried

    try:
        wait = None if after is None else parse_duration(after)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--after") from error
    found = tried(loaded, node, name, wait, step if not as_json else lambda line: None)
    click.echo(json.dumps(asdict(found)) if as_json else found.text())
    if not found.holds:
        raise OverlapseError(f"what has arrived at {name} can be altered or deleted with this node's keys")


@click.command()
@site_options
@json_option
def rebuild(selection: Selection, as_json: bool) -> None:
    """Make the catalogue anew from the day books (the old one stays beside it); a node that runs is restarted on it."""
    from core.cli.rebuilding import rebuilt

    place, loaded = selection.load()
    done = rebuilt(place, loaded, step if not as_json else lambda line: None)
    click.echo(json.dumps(done) if as_json else "\n".join(f"{count} {what}" for what, count in done["applied"].items()))
    for line in done["told"]:
        click.echo(f"told: {line}", err=True)
