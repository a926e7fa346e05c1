"""`overlapse plan`: what a site makes, what its link carries, how long its buffer lasts, before anything is bought."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from core.cli.options import Selection, json_option, site_options
from core.cli.showredundancy import load_lines
from core.control.client import ask
from core.planner.advice import Plan
from core.planner.bytes import JPEG, REDUCED, Shots
from core.units import parse_duration, parse_rate, parse_size


class Quantity(click.ParamType[object]):
    """An option that is a quantity with its unit."""

    def __init__(self, name: str, parse: Callable[[object], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION, SIZE, RATE = Quantity("TIME", parse_duration), Quantity("SIZE", parse_size), Quantity("RATE", parse_rate)


@click.command()
@site_options
@json_option
@click.option("--every", type=DURATION, help='Time between two shots round the clock, such as "10m".')
@click.option("--jpg", type=SIZE, help='Size of a JPEG, such as "6MB".')
@click.option("--raw", type=SIZE, help='Size of a RAW, such as "24MB"; leave it out when none is taken.')
@click.option("--reduced", type=SIZE, help='Size of a reduced copy, such as "500kB".')
@click.option("--storage", type=SIZE, help='Room for pictures, such as "320GB".')
@click.option("--failover", is_flag=True, help="What every node carries normally, and in the worst failure of another.")
@click.option("--uplink", type=RATE, help='What the link carries of pictures, such as "120kB/s" (1 Mbit/s).')
def plan(
    selection: Selection,
    as_json: bool,
    every: timedelta | None,
    jpg: int | None,
    raw: int | None,
    reduced: int | None,
    storage: int | None,
    uplink: int | None,
    failover: bool,
) -> None:
    """Show bytes, bandwidth, buffer and which way of using the link fits.

    With --every from what is said here alone; without it from the site's schedules and what its pictures weighed so
    far, and what is said here takes the place of that. With --failover, from the costs of a shot as measured on each
    node, whether each could carry the cameras of another one that fails.
    """
    if failover:
        nodes = _carried(selection)
        click.echo(json.dumps({"nodes": nodes}) if as_json else "\n".join(load_lines(nodes)))
        return
    if every is not None:
        made = Plan(_from_flags(every, jpg, raw, reduced), uplink, storage)
    else:
        from core.cli.planning import plan_of_site

        made = plan_of_site(selection, jpg, raw, reduced, storage, uplink)
    click.echo(json.dumps(made.to_json()) if as_json else made.text())


def _carried(selection: Selection) -> list[dict[str, Any]]:
    """Return what every node carries, as this node knows it: from its measured costs and those it heard of."""
    found: list[dict[str, Any]] = ask(selection.place().folders.control, "redundancy-load", {})["nodes"]
    return found


def _from_flags(every: timedelta, jpg: int | None, raw: int | None, reduced: int | None) -> Shots:
    jpeg = jpg if jpg is not None else (0 if raw else JPEG)
    if every <= timedelta(0):
        raise click.BadParameter("a time between two shots is longer than nothing", param_hint="--every")
    if not jpeg and not raw:
        raise click.BadParameter("a shot has a JPEG, a RAW or both", param_hint="--jpg")
    return Shots.every(every, jpeg, raw or 0, reduced if reduced is not None else REDUCED)
