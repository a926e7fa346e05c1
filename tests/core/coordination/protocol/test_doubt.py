"""What is in doubt is read back: answers that are lost, late, repeated or hostile, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.coordination.base import Held
from core.coordination.protocol.driving import right
from core.coordination.protocol.ingest import Ranks, admit, record_of
from core.coordination.protocol.messages import (
    Action,
    Answer,
    Beacon,
    Call,
    Done,
    Event,
    Found,
    Garbled,
    Hint,
    Listed,
    Order,
    Own,
    Sent,
    Stop,
    Stopped,
    Vitals,
    Wake,
)
from core.coordination.protocol.records import (
    CameraPlan,
    Owner,
    SessionRecord,
    encode,
    owner_key,
    parse_owner,
    parse_session,
    session_key,
)
from core.coordination.protocol.state import Moment, State
from core.coordination.protocol.step import Start, begin, step
from core.errors import FenceRefused
from core.values import Fence, PictureName, utc

GATE = CameraPlan(0, "unit", "cloud", exclusive=True)


class Desk:
    """A node whose every call is answered by the test."""

    def __init__(self, me: str, camera: CameraPlan = GATE) -> None:
        self.now = 100.0
        self.state: State = begin(Start(me=me, process="ab", cameras={"gate": camera}), self.at())
        self.calls: list[Call] = []
        self.told: list[Action] = []
        self.hear(Wake())

    def at(self) -> Moment:
        return Moment(self.now, 1_790_000_000 + self.now)

    def hear(self, event: Event) -> None:
        self.state, actions = step(self.state, event, self.at())
        self.calls += [one for one in actions if isinstance(one, Call)]
        self.told += [one for one in actions if not isinstance(one, Call)]

    def call(self, op: str, key: str) -> Call:
        [found] = [one for one in self.calls if (one.op, one.key) == (op, key)]
        self.calls.remove(found)
        return found

    def answer(self, op: str, key: str, result: object) -> Call:
        call = self.call(op, key)
        self.hear(Answer(call.id, result))  # type: ignore[arg-type]
        return call

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.hear(Wake())

    def open(self, owner: Owner | None = None) -> None:
        """Open a session; `owner` owns the gate."""
        self.answer("read", "epoch", Found(Held(1, encode(1))))
        self.answer("list", "cfg.", Listed({}))
        held = {} if owner is None else {owner_key("gate"): Held(9, encode(owner))}
        self.answer("list", "own.", Listed(held))
        self.answer("read", session_key(self.state.me), Found(None))
        self.answer("cas", session_key(self.state.me), Done(2))
        for again in [one for one in self.calls if one.op == "list"]:
            self.answer("list", again.key, Listed(held))

    def owners(self) -> dict[str, Held]:
        """Return what the engine holds of owners, as this node knows it."""
        leases = self.state.leases.items()
        return {owner_key(name): Held(one.rev, encode(one.owner)) for name, one in leases if one.owner is not None}

    def drives(self) -> bool:
        found = right(self.state, "gate", self.now)
        return found is not None and found.role == "owner"


def owning() -> Desk:
    desk = Desk("unit")
    desk.open()
    desk.answer("cas", owner_key("gate"), Done(10))
    assert desk.drives()
    return desk


def test_the_deadline_counts_from_before_the_sending_however_late_it_is_known() -> None:
    desk = owning()
    desk.pass_time(10)
    sent = desk.now
    call = desk.call("cas", session_key("unit"))
    desk.now += 5
    desk.hear(Answer(call.id, "unknown"))
    desk.now += 4
    desk.answer("read", session_key("unit"), Found(Held(5, call.value)))
    assert desk.state.session.deadline == sent + 30


def test_a_renewal_that_was_lost_is_sent_under_a_new_number_by_the_revision_that_is_there() -> None:
    desk = owning()
    desk.pass_time(10)
    lost = desk.call("cas", session_key("unit"))
    desk.hear(Answer(lost.id, "unknown"))
    before = SessionRecord("ab-1", 1, 10.0, 30.0)
    desk.answer("read", session_key("unit"), Found(Held(2, encode(before))))
    again = desk.call("cas", session_key("unit"))
    assert again.rev == 2
    assert parse_session("k", again.value).n > parse_session("k", lost.value).n


def test_an_answer_that_comes_twice_or_for_no_call_changes_nothing() -> None:
    desk = owning()
    desk.pass_time(10)
    call = desk.call("cas", session_key("unit"))
    desk.hear(Answer(call.id, Done(3)))
    before = desk.state
    desk.hear(Answer(call.id, Done(99)))
    desk.hear(Answer(12345, "conflict"))
    assert (desk.state.session, desk.state.leases) == (before.session, before.leases)


def test_a_call_that_is_never_answered_is_taken_for_one_in_doubt() -> None:
    desk = owning()
    desk.pass_time(10)
    desk.call("cas", session_key("unit"))
    desk.pass_time(21)
    assert desk.call("read", session_key("unit"))


def test_an_exclusive_camera_is_let_go_at_the_deadline_without_being_told() -> None:
    desk = owning()
    desk.now += 29.9
    assert desk.drives()
    desk.now += 0.1
    assert not desk.drives()


def test_a_take_in_doubt_is_read_back_and_counts_when_it_is_there() -> None:
    desk = Desk("unit")
    desk.open()
    call = desk.answer("cas", owner_key("gate"), "unknown")
    assert not desk.drives()
    desk.answer("read", owner_key("gate"), Found(Held(12, call.value)))
    assert desk.drives()


def test_a_take_that_another_was_first_with_is_given_up() -> None:
    desk = Desk("unit")
    desk.open()
    desk.answer("cas", owner_key("gate"), "conflict")
    other = Owner("cloud", "cd-1", Fence(1, 1), "failure")
    desk.answer("read", owner_key("gate"), Found(Held(12, encode(other))))
    assert not desk.drives()
    assert [one for one in desk.calls if one.op == "cas"] == []


def handing_back() -> tuple[Desk, Call]:
    """A backup that sent the record by which the camera is the unit's, and does not know what became of it."""
    desk = Desk("cloud")
    desk.open(Owner("cloud", "old-1", Fence(1, 4), "failure", hold=20))
    desk.answer("cas", owner_key("gate"), Done(10))  # its own again, in this session
    n, rev = 0, 20

    def renewed() -> Found:
        return Found(Held(rev, encode(SessionRecord("un-1", n, 10.0, 30.0))))

    desk.answer("read", session_key("unit"), renewed())
    for _ in range(12):
        if any(isinstance(one, Stop) for one in desk.told):
            break
        desk.pass_time(8)
        n, rev = n + 1, rev + 1
        for call in list(desk.calls):
            result: object = renewed() if call.key == session_key("unit") else Done(100 + rev)
            desk.answer(call.op, call.key, Listed(desk.owners()) if call.op == "list" else result)
    assert any(isinstance(one, Stop) for one in desk.told)
    assert not desk.drives()
    desk.hear(Stopped("gate"))
    return desk, desk.answer("cas", owner_key("gate"), "unknown")


