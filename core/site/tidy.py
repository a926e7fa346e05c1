"""Bring what a site file says into the shape of the model, and tell what has no place there.

What a person probably meant is mended for the rest of the reading, so that one slip hides no other problem and
causes none; the slip itself is told, and the file is refused all the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, Literal, get_args, get_origin

from core.site.lines import Path
from core.site.shape import Field, Shape, choice_keys, example, field_at, keys, meant, nearest, placeholder, table_of
from core.text import safe

Problem = tuple[Path, str]  # the key path in the file, what is wrong and what to write instead
MOST = 1 << 63  # numbers from here on fit into no database
SHOWN = 10**40  # numbers from here on are not shown: Python writes none of more than 4300 digits

SECRETS = {  # words under which people write a secret itself: how to name it instead
    "password": "password_file",
    "passphrase": "password_file",
    "passwd": "password_file",
    "secret": "password_file",
    "token": "password_file",
    "key": "key_file",
    "private_key": "key_file",
}


class Tidied:
    """The tree by the model's names, where each value stands in the file, and the problems of shape."""

    def __init__(self, tree: Mapping[str, Any], root: type) -> None:
        self.problems: list[Problem] = []
        self.lost = False  # whether a whole table of the file is unknown: what it names is missing elsewhere
        self.mended: set[Path] = set()  # paths in the model that no further check may judge
        self._root = root
        self._origin: dict[Path, Path] = {}
        self.tree: dict[str, Any] = self._table(keys(root), tree, (), ())

    def origin(self, path: Path) -> Path:
        """Return where in the file the value stands that the model has at `path`."""
        known = next((n for n in range(len(path), 0, -1) if path[:n] in self._origin), 0)
        absent = tuple(self._word(path[: n + 1]) for n in range(known, len(path)))
        return self._origin.get(path[:known], ()) + absent

    def _word(self, path: Path) -> str | int:
        field = field_at(self._root, path, self.tree) if isinstance(path[-1], str) else None
        return field.word if field is not None else path[-1]

    def _tell(self, at: Path, sentence: str) -> None:
        self.problems.append((at, sentence))

    def _table(self, known: Mapping[str, Field], raw: Mapping[str, Any], at: Path, to: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        torn = {right: wrong for wrong in raw if (right := _torn_from(known, raw, wrong)) is not None}
        for word in sorted(raw, key=lambda word: word not in known):  # what is known comes first: merges go behind it
            if word in torn:
                continue
            field = known.get(word) or self._unknown(known, raw, word, (*at, word), torn)
            if field is None:
                continue
            begun = out.get(field.name)
            target = (*to, field.name)
            value = self._value(field.shape, raw[word], (*at, word), target, len(begun) if begun else 0)
            if torn.get(field.word) == word:
                self._mend_torn(field, raw, value, at, target)
            out[field.name] = begun + value if begun and isinstance(value, list) else value
        return out

    def _mend_torn(self, field: Field, raw: Mapping[str, Any], items: list[Any], at: Path, to: Path) -> None:
        """Put the tables below [[camera.x]] into the last of the items that were written under [[camra]]."""
        assert field.shape.item is not None
        assert field.shape.item.table is not None
        below = self._table(keys(field.shape.item.table), raw[field.word], (*at, field.word), (*to, len(items) - 1))
        items[-1] = {**below, **items[-1]}

    def _unknown(
        self, known: Mapping[str, Field], raw: Mapping[str, Any], word: str, at: Path, torn: Mapping[str, str]
    ) -> Field | None:
        """Tell an unknown key and return the field that it was probably meant to be."""
        value = raw[word]
        if word in SECRETS and SECRETS[word] in known:
            self._tell(at, f"a secret does not stand here; write it into a file and name it with {SECRETS[word]}")
            return None
        kind = "table" if _is_table(value) else "key"
        guess = next((field for field in known.values() if field.name == word), None)
        if guess is None:
            guess = known.get(nearest(word, known) or "")
        self._tell(at, f"unknown {kind}" + (f"; did you mean '{guess.word}'?" if guess else _list_of(known)))
        if guess is not None:
            merges = isinstance(value, list) and isinstance(raw.get(guess.word), list)
            if guess.word not in raw or merges or torn.get(guess.word) == word:
                return guess
        self.lost |= len(at) == 1 and kind == "table"
        return None

    def _value(self, shape: Shape, value: Any, at: Path, to: Path, start: int = 0) -> Any:
        self._origin[to] = at
        if (wrong := _unbearable(shape, value)) is not None:
            self._tell(at, wrong)
            self.mended.add(to)
            value = placeholder(shape)
        if shape.item is not None:
            return self._list(shape.item, value, at, to, start)
        if shape.choices is not None and isinstance(value, dict):
            return self._choice(shape, value, at, to)
        if shape.table is not None and isinstance(value, dict):
            return self._table(keys(shape.table), value, at, to)
        return self._scalar(shape, value, at, to)

    def _list(self, item: Shape, value: Any, at: Path, to: Path, start: int) -> Any:
        tables = item.table is not None or item.choices is not None
        if isinstance(value, dict) and tables:
            self._tell(at, f"expected a list of tables, got one; write [[{at[-1]}]] or [{{ ... }}]")
            return [self._value(item, value, at, (*to, start))]
        if not isinstance(value, list):
            if isinstance(value, dict):
                return value
            if not tables:
                self._tell(at, f"expected a list; write [{_as_toml(value)}]")
                return [self._value(item, value, at, (*to, start))]
            return value
        return [self._value(item, each, (*at, n), (*to, start + n)) for n, each in enumerate(value)]

    def _choice(self, shape: Shape, raw: Mapping[str, Any], at: Path, to: Path) -> dict[str, Any]:
        assert shape.choices is not None
        tag, tags = raw.get(shape.by), list(shape.choices)
        table = table_of(shape, raw) if isinstance(tag, str) else None
        if table is None:
            tag = self._mended_tag(shape, raw, tags, at, to)
            if tag is None:
                self._table(choice_keys(shape.choices), raw, at, to)  # what is unknown in all of them is told
                self.mended.add(to)
                return dict(placeholder(shape))
            table = shape.choices[tag]
        return self._table(keys(table), {**self._own(shape, table, raw, at), shape.by: tag}, at, to)

    def _own(self, shape: Shape, table: type, raw: Mapping[str, Any], at: Path) -> dict[str, Any]:
        """Tell the keys that only other tables of the choice have, and return the rest."""
        assert shape.choices is not None
        own = {}
        for word, value in raw.items():
            others = [tag for tag, other in shape.choices.items() if word in keys(other)]
            if word in keys(table) or not others:
                own[word] = value
            else:
                self._tell((*at, word), f"unknown key; it goes with {shape.by} = " + " or ".join(map(repr, others)))
        return own

    def _mended_tag(self, shape: Shape, raw: Mapping[str, Any], tags: list[str], at: Path, to: Path) -> str | None:
        words = ", ".join(f"'{tag}'" for tag in tags)
        if shape.by not in raw:
            self._tell((*at, shape.by), f"missing key; write one of {words}")
            return None
        tag = raw[shape.by]
        if not isinstance(tag, str):
            self._tell((*at, shape.by), f"expected one of {words}, got {describe(tag)}")
            return None
        self._tell((*at, shape.by), f"{safe(tag, 60)!r} is not one of {words}{meant(tag, tags)}")
        return nearest(tag, tags)

    def _scalar(self, shape: Shape, value: Any, at: Path, to: Path) -> Any:
        if isinstance(value, date | time):
            text = value.isoformat()
            text = text.removesuffix(":00") if isinstance(value, datetime | time) else text
            self._tell(at, f'expected text, got a bare date or time; write it in quotes: "{text}"')
            return text
        if get_origin(shape.scalar) is Literal and isinstance(value, bool):  # Python takes true for 1
            self._tell(at, f"expected {example(shape)}, got {describe(value)}")
            return get_args(shape.scalar)[0]
        return value


def describe(value: Any) -> str:
    """Return what kind of value this is, with the value where it is short and harmless to show."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}" if abs(value) < SHOWN else "a number of very many digits"
        case str():
            return f"the text {safe(value, 60)!r}"
        case dict():
            return "a table"
        case list():
            return "a list"
    return type(value).__name__


def _unbearable(shape: Shape, value: Any) -> str | None:
    """Return what is wrong with a value that the system or a database would choke on, whatever its meaning."""
    if isinstance(value, int) and abs(value) >= MOST:
        if get_origin(shape.scalar) is Literal:
            return f"{describe(value)} is not {example(shape)}"
        return f"{describe(value)} is more than can be counted; write less"
    plain = shape.scalar is str and shape.parse is None
    if plain and isinstance(value, str) and any(unicodedata.category(each) == "Cc" for each in value):
        return f"'{safe(value, 60)}' holds a control character; write it without"
    return None


def _torn_from(known: Mapping[str, Field], raw: Mapping[str, Any], wrong: str) -> str | None:
    """Return the word that was meant, when its sub-tables stand under the right word: [[camra]], [[camera.schedule]].

    TOML then makes one table of them, as if it were a second way to write the list.
    """
    right = None if wrong in known else nearest(wrong, known)
    if right is None or known[right].shape.item is None or known[right].shape.item.table is None:  # type: ignore[union-attr]
        return None
    items, below = raw[wrong], raw.get(right)
    if not isinstance(below, dict) or not isinstance(items, list) or not items or not isinstance(items[-1], dict):
        return None
    return right if not items[-1].keys() & below.keys() else None


def _as_toml(value: Any) -> str:
    if isinstance(value, str):
        return f'"{safe(value, 60)}"'
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict) for each in value))


def _list_of(known: Iterable[str]) -> str:
    return f"; what may stand here: {', '.join(known)}"
