"""What is wrong with whose orders a node obeys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from core.site.folders import Finding
from core.site.model.file import SiteFile
from core.site.model.nodes import Node
from core.site.refer import refer

SOONEST, LATEST = timedelta(seconds=1), timedelta(days=1)  # of a check-in


def obeying_problems(site: SiteFile) -> Iterator[Finding]:
    """Yield each problem of `obeys` and `check_in`."""
    names = [node.name for node in site.node]
    for n, node in enumerate(site.node):
        for m, one in enumerate(node.obeys):
            at = f"node[{n}].obeys[{m}]"
            yield from refer(f"{at}.node", "node", one.node, names)
            if one.node == node.name:
                yield f"{at}.node", "is the node itself, which people ask on its own machine; name another one"
            if any(other.node == one.node for other in node.obeys[:m]):
                yield f"{at}.node", f"'{one.node}' stands there twice; keep one role for it"
            yield from _shared(site, f"{at}.key_file", node, one.key_file)
        if not SOONEST <= node.check_in <= LATEST:
            yield f"node[{n}].check_in", '"1s" to "1d"; each look costs a thin link some kilobytes'


def _shared(site: SiteFile, at: str, node: Node, key_file: str) -> Iterator[Finding]:
    """Yield where two pairs of nodes share one secret: whoever has one of those nodes speaks for the others."""
    for other in site.node:
        for one in other.obeys:
            if one.key_file == key_file and other.name < node.name:
                yield at, f"node '{other.name}' has the same secret, so that each could order the other; make another"
