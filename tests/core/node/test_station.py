"""Which file is granted together with its job: a small one, where all goes well and nothing is measured out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from peers.simulation import simulate

from core.catalogue.deliveries import Delivery, Priority
from core.node.context import Context
from core.node.sending.station import IN_SWING, NEXT, Station
from core.node.sending.uplink import Uplink
from core.site.model.links import Budget, Link
from core.site.model.places import Destination
from core.transfer.delivery import SLOW
from core.transfer.lanes import Room
from core.values import Fence, PictureName, Sha256, utc

SMALL, STRIDE, NOW = 200_000, 262_144, 1000.0
PLACE = Destination(name="home", address="sftp://u@home/x")


@pytest.fixture(scope="module")
def context() -> Context:
    simulation = simulate()
    simulation.run(seconds=1)
    return simulation.site.running.context


def delivery(size: int = SMALL, number: int = 1) -> Delivery:
    """Return one that never began."""
    return Delivery(
        id=number,
        picture=number,
        rendition="",
        destination="home",
        remote=f"{number}.jpg",
        priority=Priority.JPEG,
        level=1,
        size=size,
        sha256=Sha256("0" * 64),
        name=PictureName("north", utc(0), "unit1", Fence(1, 1), "jpg"),
        path=None,
        at=0,
        state="queued",
        offset=0,
        resume=None,
        attempts=0,
        next_try=0,
        error=None,
        message=None,
        transient=None,
    )


def in_swing(address: str = PLACE.address) -> Station:
    station = Station(replace(PLACE, address=address), stride=STRIDE)
    station.swing = IN_SWING * station.lanes
    return station


def test_a_small_file_is_granted_where_all_goes_well(context: Context) -> None:
    station, uplink = in_swing(), Uplink.of(context, Link(name="lan"))
    ahead = station.ahead(delivery(), uplink, NOW)
    assert ahead == SMALL
    job = station.begin(context, delivery(), ahead)
    assert job.args["granted"] == SMALL
    assert station.sending[1].under_way.left == 0, "it holds up no other"


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(delivery(STRIDE + 1), id="longer-than-a-usual-grant"),
        pytest.param(replace(delivery(), resume=b"x"), id="begun-before"),
        pytest.param(replace(delivery(), offset=1), id="partly-there"),
    ],
)
def test_what_is_not_small_and_new_asks(context: Context, one: Delivery) -> None:
    assert in_swing().ahead(one, Uplink.of(context, Link(name="lan")), NOW) == 0


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(Link(name="sim", rate=120_000), id="capped"),
        pytest.param(Link(name="sim", budget=Budget(bytes=10**9)), id="with-a-budget"),
    ],
)
def test_where_bytes_are_measured_out_each_file_asks(context: Context, link: Link) -> None:
    assert in_swing().ahead(delivery(), Uplink.of(context, link), NOW) == 0


def test_a_class_that_the_link_does_not_carry_asks(context: Context) -> None:
    uplink = Uplink.of(context, Link(name="lan"))
    uplink.grants.carries = frozenset({"status", "live"})
    assert in_swing().ahead(delivery(), uplink, NOW) == 0


def test_where_a_cut_may_leave_half_a_file_under_its_name_each_file_asks(context: Context) -> None:
    uplink = Uplink.of(context, Link(name="lan"))
    assert in_swing("https://u@home/x").ahead(delivery(), uplink, NOW) == 0


def test_lanes_are_tried_before_and_after_a_rest_again(context: Context) -> None:
    station, uplink = Station(PLACE, stride=STRIDE), Uplink.of(context, Link(name="lan"))
    for number in range(IN_SWING * station.lanes + 1):
        station.begin(context, delivery(number=number))
    for number in range(IN_SWING * station.lanes):
        assert station.ahead(delivery(), uplink, NOW) == 0
        station.went_well(station.sending.pop(number), seconds=0.1)
    station.sending[IN_SWING * station.lanes].granted = SMALL
    assert station.ahead(delivery(), uplink, NOW) == SMALL
    station.went_well(station.sending.popitem()[1], seconds=0.1)
    assert station.ahead(delivery(), uplink, NOW) == 0, "nothing is on its way any more"


def test_a_link_that_became_slow_is_asked_for_again(context: Context) -> None:
    station, uplink = in_swing(), Uplink.of(context, Link(name="lan"))
    station.begin(context, delivery(number=2))
    station.begin(context, delivery(), SMALL)
    station.went_well(station.sending.pop(1), seconds=2 * SLOW)
    assert station.ahead(delivery(), uplink, NOW) == 0


def begun(station: Station, context: Context, ahead: int = SMALL) -> int:
    """Begin small files while there is room, each granted `ahead`; return how many."""
    while station.room is Room.ANYTHING:
        station.begin(context, delivery(number=len(station.sending) + 1), ahead)
    return len(station.sending)


def test_in_full_swing_the_next_file_of_each_lane_waits_at_the_worker(context: Context) -> None:
    station = in_swing()
    assert begun(station, context) == NEXT * station.lanes
    assert station.setting(context).lanes == station.lanes, "no more of them are sent at once"


def test_before_that_and_after_a_failure_a_file_waits_for_its_lane(context: Context) -> None:
    station = in_swing()
    station.swing = 0
    assert begun(station, context) == station.lanes


def test_nothing_waits_behind_a_file_that_asks(context: Context) -> None:
    station = in_swing()
    assert begun(station, context, ahead=0) == station.lanes


def test_a_live_picture_waits_behind_nothing_at_the_worker(context: Context) -> None:
    station = in_swing()
    station.kept = True
    assert begun(station, context) == station.lanes - 1
    assert station.room is Room.URGENT


def test_a_server_that_allows_fewer_lanes_has_no_more_files(context: Context) -> None:
    station = in_swing()
    station.fewer = 2
    assert begun(station, context) == 2


def test_the_connection_to_a_taker_is_kept_from_one_check_in_to_the_next(context: Context) -> None:
    every = context.node.check_in.total_seconds()
    to_a_place = Station(PLACE).setting(context).idle
    to_a_node = Station(replace(PLACE, node="fr")).setting(context).idle
    assert to_a_place is not None
    assert to_a_node is not None
    assert to_a_place < every < to_a_node
