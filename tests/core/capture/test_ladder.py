from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from core.capture.ladder import (
    BUSY,
    DAY,
    GOOD,
    HISTORY,
    PERSON,
    SOON,
    USB_RESETS_AN_HOUR,
    Decision,
    Failure,
    Good,
    Limits,
    State,
    limits_of,
    ordered,
    seconds_left,
    step,
)
from core.errors import OverlapseError
from core.site.model.cameras import Camera, FolderSource, FtpSource, GphotoSource, Recovery

NOW = 1_800_000_000.0
ALL = Limits(usb_reset=True, hook=True)


def climb(*errors: str, limits: Limits = ALL, state: State | None = None, apart: float = 0.0) -> list[Decision]:
    """Return the decisions for failures one after the other, each made when the one before allows it."""
    return walk(*errors, limits=limits, state=state, apart=apart)[1]


def walk(
    *errors: str, limits: Limits = ALL, state: State | None = None, apart: float = 0.0
) -> tuple[State, list[Decision], float]:
    now, found, decisions = NOW, state or State(), list[Decision]()
    for error in errors:
        found, decision = step(found, Failure(error), now, limits)
        assert decision is not None
        decisions.append(decision)
        now = max(now + apart, decision.not_before)
    return found, decisions, now


def actions(*errors: str, limits: Limits = ALL, apart: float = 0.0) -> list[str]:
    return [decision.action for decision in climb(*errors, limits=limits, apart=apart)]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        pytest.param(
            ["CameraTimeout"] * 10,
            ["retry", "reopen", "reopen", "respawn", "respawn", "usb_reset", "hook", "hook", "wait-long", "wait-long"],
            id="two-failures-a-rung-and-a-usb-reset-cools-down",
        ),
        pytest.param(["ChildTimeout"] * 3, ["respawn", "respawn", "usb_reset"], id="a-hang-begins-with-a-new-worker"),
        pytest.param(["ChildDied"] * 2, ["respawn", "respawn"], id="so-does-a-crash"),
        pytest.param(["CameraTransferCut"], ["respawn"], id="so-does-a-cut-download"),
        pytest.param(
            ["CameraGone"] * 7,
            ["retry", "reopen", "reopen", "respawn", "respawn", "hook", "hook"],
            id="what-is-gone-cannot-be-reset",
        ),
        pytest.param(
            ["CameraClaimed"] * 6,
            ["retry", "reopen", "reopen", "respawn", "respawn", "wait-long"],
            id="another-program-is-not-driven-off-by-power",
        ),
        pytest.param(["FocusFailed"] * 9, ["retry"] * 9, id="focus"),
        pytest.param(["MirrorUp"] * 9, ["retry"] * 9, id="mirror"),
        pytest.param(["CameraRefused"] * 9, ["retry"] * 9, id="password"),
        pytest.param(["DiskFull"] * 9, ["retry"] * 9, id="our-own-disk"),
        pytest.param(["ConfigurationError"] * 3, ["retry"] * 3, id="our-own-file"),
        pytest.param(["CardFull"] * 5, ["reopen"] * 5, id="a-full-card-is-opened-anew-and-no-more"),
        pytest.param(["ChildTimeout", "FocusFailed"], ["respawn", "retry"], id="focus-after-a-hang"),
    ],
)
def test_each_error_climbs_as_far_as_it_helps(errors: list[str], expected: list[str]) -> None:
    assert actions(*errors) == expected


def test_a_usb_reset_that_has_cooled_down_is_done_twice() -> None:
    assert actions(*["CameraTimeout"] * 8, apart=120)[5:] == ["usb_reset", "usb_reset", "hook"]


def test_what_is_not_allowed_is_left_out_and_said() -> None:
    last = climb(*["CameraTimeout"] * 6, limits=Limits())[-1]
    assert last.action == "wait-long"
    assert "not usb_reset, hook" in last.line


