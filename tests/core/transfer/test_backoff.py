from __future__ import annotations

from datetime import timedelta

import pytest

from core.transfer.backoff import next_knock, next_try

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        pytest.param(0, 5 * SECOND, id="before-the-first-failure-as-after-it"),
        pytest.param(1, 5 * SECOND, id="first"),
        pytest.param(2, 10 * SECOND, id="second"),
        pytest.param(3, 20 * SECOND, id="third"),
        pytest.param(4, 40 * SECOND, id="fourth"),
        pytest.param(5, 80 * SECOND, id="fifth"),
        pytest.param(6, 160 * SECOND, id="sixth"),
        pytest.param(7, 320 * SECOND, id="seventh"),
        pytest.param(8, 10 * MINUTE, id="capped-from-the-eighth-on"),
        pytest.param(1_000_000, 10 * MINUTE, id="there-is-no-last-one"),
    ],
)
def test_what_may_pass_by_itself_is_tried_after_a_doubling_wait(attempts: int, wait: timedelta) -> None:
    assert next_try(attempts, error_transient=True, jitter=0) == wait


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        pytest.param(1, 30 * SECOND, id="a-remount-is-found-soon"),
        pytest.param(2, MINUTE, id="second"),
        pytest.param(7, 32 * MINUTE, id="seventh"),
        pytest.param(8, HOUR, id="capped-from-the-eighth-on"),
        pytest.param(1_000_000, HOUR, id="there-is-no-last-one"),
    ],
)
def test_what_needs_a_person_is_tried_more_rarely_and_at_least_every_hour(attempts: int, wait: timedelta) -> None:
    assert next_try(attempts, error_transient=False, jitter=0) == wait


@pytest.mark.parametrize("transient", [True, False])
def test_jitter_adds_less_than_a_quarter_and_never_shortens(transient: bool) -> None:
    exact = next_try(9, transient, 0)
    waits = [next_try(9, transient, jitter / 100) for jitter in range(100)]
    assert waits == sorted(waits)
    assert exact == waits[0]
    assert waits[-1] < exact * 1.25


@pytest.mark.parametrize(
    ("lasted", "wait"),
    [
        pytest.param(None, SECOND / 4, id="at-once-when-it-has-just-gone"),
        pytest.param(0 * SECOND, 2 * SECOND, id="when-it-is-not-back-yet"),
        pytest.param(2 * MINUTE, 2 * SECOND, id="after-a-short-cut"),
        pytest.param(15 * MINUTE, 15 * SECOND, id="a-sixtieth-of-a-longer-one"),
        pytest.param(24 * HOUR, 10 * MINUTE, id="and-no-more-than-that"),
    ],
)
def test_a_place_that_does_not_answer_is_tried_again_in_proportion_to_the_outage(
    lasted: timedelta, wait: timedelta
) -> None:
    assert next_knock(lasted, jitter=0) == wait
    assert wait < next_knock(lasted, jitter=0.99) < wait * 1.25
