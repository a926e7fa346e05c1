"""One link as this node runs it: its line of grants, its month, its rung, and what it carried of late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.catalogue import states
from core.node.context import Context
from core.schedule.opening import Opening
from core.site.model.file import SiteFile
from core.site.model.links import Link
from core.transfer import rungs
from core.transfer.account import Account
from core.transfer.budget import OVERHEAD, Outlook, affordable, allowance, outlook
from core.transfer.drain import Flow, goodput
from core.transfer.goodput import Goodput
from core.transfer.link import CLASSES, LinkGrants
from core.transfer.quality import Quality
from core.transfer.rungs import ALWAYS, Need, Override, Rung, Standing
from core.values import milliseconds_of, utc

HEADROOM = 5_000_000  # bytes of a budget that are not given away: for grants that are out, and what others send
NOTE_EVERY = 1_000_000  # bytes between two notes of the month's account: what a power cut can forget


@dataclass
class Uplink:
    """A way out of this node. What it lets through now is `rung`, less what window and budget keep back."""

    link: Link
    ladder: Sequence[str]
    budget: int | None  # bytes a month, this node's share
    opening: Opening
    account: Account
    grants: LinkGrants
    goodput: Goodput = field(default_factory=Goodput)
    quality: Quality = field(default_factory=Quality)
    standing: Standing = field(default_factory=Standing)
    override: Override | None = None
    need: Need | None = None
    rung: Rung = field(default_factory=lambda: rungs.rung("everything"))
    unnoted: int = 0  # bytes

    @classmethod
    def of(cls, context: Context, link: Link) -> Uplink:
        """Return the link as the catalogue remembers it."""
        site, now = context.site.site, context.now()
        starts = link.budget.month_starts if link.budget is not None else 1
        kept = states.get(context.catalogue, f"link/{link.name}/account")
        up = cls(
            link,
            link.ladder or ("everything",),
            None if link.budget is None else round(link.budget.bytes * share(context.site, context.node.name, link)),
            Opening(link.window, site.zone, site.latitude, site.longitude),
            Account.opened(now, context.zone, starts, kept),
            LinkGrants(None if link.rate is None else round(link.rate * share(context.site, context.node.name, link))),
        )
        up.remember(context)
        return up

    def remember(self, context: Context) -> None:
        """Take up the rung and the operator's word that the catalogue keeps."""
        standing = states.get(context.catalogue, self._key("rung"))
        if standing is not None and standing["name"] in self.ladder:
            self.standing = Standing(self.ladder.index(standing["name"]), why=standing["why"])
        word = states.get(context.catalogue, self._key("override"))
        if word is not None:
            self.override = Override(word["rung"], utc(word["until"] / 1000), word["why"])

    def note(self, context: Context) -> None:
        """Write down what a stop must not forget."""
        states.put(context.catalogue, self._key("account"), self.account.to_json())
        standing = {"name": self.ladder[self.standing.at], "why": self.standing.why}
        states.put(context.catalogue, self._key("rung"), standing)
        self.unnoted = 0

    def order(self, context: Context, override: Override | None) -> None:
        """Follow an operator's word until it ends; None: go by the ladder again."""
        self.override = override
        if override is None:
            states.forget(context.catalogue, self._key("override"))
            return
        word = {"rung": override.name, "until": milliseconds_of(override.until), "why": override.why}
        states.put(context.catalogue, self._key("override"), word)

    def _key(self, what: str) -> str:
        return f"link/{self.link.name}/{what}"

    def look(self, now: datetime) -> bool:
        """Say anew what goes; return whether that is another answer than before."""
        self.account.roll(now)
        if self.override is not None and now >= self.override.until:
            self.override = None
        if self.need is not None:
            self.standing = rungs.step(self.standing, self.ladder, self.need, now)
        before = self.rung, self.grants.carries
        self.rung = rungs.effective(self.standing, self.ladder, self.override, now)
        self.grants.carries = self.rung.classes & self._open(now) & self._affordable(now)
        return before != (self.rung, self.grants.carries)

    def _open(self, now: datetime) -> frozenset[str]:
        return frozenset(CLASSES) if self.opening.is_open(now) else ALWAYS

    def _affordable(self, now: datetime) -> frozenset[str]:
        if self.budget is None:
            return frozenset(CLASSES)
        rest = (self.account.month.end - now).total_seconds()
        budget = self.budget - min(HEADROOM, self.budget // 100)
        return affordable(CLASSES, self._paces(), budget, self.account.usage.on_the_wire, rest)

    def shut_by(self, name: str, now: datetime) -> str | None:
        """Return what keeps class `name` from going now, in words; None: it goes."""
        if name in self.grants.carries:
            return None
        if name not in self.rung.classes:
            return f"its rung is {self.rung.name}"
        if name not in self._open(now):
            return "its window is shut"
        return "what is sent until the month's end leaves nothing of its budget for it"

    def _paces(self) -> Mapping[str, float]:
        return self.need.made if self.need is not None else {}

    def short(self, now: datetime) -> list[str]:
        """Return the classes for which the budget leaves nothing now and which nobody was told of, and note them."""
        found = [name for name in CLASSES if name not in self._affordable(now) and name not in self.account.told]
        self.account.told.update(found)
        return found

    def why_not(self, name: str, now: datetime) -> str | None:
        """Return why a class waits, None when the link carries it."""
        if name in self.grants.carries:
            return None
        if name not in self.rung.classes:
            return f"rung {self.rung.name}"
        return "window" if name not in self._open(now) else "budget"

    @property
    def carried(self) -> float | None:
        """The bytes a second that it carries, as it is capped and was measured; None: nobody knows."""
        measured = goodput(list(self.goodput.samples))
        known = [self.grants.rate, None if measured is None else measured[0]]
        return min((number for number in known if number is not None), default=None)

    def reckon(self, flow: Flow, now: datetime) -> None:
        """Say anew what each rung needs, and what there is."""
        allowed = None
        if self.budget is not None:
            allowed = allowance(self.budget, self.account.usage.on_the_wire, self.account.month, now) / OVERHEAD
        each = [rungs.needed(rungs.rung(name), flow.made, flow.waiting) for name in self.ladder]
        self.need = Need(each, self.carried, allowed, flow.made)

    def charge(self, name: str, size: int, now: datetime) -> bool:
        """Count bytes that go out, or come in, as class `name`; return whether less goes now than before."""
        self.account.charge(name, size, now)
        self.unnoted += size
        before, self.grants.carries = self.grants.carries, self.grants.carries & self._affordable(now)
        return before != self.grants.carries

    def outlook(self, now: datetime) -> Outlook:
        """Return where the month leads."""
        account = self.account
        return outlook(self.budget, account.usage.on_the_wire, account.month, now, account.pace(now))

    def row(self, now: datetime) -> dict[str, Any]:
        """Return what the status document says of it."""
        ahead, measured = self.outlook(now), goodput(list(self.goodput.samples))
        change, usage = self.opening.next_change(now), self.account.usage
        row: dict[str, Any] = {
            "name": self.link.name,
            "rate": self.grants.rate,
            "goodput": None if measured is None else {"p50": round(measured[0]), "p10": round(measured[1])},
            "quality": self.quality.row(now.timestamp()),
            "rung": self.rung.name,
            "why": self.standing.why or None,
            "carries": [name for name in CLASSES if name in self.grants.carries],
            "open": self.opening.is_open(now),
            "next_change": None if change is None else round(change.timestamp()),
            "month": {
                "begin": round(self.account.month.begin.timestamp()),
                "end": round(self.account.month.end.timestamp()),
                "budget": self.budget,
                "used": ahead.used,
                "counted": "on the wire" if usage.total is not None else "own bytes and overhead",
                "at_end": ahead.at_end,
                "classes": usage.rows(),
            },
        }
        if self.override is not None:
            row["override"] = {
                "rung": self.override.name,
                "until": round(self.override.until.timestamp()),
                "why": self.override.why,
            }
        return row


def share(site: SiteFile, node: str, link: Link) -> float:
    """Return the part of a link that is this node's: by weight among all nodes that share it, else all."""
    if not link.shared:
        return 1.0
    weights = {one.name: other.weight for one in site.node for other in one.link if _same(other, link)}
    return link.weight / sum((weights | {node: link.weight}).values())


def _same(one: Link, other: Link) -> bool:
    return one.shared and one.name == other.name
