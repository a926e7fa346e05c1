"""What an operator's session costs does not grow unnoticed: bytes are exact, and compared with the recorded ones."""

from __future__ import annotations

import json

from benchmarks import console

SLACK = 1.03  # frames of one minute may fall together on a busy machine


def test_no_figure_is_above_its_limit_or_above_what_was_recorded() -> None:
    recorded, now = json.loads(console.BASELINE.read_text()), console.counted()
    assert set(now) == set(recorded) == set(console.LIMITS)
    assert {name: size for name, size in now.items() if size > console.LIMITS[name]} == {}
    assert {name: size for name, size in now.items() if size > recorded[name] * SLACK} == {}
    assert now["live, a minute"] > 200  # it did change
