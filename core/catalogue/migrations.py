"""Bring a catalogue's schema up to date: `python -I -m core.catalogue.migrations PATH`, in a process that ends.

sqlite-utils is imported here and nowhere else: the node that runs for months does not carry it. Steps go forward
only, each in one transaction with its version number; a step that was released is never edited.
"""

from __future__ import annotations

import sqlite3
import sys

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from core.catalogue.schema import COPIES, COUNTED, FIRST, SECOND, THIRD

STEPS = Migrations("catalogue")


@STEPS()
def first(db: Database) -> None:
    """Make the tables of version 1."""
    for statement in FIRST:
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")


@STEPS()
def second(db: Database) -> None:
    """Count what may leave by turn and day, and note which renditions nothing waits for."""
    for statement in SECOND:
        db.execute(statement)
    db.execute(f"INSERT INTO stock {COUNTED['stock']}")
    db.execute("PRAGMA user_version = 2")


@STEPS()
def third(db: Database) -> None:
    """Let one destination stand in for another, count what waits by class, list the copies that are relied upon."""
    for statement in THIRD:
        db.execute(statement)
    db.execute(f"INSERT INTO backlog {COUNTED['backlog']}")
    db.execute(COPIES)
    db.execute("PRAGMA user_version = 3")


def main(path: str) -> int:
    """Apply what is missing to the catalogue at `path` and return the exit status."""
    connection = sqlite3.connect(path, timeout=30)
    try:
        STEPS.apply(Database(connection))
    except sqlite3.Error as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        return 1
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
