"""What the documents say is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from click import Group

from core.cli.main import overlapse

ROOT = Path(__file__).parent.parent


def kinds_told() -> Iterator[str]:
    """Yield the kind of every event that the code tells, where it is written out."""
    for path in (ROOT / "core" / "node").rglob("*.py"):
        yield from re.findall(r'\.tell\(\s*"([^"]+)"', path.read_text())


def test_every_event_is_explained() -> None:
    text = (ROOT / "docs" / "events.md").read_text()
    kinds = set(kinds_told())
    assert len(kinds) > 20
    assert {kind for kind in kinds if f"`{kind}`" not in text} == set()


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    assert isinstance(overlapse, Group)
    commands = set(overlapse.commands) | set(overlapse.list_commands(None))  # type: ignore[arg-type]
    assert commands
    assert {name for name in commands if f"`{name}" not in text} == set()
