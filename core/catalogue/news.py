"""What other nodes have not been told yet: for each of them, from where on each day book has news.

A peer is whoever is told: a node that takes in what we deliver, or one whose pictures we took in. What was said to it
is marked here in the transaction that catalogues a line, and taken away when it was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.catalogue import states
from core.catalogue.store import Catalogue

_PEERS = "news"
_NEWS = "news/"


def peers(catalogue: Catalogue) -> list[str]:
    """Return who is told."""
    return list(states.get(catalogue, _PEERS, []))


def set_peers(catalogue: Catalogue, kind: str, wanted: Iterable[str], recent: Iterable[str]) -> None:
    """Say who is told from now on, of those whose names begin with `kind`.

    One that is new is told all of the day books `recent`.
    """
    known = peers(catalogue)
    before, now = {peer for peer in known if peer.startswith(kind)}, set(wanted)
    if before == now:
        return
    with catalogue.transaction():
        for peer in before - now:
            for key in states.keys(catalogue, f"{_NEWS}{peer}|"):
                states.forget(catalogue, key)
        states.put(catalogue, _PEERS, sorted((set(known) - before) | now))
        for folder in recent:
            for peer in now - before:
                states.put(catalogue, _key(peer, folder), 0)


def mark(catalogue: Catalogue, folder: str, begin: int) -> None:
    """Note that the day book in `folder` has news from the offset `begin` on, for all who were told up to there."""
    for peer in peers(catalogue):
        if states.get(catalogue, _key(peer, folder)) is None:
            states.put(catalogue, _key(peer, folder), begin)


def again(catalogue: Catalogue, peer: str, folder: str) -> None:
    """Have a day book told anew to `peer`, if there is one: something that it tells of is delivered again."""
    if peer in peers(catalogue):
        states.put(catalogue, _key(peer, folder), 0)


def waiting(catalogue: Catalogue, peer: str) -> dict[str, int]:
    """Return the day books that have news for `peer`, and from where on."""
    prefix = f"{_NEWS}{peer}|"
    return {key[len(prefix) :]: int(states.get(catalogue, key)) for key in states.keys(catalogue, prefix)}


def told(catalogue: Catalogue, peer: str, ends: Mapping[str, int]) -> None:
    """Note that `peer` knows these day books up to these offsets."""
    known = states.offsets(catalogue)
    with catalogue.transaction():
        for folder, end in ends.items():
            if end >= known.get(folder, 0):
                states.forget(catalogue, _key(peer, folder))
            else:
                states.put(catalogue, _key(peer, folder), end)


def _key(peer: str, folder: str) -> str:
    return f"{_NEWS}{peer}|{folder}"
