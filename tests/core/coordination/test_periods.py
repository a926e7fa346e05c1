"""A failover is one thing with a begin, an end and a cost."""

from __future__ import annotations

import json
from dataclasses import replace

from core.coordination.periods import Period, SlotCopies, begun, counted, ended, lines
from core.coordination.protocol.records import Owner
from core.values import Fence

TAKEN = Owner("cloud", "cd-1", Fence(1, 2), "failure", at=1_790_000_040, case="unit.ab-1.down")
BACK = Owner("unit", "ab-2", Fence(1, 3), "back", at=1_790_000_400, case="unit.ab-2.back")


def period() -> Period:
    found = begun("gate", TAKEN, 1_790_000_000)
    assert found is not None
    return found


def test_it_begins_with_the_last_shot_of_the_node_that_failed() -> None:
    assert (period().node, period().by, period().dark, period().end) == ("unit", "cloud", 40, None)
    assert begun("gate", replace(TAKEN, why="start"), None) is None
    unknown = begun("gate", TAKEN, None)
    assert unknown is not None
    assert unknown.dark == 0


def test_it_ends_when_another_node_owns_the_camera() -> None:
    restarted = replace(TAKEN, sid="cd-2", fence=Fence(1, 3), why="restart")
    assert ended(period(), restarted).end is None
    assert ended(period(), BACK).end == 1_790_000_400
    assert ended(period(), replace(BACK, fence=Fence(1, 1))).end is None
    assert ended(ended(period(), BACK), replace(BACK, at=1_790_009_999, fence=Fence(1, 9))).end == 1_790_000_400


def test_its_slots_are_counted_lost_filled_and_spare() -> None:
    slots = [SlotCopies(1_790_000_000 + at, copies, filled) for at, copies, filled in (
        (0, 1, False), (10, 0, False), (20, 1, True), (30, 0, True), (40, 1, False), (50, 3, False), (400, 2, False),
        (410, 0, False),
    )]  # fmt: skip
    done = counted(ended(period(), BACK), slots)
    assert (done.lost, done.filled, done.spares) == (2, 1, 3)
    assert counted(done, slots) == done


def test_it_is_kept_as_json() -> None:
    assert Period.from_json(json.loads(json.dumps(period().to_json()))) == period()


def test_it_is_told_in_words() -> None:
    done = counted(ended(period(), BACK), [SlotCopies(1_790_000_010, 0)])
    assert [*lines([done], "nothing to do")] == [
        "gate: from unit to cloud at 20260921T141400Z, fence 1-2",
        "  dark for 40s; slots lost 1, filled 0, spares 0",
        "  back at 20260921T142000Z, after 6m",
        "Next: nothing to do",
    ]
