"""The configuration that is applied: kept for the next start, compared when the site file changes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError, StorageError
from core.site.load import Loaded, reparse
from core.site.model.file import SiteFile

Reply = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Reload:
    """Somebody wants the site file read again; `reply` hears what came of it."""

    reply: Reply = lambda answer: None


class Applied:
    """The site file as it was last applied, word for word, in `applied.json` of the data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> SiteFile | None:
        """Return the configuration that the last run ended with; None when there is none that still holds."""
        try:
            return reparse(json.loads(self._path.read_text())["text"])
        except (OSError, ValueError, KeyError, TypeError, ConfigurationError):
            return None

    def write(self, loaded: Loaded) -> None:
        """Keep `loaded`, durably; raise StorageError."""
        text = json.dumps({"file": str(loaded.path.absolute()), "text": loaded.text})
        beside = self._path.with_name(f".{self._path.name}.new")
        try:
            with beside.open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from error
