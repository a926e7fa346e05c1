"""The fleet on one screen: what is known of each node, and how old that is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.cli.showfleet import fleet_text

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = NOW.timestamp()


def node(name: str, ago: float = 30, state: str = "ok", **other: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "node": name,
        "at": SECONDS - ago,
        "heard": SECONDS - ago,
        "cameras": [{"name": "north", "state": state, "last": {"slot": SECONDS - 600, "outcome": "captured"}}],
        "destinations": [{"name": "nas", "bytes": 8_000_000, "oldest": SECONDS - 7200}],
        "buffer": {"days": 61.0},
        "at_risk": {"pictures": 3, "bytes": 24_000_000},
        **other,
    }


def test_the_worst_comes_first_and_silence_is_not_called_dead() -> None:
    text = fleet_text([node("unit1"), node("unit2", state="failing"), node("unit3", ago=7200)], NOW)
    lines = text.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["unit3", "unit2", "unit1"]
    assert "silent for 2h" in lines[0]
    assert "61d" in lines[0]  # its buffer holds: its pictures are not lost
    assert "1 failing" in lines[1]


def test_of_a_node_whose_document_never_came_its_vitals_are_shown() -> None:
    vitals = {"a": SECONDS - 20, "t": 1, "c": "of", "l": SECONDS - 60, "w": 0, "d": 12.0, "r": 4}
    stub = {"node": "unit9", "at": SECONDS - 20, "heard": SECONDS - 20, "vitals": vitals}
    line = fleet_text([stub], NOW).splitlines()[1]
    assert "1 failing, 1 ok" in line
    assert "4 pictures" in line


def test_a_node_of_another_version_says_so() -> None:
    stub = {"version": 9, "node": "unit9", "at": SECONDS - 20, "heard": SECONDS - 20}
    assert "runs another version" in fleet_text([stub], NOW)


def test_twenty_nodes_are_told_of_on_one_screen_below_1_kb_the_worst_first() -> None:
    nodes = [node(f"unit{number:02}") for number in range(20)]
    nodes[4] = node("unit04", ago=7200)
    nodes[9] = node("unit09", state="failing")
    vitals = {"a": SECONDS - 20, "t": 1, "c": "o", "l": SECONDS - 60, "w": 2_000_000, "d": 12.0, "r": 4}
    nodes[12] = {"node": "unit12", "at": SECONDS - 20, "heard": SECONDS - 20, "vitals": vitals}
    text = fleet_text(nodes, NOW)
    lines = text.splitlines()
    assert len(text.encode()) < 1024
    assert len(lines) < 24
    assert [line.split()[0] for line in lines[1:3]] == ["unit04", "unit09"]
    assert "18 ok: unit00 10m, " in text
    assert "unit12 1m" in text
    assert "these: 138 MB wait, buffers last 12d or more, 55 pictures lost if all are stolen now" in text


def test_nodes_that_are_all_silent_are_all_named_with_how_long() -> None:
    text = fleet_text([node(f"unit{number:02}", ago=7200) for number in range(20)], NOW)
    assert "15 silent: unit05 2h, " in text
    assert all(f"unit{number:02}" in text for number in range(20))
