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
from core.errors import NodeUnreachable, OverlapseError
from core.site.place import Place

Json = dict[str, Any]
DAY = timedelta(days=1)


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
    """Show the node on one screen of text."""
    while True:
        for place in selection.places():
            document = _status(place)
            click.echo(json.dumps(document) if as_json else status_text(document, datetime.now(UTC)))
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
    begin = day.replace(tzinfo=UTC) if day else datetime.now(UTC) - DAY

    def from_catalogue() -> Json:
        from core.status.views import ledger_rows

        with _catalogue(place) as catalogue:
            return {"slots": ledger_rows(catalogue, camera, begin, begin + DAY)}

    args = {"since": begin.isoformat(), "until": (begin + DAY).isoformat()} | ({"camera": camera} if camera else {})
    slots = _asked(place, "ledger", args, from_catalogue)["slots"]
    if missed:
        slots = [slot for slot in slots if slot["outcome"] in ("missed", "late")]
    click.echo(json.dumps({"slots": slots}) if as_json else ledger_text(slots))


@click.command()
@site_options
@json_option
@click.option("--destination", metavar="NAME", help="Only this destination.")
@click.option("--retry", is_flag=True, help="Try what waits again now (needs a running node).")
@click.option("--pause", "pause", is_flag=True, help="Send nothing to --destination until --resume.")
@click.option("--resume", "resume", is_flag=True, help="Send to --destination again.")
def queue(selection: Selection, as_json: bool, destination: str | None, retry: bool, pause: bool, resume: bool) -> None:
    """Show what waits to be delivered and why, or act on it."""
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
