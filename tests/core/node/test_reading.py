"""Reading how nodes are at a place that is none: how fresh that is, and what its secret holds up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.catalogue.store import Catalogue
from core.node.between import batches
from core.node.between.changes import Changes
from core.node.between.checkins import CheckIns
from core.node.between.reading import Reading
from core.node.context import Context
from core.node.jobs import Done, Job, Json, Setting, Worker
from core.node.sending.linking import Linking
from core.site.load import reparse
from core.status.read import VERSION
from core.transfer import drops
from core.values import utc

TEXT = """version = 1
site = { name = "quay", zone = "UTC", data = "data" }
[[node]]
name = "unit1"
[[node]]
name = "hub"
kind = "cloud"
reads = ["shop"]
[[destination]]
name = "shop"
address = "sftp://photos@shop.example/quay"
password_file = "secret"
status = true
[[route]]
what = ["jpeg"]
to = "shop"
"""
NOW, DAY = 1_795_000_000.0, 86400.0


@dataclass
class Hub:
    """The desk of a hub, which is given by hand what stands at the place."""

    folder: Path
    now: float = NOW
    asked: list[Job] = field(default_factory=list)
    told: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        site = reparse(TEXT)
        said = {
            "site": site,
            "node": site.node[1],
            "base": self.folder,
            "folders": SimpleNamespace(fleet=self.folder),
            "catalogue": Catalogue.in_memory(),
            "hands": self,
            "now": lambda: utc(self.now),
            "monotonic": lambda: self.now,
            "tell": lambda *told: self.told.append(told),
            "evaluate": lambda document, now: [],
            "publish": lambda path, document: path.write_text(json.dumps(document)),
        }
        context = cast(Context, SimpleNamespace(**said))
        self.checkins = CheckIns(context, dict, lambda document: None, Changes(context))
        linking = cast(Linking, SimpleNamespace(carries=lambda *which: True, spent=lambda *which: None))
        self.desk = Reading(context, linking, self.checkins)

    def equip(self, worker: Worker, setting: Setting) -> None:
        """Be the hands: a child was made ready."""

    def give(self, job: Job) -> None:
        """Be the hands: a look is asked for."""
        self.asked.append(job)

    def look(self, at: float) -> Json:
        """Look at the place, where the unit left a document at `at`; return what is known of the unit."""
        self.desk.tick()
        empty: dict[str, list[Any]] = {"cameras": [], "destinations": [], "links": []}
        said = {"version": VERSION, "site": "quay", "node": "unit1", "at": at, **empty}
        found = batches.put(drops.status("quay", "unit1"), [{"status": said}])
        self.desk.handle(Done(self.asked.pop(), {"objects": [found]}, 1.0))
        return self.checkins.heard["unit1"]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    made = Hub(tmp_path)
    made.desk.apply()
    return made


def test_what_stood_at_a_place_for_days_is_as_old_as_it_says_after_a_start(hub: Hub) -> None:
    assert hub.look(at=NOW - 3 * DAY)["heard"] == NOW - 3 * DAY


def test_what_comes_anew_was_heard_when_it_was_read_and_so_was_the_first_of_a_clock_ahead(hub: Hub) -> None:
    assert hub.look(at=NOW + 600)["heard"] == NOW
    hub.now += 300
    assert hub.look(at=NOW + 800)["heard"] == NOW + 300


def test_a_place_whose_secret_could_not_be_read_is_looked_at_once_it_can_and_the_site_is_read_again(hub: Hub) -> None:
    secret = hub.folder / "secret"
    secret.chmod(0o644)
    hub.desk.apply()
    hub.desk.tick()
    assert hub.asked == []
    secret.chmod(0o600)
    hub.desk.apply()
    assert hub.look(at=NOW)["at"] == NOW
    assert [kind for kind, *_ in hub.told] == ["status unreadable", "status readable"]
