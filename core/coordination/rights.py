"""What each node may write into the shared store: its own, and what it may have to take over; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.coordination.subjects import PUSH, below, stream_of
from core.site.model import Node, SiteFile

OPERATOR = "operator"  # who founds the store, raises its epoch, restores it; a login of its own, on no unit


@dataclass(frozen=True, slots=True)
class Account:
    """A login at the voters: who, and on which subjects it may speak and listen."""

    user: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def user_of(site: str, name: str) -> str:
    """Return the login of a node, which stands in its certificate."""
    return f"{name}@{site}"


def accounts(site: SiteFile) -> list[Account]:
    """Return the logins of all nodes of a site, and the operator's."""
    return [*(_account(site, node) for node in site.node), _operator(site.site.name)]


def writable(site: SiteFile, node: Node) -> Iterator[str]:
    """Yield the keys that a node may write, as subjects with wildcards.

    A cloud or office node stands in a guarded room and operators log in to it: it may assign, order and tell. A unit
    may be carried away, so it writes for its own cameras and those that it reserves, and may bury those whose cameras
    they are. That it buries them without need is an outage and never a forged picture: rights at the intake are others.
    """
    yield f"fence.{node.name}"
    yield f"sess.{node.name}"
    yield f"done.{node.name}.>"
    if node.kind != "unit":
        yield from ("cfg.>", "sess.>", "own.>", "note.>", "order.>")
        return
    mine = [camera for camera in site.camera if node.name in (camera.primary, camera.backup, *camera.reach)]
    for camera in mine:
        yield from (f"own.{camera.name}", f"note.{camera.name}.>")
    owners = {camera.primary for camera in mine if camera.primary not in (None, node.name)}
    yield from (f"sess.{owner}" for owner in sorted(filter(None, owners)))


def _account(site: SiteFile, node: Node) -> Account:
    user = user_of(site.site.name, node.name)
    keys = tuple(f"{below()}{key}" for key in writable(site, node))
    reading = tuple(f"$JS.API.{verb}.{stream_of()}" for verb in ("STREAM.MSG.GET", "DIRECT.GET", "STREAM.INFO"))
    return Account(user, keys + reading, _listening(user))


def _operator(site: str) -> Account:
    user = user_of(site, OPERATOR)
    return Account(user, (f"{below()}>", "$JS.API.>"), _listening(user))


def _listening(user: str) -> tuple[str, ...]:
    return (f"_INBOX_{user}.>", f"{PUSH}.>")