def test_a_refused_password_twice_stops_for_ten_minutes() -> None:
    first, second, third = climb(*["CameraRefused"] * 3)
    assert (first.not_before - NOW, second.not_before - first.not_before) == (SOON, PERSON)
    assert third.not_before - second.not_before == PERSON


def test_focus_is_tried_once_at_once_and_then_left_to_itself_for_a_while() -> None:
    first, second = climb("FocusFailed", "FocusFailed")
    assert (first.not_before - NOW, second.not_before - NOW) == (0, SOON)


def test_a_busy_camera_is_given_a_little_longer_each_time() -> None:
    pauses = [decision.not_before for decision in climb("CameraBusy", "CameraBusy", "CameraBusy")]
    assert [round(later - earlier, 1) for earlier, later in pairwise([NOW, *pauses])] == list(BUSY)


def test_the_pauses_above_the_usb_reset_are_1_2_5_and_10_minutes() -> None:
    _, decisions, _ = walk(*["CameraGone"] * 11)
    times = [decision.not_before for decision in decisions]
    steps = [round((later - earlier) / 60) for earlier, later in pairwise(times[4:])]
    assert steps == [1, 2, 5, 10, 10, 10]


def test_a_folder_is_looked_into_at_every_slot_however_long_nothing_came() -> None:
    decisions = climb(*["CameraTimeout"] * 12, limits=Limits(hook=True, rests=False))
    assert {decision.not_before for decision in decisions} == {NOW}
    hung = climb(*["ChildTimeout"] * 12, limits=Limits(rests=False))
    assert hung[-1].not_before - hung[-2].not_before == 600, "a mount that hangs is left alone all the same"


def test_three_good_shots_lead_back_to_the_bottom_and_fewer_do_not() -> None:
    state, _, now = walk(*["CameraTimeout"] * 4)
    for number in range(1, GOOD + 1):
        assert state.rung == 2, number
        state, nothing = step(state, Good(), now, ALL)
        assert nothing is None
    assert state.rung == 0


def test_a_good_shot_between_failures_keeps_the_ladder_from_climbing() -> None:
    state, _, now = walk(*["CameraTimeout"] * 4)
    for _ in range(5):
        state, decision = step(state, Failure("CameraTimeout"), now, ALL)
        assert decision is not None
        assert decision.action == "respawn"
        state, _ = step(state, Good(), now, ALL)


def test_what_helped_is_remembered() -> None:
    state, _, now = walk(*["CameraTimeout"] * 4)
    state, _ = step(state, Good(), now, ALL)
    assert (state.helped, state.tried) == ({"respawn": 1}, {"retry": 1, "reopen": 2, "respawn": 1})
    assert state.history[-1][1] == "good again after respawn"


def test_hooks_keep_to_their_number_a_day() -> None:
    limits, now, state, hooks = Limits(hook=True, hooks_a_day=3), NOW, State(), list[float]()
    while now < NOW + 3 * DAY:
        state, decision = step(state, Failure("CameraGone"), now, limits)
        assert decision is not None
        hooks += [now] if decision.action == "hook" else []
        now = max(now + 1, decision.not_before)
    assert max(sum(begin <= when < begin + DAY for when in hooks) for begin in hooks) == 3
    assert len(hooks) >= 6, "a power cycle is tried again on later days"


def test_usb_resets_keep_to_their_number_an_hour_although_each_seems_to_help() -> None:
    limits, now, state, resets = Limits(usb_reset=True), NOW, State(), list[float]()
    while now < NOW + 4 * 3600:
        state, decision = step(state, Failure("ChildTimeout"), now, limits)
        assert decision is not None
        now = max(now + 20, decision.not_before)
        if decision.action == "usb_reset":
            resets.append(now)
            for _ in range(GOOD):
                state, _ = step(state, Good(), now, limits)
    assert max(sum(begin <= when < begin + 3600 for when in resets) for begin in resets) == USB_RESETS_AN_HOUR


