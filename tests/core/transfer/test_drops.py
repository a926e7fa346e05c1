"""What objects in a drop are called, and how batches are packed."""

from __future__ import annotations

import zlib
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transfer import drops
from core.transfer.words import WORDS
from core.values import Fence, PictureName

NAME = PictureName("north", datetime(2026, 11, 21, 8, 50, tzinfo=UTC), "unit1", Fence(1, 7), "jpg")


@pytest.mark.parametrize("prefix", ["", "unit1/", "accounts/unit1/in/"])
@pytest.mark.parametrize(
    ("name", "what"),
    [
        pytest.param(drops.picture("quay", NAME), "picture", id="picture"),
        pytest.param(f"quay/north/{str(NAME).replace('.jpg', '~0123abcd.jpg')}", "picture", id="beside-another"),
        pytest.param(drops.lines("quay", "unit1", 1), "lines", id="lines"),
        pytest.param(drops.receipts("quay", "fr", 1), "receipts", id="receipts"),
        pytest.param(drops.answers("quay", "fr", 1), "receipts", id="answers"),
        pytest.param(drops.back("quay", "unit1", NAME), "back", id="copy-for-an-emptied-node"),
        pytest.param(f"quay/_back/UNIT/{NAME}", "other", id="copy-for-nobody"),
        pytest.param(f"quay/east/{NAME}", "other", id="in-another-cameras-folder"),
        pytest.param(f"quay/north/2026/{NAME}", "other", id="too-deep"),
        pytest.param("quay/north/notes.txt", "other", id="no-picture"),
        pytest.param("quay/_lines/unit1_12", "other", id="short-number"),
    ],
)
def test_what_stands_in_a_drop_is_told_by_its_name(prefix: str, name: str, what: str) -> None:
    found = drops.find("quay", prefix + name, 1)
    assert found is not None
    assert (found.what, found.prefix) == (what, prefix)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("harbour/north/x.jpg", id="another-site"),
        pytest.param("a/b/c/d/quay/north/x.jpg", id="too-deep"),
        pytest.param("unit|1/quay/north/x.jpg", id="a-folder-of-no-deliverer"),
        pytest.param("x.jpg", id="no-folder"),
    ],
)
def test_what_is_not_of_the_site_is_nobodys(name: str) -> None:
    assert drops.find("quay", name, 1) is None


@given(st.lists(st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(max_size=20), st.none()))))
def test_what_is_packed_is_unpacked(said: list[drops.Json]) -> None:
    assert drops.unpack(drops.pack(said)) == said


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(drops.unpack(data), list)


def test_a_batch_that_would_fill_the_memory_is_refused() -> None:
    packer = zlib.compressobj(9, zdict=WORDS)
    bomb = packer.compress(b"[" * (drops.MAX_INFLATED + 1)) + packer.flush()
    assert len(bomb) < 10_000
    with pytest.raises(ValueError, match="larger than any"):
        drops.unpack(bomb)


def test_half_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        drops.unpack(drops.pack([{"n": str(NAME)}])[:-3])
