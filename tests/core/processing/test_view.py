"""What a camera shows is judged by its own history: faults are found, nights, fog, seasons and summer time are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from peers.views import BEGIN, Site, covered, looked, shifted, snowed_up
from PIL import Image

from core.processing.view import NOT_ANALYSED, Seen, hour_of, judge, near, row

Fault = Callable[[Image.Image, datetime], Image.Image]


@dataclass
class Watched:
    """A camera whose pictures are judged one after the other, as the node does it."""

    site: Site = field(default_factory=Site)
    node: str = "unit1"
    minutes: int = 60
    at: datetime = BEGIN
    standing: dict[str, Any] = field(default_factory=dict)
    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    told: list[tuple[datetime, str]] = field(default_factory=list)
    still: Image.Image | None = None

    def see(self, seconds: float, stats: Any, broken: bool = False) -> str:
        hours = {hour: self.cells.get(hour, {}) for hour in near(hour_of(seconds))}
        found = judge(self.standing, hours, Seen(seconds, self.node, broken, stats), self.minutes * 60)
        self.standing = found.standing
        if found.cell is not None:
            self.cells[hour_of(seconds)] = found.cell
        return str(self.standing["verdict"])

    def watch(self, days: float, fault: Fault | None = None, broken: bool = False) -> list[str]:
        """Judge the pictures of so many days, and return the verdicts."""
        verdicts = []
        for at in self.site.times(self.at, days, self.minutes):
            image = self.site.see(at)
            stats = {} if broken else looked(image if fault is None else fault(image, at))
            verdicts.append(self.see(at.timestamp(), stats, broken))
            self.told.append((at, verdicts[-1]))
        self.at += timedelta(days=days)
        return verdicts

    def frozen(self, image: Image.Image, at: datetime) -> Image.Image:
        self.still = self.still or image
        return self.still


@pytest.fixture(scope="module")
def fortnight() -> Watched:
    """A camera that was watched for two weeks, of which nothing was told."""
    watched = Watched()
    assert set(watched.watch(14.5)) == {"ok"}
    return watched


@pytest.fixture
def camera(fortnight: Watched) -> Watched:
    """The same at noon, for one test."""
    return Watched(at=fortnight.at, standing=dict(fortnight.standing), cells=dict(fortnight.cells))


def test_every_black_picture_by_day_is_found_and_nothing_by_night_that_is_black_anyway(camera: Watched) -> None:
    assert set(camera.watch(4 / 24, covered)) == {"black"}
    assert row(camera.standing) == {
        "verdict": "black",
        "pictures": 4,
        "since": camera.at.timestamp() - 4 * 3600,
        "text": camera.standing["text"],
    }
    assert set(camera.watch(2)) == {"ok"}


def test_a_lens_that_is_covered_by_night_is_found_in_the_morning(camera: Watched) -> None:
    camera.watch(0.5)
    verdicts = camera.watch(0.5, covered)
    assert verdicts.index("black") <= 7  # the sun rises before five
    assert set(verdicts[7:]) == {"black"}


def test_a_white_picture_is_found(camera: Watched) -> None:
    assert set(camera.watch(2 / 24, lambda image, at: Image.new("RGB", image.size, "white"))) == {"white"}


def test_a_frozen_picture_is_found_with_its_third_repetition_and_dated_to_its_first(camera: Watched) -> None:
    begin = camera.at.timestamp()
    assert camera.watch(5 / 24, camera.frozen) == ["ok", "ok", "frozen", "frozen", "frozen"]
    assert (row(camera.standing) or {})["since"] == begin
    assert camera.watch(1 / 24) == ["ok"]


def test_a_frozen_picture_with_a_running_clock_in_it_is_found(camera: Watched) -> None:
    def clocked(image: Image.Image, at: datetime) -> Image.Image:
        still = camera.frozen(image, at).copy()
        still.paste(Image.effect_noise((40, 5), 120).convert("RGB"), (2, 2))
        return still

    assert camera.watch(4 / 24, clocked)[2:] == ["frozen", "frozen"]


def test_a_broken_picture_is_told_at_once_whatever_the_hour(camera: Watched) -> None:
    camera.watch(0.5)
    assert camera.watch(2 / 24, broken=True) == ["broken", "broken"]
    assert set(camera.watch(1 / 24)) == {"ok"}


def test_a_camera_that_was_turned_is_told_and_its_view_is_learned_within_a_day_and_a_half(camera: Watched) -> None:
    camera.watch(21 / 24)  # to nine in the morning
    verdicts = camera.watch(5, shifted)
    assert "moved" in verdicts[:5]
    assert set(verdicts[36:]) == {"ok"}
    assert "moved" in camera.watch(1), "turned back, it is another view again"


def test_snow_that_stays_on_the_lens_is_told_after_a_day_and_before_the_second_evening(camera: Watched) -> None:
    assert set(camera.watch(18 / 24, snowed_up)) == {"ok"}
    assert "blurred" in camera.watch(1, snowed_up)


def test_another_view_after_a_switch_of_owner_is_no_alarm(camera: Watched) -> None:
    camera.node = "fr"
    assert set(camera.watch(3, shifted)) == {"ok"}


def test_nor_is_it_after_a_time_in_which_this_node_did_not_own_the_camera(camera: Watched) -> None:
    camera.standing |= NOT_ANALYSED
    assert row(camera.standing) == NOT_ANALYSED
    assert set(camera.watch(3, shifted)) == {"ok"}


def test_a_camera_that_never_showed_anything_is_black_after_a_day_and_not_before() -> None:
    camera = Watched()
    verdicts = camera.watch(1.5, covered)
    assert set(verdicts[:24]) == {"ok"}
    assert set(verdicts[24:]) == {"black"}


def test_weeks_around_the_ends_of_summer_time_with_lamps_that_follow_it_raise_no_alarm() -> None:
    for begin in (datetime(2026, 10, 14, tzinfo=UTC), datetime(2027, 3, 18, tzinfo=UTC)):
        camera = Watched(Site(lit=True), at=begin)
        camera.watch(18)
        assert [told for told in camera.told if told[1] != "ok"] == []


def test_what_comes_late_and_what_has_no_preview_change_nothing(camera: Watched) -> None:
    camera.watch(1 / 24)
    before = dict(camera.standing)
    camera.see(before["at"] - 3600, looked(Image.new("RGB", (216, 144), "black")))
    assert camera.standing == before
    assert camera.see(before["at"] + 600, {}) == "ok"


def test_a_cell_is_small(fortnight: Watched) -> None:
    assert max(len(str(cell)) for cell in fortnight.cells.values()) < 600
