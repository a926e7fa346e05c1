"""Destinations that the site has not any more, and those that have another name now: what becomes of what waited."""

from __future__ import annotations

from core.catalogue import deliveries, states
from core.node.context import Context


def settle(context: Context) -> None:
    """Ask no more of destinations that are gone: what only they lacked would stay for ever.

    One that is the same place under another name goes on there: routes alone would bring it the next picture only.
    """
    catalogue, known = context.catalogue, {one.name: one.address for one in context.site.destination}
    heirs = {address: name for name, address in known.items()}
    for name in sorted({one.destination for one in deliveries.tally(catalogue)} - set(known)):
        heir = heirs.get(states.get(catalogue, _key(name), ""))
        if heir is not None:
            count, told = deliveries.hand_over(catalogue, name, heir), f"they go to {heir}, which is the same place"
        else:
            count, told = deliveries.withdraw_all(catalogue, name), "the site has no such destination any more"
        if count:
            context.tell("deliveries withdrawn", name, f"{count}: {told}")
        states.forget(catalogue, _key(name))
    for name, address in known.items():
        if states.get(catalogue, _key(name)) != address:
            states.put(catalogue, _key(name), address)


def _key(destination: str) -> str:
    """Return under which key the catalogue keeps where a destination is."""
    return f"address/{destination}"
