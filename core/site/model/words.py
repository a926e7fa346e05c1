"""The words of a site.toml: what makes a dataclass a table of it, and its values with a unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar, dataclass_transform

from core.units import parse_duration, parse_rate, parse_size
from core.values import parse_name

T = TypeVar("T")


class Parsed:
    """Marks a field that is written as text with a unit; `parse` raises ValueError with what to write instead."""

    def __init__(self, parse: Callable[[object], Any]) -> None:
        self.parse = parse

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        from pydantic_core import core_schema  # only the reader of the file pays for it

        return core_schema.no_info_plain_validator_function(self.parse)


class OneOf:
    """Marks a field that is one of several tables, told apart by their key `by`."""

    def __init__(self, by: str) -> None:
        self.by = by

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Discriminator

        return handler.generate_schema(Annotated[source, Discriminator(self.by)])


@dataclass_transform(frozen_default=True, kw_only_default=True)
def table(cls: type[T]) -> type[T]:
    """Make `cls` a table of site.toml: frozen, by keyword, strict, unknown keys refused."""
    cls.__pydantic_config__ = {"extra": "forbid", "strict": True}  # type: ignore[attr-defined]
    return dataclass(frozen=True, kw_only=True)(cls)


class Key:
    """Marks a field whose key in the file is a word that Python keeps for itself."""

    def __init__(self, word: str) -> None:
        self.word = word


Name = Annotated[str, Parsed(parse_name)]
Duration = Annotated[timedelta, Parsed(parse_duration)]
Size = Annotated[int, Parsed(parse_size)]  # bytes
Rate = Annotated[int, Parsed(parse_rate)]  # bytes a second
