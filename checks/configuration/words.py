"""What the files for Nagios and for Icinga 2 say alike."""

from __future__ import annotations

from core.site.monitored import Host, Monitored

HEAD = """\
# Made by `overlapse nagios` from site.toml: what is changed here is lost when it is made again."""
KEPT = """\
# Made by `overlapse nagios` once. This file is yours: it is never written again."""
STALE = "stale, Overlapse on the hub told nothing in time"


def mark(made: Monitored) -> str:
    """Return the comment that names the nodes of which the hub hears nothing, empty where it hears all."""
    if not made.unheard:
        return ""
    return f"\n# Not heard by it, since nothing is delivered to it from there: {', '.join(made.unheard)}."


def title(made: Monitored, host: Host) -> str:
    """Return what people read of a host: of generated names only, so that nothing has to be quoted."""
    return f"{made.site}: {host.title}"
