"""Which site file a node runs, in eight digits: nodes that say the same have the same."""

from __future__ import annotations

import hashlib

from core.site.model.file import SiteFile

DIGITS = 8


def digest(site: SiteFile) -> str:
    """Return the digest of what a site file says; its comments and the order of its keys do not count."""
    return hashlib.sha256(repr(site).encode()).hexdigest()[:DIGITS]