def test_a_clock_that_was_set_back_neither_stops_the_camera_nor_uses_up_its_caps() -> None:
    earlier = NOW - 10 * 365 * DAY
    state = State(rung=2, usb_resets=(NOW,) * USB_RESETS_AN_HOUR, hooks=(NOW,), not_before=NOW + 60)
    assert seconds_left(state, earlier) <= PERSON
    state, _ = step(state, Failure("CameraTimeout"), earlier, ALL)
    state, decision = step(state, Failure("CameraTimeout"), earlier, ALL)
    assert decision is not None
    assert (decision.action, state.usb_resets, state.hooks) == ("usb_reset", (earlier,), ())


def test_settings_that_crash_the_library_twice_are_left_out() -> None:
    state, first = step(State(), Failure("ChildDied", "open"), NOW, ALL)
    _, second = step(state, Failure("ChildDied", "open"), NOW, ALL)
    assert first is not None
    assert second is not None
    assert (first.plain, second.plain) == (False, True)


def test_the_memory_survives_the_catalogue() -> None:
    state, _, _ = walk(*["CameraTimeout"] * 9)
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert State.from_json({"rung": 3, "of a later release": 1}) == State(rung=3)


def test_every_decision_has_its_line_and_the_memory_does_not_grow() -> None:
    state, decisions, _ = walk(*["CameraTimeout"] * 200)
    assert [line for _, line in state.history] == [decision.line for decision in decisions[-HISTORY:]]
    assert decisions[0].line == "CameraTimeout at shoot: rung 0 retry, at once"


def test_somebody_may_order_the_next_rung_that_is_allowed_and_it_counts_like_any_other() -> None:
    state, told = State(), []
    while (found := ordered(state, NOW, ALL, "anna")) is not None:
        state, decision = found
        told.append(decision.action)
        assert decision.not_before == NOW
    assert told == ["reopen", "respawn", "usb_reset", "hook"]
    assert (state.usb_resets, state.hooks, state.rung) == ((NOW,), (NOW,), 4)
    assert state.history[-1] == (NOW, "rung 4 hook, ordered by anna")
    spent = State(hooks=(NOW,) * 12)
    assert [ordered(State(rung=2), NOW, limits, "anna") for limits in (Limits(),)] == [None]
    assert ordered(State(rung=3, hooks=spent.hooks), NOW, ALL, "anna") is None


def every_error(root: type[OverlapseError] = OverlapseError) -> list[str]:
    return [root.__name__, *(name for child in root.__subclasses__() for name in every_error(child))]


@pytest.mark.parametrize("error", every_error())
def test_no_error_makes_the_node_try_without_end_or_pause(error: str) -> None:
    decisions = climb(*[error] * 12)
    assert decisions[-1].not_before - decisions[-2].not_before >= BUSY[-1]


@pytest.mark.parametrize(
    ("camera", "expected"),
    [
        pytest.param(GphotoSource(kind="gphoto2", serial="1"), Limits(True, True, 5), id="usb"),
        pytest.param(GphotoSource(kind="gphoto2", address="10.0.0.1"), Limits(False, True, 5), id="ptpip"),
        pytest.param(GphotoSource(kind="gphoto2", virtual="x"), Limits(False, True, 5), id="virtual"),
        pytest.param(FolderSource(kind="folder", path="x"), Limits(False, True, 5, rests=False), id="folder"),
        pytest.param(FtpSource(kind="ftp", user="u", password_file="x"), Limits(False, True, 5, rests=False), id="ftp"),
    ],
)
def test_only_a_camera_on_usb_can_be_reset(camera: GphotoSource | FolderSource | FtpSource, expected: Limits) -> None:
    recovery = Recovery(hook=("power", "cycle"), hook_wait=timedelta(seconds=1), hooks_a_day=5)
    assert limits_of(Camera(name="north", source=camera, recovery=recovery)) == expected
