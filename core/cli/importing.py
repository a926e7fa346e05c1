"""`overlapse import PATH`: a card or an old archive taken in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from core.cli.errand import Wish, carry_out
from core.cli.options import Selection, json_option, site_options
from core.cli.show import table
from core.control.client import ask
from core.text import safe
from core.units import show_duration, show_size
from core.values import utc

Json = dict[str, Any]
HOW = {"name": "the file's name", "exif": "EXIF", "mtime": "the file's own time, for want of better"}
SHOWN = 10  # names of broken pictures


@click.command("import")
@click.argument("path", required=False)
@site_options
@json_option
@click.option("--camera", metavar="NAME", help="Whose pictures they are; needed when the site has several cameras.")
@click.option(
    "--layout",
    type=click.Choice(["auto", "card", "webcampak", "flat"]),
    default="auto",
    help="How the folder is laid out; by default that is seen.",
)
@click.option("--zone", metavar="ZONE", help="Of times without one; default: Webcampak's own, else the site's.")
@click.option("--dry-run", is_flag=True, help="Tell what would be taken in and sent; change nothing.")
@click.option("--at-most", type=click.IntRange(1), metavar="N", help="Take in no more than N files.")
@click.option("--remove", is_flag=True, help="Remove from PATH what is safe here, each after it is catalogued.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--stop", is_flag=True, help="End the import that the running node is at; what it brought stays.")
def import_(
    selection: Selection,
    path: str | None,
    as_json: bool,
    camera: str | None,
    layout: str,
    zone: str | None,
    dry_run: bool,
    at_most: int | None,
    remove: bool,
    yes: bool,
    stop: bool,
) -> None:
    """Take in every RAW and JPEG below PATH (a card, a Webcampak, any folder), whether the node runs or not.

    PATH is never changed without --remove. It may be interrupted at any moment: the same command goes on.
    """
    place = selection.place()
    if stop:
        ask(place.folders.control, "errand-stop", {})
        return
    if path is None:
        raise click.UsageError("which folder? Say its PATH")
    given = {"camera": camera, "zone": zone, "at_most": at_most, "remove": remove or None}
    args: Json = {"path": str(Path(path).absolute()), "layout": layout}
    args |= {key: value for key, value in given.items() if value is not None}
    wish = Wish("import", args, _line, _plan, _text, "Take them in?", "nothing was taken in")
    carry_out(place, wish, as_json=as_json, dry_run=dry_run, yes=yes)


def _line(state: Json) -> str:
    """Return the progress on one line."""
    plan = state["plan"]
    if state["phase"] == "survey":
        return f"looking: {plan['files']} pictures, {show_size(plan['bytes'])}"
    seen = state["taken"] + state["known"]
    share = seen / plan["files"] if plan["files"] else 1.0
    left = state["seconds"] * (1 - share) / share if share else None
    eta = "" if left is None or share >= 1 else f", {show_duration(left)} left"
    size = show_size(state["taken_bytes"])
    return f"{seen} of {plan['files']}: {state['taken']} taken in ({size}), {state['known']} known{eta}"


def _plan(state: Json) -> str:
    """Return what would be done."""
    plan = state["plan"]
    cameras = ", ".join(f"{count} of {name}" for name, count in plan["cameras"].items()) or "none"
    lines = [f"{plan['files']} pictures, {show_size(plan['bytes'])}: {cameras}"]
    if plan["first"] is not None:
        lines.append(f"from {_time(plan['first'])} to {_time(plan['last'])} UTC")
    lines += [f"  {count} dated by {HOW[how]}" for how, count in plan["dated"].items()]
    if state["doubtful"]:
        lines.append(f"  {state['doubtful']} in an hour that clocks repeated, and nothing tells which of the two")
    if plan["future"]:
        lines.append(f"  {plan['future']} dated in the future: is the zone right, was the camera's clock?")
    if plan["known"]:
        lines.append(f"{plan['known']} seem to be here already ({show_size(plan['known_bytes'])})")
    lines += _left(state)
    new = plan["bytes"] - plan["known_bytes"]
    fits = "fits" if new <= plan["room"] else "DOES NOT FIT"
    lines.append(f"new: {show_size(new)}; {fits} into {show_size(plan['room'])}")
    rows = [(name, str(one["deliveries"]), show_size(one["bytes"])) for name, one in plan["destinations"].items()]
    if rows:
        lines += ["", *table(("WILL BE SENT TO", "PICTURES", "BYTES"), rows)]
    if plan["renditions"]:
        lines.append(f"and {plan['renditions']} renditions, whose size is not known before they are made")
    return "\n".join(lines)


def _left(state: Json) -> list[str]:
    return [f"left where they are: {count} {safe(why)}" for why, count in sorted(state["left"].items())]


def _text(state: Json) -> str:
    """Return what was done."""
    size, seconds = show_size(state["taken_bytes"]), show_duration(state["seconds"])
    lines = [f"{state['taken']} pictures taken in, {size}, in {seconds}; {state['known']} were here already"]
    if state["taken"]:
        lines.append(f"{state['filled']} of slots, {state['extras']} extras")
    lines += [f"  {count} dated by {HOW[how]}" for how, count in state["dated"].items()]
    if state["broken"]:
        lines.append(f"{state['broken']} are broken: kept and marked")
        lines += [f"  {safe(name)}" for name in state["broken_names"][:SHOWN]]
    if state["removed"]:
        lines.append(f"{state['removed']} removed from {safe(state['path'])}")
    return "\n".join([*lines, *_left(state)])


def _time(seconds: int) -> str:
    return f"{utc(seconds):%Y-%m-%d %H:%M:%S}"
