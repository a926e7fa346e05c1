"""The audit log as people page through it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from core.control.audit import Audit
from core.control.auditpage import audit_page
from core.control.peer import Who
from core.control.verbs import Role

ANNA = Who(1000, "anna", Role.OPERATE, 1, key="SHA256:" + "a" * 43)


def written(folder: Path, count: int, reason: str = "x") -> Path:
    path = folder / "audit.log"
    audit = Audit(path, SystemClock())
    for n in range(count):
        audit.record(ANNA, "pause", {"camera": f"c{n}", "reason": reason}, "done", f"{n:016x}")
    return path


@pytest.mark.parametrize("reason", ["x", "y" * 9000], ids=["short-lines", "lines-longer-than-a-chunk"])
def test_pages_hold_every_line_once_and_in_order(tmp_path: Path, reason: str) -> None:
    path, before = written(tmp_path, 23, reason), None
    found: list[dict[str, Any]] = []
    for _ in range(10):
        page = audit_page(path, 5, before)
        assert len(page["lines"]) <= 5
        found = page["lines"] + found
        if (before := page.get("next")) is None:
            break
    assert [line["args"][:9].split(",")[0] for line in found] == [f"camera c{n}"[:9] for n in range(23)]
    assert {(line["user"], line["role"], line["verb"], line["result"]) for line in found} == {
        ("anna", "operate", "pause", "done")
    }
    assert not any("broken" in line for line in found)


def test_a_line_that_was_altered_or_torn_is_shown_as_broken(tmp_path: Path) -> None:
    path = written(tmp_path, 3)
    path.write_bytes(path.read_bytes().replace(b'camera":"c1', b'camera":"c9') + b'{"torn \x1b[2J')
    lines = audit_page(path, 10)["lines"]
    assert [line.get("broken", False) for line in lines] == [False, True, False, True]
    assert "\x1b" not in lines[3]["result"]


def test_a_log_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    assert audit_page(tmp_path / "audit.log", 10) == {"lines": []}
