"""Have `import nagiosplugin.metric` cost what that module costs.

nagiosplugin's own `__init__` imports all of it: logging, tempfile with bz2 and lzma, json, traceback, which no check of
ours uses and which are half of a plugin's run.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder


def lean() -> None:
    """Put a package `nagiosplugin` in place that has its modules and has imported none; only for a plugin's process."""
    if "nagiosplugin" in sys.modules:
        return
    found = PathFinder.find_spec("nagiosplugin")
    if found is None or found.submodule_search_locations is None:
        raise ImportError("nagiosplugin is not installed", name="nagiosplugin")
    package = type(sys)("nagiosplugin")
    package.__path__ = found.submodule_search_locations
    package.__spec__ = ModuleSpec("nagiosplugin", None, is_package=True)
    sys.modules["nagiosplugin"] = package
