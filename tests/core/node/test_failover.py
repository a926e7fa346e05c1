"""Two real nodes that share a real voter and a camera behind HTTP: the primary is killed, the backup goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import natsd
from peers.pair import Pair, paired

pytestmark = [pytest.mark.peer, pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with paired(tmp_path, "redundancy = { fast = true }") as found:
        yield found


def test_a_killed_primary_is_stood_in_for_within_seconds_and_has_its_camera_back_afterwards(pair: Pair) -> None:
    with pair.running("fr"):
        with pair.running("unit1") as nodes:
            pair.until(lambda: pair.owner() == "unit1" and pair.shot_by("unit1"), "the primary shoots")
            assert pair.shot_by("fr") == set()
            nodes["unit1"].kill()
        pair.until(lambda: pair.owner() == "fr" and pair.shot_by("fr"), "the backup shoots")
        last, first = max(one.at for one in pair.shot_by("unit1")), min(one.at for one in pair.shot_by("fr"))
        assert (first - last).total_seconds() <= 22, "19 s of a fast failover, and a slot"
        with pair.running("unit1"):
            pair.until(lambda: pair.owner() == "unit1", "the primary owns it again", 60)
            back = max(one.at for one in pair.shot_by("fr"))
            pair.until(lambda: any(one.at > back for one in pair.shot_by("unit1")), "the primary shoots again")
            stood_in = {str(one) for one in pair.shot_by("fr")}
            pair.until(lambda: stood_in <= pair.names("unit1"), "it has what the backup shot, which no route takes")
    fences = [min(one.fence for one in pair.shot_by(name)) for name in ("unit1", "fr")]
    assert fences[0] < fences[1] < max(one.fence for one in pair.shot_by("unit1"))
