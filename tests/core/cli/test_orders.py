"""`overlapse order` and `orders`: what is asked of the node that runs here, and what people see of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import Forbidden

from .conftest import Answering, Run

NUMBER = "ab" * 16
AT = 1_795_000_000.0
ROW: dict[str, Any] = {
    "id": NUMBER,
    "from": "fr",
    "to": "unit7",
    "verb": "capture",
    "args": {"camera": "north"},
    "who": "ana",
    "state": "done",
    "asked": AT,
    "expires": AT + 3600,
    "sent": AT + 1,
    "taken": AT + 60,
    "ended": AT + 62,
    "result": {"pictures": ["north_x.jpg"]},
    "error": None,
    "text": None,
    "way": "drop",
}


@pytest.fixture
def hub(answering: Answering) -> Answering:
    """The node that runs here is fr; the site file calls this machine otherwise."""
    answering.answers["orders"] = {"node": "fr", "given": [ROW], "received": []}
    answering.answers["order"] = {"order": NUMBER, "does": "Take one shot.", "way": "drop", "expires": AT + 3600}
    return answering


def ordered(hub: Answering) -> list[dict[str, Any]]:
    return [args for verb, args in hub.asked if verb == "order"]


def test_an_order_is_given_through_the_node_that_runs_here(hub: Answering, run: Run) -> None:
    status, out, err = run("order", "unit7", "capture", "camera=north", "--for", "2h", "--site", hub.site.file)
    assert (status, json.loads(out)) == (0, ROW["result"])
    assert "done at 11:07:42 UTC" in err
    dry, real = ordered(hub)
    assert dry == {"node": "unit7", "verb": "capture", "args": {"camera": "north"}, "lasts": 7200, "dry_run": True}
    assert real == {key: value for key, value in dry.items() if key != "dry_run"}


def test_a_shot_elsewhere_is_an_order(hub: Answering, run: Run) -> None:
    status, out, _ = run("capture", "north", "--node", "unit1", "--site", hub.site.file)
    assert (status, out.splitlines()[0]) == (0, "north_x.jpg")
    assert ordered(hub) == [{"node": "unit1", "verb": "capture", "args": {"camera": "north"}}]


def test_a_dangerous_order_is_asked_about_and_a_dry_run_orders_nothing(hub: Answering, run: Run) -> None:
    status, _, err = run("order", "unit7", "stop", "--site", hub.site.file)
    assert (status, "say --yes" in err) == (2, True)
    assert all(args.get("dry_run") for args in ordered(hub))
    status, out, _ = run("order", "unit7", "stop", "--dry-run", "--site", hub.site.file)
    assert (status, "ordered by fr through the drop" in out) == (0, True)
    assert all(args.get("dry_run") for args in ordered(hub))
    status, out, _ = run("order", "unit7", "stop", "--yes", "--no-wait", "--site", hub.site.file)
    assert (status, out.split()[0]) == (0, NUMBER[:8])
    assert "dry_run" not in ordered(hub)[-1]


@pytest.mark.parametrize(
    ("state", "error", "status"), [("failed", "NoSuchThing", 2), ("refused", "Forbidden", 1), ("expired", None, 1)]
)
def test_an_order_that_came_to_nothing_fails_as_it_would_there(
    hub: Answering, run: Run, state: str, error: str | None, status: int
) -> None:
    row = ROW | {"state": state, "error": error, "text": "why\x1b[2J"}
    hub.answers["orders"] = {"node": "fr", "given": [row], "received": []}
    ended, _, err = run("order", "unit7", "capture", "camera=north", "--site", hub.site.file)
    assert ended == status
    assert "unit7: " in err
    assert "\x1b" not in err


def test_what_is_refused_here_is_told_here(hub: Answering, run: Run) -> None:
    hub.answers["order"] = Forbidden("unit7 does not obey fr: write obeys")
    status, _, err = run("order", "unit7", "capture", "camera=north", "--site", hub.site.file)
    assert (status, "does not obey fr" in err) == (1, True)
    assert run("order", "unit7", "capture", "north", "--site", hub.site.file)[0] == 2


def test_orders_are_shown_with_all_their_times(hub: Answering, run: Run) -> None:
    _, out, _ = run("orders", "--site", hub.site.file)
    (line,) = [line for line in out.splitlines() if line.startswith(NUMBER[:8])]
    assert line.split()[1:5] == ["unit7", "capture", "camera=north", "ana"]
    assert [word for word in line.split() if ":" in word] == ["11:06:40", "11:06:41", "11:07:40", "11:07:42"]
    hub.answers["orders"] = {"node": "fr", "given": [], "received": []}
    assert run("orders", "--site", hub.site.file)[1] == "no orders\n"
