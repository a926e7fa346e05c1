"""How many files one destination has under way at once."""

from __future__ import annotations

import pytest

from core.site.model import Destination
from core.transfer.lanes import AHEAD, Room, UnderWay, room
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
    assert lanes_of(Destination(name="fr", address="sftp://u@h/p")) == 4
    assert lanes_of(Destination(name="fr", address="sftp://u@h/p", lanes=1)) == 1
