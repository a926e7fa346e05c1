"""What another node sends may be damaged: it is seen to be, on every screen, and its neighbours are shown as ever."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import statuses
from peers.nodesocket import instant, served
from peers.statuses import DAY, NOW, put, well, with_

from checks.evaluate import verdicts
from console.acts.intended import NotUnderstood, intended
from console.feed.shape import understood
from console.feed.snapshot import SiteView, Snapshot
from console.pages import alerts, camera, deliveries, fleet, hardware, node, redundancy, servers, storage
from core.control.verbs import VERBS

Json = dict[str, Any]
GARBLED = {
    "waiting": put("destinations.0.waiting", "x"),
    "month": put("links.0.month", 5),
    "buffer": put("buffer", []),
    "verdict": put("verdicts", [5]),
    "interval": put("cameras.0.interval", "x"),
    "picture": put("cameras.0.picture", 7),
    "last": put("cameras.0.last", 3),
    "camera": put("cameras", [5]),
    "cameras": put("cameras", 5),
    "at": put("at", "x"),
    "redundancy": put("redundancy", 7),
    "destination": put("destinations", [None]),
    "error": put("destinations.0.error", [3]),
    "thresholds": put("thresholds", 3),
    "vitals": put("vitals", 3),
}


@pytest.mark.parametrize("name", GARBLED)
def test_of_a_garbled_document_the_head_is_kept(name: str) -> None:
    garbled = with_(put("node", "unit2"), put("heard", NOW), GARBLED[name])
    head = understood(garbled)
    assert set(head) <= {"at", "heard", "site", "node", "kind", "overlapse", "version"}
    assert (head["node"], head["heard"]) == ("unit2", NOW)


def test_every_whole_document_is_understood_and_stays_what_it_is() -> None:
    judged = {**well(), "verdicts": verdicts(well(), NOW)}
    fleet = with_(put("redundancy", statuses.redundant()), put("at_risk", None), put("vitals", {"a": NOW, "c": "of"}))
    for document in (well(), judged, fleet, {"node": "new", "at": NOW}):
        assert understood(document) == {key: value for key, value in document.items() if value is not None}


def test_every_screen_stays_up_with_garbled_documents_among_good_ones(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with served(tmp_path, well(), node="unit1") as node:
            for number, change in enumerate(GARBLED.values()):
                garbled = with_(put("node", f"bad{number:02}"), put("heard", NOW), change)
                node.documents[f"bad{number:02}"] = {**garbled, "site": "harbour"}
            async with at_the_console([node], (100, 30)) as desk:
                await desk.sees("UNKN version", "north@unit1")
                for key in ("n", "2", "enter", "escape", "3", "enter", "escape", "4", "5", "6", "7", "1", "enter"):
                    await desk.press(key)
                    await desk.reads()
                await desk.press("escape", "1", "G")
                await desk.sees("north@unit1")

    asyncio.run(story())


GARBAGE: tuple[Any, ...] = (None, 7, "x", [], [None], [7], {}, {"x": 1}, True, 1e999, float("nan"), 10**400)


def everything() -> Json:
    """Return a document with all that pages read."""
    full = {"days": 9.0, "soonest": 5.0, "latest": 20.0}
    document = with_(
        put("check_in", 300),
        put("heard", NOW),
        put("thresholds", {"act_hours": 12}),
        put("vitals", {"a": NOW - 9, "heard": NOW - 9, "c": "of", "r": 3}),
        put("acknowledged", [{"node": "unit1", "check": "nas", "by": "ana", "text": "on it", "until": NOW + 99}]),
        put("monitoring", {"handled": [{"node": "unit1", "check": "camera", "kind": "acknowledged", "feed": "hq"}]}),
        put("mail", {"waiting": 2, "oldest": NOW - 99, "error": "refused"}),
        put("errand", {"kind": "import", "by": "ana", "since": NOW - 99, "text": "3 of 9"}),
        put("stuck", [{"name": "camera gate", "why": "in the kernel"}]),
        put("arrays", [{"name": "md0", "state": "active", "level": "raid1", "disks": 2, "up": 1, "finish": 60}]),
        put("drives", [{"name": "sda", "model": "M", "wear": 3, "bad": 2, "grew": 1}, {"error": "x", "since": NOW}]),
        put(
            "mounts", [{"name": "data", "at": "/", "type": "ext4", "free": 1, "total": 2, "write_s": 0.1, "full": full}]
        ),
        put(
            "watch", [{"name": "nas", "kind": "nas", "snmp": {"disks": [{"name": "1", "status": "bad"}]}, "count": {}}]
        ),
        put("redundancy", statuses.redundant()),
        put("cameras.0.row", {"missed": 2, "since": NOW - 99}),
        put("cameras.0.paused", {"since": NOW, "until": NOW + 99, "text": "rain"}),
        put("cameras.0.view", {"verdict": "black", "pictures": 3, "since": NOW - 99}),
        put("cameras.0.drift", {"iso": {"wanted": "100", "found": "400"}}),
        put("destinations.0.error", {"class": "Refused", "text": "no", "since": NOW - 99}),
        put("destinations.0.oldest", NOW - 99),
        put("destinations.0.eta", 60),
        put("destinations.0.waiting", 3),
        put("links.0.override", {"rung": "jpeg", "until": NOW + 99, "why": "so"}),
        put("buffer.dies", NOW + 9 * DAY),
        put("buffer.lost", 3),
    )
    said = [{"check": one, "subject": "", "state": 1, "line": "x", "loss_at": NOW + 99} for one in ("storage", "nas")]
    document["verdicts"] = [*verdicts(well(), NOW), *said]
    return document


def ways(document: Any, way: str = "") -> Iterator[str]:
    """Yield the way to everything in a document."""
    steps = document.items() if isinstance(document, dict) else enumerate(document)
    for step, value in steps:
        yield (here := f"{way}{step}")
        if isinstance(value, dict | list):
            yield from ways(value, f"{here}.")


def drawn(*documents: Json) -> None:
    """Make every page of these nodes, whole."""
    known = {f"unit{number}": understood(one) for number, one in enumerate(documents, 1)}
    view = SiteView("harbour", "unit1", known, instant(NOW), verbs=frozenset(VERBS))
    snapshot, now = Snapshot(instant(NOW), (view, SiteView("quay", "unit9"))), instant(NOW)
    found = fleet.entries(snapshot, all_nodes=True)
    fleet.heading(found, 1)
    for entry in found:
        assert fleet.cells(entry, now, True), entry.plain()
        camera.lines(entry, now)
    for alert in alerts.alerts(snapshot, everything=True):
        assert alerts.cells(alert, now).cells, (alerts.lines(alert, now), alert.plain())
    places = deliveries.places(snapshot)
    deliveries.heading(places)
    for place in places:
        assert deliveries.cells(place, now).cells, (deliveries.lines(place, None, now), place.plain())
    for store in storage.stores(snapshot):
        assert storage.cells(store, now).cells, (storage.lines(store, now), store.plain())
    for held in redundancy.held(snapshot):
        assert redundancy.cells(held, now, False, False).cells, (redundancy.lines(held, snapshot), held.plain())
    for server in servers.servers(snapshot):
        assert servers.cells(server).cells, (servers.lines(server), server.plain())
    redundancy.engines(snapshot)
    for name, one in known.items():
        assert node.lines(snapshot, "harbour", name)
        assert hardware.lines(one, now)
    for words in (("pause", "gate@unit1", "2h"), ("redundancy-handover", "gate"), ("retry", "nas@unit1")):
        with contextlib.suppress(NotUnderstood):
            intended(words, snapshot)


def test_every_page_is_made_whatever_stands_anywhere_in_a_document() -> None:
    whole = everything()
    drawn(whole)
    assert understood(whole) == whole
    for way in ways(whole):
        for garbage in GARBAGE:
            garbled = copy.deepcopy(whole)
            put(way, garbage)(garbled)
            drawn(garbled)
