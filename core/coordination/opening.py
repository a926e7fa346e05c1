"""The store that a node shares, or keeps for itself: the one place that knows which engine a site uses."""

from __future__ import annotations

from pathlib import Path

from core.clock import Clock
from core.coordination.epoch import Guarded, Memory, Session, Store
from core.coordination.sqlite import SqliteCoordination
from core.site.engine import needs_session, voters_of
from core.site.model.file import SiteFile
from core.site.place import Folders


def open_coordination(site: SiteFile, base: Path, node: str, folders: Folders, clock: Clock) -> Session:
    """Return the coordination of a node: of the fleet where it shares anything, else a file of its own.

    A fleet's is there at once, whether or not a voter answers. Raise ConfigurationError when its credentials cannot be
    used, CoordinationUnavailable when its own file cannot.
    """
    if not needs_session(site, node):
        return SqliteCoordination(folders.coordination, clock)
    return Guarded(open_fleet(site, base, node, clock), Memory(folders.store_seen))


def open_fleet(site: SiteFile, base: Path, login: str, clock: Clock) -> Store:
    """Return the fleet's store as one login sees it: a node's name, or "operator"; raise ConfigurationError."""
    from core.coordination.credentials import Credentials
    from core.coordination.nats import NatsCoordination  # only a node that shares something pays for it
    from core.coordination.rights import user_of

    user = user_of(site.site.name, login)
    context = Credentials(base / site.coordination.credentials, user).context()
    return NatsCoordination(voters_of(site.coordination), context, user, clock)
