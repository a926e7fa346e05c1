"""`overlapse status`, `ledger`, `queue` and `events`: they ask the running node, or else read its catalogue."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from core.cli.options import Selection, json_option, site_options
from core.cli.pausing import Act, act_options
from core.cli.show import events_text, ledger_text, queue_text, status_text
from core.errors import NodeUnreachable, NoSuchThing, OverlapseError
from core.site.place import Place
from core.text import safe

Json = dict[str, Any]
DAY = timedelta(days=1)
YEARS = range(1970, 2200 - 1)  # in which a day, and the one after it, may lie


@contextmanager
def _catalogue(place: Place) -> Iterator[Any]:
    from core.catalogue.store import Catalogue  # only a node that does not answer makes us read it

    catalogue = Catalogue.read(place.folders.catalogue)
    try:
        yield catalogue
    finally:
        catalogue.close()


def _asked(place: Place, verb: str, args: Json, otherwise: Callable[[], Json]) -> Json:
    """Return what the node answers; what `otherwise` finds when it does not run."""
    from core.control.client import ask

    try:
        return ask(place.folders.control, verb, args)
    except NodeUnreachable:
        return otherwise()


def _status(place: Place) -> Json:
    def from_file() -> Json:
        from core.status.read import Unreadable, read

        try:
            return {**read(str(place.folders.status)), "running": False}
        except Unreadable as error:
            raise OverlapseError(str(error)) from error

    return _asked(place, "status", {}, from_file)


@click.command()
@site_options
@json_option
@click.option("--watch", is_flag=True, help="Show it anew every five seconds until Ctrl-C.")
def status(selection: Selection, as_json: bool, watch: bool) -> None:
    """Show the node on one screen of text.

    With --json a site's status document as it is; of several sites {"sites": [...]}.
    """
    while True:
        if as_json:
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
        from core.status.views import ledger_rows

        with _catalogue(place) as catalogue:
            return {"slots": ledger_rows(catalogue, camera, begin, begin + DAY)}

    slots = _ledger(place, camera, begin, from_catalogue)
    if camera is not None and not slots:
        _need("camera", camera, place)
    if missed:
        slots = [slot for slot in slots if slot["outcome"] in ("missed", "late")]
    click.echo(json.dumps({"slots": slots}) if as_json else ledger_text(slots))


def _begin(day: datetime | None) -> datetime:
    """Return where the day begins that was asked for; by default 24 hours ago."""
    if day is None:
        return datetime.now(UTC) - DAY
    if day.year not in YEARS:
        raise click.BadParameter(f"a day of the years {YEARS[0]} to {YEARS[-1]}", param_hint="--day")
    return day.replace(tzinfo=UTC)


def _need(table: str, name: str, place: Place) -> None:
    """Raise NoSuchThing for a name that the site file does not have: nothing was found, and that is no good news."""
    from core.cli.sites import names_in

    names = names_in(place.file, table)
    if name not in names:
        raise NoSuchThing(f"there is no {table} {safe(name)}; there are: {', '.join(names) or 'none'}")


def _ledger(place: Place, camera: str | None, begin: datetime, from_catalogue: Callable[[], Json]) -> list[Json]:
    """Return the slots of the day from `begin`, by camera and time; a node gives them in pages."""
    args = {"until": (begin + DAY).isoformat()} | ({"camera": camera} if camera else {})
    found: dict[tuple[str, int, str], Json] = {}
    since: str | None = begin.isoformat()
    while since is not None:
        page = _asked(place, "ledger", args | {"since": since}, from_catalogue)
        found |= {(row["camera"], row["slot"], row["node"]): row for row in page["slots"]}
        since = page.get("next")
    return [row for _, row in sorted(found.items())]


@click.command()
@site_options
@json_option
@click.option("--destination", metavar="NAME", help="Only this destination.")
@click.option("--retry", is_flag=True, help="Try what waits again now (needs a running node).")
@click.option("--pause", "pause", is_flag=True, help="Send nothing to --destination until --resume.")
@click.option("--resume", "resume", is_flag=True, help="Send to --destination again.")
def queue(selection: Selection, as_json: bool, destination: str | None, retry: bool, pause: bool, resume: bool) -> None:
    """Show what waits to be delivered and why, or act on it."""
    if retry + pause + resume > 1:
        raise click.UsageError("say one of --retry, --pause and --resume")
    place = selection.place()
    if retry or pause or resume:
        click.echo(_act(place, destination, retry, pause))
        return

    def from_catalogue() -> Json:
        from core.status.views import queue_rows

        with _catalogue(place) as catalogue:
            return {"deliveries": queue_rows(catalogue, destination)}

    args = {"destination": destination} if destination else {}
    found = _asked(place, "queue", args, from_catalogue)
    if destination is not None and not found["deliveries"]:
        _need("destination", destination, place)
    click.echo(json.dumps(found) if as_json else queue_text(found["deliveries"], datetime.now(UTC)))


def _act(place: Place, destination: str | None, retry: bool, pause: bool) -> str:
    from core.control.client import ask

    if destination is None:
        raise click.UsageError("say which with --destination NAME")
    args: Json = {"destination": destination}
    if retry:
        return f"{ask(place.folders.control, 'retry', args)['deliveries']} deliveries to {destination} are tried now"
    if pause:
        ask(place.folders.control, "destination-pause", args | {"reason": "by hand"})
        return f"nothing is sent to {destination} until: overlapse queue --destination {destination} --resume"
    ask(place.folders.control, "destination-resume", args)
    return f"{destination} takes pictures again"


@click.command()
@site_options
@json_option
@click.option("--last", "limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many.")
def events(selection: Selection, as_json: bool, limit: int) -> None:
    """Show what happened, newest last."""
    place = selection.place()

    def from_catalogue() -> Json:
        from core.status.views import event_rows

        with _catalogue(place) as catalogue:
            return {"events": event_rows(catalogue, limit)}

    found = _asked(place, "events", {"limit": limit}, from_catalogue)
    click.echo(json.dumps(found) if as_json else events_text(found["events"]))
