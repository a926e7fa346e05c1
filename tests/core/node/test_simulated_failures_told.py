"""Failures and returns of servers on simulated nodes with a mail server: one event and one mail for each."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from peers.post import ANA, SMTP, Post
from peers.simulation import BEGIN, site_toml

from core.node.jobs import Worker
from core.simulate.shared import SharedEngine
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World


class Fleet:
    """A unit, its backup that mails, and an office that mails when the backup does not."""

    def __init__(self, switches: str = "mail = true", every: str = "10m") -> None:
        text = site_toml(
            cameras=("gate", "yard"),
            every=every,
            camera='primary = "unit1"\nbackup = "fr"',
            extra=f'[[node]]\nname = "fr"\nkind = "cloud"\nredundancy = {{ {switches} }}\n'
            f'[[node]]\nname = "office"\nkind = "office"\n{SMTP}',
            head='clock = "host"',
        )
        text = text.replace('kind = "gphoto2"', 'kind = "http"\nurl = "http://10.0.0.9/a.jpg"')
        self.world = World(BEGIN)
        self.engine = SharedEngine(self.world)
        self.sites = {
            name: SimulatedSite(self.world, text, node=name, engine=self.engine) for name in ("unit1", "fr", "office")
        }
        self.posts = {name: Post(self.world) for name in self.sites}
        for name, site in self.sites.items():
            site.others[Worker("mail")] = self.posts[name]
        self.node = SimulatedNode(self.world, list(self.sites.values()))
        self.run(minutes=1)

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    def crash(self, name: str) -> None:
        one = self.sites[name]
        one.cut()
        self.node.sites = [site for site in self.node.sites if site is not one]

    def start(self, name: str) -> None:
        one = self.sites[name]
        self.node.sites = [*self.node.sites, one]
        one.start(self.node._queue)

    def fail_and_return(self) -> None:
        self.crash("unit1")
        self.run(minutes=3)
        self.start("unit1")
        self.run(minutes=5)

    def mails(self) -> Counter[str]:
        """Return how often each message came to somebody."""
        return Counter(number for post in self.posts.values() for _, number, to in post.taken if to == ANA)

    def texts(self) -> list[str]:
        return [text for post in self.posts.values() for texts in post.bodies.values() for text in texts]

    def told(self, kind: str) -> list[str]:
        return [text for site in self.sites.values() for text in site.told(kind)]


def test_there_is_one_mail_and_one_event_for_each_failure_and_each_return() -> None:
    fleet = Fleet()
    for _ in range(2):
        fleet.fail_and_return()
        fleet.world.jump(timedelta(hours=3))  # more of them within an hour were flapping
    fleet.run(minutes=4)
    assert list(fleet.mails().values()) == [1] * 4
    assert [len(fleet.told(kind)) for kind in ("server failed", "server returned")] == [2, 2]
    failed, back = fleet.texts()[:2]
    assert "Server unit1 of site quarry fell silent; fr shoots its 2 cameras now." in failed
    assert "Dark   4" in failed or "Dark   3" in failed, "seconds"
    assert "Next: look after unit1; it gets its cameras back by itself" in failed
    assert "Server unit1 of site quarry is back and shoots its 2 cameras again." in back


def test_no_mail_tells_of_a_camera_in_constant_mode_and_the_events_do() -> None:
    fleet = Fleet("mail = true, constant = true")
    fleet.fail_and_return()
    assert fleet.mails() == {}
    assert [len(fleet.told(kind)) for kind in ("server failed", "server returned")] == [1, 1]


@pytest.mark.parametrize("seconds", [20, 48, 52, 56, 70])
def test_when_the_sender_is_killed_no_mail_is_missing_and_at_most_one_comes_twice(seconds: float) -> None:
    fleet = Fleet()
    fleet.posts["fr"].seconds = 4.0
    fleet.crash("unit1")
    fleet.run(seconds=seconds)
    fleet.crash("fr")
    fleet.run(minutes=5)
    fleet.start("fr")
    fleet.run(minutes=4)
    assert len(fleet.mails()) == 1, "unit1 failed once"
    assert max(fleet.mails().values()) <= 2


def test_a_failover_is_kept_with_what_it_cost_and_shown() -> None:
    fleet = Fleet(every="10s")
    fleet.crash("unit1")
    fleet.run(minutes=1)
    fleet.start("unit1")
    fleet.run(minutes=4)
    rows = fleet.sites["fr"].document["redundancy"]["periods"]
    assert [(row["camera"], row["node"], row["by"]) for row in rows] == [
        ("gate", "unit1", "fr"),
        ("yard", "unit1", "fr"),
    ]
    assert all(row["begin"] < row["taken"] < row["end"] for row in rows)
    assert all(2 <= row["lost"] <= 4 for row in rows), "of slots each 10 s"
