"""Names, fences and identities of pictures."""

from datetime import UTC, datetime

import pytest

from core.values import Fence, PictureName, parse_name

SLOT = datetime(2026, 11, 21, 8, 50, tzinfo=UTC)
NORTH = PictureName("north", SLOT, "unit1", Fence(1, 7), "jpg")


def test_a_picture_is_named_by_camera_slot_node_and_fence() -> None:
    assert str(NORTH) == "north_20261121T085000Z_unit1_1-7.jpg"
    assert NORTH.path == "north/2026/11/21/north_20261121T085000Z_unit1_1-7.jpg"


def test_the_second_of_a_kind_carries_its_number() -> None:
    assert str(NORTH.numbered(2)) == "north_20261121T085000Z_unit1_1-7_2.jpg"


@pytest.mark.parametrize("name", [NORTH, NORTH.numbered(12), PictureName("a-1", SLOT, "b-2", Fence(3, 40), "cr2")])
def test_a_name_read_back_is_the_same(name: PictureName) -> None:
    assert PictureName.parse(str(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        "IMG_0001.JPG",
        "../north_20261121T085000Z_unit1_1-7.jpg",
        "north_20261121T085000Z_unit1_1-7_1.jpg",
        "north_20261121T085000Z_unit1_1-7.jpg.part",
        "NORTH_20261121T085000Z_unit1_1-7.jpg",
        "north_20261121T085000Z_unit1_1-7.jpg\n",
    ],
)
def test_any_other_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        PictureName.parse(text)


def test_fences_are_ordered_by_epoch_before_token() -> None:
    assert Fence(1, 900) < Fence(2, 1) < Fence(2, 2)


@pytest.mark.parametrize("text", ["", "-a", "A", "a" * 33, "a.b", "a/b", "é", "a\n", 7])
def test_names_that_would_not_fit_a_subject_or_a_file_name_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="1 to 32"):
        parse_name(text)
