"""Quantities as people write them."""

from datetime import timedelta

import pytest

from core.units import parse_duration, parse_rate, parse_size, show_duration, show_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1 h 30 m", 5400), ("0.5s", 0.5), ("2d", 172800), ("250ms", 0.25)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["10", "m", "10 minutes", "-5m", "", 10, True, None, "1h30"])
def test_anything_else_is_told_with_what_to_write(text: object) -> None:
    with pytest.raises(ValueError, match="such as"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["1001000d", "99999999999999w", "9" * 400 + "s"])
def test_a_duration_that_no_calendar_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than can be counted"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["99999999999999999999999999GB", "1000001TB", "9" * 400 + "B"])
def test_a_size_over_that_of_any_disk_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than any disk holds"):
        parse_size(text)
    with pytest.raises(ValueError, match="more than any disk holds"):
        parse_rate(f"{text}/s")


def test_only_the_ten_digits_of_ascii_are_digits() -> None:
    for parse, text in ((parse_duration, "٣m"), (parse_size, "٣GB"), (parse_rate, "1٣kB/s")):
        with pytest.raises(ValueError, match="write a number"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "size"), [("8GB", 8_000_000_000), ("1.5MB", 1_500_000), ("512MiB", 512 << 20), ("1kB", 1000), ("9B", 9)]
)
def test_sizes_are_decimal_unless_they_say_otherwise(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_a_rate_is_a_size_a_second() -> None:
    assert parse_rate("120kB/s") == 120_000
    with pytest.raises(ValueError, match="such as"):
        parse_rate("120kB")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (59, "59s"),
        (90, "1m30s"),
        (600, "10m"),
        (5400, "1h30m"),
        (86400, "1d"),
        (93600, "1d2h"),
        (5.3e6, "61d"),
    ],
)
def test_durations_are_shown_in_one_or_two_units(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (999, "999 B"), (6_290_000, "6.29 MB"), (123_456_789, "123 MB"), (2e12, "2 TB")]
)
def test_sizes_are_shown_in_three_figures(size: float, shown: str) -> None:
    assert show_size(size) == shown
