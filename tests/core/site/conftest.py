from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.site.check import Check
from core.site.load import Loaded, load

GOOD = """\
version = 1
site = { name = "harbour", zone = "Europe/Paris", data = "data" }

[[node]]
name = "unit1"
[[node.link]]
name = "sim"

[[camera]]
name = "north"
source = { kind = "gphoto2" }
schedule = [{ every = "10m" }]

[[recipe]]
name = "web"
steps = [{ resize = "1920x1280" }]

[[destination]]
name = "nas"
address = "folder:/mnt/nas"
link = "sim"
protected = true

[[route]]
what = ["raw", "jpeg", "web"]
to = "nas"
"""


@pytest.fixture
def site_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a text as site.toml and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "site.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def read(site_file: Callable[[str], Path]) -> Callable[..., Loaded]:
    def read(text: str, checks: tuple[Check, ...] = (), node: str | None = None) -> Loaded:
        return load(site_file(text), checks, node)

    return read


@pytest.fixture
def problems(site_file: Callable[[str], Path]) -> Callable[..., list[str]]:
    """Return all problems that the reading of a text tells."""

    def told(text: str, checks: tuple[Check, ...] = (), node: str | None = None) -> list[str]:
        with pytest.raises(ConfigurationError) as refused:
            load(site_file(text), checks, node)
        return refused.value.problems

    return told
