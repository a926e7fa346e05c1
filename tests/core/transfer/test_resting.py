"""Connections that rest: what died meanwhile is made anew at once, and what is really gone is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from core.errors import DestinationRefused, DestinationUnreachable
from core.transfer.resting import RESTED, Resting
from core.worker import Talk

NODE = Talk(lambda message: None, lambda: {"reply": {"granted": 1}})  # it grants whatever is asked for


@dataclass
class Line:
    """A connection through a NAT that forgets it after `forgets` seconds. `there`: whether the other end is."""

    forgets: float = 120.0
    there: bool = True
    now: float = 1000.0
    used_at: float | None = None
    told: list[str] = field(default_factory=list)

    def ask(self, talk: Talk) -> str:
        if self.used_at is None:
            self.told.append("log in")
            self.used_at = self.now
        self.told.append("ask")
        if not self.there or self.now - self.used_at > self.forgets:
            raise DestinationUnreachable("no answer")
        self.used_at = self.now
        return "done"

    def hang_up(self, lane: int) -> None:
        self.told.append("hang up")
        self.used_at = None


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def resting(line: Line) -> Resting:
    kept = Resting(line.hang_up, lambda: line.now)
    kept.do(NODE, line.ask)
    line.told.clear()
    return kept


def test_a_connection_that_lives_is_used_again(line: Line, resting: Resting) -> None:
    line.now += 119
    assert resting.do(NODE, line.ask) == "done"
    assert line.told == ["ask"]


def test_one_that_died_at_rest_is_made_anew_at_once_and_not_tried_again_after_such_a_rest(
    line: Line, resting: Resting
) -> None:
    line.now += 300
    assert resting.do(NODE, line.ask) == "done"
    assert line.told == ["ask", "hang up", "log in", "ask"]
    line.told.clear()
    line.now += 300
    assert resting.do(NODE, line.ask) == "done"
    assert line.told == ["hang up", "log in", "ask"], "a time-out is paid once"


def test_what_is_gone_is_told_and_nothing_is_learnt_of_rests(line: Line, resting: Resting) -> None:
    line.there = False
    line.now += 100
    with pytest.raises(DestinationUnreachable):
        resting.do(NODE, line.ask)
    line.there, line.used_at = True, None
    resting.do(NODE, line.ask)
    line.told.clear()
    line.now += 100
    assert resting.do(NODE, line.ask) == "done"
    assert line.told == ["ask"]


def test_what_was_not_there_before_the_rest_is_asked_once(line: Line, resting: Resting) -> None:
    line.there = False
    for _ in range(2):
        line.now += 300
        line.told.clear()
        with pytest.raises(DestinationUnreachable):
            resting.do(NODE, line.ask)
    assert line.told.count("ask") == 1, "each knock at what is gone costs a time-out"


def test_what_fails_without_a_rest_is_not_asked_twice(line: Line, resting: Resting) -> None:
    line.there = False
    line.now += RESTED - 1
    with pytest.raises(DestinationUnreachable):
        resting.do(NODE, line.ask)
    assert line.told == ["ask"]


def test_what_breaks_on_its_way_is_not_begun_anew_and_nothing_is_learnt_of_rests(line: Line, resting: Resting) -> None:
    def deliver(talk: Talk) -> str:
        line.ask(talk)
        talk.ask(grant=1)
        line.now += 200
        return line.ask(talk)

    line.now += 100
    with pytest.raises(DestinationUnreachable):
        resting.do(NODE, deliver)
    assert line.told == ["ask", "ask"], "what had gone is paid for: only the node knows where to go on"
    line.used_at = None
    resting.do(NODE, line.ask)
    line.told.clear()
    line.now += 100
    resting.do(NODE, line.ask)
    assert line.told == ["ask"]


def test_a_refusal_is_no_dead_connection(line: Line, resting: Resting) -> None:
    def refused(talk: Talk) -> None:
        line.told.append("ask")
        raise DestinationRefused("no")

    line.now += 300
    with pytest.raises(DestinationRefused):
        resting.do(NODE, refused)
    assert line.told == ["ask"]


def lane(number: int) -> Talk:
    return Talk(NODE.send, NODE.read, number)


@dataclass
class Lanes:
    """A connection of each lane through one NAT, beside the ones that `resting` hangs up."""

    lines: tuple[Line, Line] = field(default_factory=lambda: (Line(), Line()))

    def __post_init__(self) -> None:
        self.resting = Resting(lambda lane: self.lines[lane].hang_up(lane), lambda: self.lines[0].now)
        for number in (0, 1):
            self.do(number)
        self.forget()

    def do(self, number: int) -> str:
        return self.resting.do(lane(number), self.lines[number].ask)

    def rest(self, seconds: float) -> None:
        for line in self.lines:
            line.now += seconds

    def forget(self) -> None:
        for line in self.lines:
            line.told.clear()


def test_lanes_that_begin_together_after_a_rest_each_make_theirs_anew_and_leave_that_of_the_other() -> None:
    lanes = Lanes()

    def first(talk: Talk) -> str:
        lanes.do(1)  # begins while the first is at it
        return lanes.lines[0].ask(talk)

    lanes.rest(300)
    assert lanes.resting.do(NODE, first) == "done"
    assert lanes.lines[1].told == ["ask", "hang up", "log in", "ask", "ask"], "its own rest was as long"
    assert lanes.lines[0].told == ["ask", "hang up", "log in", "ask"]


def test_a_lane_that_rested_leaves_the_one_that_is_at_work() -> None:
    lanes = Lanes()

    def sends_on(talk: Talk) -> str:
        lanes.rest(100)
        lanes.lines[0].ask(talk)
        lanes.rest(100)
        assert lanes.do(1) == "done"
        return lanes.lines[0].ask(talk)

    assert lanes.resting.do(NODE, sends_on) == "done"
    assert lanes.lines[1].told == ["ask", "hang up", "log in", "ask"]
    assert lanes.lines[0].told == ["ask", "ask"]
    lanes.forget()
    assert lanes.resting.do(NODE, sends_on) == "done"
    assert lanes.lines[1].told == ["hang up", "log in", "ask"], "such a rest is known now"
    assert lanes.lines[0].told == ["ask", "ask"]


def test_once_a_rest_is_known_to_end_connections_those_of_idle_lanes_end_with_it() -> None:
    lanes = Lanes()
    lanes.rest(300)
    lanes.do(0)
    lanes.do(1)
    lanes.forget()
    lanes.rest(300)
    lanes.do(1)
    assert lanes.lines[0].told == ["hang up"], "they may share one connection"
    assert lanes.lines[1].told == ["hang up", "log in", "ask"]
