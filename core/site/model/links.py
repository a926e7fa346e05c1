"""The ways out of a node."""

from __future__ import annotations

from typing import Annotated, Literal

from core.site.model.words import Key, Name, Rate, Size, table


@table
class Budget:
    """The bytes that a link may carry in a month, which begins at local midnight of day `month_starts` (1 to 28)."""

    bytes: Size
    month_starts: int = 1


@table
class LinkWindow:
    """When a link is there for the archive, in local time; `begin` and `end` (`from` and `to`) as in a schedule."""

    days: str = "daily"
    begin: Annotated[str | None, Key("from")] = None
    end: Annotated[str | None, Key("to")] = None


@table
class SnmpCounter:
    """The interface of a router, whose counters say what leaves the site. `interface`: its name or its index there."""

    host: str  # "192.168.1.1" or "192.168.1.1:161"
    interface: str
    credentials_file: str


@table
class Link:
    """A way out of a node.

    `window`: outside of them only status and live pictures go; none: always open. `ladder`: rungs, the richest first.
    `shared`: nodes with a link of this name share its rate and budget by `weight`. `counter`: where the month's
    total is read; "auto": at the interface when that is a modem, else by our own accounting.
    """

    name: Name
    interface: str | None = None
    rate: Rate | None = None
    budget: Budget | None = None
    window: tuple[LinkWindow, ...] = ()
    ladder: tuple[str, ...] = ()
    shared: bool = False
    weight: int = 1
    counter: Literal["auto", "interface", "own"] = "auto"
    snmp: SnmpCounter | None = None
