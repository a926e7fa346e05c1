"""The screens that the documents show are what the program makes now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree import ElementTree

import pytest
from peers import drawn

AGAIN = "make them again with: PYTHONPATH=.:tests .venv/bin/python -m peers.drawn, and look at them"


@pytest.mark.parametrize("name", drawn.SCREENS)
def test_a_picture_of_a_screen_is_what_the_program_shows(tmp_path: Path, name: str) -> None:
    made = asyncio.run(drawn.shown(tmp_path, drawn.SCREENS[name]))
    assert made == (drawn.FOLDER / f"{name}.svg").read_text(), AGAIN
    assert len(made) < 6000
    assert ElementTree.fromstring(made).tag.endswith("svg")  # noqa: S314 - our own
    assert made.count("http") == 1  # of its name space


def test_every_picture_is_one_of_them_and_is_shown() -> None:
    there = {path.stem for path in drawn.FOLDER.glob("*")}
    assert there == set(drawn.SCREENS)
    page = (drawn.FOLDER.parent / "console.md").read_text()
    assert all(f"(screens/{name}.svg)" in page for name in there)
