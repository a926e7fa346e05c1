"""The audit log page by page, the newest last: what people see of it. `core.control.audit` proves the chain."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from core.control.audit import storage_error, unbroken
from core.text import safe

Row = dict[str, Any]
CHUNK = 1 << 16  # bytes read at a time
MOST = 1 << 20  # bytes of one page: a line may be as long as a request
SHOWN = 300  # characters of arguments, and of a result


def audit_page(path: Path, limit: int, before: int | None = None) -> Row:
    """Return {"lines"}: at most `limit` that end at or before byte `before`, and {"next"} where older ones end.

    A log that is not there yet has no lines. Raise StorageError when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin, content = _tail(file, size if before is None else min(before, size), limit)
    except FileNotFoundError:
        return {"lines": []}
    except OSError as error:
        raise storage_error(error, path) from error
    lines = content.split(b"\n")[:-1] if content.endswith(b"\n") else content.split(b"\n")
    kept = lines[-limit:]
    begin += sum(len(line) + 1 for line in lines[:-limit])
    page: Row = {"lines": [_row(line) for line in kept if line]}
    return page | {"next": begin} if begin > 0 else page


def _tail(file: Any, end: int, limit: int) -> tuple[int, bytes]:
    """Return whole lines before `end`, at least `limit` of them where there are so many, and where they begin."""
    begin, content = end, b""
    while begin > 0 and content.count(b"\n") <= limit and len(content) < MOST:
        step = min(CHUNK, begin)
        begin -= step
        file.seek(begin)
        content = file.read(step) + content
    if begin > 0 and b"\n" in content[:-1]:
        cut = content.index(b"\n") + 1  # the first one is only the end of a line
        begin, content = begin + cut, content[cut:]
    return begin, content


def _row(raw: bytes) -> Row:
    """Return what a line says; one that is not whole, or was altered, is `broken`."""
    try:
        said = json.loads(raw)
        who = said["who"]
        row = {"at": datetime.fromisoformat(said["at"]).timestamp(), "user": str(who["user"]), "role": str(who["role"])}
        row |= {"verb": str(said["verb"]), "args": _brief(said["args"]), "result": safe(str(said["result"]), SHOWN)}
        more = {key: str(who[key]) for key in ("key", "node") if key in who}
        more |= {"request": str(said["request"])} if "request" in said else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"broken": True, "result": safe(raw[:SHOWN].decode(errors="replace"), SHOWN)}
    return row | more | ({} if unbroken(raw) else {"broken": True})


def _brief(args: object) -> str:
    """Return arguments as words."""
    if not isinstance(args, Mapping):
        return ""
    words = (
        f"{key} {value}" if not isinstance(value, dict | list) else f"{key} {json.dumps(value)}"
        for key, value in args.items()
    )
    return safe(", ".join(words), SHOWN)