def test_an_owner_stops_before_it_gives_back_and_stays_stopped_while_that_is_in_doubt() -> None:
    desk, call = handing_back()
    given = parse_owner("k", call.value)
    assert (given.node, given.sid, given.fence, given.why) == ("unit", "un-1", Fence(1, 6), "back")
    assert not desk.drives()
    desk.pass_time(60)
    assert not desk.drives()


def test_one_that_keeps_it_after_all_takes_a_new_fence_that_outruns_what_may_yet_be_applied() -> None:
    desk, _ = handing_back()
    desk.pass_time(26)  # the unit has not renewed for too long
    desk.pass_time(3)
    mine = desk.state.leases["gate"]
    assert mine.owner is not None
    for read in [one for one in desk.calls if (one.op, one.key) == ("read", owner_key("gate"))]:
        desk.hear(Answer(read.id, Found(Held(mine.rev, encode(mine.owner)))))
    assert not desk.drives()
    for read in [one for one in desk.calls if one.key == "epoch"]:  # after so long it is asked for anew
        desk.hear(Answer(read.id, Found(Held(1, encode(1)))))
    desk.pass_time(3)
    for read in [one for one in desk.calls if (one.op, one.key) == ("read", owner_key("gate"))]:
        desk.hear(Answer(read.id, Found(Held(mine.rev, encode(mine.owner)))))
    call = desk.answer("cas", owner_key("gate"), Done(300))
    kept = parse_owner("k", call.value)
    assert (kept.node, kept.why, call.rev) == ("cloud", "resume", mine.rev)
    assert kept.fence > mine.owner.fence
    assert any(isinstance(one, Own) and one.why == "resume" for one in desk.told)


