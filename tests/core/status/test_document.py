"""The status document: small, whole at any instant, read without any of the product's own modules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.status.document import build, encode, write
from core.status.read import LIMIT, Unreadable, parse, read


def document(**head: Any) -> dict[str, Any]:
    cameras: list[dict[str, Any]] = [{"name": "north", "state": "ok", "strip": "#" * 24, "error": None, "drift": {}}]
    destinations = [{"name": "nas", "state": "ok", "waiting": 0, "error": None}]
    buffer = {"free": 10, "lost": None}
    return build({"site": "harbour", "node": "unit1", **head}, cameras, destinations, [], buffer, {"pictures": 0})


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    write(tmp_path / "status.json", document())
    assert read(str(tmp_path / "status.json")) == document()


def test_keys_without_a_value_are_left_out() -> None:
    (camera,) = document()["cameras"]
    assert camera == {"name": "north", "state": "ok", "strip": "#" * 24}
    assert "lost" not in document()["buffer"]


def test_writing_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "status.json", document())
    write(tmp_path / "status.json", document(at=2))
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
    assert read(str(tmp_path / "status.json"))["at"] == 2


def test_a_document_that_grew_too_long_loses_its_strips_and_is_still_written(tmp_path: Path) -> None:
    strip = "#" * (LIMIT + 1)
    long = build({"site": "s"}, [{"name": "north", "strip": strip}], [], [], {}, {})
    assert write(tmp_path / "status.json", long) < LIMIT
    assert read(str(tmp_path / "status.json"))["cameras"] == [{"name": "north"}]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "damaged", id="empty"),
        pytest.param(b'{"version": 1', "damaged", id="cut"),
        pytest.param(b"[1]", "not a status document", id="something-else"),
        pytest.param(b'{"site": "a"}', "not a status document", id="without-version"),
        pytest.param(b'{"version": 99}', "version 99", id="from-another-version"),
        pytest.param(b"\xff\xfe\x00", "damaged", id="garbage"),
        pytest.param(b" " * (LIMIT + 1), "longer", id="huge"),
    ],
)
def test_whatever_is_no_document_is_told_in_one_sentence(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "status.json").write_bytes(content)
    with pytest.raises(Unreadable, match=told):
        read(str(tmp_path / "status.json"))


def test_a_node_that_never_ran_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="overlapse run"):
        read(str(tmp_path / "status.json"))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(encode(document()))
    (tmp_path / "status.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unreadable):
        read(str(tmp_path / "status.json"))


def test_reading_costs_a_check_nothing_but_json() -> None:
    allowed = {"json", "core", "core.status", "core.status.read", "os", "stat", "typing"}
    code = "import json, os, sys; before = set(sys.modules); import core.status.read; print(*set(sys.modules) - before)"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert set(out.stdout.split()) <= allowed


def test_parsing_takes_what_came_over_a_line_too() -> None:
    assert parse(json.dumps(document()).encode()) == document()
