"""When the wall clock is believed."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import AGREE, SystemClock, judge, kernel_synchronised, rtc_time

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)
SECOND = timedelta(seconds=1)


def trusted(**facts: object) -> bool:
    known = {"host": False, "synchronised": False, "witnesses": {}, "last_seen": None, **facts}
    return judge(NOW, **known).trusted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, False, id="nobody-vouches"),
        pytest.param({"host": True}, True, id="the-configuration-vouches"),
        pytest.param({"synchronised": True}, True, id="the-kernel-vouches"),
        pytest.param({"witnesses": {"rtc": NOW}}, False, id="one-witness-is-not-enough"),
        pytest.param({"witnesses": {"rtc": NOW, "camera": NOW + AGREE}}, True, id="two-at-the-very-limit"),
        pytest.param({"witnesses": {"rtc": NOW, "camera": NOW + AGREE + SECOND}}, False, id="two-past-the-limit"),
        pytest.param({"witnesses": {"rtc": NOW - AGREE, "camera": NOW + AGREE}}, False, id="two-that-disagree"),
        pytest.param(
            {"witnesses": {"a": NOW - AGREE, "b": NOW + AGREE, "c": NOW}}, True, id="a-third-agrees-with-one-of-them"
        ),
        pytest.param(
            {"witnesses": {"rtc": NOW, "camera": NOW}, "last_seen": NOW + SECOND}, False, id="before-the-last-time-seen"
        ),
        pytest.param({"witnesses": {"rtc": NOW, "camera": NOW}, "last_seen": BEFORE}, True, id="after-the-last-seen"),
    ],
)
def test_the_wall_clock_needs_the_kernel_or_two_witnesses(facts: dict[str, object], expected: bool) -> None:
    assert trusted(**facts) is expected


def test_the_reason_is_told_in_words() -> None:
    verdict = judge(NOW, host=False, synchronised=False, witnesses={}, last_seen=NOW + SECOND)
    assert "2026-11-21 09:00" in verdict.why


def test_the_kernel_answers() -> None:
    assert kernel_synchronised() in {True, False}


def test_a_machine_without_a_battery_clock_says_so(tmp_path: Path) -> None:
    assert rtc_time(tmp_path / "none") is None
    (tmp_path / "rtc").write_text("1795251600\n")
    assert rtc_time(tmp_path / "rtc") == datetime.fromtimestamp(1795251600, UTC)


def test_the_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def offset(clock: str) -> list[str]:
    return ["unshare", "--time", clock, "100000"]


@pytest.mark.skipif(
    subprocess.run([*offset("--boottime"), "true"], capture_output=True, check=False).returncode != 0,
    reason="a time namespace of its own needs root and util-linux",
)
@pytest.mark.parametrize(("clock", "goes_on"), [("--boottime", True), ("--monotonic", False)])
def test_seconds_go_on_while_the_machine_is_suspended(clock: str, goes_on: bool) -> None:
    code = "from core.clock import SystemClock; print(SystemClock().lapsed())"
    there = subprocess.run([*offset(clock), sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (float(there.stdout) - SystemClock().lapsed() > 50_000) is goes_on
