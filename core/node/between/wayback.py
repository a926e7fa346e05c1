"""The way back to those who deliver: receipts of what is safe here, of copies further on, answers, and orders."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.catalogue import news, states
from core.errors import OverlapseError
from core.node.between import batches
from core.node.between.answering import Asker, answer
from core.node.between.drop import SOON, Drop, may_speak
from core.node.context import Context
from core.node.jobs import Done, Json
from core.text import safe
from core.transfer import drops
from core.transfer.drops import Found
from core.values import PictureName

log = logging.getLogger(__name__)

MOST_WAYS = 8  # by which one node's pictures come
MOST_PEERS = 64  # folders of deliverers that hear of copies further on
NEVER = float("inf")
PEER = "from/"

Give = Callable[[Drop, str, Json, object], None]


@dataclass(frozen=True)
class Way:
    """To whom something is said: the folder of a deliverer; `peer`: as whom the catalogue knows it, for what is new.

    `laid`: the orders that are put there with it.
    """

    prefix: str
    peer: str | None = None
    laid: tuple[str, ...] = ()


@dataclass
class WayBack:
    """Puts small batches into drops. `give` has a drop's worker do something."""

    context: Context
    give: Give
    on_laid: Callable[[Iterable[str]], None] = lambda numbers: None  # hears of orders that stand in a drop
    known: dict[str, Drop] = field(default_factory=dict)

    def apply(self, known: dict[str, Drop]) -> None:
        """Take over the places that this node empties now; nobody is told who delivers at none of them."""
        self.known = known
        kept = [peer for peer in news.peers(self.context.catalogue) if self._of_peer(peer) is not None]
        news.set_peers(self.context.catalogue, PEER, kept, ())

    def answer_one(self, drop: Drop) -> None:
        """Answer one question of a deliverer who compares what it believes with what is here."""
        prefix, asked = drop.asked.popleft()
        said = drop.answers.setdefault(prefix, [])
        try:
            said += answer(Asker(self.context, drop, prefix), asked)
        except (ValueError, KeyError, TypeError) as error:
            log.error("question not understood: from=%s error=%s", safe(prefix), safe(str(error)))
        if asked.get("last"):
            said.append({"of": str(asked["ask"])[:32], "end": True})

    def settle(self, drop: Drop) -> None:
        """Put what is to be said to one deliverer, and then remove what of it is safe here.

        One after the other: a folder that takes nothing keeps nobody else waiting.
        """
        answers = {} if drop.asked else drop.answers
        ordered = (prefix for prefix, _, _ in drop.orders)
        prefix = next(iter([*drop.receipts, *answers, *map(self._prefix, drop.remove), *ordered]))
        objects = self._batches(prefix, drop.receipts.pop(prefix, []), drops.receipts)
        objects += self._batches(prefix, answers.pop(prefix, []), drops.answers)
        removed = [name for name in drop.remove if self._prefix(name) == prefix]
        drop.remove = [name for name in drop.remove if self._prefix(name) != prefix]
        orders = [(number, line) for of, number, line in drop.orders if of == prefix]
        drop.orders = [one for one in drop.orders if one[0] != prefix]
        objects += [batches.put(self._batch(prefix), [line]) for _, line in orders]
        laid = tuple(number for number, _ in orders)
        self.give(drop, "settle", {"put": objects, "remove": removed}, Way(prefix, laid=laid))

    def _prefix(self, name: str) -> str:
        found = drops.find(self.context.site.site.name, name, 0)
        return "" if found is None else found.prefix

    def _batches(self, prefix: str, said: list[Json], named: Callable[[str, str, int], str]) -> list[Json]:
        """Return what is to be said as objects: what fails is asked for, or found, again."""
        return [
            batches.put(self._batch(prefix, named), said[begin : begin + drops.BATCH])
            for begin in range(0, len(said), drops.BATCH)
        ]

    def _batch(self, prefix: str, named: Callable[[str, str, int], str] = drops.receipts) -> str:
        site, node = self.context.site.site.name, self.context.node.name
        return f"{prefix}{named(site, node, batches.next_number(self.context))}"

    def settled(self, drop: Drop, done: Done) -> None:
        way: Way = done.job.about
        drop.told.discard(way.prefix)
        if drop.ends and way.peer is not None:
            news.told(self.context.catalogue, way.peer, drop.ends)
            drop.ends = {}
        if way.laid:
            self.on_laid(way.laid)

    def heard_of(self, drop: Drop, found: Found) -> None:
        """Remember by which way a node that sent lines is reached: orders for it go there."""
        catalogue, way = self.context.catalogue, [drop.name, found.prefix]
        known = any(one.name == found.node for one in self.context.site.node)
        believed = known and may_speak(self.context, found.prefix, found.node)
        if believed and states.get(catalogue, f"reached/{found.node}") != way:
            states.put(catalogue, f"reached/{found.node}", way)

    def has_way(self, node: str) -> bool:
        """Return whether a node is reached by a drop."""
        return states.get(self.context.catalogue, f"reached/{node}", [""])[0] in self.known

    def lay(self, node: str, number: str, order: Json) -> bool:
        """Put an order into the drop of a node; return whether it has one."""
        if not self.has_way(node):
            return False
        name, prefix = states.get(self.context.catalogue, f"reached/{node}")
        self.known[name].orders.append((prefix, number, order))
        return True

    def shut(self, drop: Drop, way: Way, error: OverlapseError, until: float) -> None:
        """Leave a deliverer alone whose folder does not take what is said to it; the others are not kept waiting."""
        drop.ends, drop.shut[way.prefix] = {}, until
        drop.todo = deque(one for one in drop.todo if one.prefix != way.prefix)
        if way.prefix not in drop.told:
            drop.told.add(way.prefix)
            told = f"{way.prefix or drop.name}: no receipts can be put there: {error}; tried again now and then"
            self.context.tell("inbox refused", drop.name, told)

    def note_way(self, drop: Drop, found: Found) -> None:
        """Remember where the receipts of further copies of this node's pictures go back."""
        peer, catalogue = f"{PEER}{drop.name}/{found.prefix}", self.context.catalogue
        assert found.picture is not None
        key = f"ways/{found.picture.node}"
        ways = states.get(catalogue, key, [])
        if peer not in ways:
            states.put(catalogue, key, [*ways, peer][-MOST_WAYS:])
        others = [one for one in news.peers(catalogue) if one.startswith(PEER)]
        if peer not in others and len(others) < MOST_PEERS:
            news.set_peers(catalogue, PEER, [*others, peer], batches.recent_folders(self.context))

    def _of_peer(self, peer: str) -> tuple[Drop, str] | None:
        name, _, prefix = peer.removeprefix(PEER).partition("/")
        return (self.known[name], prefix) if peer.startswith(PEER) and name in self.known else None

    def tell(self, drop: Drop) -> None:
        """Read what is new of copies further on, for the first deliverer who has not heard of it."""
        drop.tell_at = NEVER
        for peer in news.peers(self.context.catalogue):
            of = self._of_peer(peer)
            begins = news.waiting(self.context.catalogue, peer) if of is not None and of[0] is drop else {}
            if begins and of is not None and of[1] not in drop.shut:
                drop.tell_at = self.context.monotonic() + SOON
                drop.job = batches.tails_job(self.context, begins, batches.BACK, peer)
                self.context.hands.give(drop.job)
                return

    def read(self, drop: Drop, done: Done) -> None:
        peer: str = done.job.about
        of = self._of_peer(peer)
        told = [line for line in done.result["lines"] if self._is_for(peer, line)]
        if not told or of is None:
            news.told(self.context.catalogue, peer, done.result["ends"])
            return
        drop.ends = done.result["ends"]
        self.give(drop, "settle", {"put": [batches.put(self._batch(of[1]), told)], "remove": []}, Way(of[1], peer))

    def _is_for(self, peer: str, line: Json) -> bool:
        """Return whether a deliverer hears of a receipt: that of an original which came by it."""
        name = PictureName.parse(line["name"])
        ways = states.get(self.context.catalogue, f"ways/{name.node}", [])
        return peer in ways and not line.get("rendition") and line["priority"] != 1
