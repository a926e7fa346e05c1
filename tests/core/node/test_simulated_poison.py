"""Files that a destination does not take while it takes all others: they wait for themselves, and hold up nobody."""

from __future__ import annotations

import pytest
from peers.simulation import Simulation, simulate

from core.errors import DestinationRefused, DestinationUnreachable, HostKeyMismatch, OverlapseError

TOO_LARGE = DestinationRefused("takes no object as large as this one (413)")
CUT = DestinationUnreachable("the connection was cut off")


def rejecting(error: OverlapseError, *slots: str) -> Simulation:
    """Return a site whose destination never takes the pictures of these slots, and takes one file at a time."""
    world = simulate(destination="lanes = 1")
    world.destination.rejects = {f"{slot}_unit1_1-1.jpg": error for slot in slots}
    return world


@pytest.mark.parametrize("error", [TOO_LARGE, CUT], ids=["refused", "cut-each-time"])
def test_a_file_that_never_gets_through_holds_up_no_other(error: OverlapseError) -> None:
    world = rejecting(error, "20261121T090000Z")
    world.run(hours=5, minutes=6)
    assert world.counted() == {"captured": 31}
    assert len(world.destination.store) == 30, "all but that one"
    on_time = [arrival.at.minute % 10 < 2 for arrival in world.destination.arrivals]
    assert all(on_time[6:]), "and soon after they were taken, once it is known which one it is"


def test_a_refused_file_is_told_with_its_reason_and_goes_when_it_may() -> None:
    world = rejecting(TOO_LARGE, "20261121T090000Z")
    world.run(hours=3)
    assert world.site.told("delivery refused") == ["by nas: takes no object as large as this one (413)"]
    assert world.site.told("destination trouble") == []
    world.destination.rejects = {}
    world.run(hours=1, minutes=20)
    assert "north_20261121T090000Z_unit1_1-1.jpg" in {name.rpartition("/")[2] for name in world.destination.store}
    assert world.broken() == []


def test_a_place_that_refuses_several_in_a_row_is_left_alone_and_the_rest_goes_on_behind_them() -> None:
    slots = [f"20261121T09{minute}000Z" for minute in range(5)]
    world = rejecting(TOO_LARGE, *slots)
    world.run(hours=4)
    assert len(world.site.told("destination trouble")) >= 1
    assert len(world.destination.store) == len(world.ledger()) - len(slots)


def test_a_server_that_is_another_one_is_given_nothing_at_once() -> None:
    world = rejecting(HostKeyMismatch("shows another key"), "20261121T090000Z")
    world.run(minutes=6)
    assert world.site.told("destination trouble")
