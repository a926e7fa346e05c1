"""A node that does not run: what it left is shown as old, and what cannot be read says why. The console stays up."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from peers.nodesocket import Served, served
from peers.statuses import NOW, well

from core.catalogue.store import Catalogue


@contextmanager
def as_it_is(path: Path) -> Iterator[None]:
    yield


@contextmanager
def garbage(path: Path) -> Iterator[None]:
    path.write_bytes(b"this is no database " * 500)
    yield


@contextmanager
def newer(path: Path) -> Iterator[None]:
    Catalogue.open(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 999")
    yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    Catalogue.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def stopped(folder: Path) -> Iterator[Served]:
    """Have a node that ran until just now."""
    with served(folder, well(), node="unit1") as node:
        node.stop()
        folders = node.place.folders
        folders.status.parent.mkdir(parents=True, exist_ok=True)
        folders.status.write_text(json.dumps(well()))
        yield node


@pytest.mark.parametrize(
    ("catalogue", "word"),
    [(as_it_is, "no catalogue"), (garbage, "catalogue"), (newer, "version"), (locked, "locked")],
    ids=["missing", "damaged", "newer", "locked"],
)
def test_what_a_catalogue_cannot_tell_is_said_and_the_rest_is_shown_as_old(
    tmp_path: Path, at_the_console: Any, catalogue: Any, word: str
) -> None:
    async def story() -> None:
        with stopped(tmp_path) as node, catalogue(node.place.folders.catalogue):
            async with at_the_console([node], (200, 30)) as desk:
                desk.seconds[0] = NOW + 600
                await desk.reads()
                await desk.sees("was ok", "north@unit1", "STALE 10 min")
                await desk.press("6")
                await desk.until(lambda: any(word in line for line in desk.text[-2:]))
                await desk.press("1")
                await desk.sees("was ok", "[RO]")

    asyncio.run(story())


@pytest.mark.parametrize("status", ["", "{", '{"version": 99}', '{"version": 1, "at": "x"}', "[]"])
def test_a_status_document_that_cannot_be_read_is_no_news_and_no_crash(
    tmp_path: Path, at_the_console: Any, status: str
) -> None:
    async def story() -> None:
        with stopped(tmp_path) as node:
            node.place.folders.status.write_text(status)
            async with at_the_console([node], (200, 30)) as desk:
                await desk.reads()
                shown = await desk.sees("NOTHING READ YET", "nothing is known")
                assert not any(" ok " in line for line in shown)

    asyncio.run(story())
