"""`overlapse restore --from DESTINATION|NODE`: an emptied node filled again."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from core.cli.errand import Wish, carry_out
from core.cli.options import Selection, json_option, site_options
from core.cli.show import table
from core.control.client import ask
from core.text import safe
from core.transfer.origin import origins
from core.units import show_duration, show_size
from core.values import seconds_of

Json = dict[str, Any]
ASKED = 900  # bytes that a picture costs beside its own when a node gives it back, measured: its lines, and requests
PROOFS = {
    "day_book": "match the day book",
    "server_hash": "match the server's own hash",
    "decoded": "vouched for by nobody else, and decoded whole",
    "broken": "broken: kept and marked",
}


@click.command()
@site_options
@json_option
@click.option("--from", "origin", metavar="NAME", help="The destination, or the node, that holds the pictures.")
@click.option("--camera", metavar="NAME", help="Only this camera's pictures.")
@click.option("--since", metavar="DATE", help="Only from this day on (2026-11-21, in the site's zone).")
@click.option("--until", metavar="DATE", help="Only up to this day, it included.")
@click.option("--dry-run", is_flag=True, help="Tell what would come back by day and what it costs; fetch nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--stop", is_flag=True, help="End the restore that the running node is at; what it brought stays.")
def restore(
    selection: Selection,
    as_json: bool,
    origin: str | None,
    camera: str | None,
    since: str | None,
    until: str | None,
    dry_run: bool,
    yes: bool,
    stop: bool,
) -> None:
    """Bring back what a destination, or a node, has of an emptied node's pictures, the newest day first, proven.

    It may be interrupted at any moment: the same command goes on, at the byte.
    """
    place = selection.place()
    if stop:
        ask(place.folders.control, "errand-stop", {})
        return
    _, loaded = selection.load()
    if origin is None:
        known = ", ".join(origins(loaded.site, place.node)) or "none"
        raise click.UsageError(f"from where? Say --from with what holds pictures of {place.node}; there are: {known}")
    zone = ZoneInfo(loaded.site.site.zone)
    given = {"camera": camera, "since": _day(since, zone, "--since"), "until": _day(until, zone, "--until", 1)}
    args: Json = {"from": origin, **{key: value for key, value in given.items() if value is not None}}
    wish = Wish("restore", args, _line, _plan, _text, "Bring them back?", "nothing was brought back")
    carry_out(place, wish, as_json=as_json, dry_run=dry_run, yes=yes)


def _day(text: str | None, zone: ZoneInfo, option: str, later: int = 0) -> int | None:
    """Return the second at which a day begins in the site's zone, or one so many days later."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=later)
        return max(0, seconds_of(datetime.combine(day, time(), zone)))
    except (ValueError, OverflowError):
        raise click.UsageError(f"{option} is a day such as 2026-11-21") from None


def _line(state: Json) -> str:
    """Return the progress on one line."""
    plan = state["plan"]
    trouble = f"; {safe(state['trouble'], 60)}" if state["trouble"] else ""
    if state["phase"] == "survey":
        return f"{_looking(state)}{trouble}"
    came = state["restored_bytes"] + state["offset"]
    rate = state["received"] / state["seconds"] if state["seconds"] and state["received"] else plan["rate"]
    eta = f", {show_duration((plan['bytes'] - came) / rate)} left" if rate and came < plan["bytes"] else ""
    size = f"{show_size(came)} of {show_size(plan['bytes'])}"
    return f"{state['restored']} of {plan['pictures']} pictures, {size}{eta}{trouble}"


def _looking(state: Json) -> str:
    """Return what is done before there is a plan, with its cost where every byte may be dear."""
    if state["node"] is None:
        return f"listing what {state['from']} holds"
    return f"asking {state['node']} what it has: some kB, and 22 bytes a camera and day ({show_size(state['batches'])})"


def _looked(state: Json) -> str:
    """Return what the plan cost."""
    plan = state["plan"]
    if state["node"] is None:
        return f"{plan['listed']} names were listed for this"
    more = show_size(plan["pictures"] * ASKED)
    return f"asking cost {show_size(state['batches'])}, and asking for them will cost about {more}"


def _plan(state: Json) -> str:
    """Return what would be fetched, and what it costs."""
    plan = state["plan"]
    rows = [
        (
            day["day"],
            day["camera"],
            str(day["pictures"]),
            str(day["missing"]),
            show_size(day["missing_bytes"]),
            "" if day["fits"] else "does not fit",
        )
        for day in plan["days"]
    ]
    shown = table(("DAY (UTC)", "CAMERA", "THERE", "MISSING", "BYTES", ""), rows) if rows else ["it holds nothing"]
    eta = f", {show_duration(plan['bytes'] / plan['rate'])} at {show_size(plan['rate'])}/s" if plan["rate"] else ""
    room = show_size(plan["room"])
    return "\n".join(
        [
            *(line.rstrip() for line in shown),
            *([f"... and {plan['more_days']} older days"] if plan["more_days"] else []),
            "",
            f"{plan['pictures']} pictures to fetch from {state['from']}: {show_size(plan['bytes'])}{eta}",
            f"{plan['here']} are here already; {room} fit (newest first); {_looked(state)}",
            *([f"it waits: {safe(plan['shut'])}"] if plan["shut"] is not None else []),
        ]
    )


def _text(state: Json) -> str:
    """Return what was done, and how it is proven."""
    size, seconds = show_size(state["restored_bytes"]), show_duration(state["seconds"])
    lines = [f"{state['restored']} pictures back, {size}, in {seconds}; {show_size(state['received'])} received"]
    lines += [f"  {count} {PROOFS[how]}" for how, count in state["proofs"].items() if count]
    if state["differ"]:
        lines.append(f"{state['differ']} are not what they were: left there, see `overlapse events`")
    if state["refused"]:
        lines.append(f"{state['refused']} were refused: see `overlapse events`")
    if state["gone"]:
        lines.append(f"{state['gone']} were gone there meanwhile")
    return "\n".join(lines)
