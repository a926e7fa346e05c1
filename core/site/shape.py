"""The shape of the model's tables: which keys they have in the file and what each takes."""

from __future__ import annotations

import difflib
import functools
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from core.site.model.places import parse_to
from core.site.model.words import Key, OneOf, Parsed
from core.units import parse_duration, parse_rate, parse_size
from core.values import parse_name

UNNAMED = "unnamed-unnamed-unnamed-unnamed"  # stands for a name that is missing

_EXAMPLES = {
    parse_duration: '"10m"',
    parse_size: '"8GB"',
    parse_rate: '"120kB/s"',
    parse_name: '"north"',
    parse_to: '"nas"',
}
_PLACEHOLDERS = {parse_duration: "1h", parse_size: "1GB", parse_rate: "1kB/s", parse_name: UNNAMED, parse_to: UNNAMED}


@dataclass(frozen=True, slots=True)
class Shape:
    """What one value may be; exactly one of `table`, `choices`, `item` is set, none for a scalar."""

    table: type | None = None
    choices: Mapping[str, type] | None = None
    by: str = ""  # the key that tells the choices apart
    item: Shape | None = None
    scalar: Any = None  # str, int, float, bool or a Literal
    parse: Any = None  # of a scalar that is written as text

    @property
    def is_name(self) -> bool:
        """Whether it is the name of something."""
        return self.parse is parse_name


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a table: its word in the file, its name in the model."""

    word: str
    name: str
    shape: Shape
    required: bool


def keys(table: type) -> Mapping[str, Field]:
    """Return the keys of `table` by their word in the file."""
    return {field.word: field for field in by_name(table).values()}


@functools.cache
def by_name(table: type) -> Mapping[str, Field]:
    """Return the keys of `table` by their name in the model."""
    hints = get_type_hints(table, include_extras=True)
    return {
        each.name: Field(
            _word(hints[each.name], each.name),
            each.name,
            _shape(hints[each.name]),
            each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(table)
    }


def choice_keys(choices: Mapping[str, type]) -> dict[str, Field]:
    """Return the keys of all tables of a choice together."""
    return {word: field for table in choices.values() for word, field in keys(table).items()}


def _word(hint: Any, name: str) -> str:
    return next((marker.word for marker in getattr(hint, "__metadata__", ()) if isinstance(marker, Key)), name)


def _shape(hint: Any) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _marked(arguments[0], arguments[1:])
    if origin in (Union, types.UnionType):
        return _shape(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return Shape(item=_shape(arguments[0]))
    if is_dataclass(hint) and isinstance(hint, type):
        return Shape(table=hint)
    return Shape(scalar=hint)


def _marked(hint: Any, markers: Iterable[Any]) -> Shape:
    for marker in markers:
        if isinstance(marker, Parsed):
            return Shape(scalar=str, parse=marker.parse)
        if isinstance(marker, OneOf):
            return Shape(choices=_choices(hint, marker.by), by=marker.by)
    return _shape(hint)


def _choices(union: Any, by: str) -> dict[str, type]:
    found = {}
    for table in get_args(union):
        for tag in get_args(get_type_hints(table)[by]):
            found[tag] = table
    return found


def field_at(root: type, path: Iterable[str | int], tree: Any) -> Field | None:
    """Return the field of the model that `path` (names of the model) leads to; `tree` tells the choices apart."""
    shape, found = Shape(table=root), None
    for part in path:
        table = table_of(shape, tree)
        if isinstance(part, int):
            shape = shape.item or shape
        elif table is None or part not in by_name(table):
            return None
        else:
            found = by_name(table)[part]
            shape = found.shape
        tree = _inside(tree, part)
    return found


def table_of(shape: Shape, value: Any) -> type | None:
    """Return the table that `value` is filled into, None when it is none."""
    if shape.choices is not None:
        return shape.choices.get(str(value.get(shape.by))) if isinstance(value, dict) else None
    return shape.table


def _inside(tree: Any, part: str | int) -> Any:
    try:
        return tree[part]
    except (KeyError, IndexError, TypeError):
        return None


def example(shape: Shape) -> str:
    """Return what a user might write there."""
    if shape.choices is not None:
        return "{ " + f'{shape.by} = "{next(iter(shape.choices))}", ... ' + "}"
    if shape.table is not None:
        return "{ ... }"
    if shape.item is not None:
        return "[...]"
    if get_origin(shape.scalar) is Literal:
        first = get_args(shape.scalar)[0]
        return f'"{first}"' if isinstance(first, str) else str(first)
    return str(_EXAMPLES.get(shape.parse) or {bool: "true", int: "1", float: "1.0"}.get(shape.scalar, '"..."'))


def near_name(text: str) -> str:
    """Return the name that `text` would make, empty when there is none in it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:32].strip("-")


def placeholder(shape: Shape, value: Any = None) -> Any:
    """Return a valid value in the place of `value`, to go on checking beside one that is not."""
    if shape.is_name and isinstance(value, str):
        return near_name(value) or UNNAMED
    if shape.choices is not None:
        tag, table = next(iter(shape.choices.items()))
        return {shape.by: tag, **_required(table)}
    if shape.table is not None:
        return _required(shape.table)
    if shape.item is not None:
        return []
    if get_origin(shape.scalar) is Literal:
        return get_args(shape.scalar)[0]
    return _PLACEHOLDERS.get(shape.parse) or {bool: False, int: 1, float: 1.0}.get(shape.scalar, "unnamed")


def _required(table: type) -> dict[str, Any]:
    return {field.name: placeholder(field.shape) for field in by_name(table).values() if field.required}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was probably meant to be."""
    lowered = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), list(lowered), 1, 0.6)
    return lowered[found[0]] if found else None


def meant(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?", or nothing."""
    near = nearest(word, known)
    return f"; did you mean '{near}'?" if near else ""
