"""`overlapse order` and `overlapse orders`: have other nodes do something, and see what became of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from core.cli.asking import asked, open_catalogue
from core.cli.elsewhere import elsewhere
from core.cli.options import Selection, json_option, site_options
from core.cli.show import table
from core.control.verbs import VERBS
from core.errors import ConfigurationError
from core.site.place import Place
from core.text import safe
from core.units import parse_duration
from core.values import utc

Json = dict[str, Any]


@click.command()
@click.argument("target", metavar="NODE")
@click.argument("verb")
@click.argument("arguments", metavar="[KEY=VALUE]...", nargs=-1)
@site_options
@json_option
@click.option(
    "--for", "lasting", metavar="DURATION", help='How long the order holds, such as "6h"; default: 1h, at most 7d.'
)
@click.option("--no-wait", is_flag=True, help="Do not wait for its end: `overlapse orders` shows it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be ordered, and by which way.")
@click.option("--yes", is_flag=True, help="Ask no question before a dangerous order.")
def order(
    selection: Selection,
    target: str,
    verb: str,
    arguments: Sequence[str],
    as_json: bool,
    lasting: str | None,
    **flags: bool,
) -> None:
    """Have NODE do VERB when it checks in, for example: overlapse order unit7 pause camera=north until=...

    Verbs are those of the control socket; NODE obeys as far as its own site.toml says (docs/orders.md).
    """
    there = elsewhere(selection, target)
    if there is None:
        raise ConfigurationError(f"{safe(target, 40)} is to be asked on its own machine; no other node runs here")
    args, lasts = _parsed(arguments), None if lasting is None else _seconds(lasting)
    told = there.order(verb, args, lasts, dry_run=True)
    said = f"{target}, ordered by {there.name} through the {told['way']}, until {utc(told['expires']):%d %b %H:%M} UTC"
    if flags["dry_run"]:
        click.echo(json.dumps(told) if as_json else f"{said}: {told['does']}")
        return
    if VERBS[verb].dangerous and not flags["yes"]:
        if sys.stdin is None or not sys.stdin.isatty():
            raise click.UsageError(f"{said}: {told['does']} Nobody can be asked here: say --yes")
        click.confirm(f"{said}: {told['does']}\nDo it?", abort=True, err=True)
    given = there.order(verb, args, lasts)
    if flags["no_wait"]:
        click.echo(json.dumps(given) if as_json else f"{given['order'][:8]} {said}")
        return
    row = there.end_of(given["order"])
    click.echo(json.dumps(row if as_json else row["result"]))


@click.command()
@site_options
@json_option
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many of each side.")
def orders(selection: Selection, as_json: bool, last: int) -> None:
    """Show the orders given here to other nodes, and those that came from them, newest last."""
    place = selection.place()
    found = _orders(place)
    found |= {side: found[side][-last:] for side in ("given", "received")}
    click.echo(json.dumps(found) if as_json else "\n".join(_told(found)))


def _orders(place: Place) -> Json:
    def from_catalogue() -> Json:
        from core.node.orders.kept import Memory

        with open_catalogue(place) as catalogue:
            sides = {side: Memory(catalogue, side).rows() for side in ("given", "received")}
            return {"node": place.node, **sides}

    return asked(place, "orders", {}, from_catalogue)


def _told(found: Json) -> Iterator[str]:
    for side, other, word in (("given", "to", "TO"), ("received", "from", "FROM")):
        if found[side]:
            heads = ("ORDER", word, "WHAT", "BY", "STATE", "ASKED", "SENT", "TAKEN", "ENDED")
            yield from table(heads, [_row(one, other) for one in found[side]])
            yield ""
            yield from (f"{one['id'][:8]}  {safe(one['text'], 300)}" for one in found[side] if one["text"])
    if not found["given"] and not found["received"]:
        yield "no orders"


def _row(one: Json, other: str) -> tuple[str, ...]:
    words = " ".join([one["verb"], *(f"{key}={value}" for key, value in one["args"].items())])
    times = (f"{utc(one[key]):%d %H:%M:%S}" if one[key] else "-" for key in ("asked", "sent", "taken", "ended"))
    return one["id"][:8], safe(one[other], 32), safe(words, 40), safe(one["who"], 20), one["state"], *times


def _parsed(arguments: Sequence[str]) -> Json:
    """Return KEY=VALUE as arguments: a value that JSON can read as it does, any other one as text."""
    found: Json = {}
    for one in arguments:
        key, equals, value = one.partition("=")
        if not key or not equals:
            raise click.UsageError(f"'{safe(one, 60)}' is not KEY=VALUE")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _seconds(text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from error
