"""Fill the model from a tidied tree: pydantic judges the values, its findings are told in plain sentences."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from core.site.lines import Path
from core.site.model.file import SiteFile
from core.site.shape import Field, Shape, by_name, example, field_at, meant, near_name, placeholder, table_of
from core.site.tidy import describe
from core.text import safe

ROUNDS = 20  # of filling and mending; each mends all that is found, so a third is rare

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dataclass_type": "a table",
    "dict_type": "a table",
}


@functools.cache
def _adapter() -> TypeAdapter[SiteFile]:
    return TypeAdapter(SiteFile)


class Filled:
    """The model, whatever was wrong replaced by its default or a placeholder, and what was wrong."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.problems: dict[Path, str] = {}  # by path in the model
        self._tree = tree
        self.site = self._fill()

    def _fill(self) -> SiteFile:
        for _ in range(ROUNDS):
            try:
                return _adapter().validate_json(json.dumps(self._tree, default=str))
            except ValidationError as error:
                for detail in error.errors(include_url=False):
                    self._note(detail)
        raise AssertionError("a placeholder is not valid")

    def _note(self, detail: ErrorDetails) -> None:
        path = _without_tags(detail["loc"], self._tree)
        self.problems.setdefault(path, _sentence(detail, field_at(SiteFile, path, self._tree)))
        self._mend(path)

    def _mend(self, path: Path) -> None:
        """Take what is wrong at `path` out of the tree, so that the rest can be filled."""
        last = next((n for n in range(len(path), 0, -1) if self._holder(path[:n]) is not None), 0)
        if last == 0:
            return
        holder, shape, part = self._tree_at(path[: last - 1]), self._holder(path[:last]), path[last - 1]
        assert shape is not None
        if isinstance(part, int) or _required(path[:last], self._tree):
            holder[part] = placeholder(shape, holder[part] if isinstance(part, int) else holder.get(part))
        else:
            holder.pop(part, None)

    def _holder(self, path: Path) -> Shape | None:
        """Return the shape of a key of a table, or of a table in a list of tables; None for what is inside a value."""
        field = field_at(SiteFile, path, self._tree)
        if field is None or not isinstance(self._tree_at(path[:-1]), dict | list):
            return None
        if isinstance(path[-1], str):
            return field.shape
        item = field.shape.item
        return item if item is not None and (item.table or item.choices) else None

    def _tree_at(self, path: Path) -> Any:
        tree: Any = self._tree
        for part in path:
            tree = tree[part]
        return tree


def _required(path: Path, tree: Mapping[str, Any]) -> bool:
    field = field_at(SiteFile, path, tree)
    return field is not None and field.required


def _without_tags(location: Sequence[str | int], tree: Any) -> Path:
    """Return the path without the words by which pydantic tells which table of a choice it means."""
    shape, path = Shape(table=SiteFile), []
    for part in location:
        if shape.choices is not None and isinstance(tree, dict) and part == tree.get(shape.by):
            shape = Shape(table=shape.choices[str(part)])
            continue
        path.append(part)
        shape = _next(shape, part, tree)
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            tree = None
    return tuple(path)


def _next(shape: Shape, part: str | int, tree: Any) -> Shape:
    if isinstance(part, int):
        return shape.item or Shape()
    table = table_of(shape, tree)
    field = by_name(table).get(part) if table is not None else None
    return field.shape if field is not None else Shape()


def _sentence(detail: ErrorDetails, field: Field | None) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        return _missing(field) if field else "missing key"
    if kind == "value_error":
        return _own(str(detail["ctx"]["error"]), value, field)
    if kind == "literal_error":
        return _literal(detail, value)
    if kind not in _EXPECTED:
        return detail["msg"]
    sentence = f"expected {_EXPECTED[kind]}, got {describe(value)}"
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        sentence += f'; write it in quotes: "{value}"'
    return sentence


def _missing(field: Field) -> str:
    if field.shape.item is not None and field.shape.item.table is not None:
        return f"missing table; write [[{field.word}]]"
    if field.shape.table is not None:
        return f"missing table; write [{field.word}]"
    return f"missing key; write {field.word} = {example(field.shape)}"


def _own(sentence: str, value: Any, field: Field | None) -> str:
    if field is None or not (field.shape.is_name or (field.shape.item and field.shape.item.is_name)):
        return sentence
    if not isinstance(value, str):
        return f"{sentence}; got {describe(value)}"
    better = near_name(value)
    return f"{safe(value, 60)!r}: {sentence}" + (f"; write '{better}'" if better else "")


def _literal(detail: ErrorDetails, value: Any) -> str:
    expected = detail["ctx"]["expected"]
    words = re.findall(r"'([^']*)'", expected)
    shown = repr(safe(value, 60)) if isinstance(value, str) else describe(value)
    return f"{shown} is not {'one of ' if len(words) > 1 else ''}{expected}" + (
        meant(value, words) if isinstance(value, str) else ""
    )