def test_what_is_garbled_is_told_and_passed_over() -> None:
    desk = Desk("unit")
    desk.answer("read", "epoch", Found(Held(1, b'{"e":"x"}')))
    assert [one.key for one in desk.told if isinstance(one, Garbled)] == ["epoch"]


values = st.binary(max_size=20) | st.sampled_from(
    [
        encode(SessionRecord("ab-1", 0, 10.0, 30.0)),
        encode(SessionRecord("ab-1", 3, 10.0, 30.0, "cloud")),
        encode(Owner("unit", "ab-1", Fence(1, 1), "start")),
        encode(Owner("cloud", "cd-1", Fence(9, 1), "failure", case="unit.x.down")),
        encode(CameraPlan(4, "cloud", "unit")),
        encode(3),
    ]
)
held = st.builds(Held, st.integers(1, 30), values)
keys = st.sampled_from(
    ["epoch", "cfg.cam.gate", "cfg.node.unit", "own.gate", "own.x", "sess.unit", "sess.cloud", "", ".", "note.a"]
)
results = st.one_of(
    st.builds(Done, st.integers(0, 30)),
    st.builds(Found, st.none() | held),
    st.builds(Listed, st.dictionaries(keys, held, max_size=3)),
    st.sampled_from(["conflict", "unknown", "unavailable"]),
)
events = st.one_of(
    st.builds(Answer, st.integers(1, 20), results),
    st.just(Wake()),
    st.builds(Hint, keys),
    st.builds(Beacon, st.text(max_size=4)),
    st.builds(Stopped, st.sampled_from(["gate", "x"])),
    st.builds(Order, st.sampled_from(["gate", "x"])),
    st.builds(Sent, st.text(max_size=4)),
    st.builds(Vitals, st.frozensets(st.sampled_from(["gate"])), st.text(max_size=8)),
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["unit", "cloud"]), st.lists(st.tuples(events, st.floats(0, 50)), max_size=25))
def test_nothing_that_is_heard_makes_it_raise_or_ask_twice_for_one_key(
    me: str, heard: list[tuple[Event, float]]
) -> None:
    desk = Desk(me)
    for event, later in heard:
        desk.now += later
        state = desk.state
        again = step(state, event, desk.at())
        desk.hear(event)
        assert step(state, event, desk.at()) == again  # pure: the state that it was given is as it was
        asked = [one.key for one in desk.state.calls.values()]
        assert len(asked) == len(set(asked))
        assert desk.state.wake >= 0


def picture(fence: str, node: str) -> PictureName:
    return PictureName("gate", utc(1_790_000_000), node, Fence.parse(fence), "jpg")


def test_the_record_picture_is_that_of_the_highest_fence_then_the_primarys_in_any_order() -> None:
    pictures = [picture("1-9", "unit"), picture("2-1", "cloud"), picture("2-1", "unit"), picture("1-12", "office")]
    ranks = Ranks(("unit", "cloud"))
    assert record_of(pictures, ranks) == record_of(reversed(pictures), ranks) == picture("2-1", "unit")
    assert record_of(pictures, Ranks(("cloud", "unit"))) == picture("2-1", "cloud")


def test_a_mutable_place_refuses_a_stale_owner_and_no_other() -> None:
    held_there = admit(admit({}, "gate", Fence(1, 4)), "gate", Fence(1, 5))
    assert admit(held_there, "gate", Fence(1, 5)) == {"gate": Fence(1, 5)}
    with pytest.raises(FenceRefused, match="written under 1-5; 1-4 is stale"):
        admit(held_there, "gate", Fence(1, 4))
    assert admit(held_there, "yard", Fence(1, 1))["gate"] == Fence(1, 5)


def test_a_shared_camera_that_is_not_exclusive_is_shot_while_it_is_handed_on() -> None:
    desk = Desk("unit", replace(GATE, exclusive=False))
    desk.open()
    desk.answer("cas", owner_key("gate"), Done(10))
    desk.hear(Order("gate"))
    assert desk.drives()
