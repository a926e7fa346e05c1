"""`overlapse status`, `ledger` and `events`: they ask the running node, or else read its catalogue."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from core.cli.asking import asked, need, open_catalogue
from core.cli.options import Selection, json_option, site_options
from core.cli.pausing import Act, act_options, end_of
from core.cli.show import events_text, ledger_text, status_text
from core.cli.showfleet import fleet_text
from core.cli.showredundancy import period_lines
from core.control.client import ask
from core.errors import OverlapseError
from core.site.place import Place
from core.values import utc

Json = dict[str, Any]
DAY = timedelta(days=1)
YEARS = range(1970, 2200 - 1)  # in which a day, and the one after it, may lie


def _fleet(place: Place) -> list[Json]:
    """Return the status documents of all nodes that a node hears of; what it heard last, when it does not run."""

    def from_files() -> Json:
        from core.status.fleet import read_fleet

        ours = _status(place)
        return {"nodes": [{**ours, "heard": ours["at"]}, *read_fleet(place.folders.fleet)]}

    found: dict[str, Json] = {}
    since: float | None = 0
    while since is not None:
        page = asked(place, "fleet", {"since": int(since)}, from_files)
        found |= {str(one["node"]): one for one in page["nodes"]}
        since = page.get("next")
    return list(found.values())


def _status(place: Place) -> Json:
    def from_file() -> Json:
        from core.status.read import Unreadable, read

        try:
            return {**read(str(place.folders.status)), "running": False}
        except Unreadable as error:
            raise OverlapseError(str(error)) from error

    return asked(place, "status", {}, from_file)


@click.command()
@site_options
@json_option
@click.option("--watch", is_flag=True, help="Show it anew every five seconds until Ctrl-C.")
@click.option("--fleet", is_flag=True, help="All nodes that this one hears of, a line each.")
def status(selection: Selection, as_json: bool, watch: bool, fleet: bool) -> None:
    """Show the node on one screen of text.

    With --json a site's status document as it is, of several sites {"sites": [...]}; with --fleet {"nodes": [...]}.
    """
    while True:
        if fleet:
            nodes = [document for place in selection.places() for document in _fleet(place)]
            click.echo(json.dumps({"nodes": nodes}) if as_json else fleet_text(nodes, datetime.now(UTC)))
        elif as_json:
            documents = [_status(place) for place in selection.places()]
            click.echo(json.dumps(documents[0] if len(documents) == 1 else {"sites": documents}))
        else:
            for place in selection.places():
                click.echo(status_text(_status(place), datetime.now(UTC)))
        if not watch:
            return
        time.sleep(5)


@click.command()
@site_options
@json_option
@click.option("--camera", metavar="NAME", help="Only this camera.")
@click.option(
    "--day", metavar="YYYY-MM-DD", type=click.DateTime(["%Y-%m-%d"]), help="This UTC day; default: the last 24 h."
)
@click.option("--missed", is_flag=True, help="Only what was missed or late.")
@act_options
def ledger(
    selection: Selection, as_json: bool, camera: str | None, day: datetime | None, missed: bool, act: Act
) -> None:
    """Show what became of every expected slot, or pause a camera."""
    if act:
        click.echo(act.do(selection, as_json))
        return
    place = selection.place()
    begin = _begin(day)

    def from_catalogue() -> Json:
        from core.node.fleet.periods import rows
        from core.status.views import ledger_rows

        with open_catalogue(place) as catalogue:
            end = begin + DAY
            failovers = rows(catalogue, camera, begin.timestamp(), end.timestamp())
            return {"slots": ledger_rows(catalogue, camera, begin, end), "failovers": failovers}

    slots, failovers = _ledger(place, camera, begin, from_catalogue)
    if camera is not None and not slots:
        need("camera", camera, place)
    if missed:
        slots = [slot for slot in slots if slot["outcome"] in ("missed", "late")]
    if as_json:
        click.echo(json.dumps({"slots": slots} | ({"failovers": failovers} if failovers else {})))
        return
    click.echo("\n".join([ledger_text(slots), *(line for one in failovers for line in period_lines(one))]))


def _begin(day: datetime | None) -> datetime:
    """Return where the day begins that was asked for; by default 24 hours ago."""
    if day is None:
        return datetime.now(UTC) - DAY
    if day.year not in YEARS:
        raise click.BadParameter(f"a day of the years {YEARS[0]} to {YEARS[-1]}", param_hint="--day")
    return day.replace(tzinfo=UTC)


def _ledger(
    place: Place, camera: str | None, begin: datetime, from_catalogue: Callable[[], Json]
) -> tuple[list[Json], list[Json]]:
    """Return the slots of the day from `begin`, by camera and time, and its failovers; a node gives them in pages."""
    args = {"until": (begin + DAY).isoformat()} | ({"camera": camera} if camera else {})
    found: dict[tuple[str, int, str], Json] = {}
    failovers: dict[tuple[str, str], Json] = {}
    since: str | None = begin.isoformat()
    while since is not None:
        page = asked(place, "ledger", args | {"since": since}, from_catalogue)
        found |= {(row["camera"], row["slot"], row["node"]): row for row in page["slots"]}
        failovers |= {(row["camera"], row["case"]): row for row in page.get("failovers", ())}
        since = page.get("next")
    return [row for _, row in sorted(found.items())], [*failovers.values()]


@click.command()
@site_options
@json_option
@click.option("--last", "limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@click.option("--acknowledge", "service", metavar="SERVICE", help='A problem that you are at, such as "camera north".')
@click.option("--of", "of_node", metavar="NODE", help="Of which node the problem is; default: this one.")
@click.option("--until", metavar="TIME", help='Until when you are at it, "14:00" or a day and time; default: its end.')
@click.option("--for", "lasting", metavar="DURATION", help="For how long you are at it, such as 2h.")
@click.option("--reason", metavar="TEXT", help="What is done about it.")
def events(
    selection: Selection,
    as_json: bool,
    limit: int,
    service: str | None,
    of_node: str | None,
    until: str | None,
    lasting: str | None,
    reason: str | None,
) -> None:
    """Show what happened, newest last; or acknowledge a problem, here and in Nagios and Icinga 2, until it is over."""
    if service is not None:
        said = _acknowledge(selection, service, of_node, (until, lasting), reason)
        click.echo(json.dumps(said) if as_json else _acknowledged(service, said))
        return
    if any(one is not None for one in (of_node, until, lasting, reason)):
        raise click.UsageError("--of, --until, --for and --reason belong to --acknowledge SERVICE")
    place = selection.place()

    def from_catalogue() -> Json:
        from core.status.views import event_rows

        with open_catalogue(place) as catalogue:
            return {"events": event_rows(catalogue, limit)}

    found = asked(place, "events", {"limit": limit}, from_catalogue)
    click.echo(json.dumps(found) if as_json else events_text(found["events"]))


def _acknowledge(
    selection: Selection, service: str, node: str | None, end: tuple[str | None, str | None], reason: str | None
) -> Json:
    """Note it; `end`: until when, or for how long, where either is said."""
    if reason is None:
        raise click.UsageError("say what is done about it, with --reason TEXT: Nagios and Icinga 2 show it")
    asked_for = {"service": service, "reason": reason} | ({"node": node} if node is not None else {})
    if end == (None, None):
        return ask(selection.place().folders.control, "acknowledge", asked_for)
    place, loaded = selection.load()
    until = end_of(*end, datetime.now(UTC), ZoneInfo(loaded.site.site.zone))
    return ask(place.folders.control, "acknowledge", asked_for | {"until": until.isoformat()})


def _acknowledged(service: str, said: Json) -> str:
    end = f"until {utc(said['until']):%Y-%m-%d %H:%M} UTC, or " if "until" in said else ""
    return f"{service} of {said['node']} is acknowledged {end}until it is over."
