"""What judges the status document: given by dotted name, since core knows no checks."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from core.status.document import Document

EVALUATE = "checks.evaluate:verdicts"


def evaluation(name: str = EVALUATE) -> Callable[[Document, float], list[dict[str, Any]]]:
    """Return the function of a document and the time (seconds since the epoch) that gives its verdicts.

    `name` is "package.module:function"; raise ImportError or AttributeError when there is none.
    """
    module, _, attribute = name.partition(":")
    found: Callable[[Document, float], list[dict[str, Any]]] = getattr(importlib.import_module(module), attribute)
    return found
