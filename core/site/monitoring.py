"""What is wrong with who tells Nagios and Icinga."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from core.site.folders import Finding
from core.site.model.file import SiteFile
from core.site.refer import refer

SOONEST, LATEST = timedelta(seconds=10), timedelta(days=1)


def problems_of_monitoring(site: SiteFile) -> Iterator[Finding]:
    """Yield each problem of `[[monitoring]]`."""
    names = [node.name for node in site.node]
    for n, feed in enumerate(site.monitoring):
        at = f"monitoring[{n}]"
        if feed.at is not None:
            yield from refer(f"{at}.at", "node", feed.at, names)
        elif len(names) > 1:
            yield f"{at}.at", f'missing key; write at = "{names[0]}", the node that tells Nagios or Icinga'
        if [each.at for each in site.monitoring].index(feed.at) < n:
            yield f"{at}.at", "one table a node; write nagios and icinga into the same one"
        if feed.nagios is None and feed.icinga is None:
            yield at, 'whom it tells is missing; write nagios = { commands = "..." } or icinga = { ... }'
        if not SOONEST <= feed.every <= LATEST:
            yield f"{at}.every", 'between "10s" and "1d"; "5m" is usual'
        if feed.icinga is not None:
            yield from _url(f"{at}.icinga.url", feed.icinga.url)


def _url(key: str, url: str) -> Iterator[Finding]:
    try:
        parts = urlsplit(url)
        right = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        right = False
    if not right:
        yield key, "not an address of Icinga 2; write such as https://icinga.example:5665"
