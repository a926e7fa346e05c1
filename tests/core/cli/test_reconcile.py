"""`overlapse verify --remote` between two nodes: what one believes that the other has, and what that one has."""

from __future__ import annotations

import json
from pathlib import Path

from peers.fleet import Fleet
from peers.node import known, overlapse


def fleet(root: Path) -> Fleet:
    inbox = root / "in"
    (inbox / "unit1").mkdir(parents=True)
    made = Fleet(root, {"unit1": "", "fr": f'kind = "cloud"\ninbox = "{inbox}"'}, every="24h")
    made.tables = {
        "fr": f'[[destination]]\nname = "fr"\nnode = "fr"\naddress = "folder:{inbox}/unit1"',
        "to fr": '[[route]]\nwhat = ["jpeg"]\nto = "fr"',
    }
    made.write()
    return made


def forget(nodes: Fleet, node: str, picture: str) -> None:
    """Have a stopped node lose a picture, its line and all that the catalogue knew of it."""
    (path,) = nodes.sites[node].data.rglob(picture)
    path.unlink()
    book = path.with_name("day.jsonl")
    book.write_text("".join(line for line in book.read_text().splitlines(keepends=True) if picture not in line))
    assert overlapse("rebuild", "--site", nodes.sites[node].file, "--node", node).status == 0


def test_what_either_side_misses_is_told_and_delivered_again(tmp_path: Path) -> None:
    nodes = fleet(tmp_path)
    unit = nodes.sites["unit1"]
    at = ("--site", unit.file, "--node", "unit1")
    with nodes.running():
        for _ in range(3):
            nodes.card.show()
            seen = len(nodes.names("unit1"))
            unit.ask("capture", camera="north")
            nodes.until(lambda seen=seen: len(nodes.names("unit1")) > seen, "it is taken")  # type: ignore[misc]
        nodes.until(lambda: len(nodes.proven("unit1", "fr")) == 3, "all are there")
        whole = overlapse("verify", "--remote", *at)
        assert (whole.status, "missing there: 0" in whole.out, "missing here: 0" in whole.out) == (0, True, True)
        assert "comparing with node fr costs about" in whole.err
    lost, gone, _ = sorted(nodes.proven("unit1", "fr"))
    forget(nodes, "fr", lost)
    forget(nodes, "unit1", gone)
    with nodes.running():
        ended = overlapse("verify", "--remote", "--apply", "--json", *at)
        assert ended.status == 1
        found = json.loads(ended.out)["nodes"][0]
        assert found["missing_there"] == [lost]
        assert (found["missing_here"], found["different"], found["trouble"]) == ([gone], [], None)
        assert (found["believed"]["pictures"], found["there"]["pictures"]) == (2, 2)
        nodes.until(lambda: lost in nodes.names("fr") and lost in nodes.proven("unit1", "fr"), "it is there again")
    before = known(unit)
    assert overlapse("rebuild", *at).status == 0
    assert known(unit) == before


def test_what_a_node_has_taken_in_is_out_of_reach_and_a_try_at_it_leaves_nothing_behind(tmp_path: Path) -> None:
    nodes = fleet(tmp_path)
    words = ("verify", "--theft", "fr", "--site", nodes.sites["unit1"].file, "--node", "unit1")
    waits = overlapse(*words, "--after", "1s")
    assert waits.status == 1
    assert "fr has not taken in what was left for it, within 1s: is it running?" in waits.out
    with nodes.running("fr"):
        ended = overlapse(*words)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("fr: taken in by fr after ")
    assert [path for path in (tmp_path / "in").rglob("*") if path.is_file()] == []
