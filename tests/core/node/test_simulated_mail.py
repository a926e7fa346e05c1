"""The outbox of a node on a fake clock: a mail server that is away, refuses, asks for patience; stops of the node."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from peers.post import ANA, BEN, SMTP, Post
from peers.simulation import BEGIN, CALM, Simulation, site_toml

from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import Role
from core.errors import MailRefused, MailUnreachable
from core.node.jobs import Worker
from core.notify.outbox import FLAPS, Cause, number_of
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.values import milliseconds_of

WHO = Who(1000, "ana", Role.ADMIN, 1)


class Mailed(Simulation):
    post: Post

    def notice(self, key: str, family: str = "") -> str | None:
        now = milliseconds_of(self.world.now())
        cause = Cause(key=key, subject=f"about {key}", text=f"text of {key}", at=now, family=family)
        number = self.site.running.desks.mailing.notice(cause)
        self.run(seconds=0.5)
        return number

    def ask(self, verb: str, **args: Any) -> Any:
        said: list[Any] = []
        self.site.ask(Request(verb, args, WHO, said.append))
        return said[0]

    def waiting(self) -> list[Any]:
        return list(self.ask("mail")["done"]["waiting"])

    def got(self, who: str = ANA) -> list[str]:
        return [number for _, number, one in self.post.taken if one == who]


@pytest.fixture
def world() -> Mailed:
    world = World(BEGIN)
    site = SimulatedSite(world, site_toml(extra=SMTP), pace=CALM)
    made = Mailed(world, SimulatedNode(world, [site], longest_sleep=600), site, BEGIN)
    made.post = Post(world)
    site.others[Worker("mail")] = made.post
    made.run(minutes=1)
    return made


def test_a_cause_is_mailed_once_to_everybody_and_told(world: Mailed) -> None:
    number = world.notice("own.north.1.7")
    assert world.notice("own.north.1.7") is None
    world.run(minutes=1)
    assert number == number_of("quarry", "own.north.1.7")
    assert (world.got(ANA), world.got(BEN)) == ([number], [number])
    assert world.site.told("mail sent") == [f"about own.north.1.7: to {ANA}, {BEN}"]
    assert world.waiting() == []
    world.node.off(timedelta(hours=1))
    world.run(minutes=1)
    assert world.notice("own.north.1.7") is None


def test_without_a_server_nothing_is_kept() -> None:
    world = World(BEGIN)
    site = SimulatedSite(world, site_toml(), pace=CALM)
    node = SimulatedNode(world, [site])
    node.run(timedelta(minutes=1))
    assert site.running.desks.mailing.notice(Cause(key="k", subject="s", text="t", at=0)) is None
    node.run(timedelta(minutes=1))
    assert site.running.desks.mailing.row() is None


def test_a_server_that_is_away_for_half_a_day_gets_everything_when_it_is_back(world: Mailed) -> None:
    world.post.down = MailUnreachable("mail.example:587: Connection refused")
    for n in range(20):
        world.notice(f"k{n}")
    world.run(hours=6)
    row = world.site.running.desks.mailing.row()
    assert row is not None
    assert (row["waiting"], row["error"]) == (20, "mail.example:587: Connection refused")
    world.node.off(timedelta(hours=1))
    world.run(hours=6)
    world.post.down = None
    tries = len(world.post.tries)
    assert tries < 70, "a server that is away is not asked for each letter"
    world.run(minutes=20)
    assert sorted(world.got()) == sorted(number_of("quarry", f"k{n}") for n in range(20))
    assert len(world.site.told("mail trouble")) == 2  # one of them after the stop
    assert len(world.site.told("mail back")) == 1


def test_a_server_that_hangs_delays_no_slot(world: Mailed) -> None:
    world.post.hangs = True
    world.notice("k")
    world.run(hours=2)
    assert world.broken() == []
    assert len(world.post.tries) > 3
    world.post.hangs = False
    world.run(minutes=20)
    assert len(world.got()) == 1


def test_greylisting_is_waited_out_for_those_whom_it_concerns_alone(world: Mailed) -> None:
    world.post.refuses = {BEN: 450}
    world.notice("k")
    world.run(minutes=10)
    assert (len(world.got(ANA)), world.got(BEN)) == (1, [])
    world.post.refuses = {}
    world.run(minutes=20)
    assert (len(world.got(ANA)), len(world.got(BEN))) == (1, 1)
    assert world.site.told("mail refused") == []


def test_a_recipient_refused_for_good_is_told_and_the_others_have_it(world: Mailed) -> None:
    world.post.refuses = {BEN: 550}
    world.notice("k")
    world.run(hours=3)
    assert (len(world.post.tries), world.waiting()) == (1, [])
    assert world.site.told("mail refused") == ["about k: 550 no"]


def test_what_everybody_refuses_waits_for_a_person_and_is_offered_now_and_then(world: Mailed) -> None:
    world.post.refuses = {ANA: 554, BEN: 554}
    world.notice("k")
    world.run(hours=12)
    assert 10 < len(world.post.tries) < 25
    (row,) = world.waiting()
    assert row["error"] == "554 no; 554 no"
    world.post.refuses = {}
    assert world.ask("mail-retry", message=row["id"][:8]) == {"done": {"messages": 1}}
    world.run(minutes=1)
    assert (len(world.got(ANA)), len(world.got(BEN))) == (1, 1)


def test_a_message_that_an_operator_drops_is_never_sent(world: Mailed) -> None:
    world.post.down = MailRefused("535 no")
    number = world.notice("k")
    world.run(minutes=1)
    assert world.ask("mail-drop", message="0123")["error"] == "NoSuchThing"
    assert world.ask("mail-drop", message=str(number)[:6])["done"] == {"message": number}
    world.post.down = None
    world.run(hours=5)
    assert world.got() == []
    assert world.ask("mail")["done"]["ended"][-1]["how"] == "dropped"


def test_a_test_is_tried_once_and_says_what_happened(world: Mailed) -> None:
    world.post.down = MailRefused("mail.example:587 refuses user or password: 535 no")
    number = world.ask("mail-test")["done"]["message"]
    world.run(minutes=1)
    ended = world.ask("mail")["done"]["ended"][-1]
    assert (ended["id"], ended["how"]) == (number, "failed")
    assert "535" in ended["error"]
    world.post.down = None
    world.ask("mail-test")
    world.run(minutes=1)
    assert world.ask("mail")["done"]["ended"][-1]["steps"] == ["it answers"]
    assert len(world.post.tries) == 2


@pytest.mark.parametrize("after", [0.2, 0.9, 1.1])
def test_a_power_cut_around_the_servers_word_loses_no_message_and_doubles_one_at_most(
    world: Mailed, after: float
) -> None:
    numbers = []
    for n in range(6):
        now = milliseconds_of(world.world.now())
        numbers.append(world.site.running.desks.mailing.notice(Cause(key=f"k{n}", subject="s", text="t", at=now)))
        world.run(seconds=after)
        world.node.cut()
        world.run(seconds=30)
    world.run(minutes=5)
    got = world.got()
    assert set(got) == set(numbers)
    assert max(map(got.count, got)) <= 2


def test_flapping_ends_in_a_digest_whose_text_stays_what_it_is(world: Mailed) -> None:
    sent = [world.notice(f"k{n}", family="north") for n in range(FLAPS)]
    folded = {world.notice(f"k{n}", family="north") for n in range(FLAPS, 30)}
    assert len(folded) == 1
    world.run(minutes=50)
    world.node.cut()
    world.run(minutes=15)
    (digest,) = folded
    assert world.got() == [*sent, digest]
    (body,) = world.post.bodies[str(digest)]
    assert body.count("about k") == 30 - FLAPS


def test_those_who_wanted_it_told_hear_when_it_is(world: Mailed) -> None:
    heard: list[str] = []
    world.site.running.desks.mailing.on_sent = heard.append
    world.post.down = MailUnreachable("away")
    world.notice("k1")
    world.notice("k2")
    world.run(seconds=5)
    assert world.site.running.desks.mailing.withdraw("k2")
    assert not world.site.running.desks.mailing.withdraw("k2")
    world.post.down = None
    world.run(minutes=10)
    assert heard == ["k1"]
    assert world.got() == [number_of("quarry", "k1")]


def test_a_new_server_is_tried_at_once(world: Mailed) -> None:
    world.post.down = MailRefused("535 no")
    world.notice("k")
    world.run(hours=3)
    world.post.down = None
    changed = world.site.reload(site_toml(extra=SMTP.replace("mail.example", "post.example")))
    assert changed["done"] == {"changed": []}
    world.run(seconds=5)
    assert len(world.got()) == 1
