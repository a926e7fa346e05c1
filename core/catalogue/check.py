"""Find damage in a catalogue: SQLite's own check, the checksum of every row, and every tally counted anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.catalogue import schema
from core.catalogue.store import Catalogue
from core.errors import OverlapseError

_INCONSISTENT = {
    "required or pending deliveries miscounted": """SELECT count(*) FROM picture p LEFT JOIN
        (SELECT picture, sum(required) AS required, sum(required AND state <> 'proven') AS pending
         FROM delivery GROUP BY picture) d ON d.picture = p.id
        WHERE p.required <> ifnull(d.required, 0) OR p.pending <> ifnull(d.pending, 0)""",
    "deliveries proven without a sufficient receipt": """SELECT count(*) FROM delivery d LEFT JOIN receipt r
        ON r.delivery = d.id WHERE (state = 'proven') <> (ifnull(r.level, 0) >= d.level)""",
    "copies that are proven and not listed, or listed and not proven": """SELECT count(*) FROM delivery d
        LEFT JOIN copy c ON c.delivery = d.id
        WHERE (d.state = 'proven' AND d.priority <> 1) <> (c.looked IS NOT NULL)""",
    "pictures gone without a line in the deletion log": """SELECT count(*) FROM picture p LEFT JOIN deletion d
        ON d.picture = p.id WHERE p.gone <> ifnull(d.at, 0)""",
}

_COUNTING = {  # rows that may count nothing any more
    "delivery_tally": "n <> 0 OR bytes <> 0",
    "view_tally": "n <> 0",
    "backlog": "n <> 0 OR bytes <> 0",
}


def damage(catalogue: Catalogue, deep: bool = False) -> list[str]:
    """Return what is wrong, one sentence each; empty when all is well.

    `deep` has every index compared with its table and every tally counted anew: minutes at millions of pictures.
    Whatever it finds is cured by a rebuild.
    """
    questions: list[Callable[[], Iterator[str]]] = [
        lambda: _own_check(catalogue, deep),
        lambda: _schema(catalogue),
        *(_asking(_sums, catalogue, table) for table in schema.SEALED),
    ]
    if deep:
        questions += [_asking(_tally, catalogue, table) for table in schema.COUNTED]
        questions += [_asking(_consistent, catalogue, what) for what in _INCONSISTENT]
        questions.append(lambda: _references(catalogue))
    return [told for ask in questions for told in _answers(ask)]


def _asking(
    ask: Callable[[Catalogue, str], Iterator[str]], catalogue: Catalogue, of: str
) -> Callable[[], Iterator[str]]:
    return lambda: ask(catalogue, of)


def _answers(ask: Callable[[], Iterator[str]]) -> Iterator[str]:
    try:
        yield from ask()
    except OverlapseError as error:
        yield str(error)


def _own_check(catalogue: Catalogue, deep: bool) -> Iterator[str]:
    for row in catalogue.rows("PRAGMA integrity_check(20)" if deep else "PRAGMA quick_check(20)"):
        if row[0] != "ok":
            yield str(row[0])


def _schema(catalogue: Catalogue) -> Iterator[str]:
    ours = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name NOT IN (?, ?)"
    rows = catalogue.rows(ours, ("_sqlite_migrations", "sqlite_sequence"))
    found = {str(row[0]) for row in rows}
    for statement in sorted(found ^ set(schema.STATEMENTS)):
        yield f"the schema is not ours: {' '.join(statement.split()[:3])}"


def _sums(catalogue: Catalogue, table: str) -> Iterator[str]:
    sql = f"SELECT count(*) FROM {table} WHERE sum IS NOT row_sum({schema.SEALED[table]})"  # noqa: S608 - constants
    if (wrong := catalogue.value(sql)) > 0:
        yield f"{table}: {wrong} rows do not match their checksum"


def _tally(catalogue: Catalogue, table: str) -> Iterator[str]:
    kept = f"SELECT * FROM {table} WHERE {_COUNTING.get(table, '1')}"  # noqa: S608 - constants
    found, right = ({tuple(row) for row in catalogue.rows(sql)} for sql in (kept, schema.COUNTED[table]))
    if found != right:
        yield f"{table}: does not agree with what it counts"


def _consistent(catalogue: Catalogue, what: str) -> Iterator[str]:
    if (wrong := catalogue.value(_INCONSISTENT[what])) > 0:
        yield f"{wrong} {what}"


def _references(catalogue: Catalogue) -> Iterator[str]:
    if broken := catalogue.rows("PRAGMA foreign_key_check"):
        yield f"{len(broken)} rows refer to what is not there"
