"""`overlapse queue`: what waits and for whom, what links carry and cost, and what an operator does about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from core.cli.asking import asked, need, open_catalogue
from core.cli.options import Selection, json_option, site_options
from core.cli.pausing import end_of, shown
from core.cli.show import destinations_text, links_text, queue_text, what_if_text
from core.control.client import ask
from core.site.place import Place

Json = dict[str, Any]


@click.command()
@site_options
@json_option
@click.option("--destination", metavar="NAME", help="Only this destination.")
@click.option("--retry", is_flag=True, help="Try what waits for --destination again now.")
@click.option("--pause", is_flag=True, help="Send nothing to --destination until --resume.")
@click.option("--resume", is_flag=True, help="Send to --destination again.")
@click.option("--link", metavar="NAME", help="The link that --rung or --auto is for.")
@click.option("--rung", metavar="RUNG", help="Have --link send no more than this rung: jpeg, jpeg/2, reduced, status.")
@click.option("--auto", is_flag=True, help="Have --link go by its ladder again.")
@click.option("--until", metavar="TIME", help='When --rung ends: "14:00" or "2026-11-21 14:00", in the site\'s zone.')
@click.option("--for", "lasting", metavar="DURATION", help='How long --rung lasts, such as "90m".')
@click.option("--reason", metavar="TEXT", help="Why; it is shown beside what was ordered.")
def queue(selection: Selection, as_json: bool, destination: str | None, **given: Any) -> None:
    """Show what waits to be delivered, what each link carries and costs, and what each rung would change; or act.

    Acting needs a running node.
    """
    acts = [name for name in ("retry", "pause", "resume", "rung", "auto") if given[name]]
    if len(acts) > 1:
        raise click.UsageError(f"say one of {' and '.join(f'--{name}' for name in acts)}")
    if acts and acts[0] in ("rung", "auto"):
        click.echo(_order(selection, given))
    elif acts:
        click.echo(_act(selection.place(), destination, acts[0], given["reason"]))
    else:
        click.echo(_show(selection.place(), destination, as_json))


def _show(place: Place, destination: str | None, as_json: bool) -> str:
    def from_catalogue() -> Json:
        from core.status.views import queue_rows

        with open_catalogue(place) as catalogue:
            return {"deliveries": queue_rows(catalogue, destination)}

    found = asked(place, "queue", {"destination": destination} if destination else {}, from_catalogue)
    if destination is not None and not found["deliveries"]:
        need("destination", destination, place)
    if as_json:
        return json.dumps(found)
    now, links = datetime.now(UTC), found.get("links", ())
    lines = [*destinations_text(found.get("destinations", ()), now), *links_text(links, now), *what_if_text(links)]
    return "\n".join([*lines, queue_text(found["deliveries"], now)])


def _act(place: Place, destination: str | None, act: str, reason: str | None) -> str:
    if destination is None:
        raise click.UsageError("say which with --destination NAME")
    args: Json = {"destination": destination}
    if act == "retry":
        return f"{ask(place.folders.control, 'retry', args)['deliveries']} deliveries to {destination} are tried now"
    if act == "pause":
        ask(place.folders.control, "destination-pause", args | {"reason": reason or "by hand"})
        return f"nothing is sent to {destination} until: overlapse queue --destination {destination} --resume"
    ask(place.folders.control, "destination-resume", args)
    return f"{destination} takes pictures again"


def _order(selection: Selection, given: Json) -> str:
    link = given["link"]
    if link is None:
        raise click.UsageError("say which with --link NAME")
    place, loaded = selection.load()
    if given["auto"]:
        ask(place.folders.control, "link-release", {"link": link})
        return f"{link} goes by its ladder again"
    if given["reason"] is None:
        raise click.UsageError("say why, with --reason TEXT: it is shown beside the link until it ends")
    until = end_of(given["until"], given["lasting"], datetime.now(UTC), ZoneInfo(loaded.site.site.zone))
    args = {"link": link, "rung": given["rung"], "until": until.isoformat(), "reason": given["reason"]}
    ask(place.folders.control, "link-rung", args)
    return f"{link} sends {given['rung']} until {shown(until)}. Sooner: overlapse queue --link {link} --auto"
