"""Build and write the status document: all that a node knows of itself, in a few kB. docs/status.md describes it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import StorageError
from core.status.read import LIMIT, VERSION

Document = dict[str, Any]


def build(
    head: Mapping[str, Any],
    cameras: Sequence[Mapping[str, Any]],
    destinations: Sequence[Mapping[str, Any]],
    links: Sequence[Mapping[str, Any]],
    buffer: Mapping[str, Any],
    at_risk: Mapping[str, Any],
) -> Document:
    """Return the document; keys without a value are left out, so that it stays small."""
    document = {
        "version": VERSION,
        **head,
        "cameras": [known(camera) for camera in cameras],
        "destinations": [known(destination) for destination in destinations],
        "links": [known(link) for link in links],
        "buffer": known(buffer),
        "at_risk": dict(at_risk),
    }
    return known(document)


def write(path: Path, document: Document) -> int:
    """Put `document` in place of the file at `path` at once, without fsync: it is made anew within a minute.

    Return its size in bytes. A document over the limit loses its day strips rather than not being written. Raise
    StorageError.
    """
    text = encode(document)
    if len(text) > LIMIT:
        text = encode({**document, "cameras": [_without_strip(camera) for camera in document["cameras"]]})
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # a clean-up of /run may have taken it away
        beside.write_bytes(text)
        beside.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    return len(text)


def encode(document: Document) -> bytes:
    """Return the document as compact JSON."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has a value."""
    return {key: value for key, value in values.items() if value is not None and value != {}}


def _without_strip(camera: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in camera.items() if key != "strip"}
