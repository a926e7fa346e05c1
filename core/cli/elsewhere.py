"""Commands for a node that is not on this machine: the one that runs here orders it, and its end is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from core.cli.options import Selection
from core.control.client import ask
from core.errors import ConfigurationError, NodeUnreachable, OverlapseError, from_wire
from core.site.place import Place, choose_node, glance, place_of
from core.text import safe
from core.values import utc

Json = dict[str, Any]
PATIENCE = 300.0  # seconds that a command waits for another node
LOOK = 0.5  # seconds
ENDED = ("done", "failed", "refused", "expired")


@dataclass(frozen=True)
class There:
    """Another node, by way of the one that runs here."""

    here: Place
    name: str  # of the node that runs here
    node: str

    def order(self, verb: str, args: Json, lasts: float | None = None, dry_run: bool = False) -> Json:
        """Give an order, or only say what it would do; return {"order", "does", "way", "expires"}."""
        more: Json = {} if lasts is None else {"lasts": round(lasts)}
        if dry_run:
            more["dry_run"] = True
        return ask(self.here.folders.control, "order", {"node": self.node, "verb": verb, "args": args, **more})

    def carried_out(self, verb: str, args: Json) -> Json:
        """Give an order and wait for its end; raise the error that it ended with."""
        given = self.order(verb, args)
        return self.end_of(given["order"])

    def end_of(self, number: str, seconds: float = PATIENCE) -> Json:
        """Wait for the end of an order, say each step on stderr, and return its row; raise its error."""
        until, said = time.monotonic() + seconds, ""
        while True:
            row = next(one for one in self.rows() if one["id"] == number)
            if row["state"] != said:
                said = row["state"]
                click.echo(f"{number[:8]} {self.node}: {_step(row)}", err=True)
            if said in ENDED:
                return _succeeded(row)
            if time.monotonic() > until:
                expires = f"{utc(row['expires']):%H:%M:%S} UTC"
                raise OverlapseError(
                    f"{self.node} has not ended it yet; the order holds until {expires}: see `overlapse orders`"
                )
            time.sleep(LOOK)

    def rows(self) -> list[Json]:
        """Return the orders that were given here."""
        found: list[Json] = ask(self.here.folders.control, "orders", {})["given"]
        return found


def elsewhere(selection: Selection, node: str | None = None) -> There | None:
    """Return the node that was asked for with --node, or `node`, if another one of its site runs on this machine.

    None: nothing was asked for, it runs here itself, or nobody can say. Raise NodeUnreachable when this machine is
    another node, which does not run.
    """
    wanted = node if node is not None else selection.node
    if wanted is None:
        return None
    file = selection.only_file()
    for place in _places(selection, wanted):
        try:
            name = ask(place.folders.control, "orders", {})["node"]
        except NodeUnreachable:
            continue
        return None if name == wanted else There(place, name, wanted)
    try:
        here = choose_node(glance(file).nodes)
    except ConfigurationError:
        return None
    if here != wanted and wanted in glance(file).nodes and len(glance(file).nodes) > 1:
        raise NodeUnreachable(f"{here}, which is this machine, would order {wanted}, and does not run")
    return None


def _places(selection: Selection, wanted: str) -> Iterator[Place]:
    """Yield where a node of the site could answer, the wanted one first."""
    file, seen = selection.only_file(), set()
    names = glance(file).nodes
    for name in sorted(names, key=lambda one: one != wanted):
        place = place_of(file, name)
        if place.folders.control not in seen:
            seen.add(place.folders.control)
            yield place


def _step(row: Json) -> str:
    at = {"asked": row["sent"] or row["asked"], "taken": row["taken"]}.get(row["state"], row["ended"])
    time_of_day = f"{utc(at):%H:%M:%S} UTC" if at else ""
    if row["state"] == "asked":
        return f"asked at {time_of_day}; it is fetched when {safe(row['to'])} checks in"
    text = f": {safe(row['text'], 300)}" if row["text"] else ""
    return f"{row['state']} at {time_of_day}{text}"


def _succeeded(row: Json) -> Json:
    if row["state"] == "failed" and row["error"]:
        raise from_wire({"error": row["error"], "message": f"{row['to']}: {row['text']}"})
    if row["state"] != "done":
        raise OverlapseError(f"{row['to']}: {row['state']}: {row['text']}")
    return row
