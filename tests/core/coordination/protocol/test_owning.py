"""Who owns a camera: at the start, after a death, after a cut, and how it comes back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from peers.leases import FAST, GATE, Fleet, exclusive

from core.coordination.protocol.messages import Buried, Cut, Joined, Lost, Order, Own, Refused, Suspected, Uncovered
from core.coordination.protocol.profiles import CELLULAR, NORMAL
from core.coordination.protocol.profiles import FAST as PACE
from core.coordination.protocol.records import CameraPlan, NodePlan, camera_key, encode
from core.values import Fence

SLOW = NodePlan()


def test_a_primary_that_starts_owns_its_cameras_under_the_first_fence() -> None:
    fleet = Fleet().start()
    assert (fleet.owner().node, fleet.fence(), fleet.role("unit")) == ("unit", Fence(1, 1), "owner")
    assert fleet.role("cloud") is None


def test_a_unit_none_of_whose_cameras_has_a_backup_opens_no_session_and_shoots() -> None:
    fleet = Fleet({"gate": replace(GATE, backup=None)}).start()
    fleet.wait(300)
    assert fleet.changed == []
    assert fleet.role("unit") == "owner"


@pytest.mark.parametrize(
    ("plan", "pace"),
    [(SLOW, NORMAL), (FAST, PACE), (NodePlan(profile="cellular"), CELLULAR)],
    ids=["normal", "fast", "cellular"],
)
def test_a_dead_primary_is_taken_for_dead_after_d_and_not_before(plan: NodePlan, pace: object) -> None:
    fleet = Fleet(nodes={"unit": plan}).start()
    fleet.wait(2.5 * pace.renew)  # type: ignore[attr-defined]
    fleet["unit"].crash()
    dark = fleet.until(lambda: fleet.owner().node == "cloud", 400)
    assert pace.wait - pace.renew <= dark <= pace.wait + 1  # type: ignore[attr-defined]
    assert fleet.fence() == Fence(1, 2)
    assert fleet.wait(1).role("cloud") == "owner"


def test_a_primary_that_is_started_anew_before_that_takes_a_new_fence_and_goes_on() -> None:
    fleet = Fleet().start().wait(20)
    fleet["unit"].crash()
    fleet.wait(4)["unit"].start()
    fleet.wait(1)
    assert (fleet.owner().node, fleet.owner().why, fleet.fence()) == ("unit", "restart", Fence(1, 2))


def test_an_owner_that_is_cut_off_goes_on_and_says_that_it_is() -> None:
    fleet = Fleet().start().wait(20)
    fleet["unit"].cut()
    fleet.wait(60)
    assert (fleet.role("unit"), fleet.role("cloud")) == ("owner", "owner")
    assert fleet.right("unit").fence < fleet.right("cloud").fence  # type: ignore[union-attr]
    assert len(fleet.of(Cut, "unit")) == 1


def test_an_exclusive_camera_is_let_go_at_the_deadline_before_the_backup_takes_it() -> None:
    fleet = Fleet({"gate": exclusive()}).start().wait(20)
    fleet["unit"].cut()
    stopped = fleet.until(lambda: fleet.role("unit") is None, 60)
    taken = fleet.until(lambda: fleet.role("cloud") == "owner", 60)
    assert stopped <= PACE.deadline
    assert taken > 0


def test_an_exclusive_camera_is_not_begun_that_would_end_after_the_deadline() -> None:
    fleet = Fleet({"gate": exclusive()}).start().wait(20)
    state, now = fleet["unit"].state, fleet["unit"].local()
    assert state is not None
    from core.coordination.protocol.driving import right

    left = state.session.deadline - now
    assert right(state, "gate", now, left - 0.1) is not None
    assert right(state, "gate", now, left) is None


def test_one_that_was_buried_learns_it_drops_all_and_opens_anew() -> None:
    fleet = Fleet().start().wait(20)
    fleet["unit"].cut()
    fleet.wait(30)["unit"].mend()
    fleet.wait(5)
    assert fleet.of(Buried, "unit") == [Buried("cloud")]
    assert len(fleet.of(Joined, "unit")) == 1
    assert fleet.role("unit") in (None, "spare")
    assert [type(one) for one in fleet.of(Suspected)] == [Suspected]


def test_a_camera_comes_back_after_the_hold_and_no_slot_is_lost_by_it() -> None:
    fleet = Fleet().start().wait(20)
    fleet["unit"].crash()
    fleet.until(lambda: fleet.owner().node == "cloud", 60)
    fleet["unit"].start()
    shot_by: list[set[str]] = []
    back = 0.0
    for second in range(120):
        fleet.wait(1)
        shot_by.append({name for name in ("unit", "cloud") if fleet.role(name) is not None})
        back = back or (second if fleet.owner().node == "unit" else 0)
    assert PACE.hold <= back <= PACE.hold + 6
    assert all(shot_by)
    assert shot_by[-1] == {"unit"}
    assert (fleet.owner().why, fleet.fence()) == ("back", Fence(1, 3))


def test_a_camera_does_not_come_back_to_a_node_that_cannot_reach_it() -> None:
    fleet = Fleet().start().wait(20)
    fleet["unit"].crash()
    fleet.wait(30)["unit"].start()
    fleet["unit"].see("gate", is_there=False)
    assert fleet.wait(200).owner().node == "cloud"
    fleet["unit"].see("gate", is_there=True)
    assert fleet.wait(60).owner().node == "unit"


def test_each_switch_within_the_hour_doubles_the_hold() -> None:
    fleet = Fleet().start().wait(20)
    holds = []
    for _ in range(3):
        fleet["unit"].crash()
        fleet.until(lambda: fleet.owner().node == "cloud", 60)
        holds.append(fleet.owner().hold)
        fleet["unit"].start()
        fleet.until(lambda: fleet.owner().node == "unit", 1000)
        fleet.wait(5)
    assert all(later == 2 * earlier for earlier, later in pairwise(holds))
    fleet.wait(3700)["unit"].crash()
    fleet.until(lambda: fleet.owner().node == "cloud", 60)
    assert fleet.owner().hold == holds[0]


def test_without_autoback_it_comes_back_by_order_alone() -> None:
    fleet = Fleet(nodes={"cloud": replace(FAST, autoback=False)}).start().wait(20)
    fleet["unit"].crash()
    fleet.wait(30)["unit"].start()
    assert fleet.wait(600).owner().node == "cloud"
    fleet.hear("cloud", Order("gate"))
    assert fleet.wait(10).owner().node == "unit"


def test_what_was_handed_over_by_order_stays_there_until_it_is_ordered_back() -> None:
    fleet = Fleet().start().wait(20)
    fleet.hear("unit", Order("gate"))
    assert fleet.wait(10).owner().node == "cloud"
    assert fleet.wait(600).owner().node == "cloud"
    fleet.hear("cloud", Order("gate"))
    assert fleet.wait(10).owner().node == "unit"


def test_the_primary_takes_a_camera_back_when_its_backup_dies_with_it() -> None:
    fleet = Fleet(nodes={"cloud": replace(FAST, autoback=False)}).start().wait(20)
    fleet["unit"].crash()
    fleet.wait(30)["unit"].start()
    fleet.wait(20)["cloud"].crash()
    assert fleet.until(lambda: fleet.owner().node == "unit", 60) <= PACE.wait + 1


def test_a_primary_that_may_not_end_its_dead_owners_session_shoots_all_the_same() -> None:
    fleet = Fleet(nodes={"cloud": replace(FAST, autoback=False)}).start().wait(20)
    fleet["unit"].crash()
    fleet.wait(30)["unit"].start()
    fleet.wait(20)["cloud"].crash()
    fleet.network.refuses = {("unit", "sess.cloud")}
    fleet.wait(PACE.wait + 5)
    assert (fleet.owner().node, fleet.role("unit")) == ("cloud", "provisional")


def test_a_backup_takes_the_cameras_of_the_highest_priority_while_it_has_room() -> None:
    cameras = {f"c{n}": CameraPlan(1, "unit", "cloud", priority=n) for n in range(4)}
    fleet = Fleet(cameras, {"cloud": replace(FAST, cap=2)}).start().wait(20)
    fleet["unit"].crash()
    fleet.wait(30)
    assert {name for name in cameras if fleet.owner(name).node == "cloud"} == {"c2", "c3"}
    assert {one.camera for one in fleet.of(Uncovered, "cloud")} == {"c0", "c1"}  # type: ignore[union-attr]


def test_in_constant_mode_both_shoot_and_only_the_owner_changes() -> None:
    fleet = Fleet(nodes={"cloud": replace(FAST, constant=True)}).start().wait(20)
    assert (fleet.role("unit"), fleet.role("cloud")) == ("owner", "spare")
    fleet["unit"].crash()
    assert fleet.until(lambda: fleet.role("cloud") == "owner", 60) > 0
    fleet["unit"].start()
    assert fleet.wait(1).role("unit") == "spare"


def test_an_exclusive_camera_is_never_shot_by_both_even_in_constant_mode() -> None:
    fleet = Fleet({"gate": exclusive()}, {"cloud": replace(FAST, constant=True)}).start().wait(20)
    assert (fleet.role("unit"), fleet.role("cloud")) == ("owner", None)


def test_without_the_engine_nobody_switches_and_owners_go_on_and_it_is_told_once() -> None:
    fleet = Fleet({"gate": GATE, "door": exclusive()}).start().wait(20)
    fleet.engine.is_up = False
    fleet.wait(300)
    assert fleet.role("unit", "gate") == "owner"
    assert fleet.role("unit", "door") is None
    assert (len(fleet.of(Cut, "unit")), len(fleet.of(Cut, "cloud"))) == (1, 1)
    fleet.engine.is_up = True
    fleet.wait(60)
    assert fleet.owner().node == "unit"
    assert fleet.of(Suspected) == []


def test_a_primary_that_starts_without_the_engine_shoots_for_the_time_being_and_owns_nothing() -> None:
    fleet = Fleet({"gate": GATE, "door": exclusive()})
    fleet.engine.is_up = False
    fleet.start("unit").wait(10)
    assert (fleet.role("unit", "gate"), fleet.role("unit", "door")) == ("provisional", None)
    fleet.engine.is_up = True
    fleet.wait(10)
    assert (fleet.role("unit", "gate"), fleet.role("unit", "door")) == ("owner", "owner")


def test_a_backup_on_the_spot_shoots_when_engine_and_primary_are_both_silent() -> None:
    from core.coordination.protocol.messages import Beacon

    fleet = Fleet().start().wait(20)
    fleet.hear("cloud", Beacon("unit"))
    fleet.engine.is_up = False
    for _ in range(10):
        fleet.hear("cloud", Beacon("unit"))
        fleet.wait(3)
    assert fleet.role("cloud") is None
    assert fleet.wait(PACE.wait + 1).role("cloud") == "provisional"


def test_a_store_that_went_back_is_refused_until_its_epoch_is_raised() -> None:
    fleet = Fleet().start().wait(20)
    old = fleet.engine.snapshot()
    fleet["unit"].crash()
    fleet.wait(30)
    assert fleet.fence() == Fence(1, 2)
    fleet.engine.restore(old, raise_epoch=False)
    fleet.wait(30)
    assert len(fleet.of(Refused, "cloud")) == 1
    assert fleet.fence() == Fence(1, 1)
    assert fleet.role("cloud") == "owner"
    fleet.engine.restore(old, raise_epoch=True)
    fleet.wait(150)
    assert (fleet.owner().node, fleet.fence()) == ("cloud", Fence(2, 3))


def test_a_camera_whose_nodes_are_changed_goes_to_its_new_primary() -> None:
    fleet = Fleet().start().wait(20)
    fleet.engine.put(camera_key("gate"), encode(CameraPlan(2, "office", "cloud")))
    fleet.wait(60)
    assert (fleet.owner().node, fleet.owner().why) == ("office", "moved")
    assert fleet.role("unit") is None
    assert [type(one) for one in fleet.of(Lost, "unit")] == [Lost]


def test_two_processes_of_one_name_do_not_take_it_from_each_other_without_end() -> None:
    fleet = Fleet().start().wait(20)
    rival = Fleet.__getitem__(fleet, "unit").__class__
    twin = rival(
        "unit", fleet.site, fleet.time, fleet.network, __import__("random").Random(5), fleet["unit"].line, False
    )
    twin.start()
    fleet.wait(120)
    assert len(fleet.of(Buried, "unit")) <= 4


def test_each_owner_is_told_of_its_fence() -> None:
    fleet = Fleet().start().wait(20)
    [own] = fleet.of(Own, "unit")
    assert isinstance(own, Own)
    assert (own.camera, own.fence, own.why) == ("gate", Fence(1, 1), "start")
