"""What crosses between the node and a camera's child process: configuration and answers as JSON, and back."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.capture.base import Collected, Part, Shot
from core.site.model.cameras import Camera, Source
from core.values import Fence

T = TypeVar("T")
Json = dict[str, Any]

SOURCES = {get_args(get_type_hints(kind)["kind"])[0]: kind for kind in get_args(get_args(Source)[0])}


def to_json(value: Any) -> Any:
    """Return a dataclass, and what it holds, as JSON knows it: durations in seconds, fences as text."""
    if isinstance(value, Fence):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], value: Json) -> T:
    """Return the dataclass `kind` that `to_json` described; raise KeyError, TypeError or ValueError."""
    hints = get_type_hints(kind)
    return kind(**{name: _read(hints[name], item) for name, item in value.items()})


def camera_to_json(camera: Camera) -> Json:
    """Return a camera's configuration as the child's `open` takes it."""
    described: Json = to_json(camera)
    return described


def camera_from_json(value: Json) -> Camera:
    """Return the camera's configuration that `camera_to_json` described."""
    return from_json(Camera, value)


def shot_from_json(value: Json) -> Shot:
    """Return the answer to `shoot`."""
    return from_json(Shot, value)


def collected_from_json(value: Json) -> Collected:
    """Return the answer to `collect`."""
    parts = [part_from_json(part) for part in value["orphans"]]
    aside = [(str(name), str(why)) for name, why in value["aside"]]
    return Collected(parts, aside, [str(name) for name in value["removed"]], bool(value["waits"]))


def part_from_json(value: Json) -> Part:
    """Return one part of the answer to `shoot`."""
    return from_json(Part, value)


def _read(hint: Any, value: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _read(inner[0], value)
    if origin in (Union, types.UnionType):
        return _read_union(inner, value)
    if origin in (tuple, Sequence):
        return tuple(_read(inner[0], item) for item in value)
    if hint is timedelta:
        return timedelta(seconds=value)
    if hint is Fence:
        return Fence.parse(value)
    if is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]
    return _read_mapping(inner[1], value) if origin is Mapping else value


def _read_mapping(item: Any, value: Json) -> Any:
    return {key: _read(item, found) for key, found in value.items()}


def _read_union(kinds: tuple[Any, ...], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return from_json(SOURCES[value["kind"]], value)
    return _read(next(kind for kind in kinds if kind is not type(None)), value)
