"""How many files one destination has under way at once."""

from __future__ import annotations

import pytest

from core.site.model.places import Destination
from core.transfer.lanes import AHEAD, STALLED, STRIDES, Room, UnderWay, may_send, room
from core.transfer.registry import lanes_of

SMALL = UnderWay(urgent=False, left=200_000)
GRANTED = UnderWay(urgent=False, left=0)  # all of it may go: only round trips are left
RAW = UnderWay(urgent=False, left=24_000_000)
LIVE = UnderWay(urgent=True, left=100_000)


@pytest.mark.parametrize(
    ("lanes", "kept", "under_way", "expected"),
    [
        pytest.param(4, False, [], Room.ANYTHING, id="an-idle-destination-takes-anything"),
        pytest.param(4, False, [SMALL] * 3, Room.ANYTHING, id="small-files-go-side-by-side"),
        pytest.param(4, False, [SMALL] * 4, Room.NOTHING, id="as-many-as-there-are-lanes"),
        pytest.param(1, False, [GRANTED], Room.NOTHING, id="one-lane-takes-one-file"),
        pytest.param(4, False, [RAW], Room.URGENT, id="a-large-file-has-the-link-for-itself"),
        pytest.param(4, False, [UnderWay(False, AHEAD)], Room.URGENT, id="what-fills-the-link-is-enough"),
        pytest.param(4, False, [UnderWay(False, AHEAD - 1)], Room.ANYTHING, id="what-does-not-is-not"),
        pytest.param(4, False, [GRANTED], Room.ANYTHING, id="the-next-begins-before-the-last-is-proven"),
        pytest.param(4, True, [SMALL] * 3, Room.URGENT, id="one-lane-is-kept-for-live-pictures"),
        pytest.param(4, True, [SMALL] * 2, Room.ANYTHING, id="the-others-are-for-all"),
        pytest.param(4, True, [SMALL] * 3 + [LIVE], Room.NOTHING, id="the-kept-one-is-used-up"),
        pytest.param(4, True, [LIVE, SMALL], Room.ANYTHING, id="a-live-picture-takes-no-room-from-the-archive"),
        pytest.param(1, True, [], Room.ANYTHING, id="an-only-lane-is-kept-for-nobody"),
    ],
)
def test_what_may_begin(lanes: int, kept: bool, under_way: list[UnderWay], expected: Room) -> None:
    assert room(lanes, kept, under_way) is expected


def test_the_number_is_the_one_in_the_configuration_else_that_of_the_kind() -> None:
    assert lanes_of(Destination(name="nas", address="folder:/mnt/nas")) == 2
    assert lanes_of(Destination(name="fr", address="sftp://u@h/p")) == 6
    assert lanes_of(Destination(name="fr", address="sftp://u@h/p", lanes=1)) == 1


def test_what_fills_a_fast_link_is_more_than_what_fills_a_thin_one() -> None:
    stride = 4_000_000
    assert room(4, False, [RAW], stride) is Room.URGENT
    assert room(4, False, [UnderWay(False, STRIDES * stride - 1)], stride) is Room.ANYTHING


NOW = 100.0
MOVING = UnderWay(False, 200_000, turn_at=NOW - 1)
WAITING = UnderWay(False, 200_000)
GOING_OUT = UnderWay(False, 0, turn_at=NOW - 1)  # its last bytes have their grant
STUCK = UnderWay(False, 200_000, turn_at=NOW - STALLED)


@pytest.mark.parametrize(
    ("one", "others", "streams", "expected"),
    [
        pytest.param(WAITING, [], 1, True, id="the-first-goes"),
        pytest.param(WAITING, [MOVING], 1, False, id="the-next-waits-for-its-bytes"),
        pytest.param(MOVING, [MOVING], 1, True, id="what-has-begun-goes-on"),
        pytest.param(WAITING, [GOING_OUT], 1, True, id="and-goes-while-the-first-does-its-round-trips"),
        pytest.param(WAITING, [MOVING], 2, True, id="two-at-once-over-two-connections"),
        pytest.param(WAITING, [MOVING, MOVING], 2, False, id="but-no-third"),
        pytest.param(LIVE, [MOVING, MOVING], 1, True, id="a-live-picture-waits-for-nobody"),
        pytest.param(WAITING, [UnderWay(True, 1, turn_at=NOW)], 1, True, id="and-takes-nobodys-turn"),
        pytest.param(WAITING, [STUCK], 1, True, id="what-is-stuck-holds-up-nobody"),
    ],
)
def test_whose_bytes_go(one: UnderWay, others: list[UnderWay], streams: int, expected: bool) -> None:
    assert may_send(one, others, streams, NOW) is expected
