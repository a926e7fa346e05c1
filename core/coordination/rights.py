"""What each node may write into the shared store: its own, and what it may have to take over; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.coordination.subjects import PUSH, below, stream_of
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.model.nodes import Node

OPERATOR = "operator"  # who founds the store, raises its epoch, restores it; a login of its own, on no unit


@dataclass(frozen=True, slots=True)
class Account:
    """A login at the voters: who, and on which subjects it may speak and listen."""

    user: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def user_of(site: str, name: str, serial: int = 1) -> str:
    """Return the login that stands in a certificate; a machine that replaces a stolen one has the next `serial`."""
    return f"{name}@{site}" if serial == 1 else f"{name}.{serial}@{site}"


def account_of(site: SiteFile, node: Node, serial: int = 1) -> Account:
    """Return what a node may do."""
    keys = tuple(f"{below()}{key}" for key in writable(site, node))
    reading = tuple(f"$JS.API.{verb}.{stream_of()}" for verb in ("STREAM.MSG.GET", "DIRECT.GET", "STREAM.INFO"))
    return Account(user_of(site.site.name, node.name, serial), keys + reading, _listening(node.name))


def operator_of(site: SiteFile) -> Account:
    """Return what the operator may do: all, the making of the store itself among it."""
    user = user_of(site.site.name, OPERATOR)
    return Account(user, (f"{below()}>", "$JS.API.>"), _listening(OPERATOR))


def writable(site: SiteFile, node: Node) -> Iterator[str]:
    """Yield the keys that a node may write, as subjects with wildcards.

    A cloud or office node stands in a guarded room and operators log in to it: it may assign, order and tell. A unit
    may be carried away, so it writes for the cameras that it may come to shoot, and may bury the others of which that
    is true: each of them may own one of these cameras and die. That it buries them without need is an outage and never
    a forged picture: rights at the intake are others. It tells nobody by mail, and so claims no note.
    """
    yield f"sess.{node.name}"
    yield f"order.{node.name}.>"  # a report stands beside its order
    if node.kind != "unit":
        yield from ("cfg.>", "sess.>", "own.>", "note.>", "order.>")
        return
    yield from (f"order.{each.name}.>" for each in site.node if node.name in [one.node for one in each.obeys])
    mine = [camera for camera in site.camera if node.name in _shooters(camera)]
    yield from (f"own.{camera.name}" for camera in mine)
    others = {each for camera in mine for each in _shooters(camera)} - {node.name}
    yield from (f"sess.{each}" for each in sorted(others))


def _shooters(camera: Camera) -> set[str]:
    """Return the nodes that may come to shoot a camera: an assignment names none but these."""
    return {each for each in (camera.primary, camera.backup, *camera.reach) if each is not None}


def _listening(name: str) -> tuple[str, ...]:
    return (f"_INBOX_{name}.>", f"{PUSH}.>")
