"""The recovery ladder: what to do after a failed shot, from what was tried before. Pure.

Rungs: 0 try again, 1 close and open the camera, 2 a new worker process, 3 USB reset, 4 the power hook, 5 wait long and
tell a person. Two failures on a rung lead to the next, three good shots to the bottom; what a camera is spared, and
when a rung may be used again, is in the tables below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from core.site.model.cameras import Camera, FolderSource, FtpSource, GphotoSource
from core.units import show_duration

Action = Literal["retry", "reopen", "respawn", "usb_reset", "hook", "wait-long"]
RUNGS: Sequence[Action] = ("retry", "reopen", "respawn", "usb_reset", "hook", "wait-long")
RETRY, REOPEN, RESPAWN, USB_RESET, HOOK, WAIT = range(6)

FAILURES = 2  # on one rung before the next
GOOD = 3  # shots before the bottom again
HOUR, DAY = 3600.0, 86400.0  # seconds
PAUSES = (60.0, 120.0, 300.0, 600.0)  # seconds, above the USB reset, one after the other; then the last
BUSY = (0.2, 1.0, 5.0)  # seconds that a busy camera is given, one after the other
USB_RESETS_AN_HOUR = 4
USB_COOL_DOWN = 60.0  # seconds between two
PERSON = 600.0  # seconds: somebody must change something, and accounts are locked by too many tries
SOON = 30.0  # seconds: the scene or the disk may change by itself
HISTORY = 50  # lines kept

# Where an error begins to climb, where it ends, which rungs it leaves out.
FLOOR: Mapping[str, int] = {
    "ChildTimeout": RESPAWN,
    "ChildDied": RESPAWN,
    "CameraTransferCut": RESPAWN,  # the next capture of that process may hang (measured)
    "CardFull": REOPEN,
}
TOP: Mapping[str, int] = {
    "FocusFailed": RETRY,
    "MirrorUp": RETRY,
    "CameraRefused": RETRY,
    "ConfigurationError": RETRY,
    "DiskFull": RETRY,
    "NotDurable": RETRY,
    "StorageError": RETRY,
    "NameTaken": RETRY,
    "CardFull": REOPEN,
}
SKIPS: Mapping[str, frozenset[int]] = {
    "CameraGone": frozenset({USB_RESET}),  # nothing there that could be reset: off, asleep, flat, a cable
    "CameraBusy": frozenset({USB_RESET}),
    "CameraClaimed": frozenset({USB_RESET, HOOK}),  # another program's doing: no power cut makes it let go
}
LOOKED = frozenset({"CameraTimeout", "CameraGone", "CameraTransferCut"})  # nothing whole lies in a folder now


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be done to one camera."""

    usb_reset: bool = False
    hook: bool = False
    hooks_a_day: int = 12
    rests: bool = True  # whether it is left in peace for a while; to look into a folder disturbs nobody


@dataclass(frozen=True, slots=True)
class State:
    """The memory of one camera's ladder. Times are seconds since the epoch."""

    rung: int = 0
    failures: int = 0  # on this rung, in a row
    good: int = 0  # shots in a row
    pauses: int = 0  # long ones since the last good shot
    same: int = 0  # failures in a row of the class `error`
    error: str = ""
    not_before: float = 0.0
    acted: str = ""  # the last action that no good shot has followed yet
    usb_resets: tuple[float, ...] = ()  # of the last hour
    hooks: tuple[float, ...] = ()  # of the last day
    tried: Mapping[str, int] = field(default_factory=dict)  # action -> times
    helped: Mapping[str, int] = field(default_factory=dict)  # action -> times that a good shot came next
    history: tuple[tuple[float, str], ...] = ()  # (when, the transcript's line)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> State:
        """Return the state that `to_json` described, whatever an older or newer release left out or added."""
        known = {name: value[name] for name in (one.name for one in fields(cls)) if name in value}
        for name in ("usb_resets", "hooks"):
            known[name] = tuple(known.get(name, ()))
        known["history"] = tuple((float(when), str(line)) for when, line in known.get("history", ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request to the camera failed: the error's class name, and which request."""

    error: str
    op: str = "shoot"


@dataclass(frozen=True, slots=True)
class Good:
    """A shot came, whole or partial."""


Event = Failure | Good


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do before the next attempt, and the earliest time for it; `line` is for the transcript."""

    action: Action
    not_before: float  # seconds since the epoch
    line: str
    plain: bool = False  # open without writing the settings: it crashed twice while they were written


def limits_of(camera: Camera) -> Limits:
    """Return what the configuration allows to be done to the camera."""
    source, recovery = camera.source, camera.recovery
    on_usb = isinstance(source, GphotoSource) and source.address is None and source.virtual is None
    rests = not isinstance(source, FolderSource | FtpSource)
    return Limits(on_usb and recovery.usb_reset, bool(recovery.hook), recovery.hooks_a_day, rests)


def step(state: State, event: Event, now: float, limits: Limits) -> tuple[State, Decision | None]:
    """Return the state after `event` and what to do; nothing after a good shot."""
    state = _forget(state, now)
    if isinstance(event, Good):
        return _good(state, now), None
    return _failed(state, event, now, limits)


def ordered(state: State, now: float, limits: Limits, by: str) -> tuple[State, Decision] | None:
    """Return the state after `by` had the next rung used now, and what to do; None: nothing stronger may be done."""
    state = _forget(state, now)
    rungs = range(state.rung + 1, WAIT)
    rung = next((one for one in rungs if _may(state, one, state.error, now, limits)), None)
    if rung is None:
        return None
    decision = Decision(RUNGS[rung], now, f"rung {rung} {RUNGS[rung]}, ordered by {by}")
    after = replace(
        state,
        rung=rung,
        failures=0,
        good=0,
        not_before=now,
        acted=decision.action,
        tried=_counted(state.tried, decision.action),
        history=_told(state.history, now, decision.line),
    )
    return _used(after, decision.action, now), decision


def seconds_left(state: State, now: float) -> float:
    """Return how long the next attempt must wait; a clock that was set back does not make it longer."""
    return min(max(0.0, state.not_before - now), max(PAUSES[-1], PERSON))


def _forget(state: State, now: float) -> State:
    resets = tuple(when for when in state.usb_resets if 0 <= now - when < HOUR)
    return replace(state, usb_resets=resets, hooks=tuple(when for when in state.hooks if 0 <= now - when < DAY))


def _good(state: State, now: float) -> State:
    helped, history = state.helped, state.history
    if state.acted:
        helped = _counted(helped, state.acted)
        history = _told(history, now, f"good again after {state.acted}")
    good = state.good + 1
    rung = 0 if good >= GOOD else state.rung
    if rung < state.rung:
        history = _told(history, now, f"{GOOD} good shots: back to rung 0")
    return State(
        rung,
        good=min(good, GOOD),
        usb_resets=state.usb_resets,
        hooks=state.hooks,
        tried=state.tried,
        helped=helped,
        history=history,
    )


def _failed(state: State, event: Failure, now: float, limits: Limits) -> tuple[State, Decision]:
    same = state.same + 1 if event.error == state.error else 1
    rung, failures, skipped = _climb(state, event.error, now, limits)
    used = min(rung, TOP.get(event.error, WAIT))
    action = _strongest(state, event.error, now, limits) if used == WAIT else RUNGS[used]
    looks = not limits.rests and event.error in LOOKED
    pause = 0.0 if looks else _pause(event.error, used, same, state.pauses)
    why = f" (not {', '.join(skipped)})" if skipped else ""
    plain = event.error == "ChildDied" and event.op == "open" and same >= FAILURES
    line = f"{event.error} at {event.op}: rung {used} {action}{why}, {_when(pause)}{' without settings' * plain}"
    decision = Decision(action, now + pause, line, plain)
    after = replace(
        state,
        rung=rung,
        failures=failures,
        good=0,
        pauses=state.pauses + (used > USB_RESET),
        same=same,
        error=event.error,
        not_before=decision.not_before,
        acted=action,
        tried=_counted(state.tried, action),
        history=_told(state.history, now, line),
    )
    return _used(after, action, now), decision


def _climb(state: State, error: str, now: float, limits: Limits) -> tuple[int, int, Sequence[Action]]:
    """Return the rung for this failure, the failures on it, and the rungs that were left out."""
    top = TOP.get(error, WAIT)
    if top == RETRY or state.rung > top:
        return state.rung, state.failures, ()  # not the camera's fault, or a person's work: it changes nothing here
    rung, failures = state.rung, state.failures + 1
    if failures >= FAILURES:
        rung, failures = min(rung + 1, top), 0
    if rung < FLOOR.get(error, RETRY):
        rung, failures = FLOOR[error], 0
    allowed = rung
    while allowed < WAIT and not _may(state, allowed, error, now, limits):
        allowed += 1
    return allowed, failures if allowed == rung else 0, RUNGS[rung:allowed]


def _may(state: State, rung: int, error: str, now: float, limits: Limits) -> bool:
    if rung in SKIPS.get(error, frozenset()):
        return False
    if rung == USB_RESET:
        rested = not state.usb_resets or now - max(state.usb_resets) >= USB_COOL_DOWN
        return limits.usb_reset and rested and len(state.usb_resets) < USB_RESETS_AN_HOUR
    return rung != HOOK or (limits.hook and len(state.hooks) < limits.hooks_a_day)


def _strongest(state: State, error: str, now: float, limits: Limits) -> Action:
    """Return what is done at the top: the strong means again, spread over their hour and day, else a long wait."""
    hook_rests = DAY / max(1, limits.hooks_a_day)
    if _may(state, HOOK, error, now, limits) and now - max(state.hooks, default=0.0) >= hook_rests:
        return "hook"
    usb_rests = HOUR / USB_RESETS_AN_HOUR
    if _may(state, USB_RESET, error, now, limits) and now - max(state.usb_resets, default=0.0) >= usb_rests:
        return "usb_reset"
    return "wait-long"


def _pause(error: str, rung: int, same: int, pauses: int) -> float:
    if error == "ConfigurationError" or (error == "CameraRefused" and same >= FAILURES):
        return PERSON
    if error == "CameraBusy" and rung <= RESPAWN:
        return BUSY[min(same, len(BUSY)) - 1]
    if error == "CameraRefused" or (error in TOP and same > 1):
        return SOON
    return PAUSES[min(pauses, len(PAUSES) - 1)] if rung > USB_RESET else 0.0


def _used(state: State, action: Action, now: float) -> State:
    if action == "usb_reset":
        return replace(state, usb_resets=(*state.usb_resets, now))
    return replace(state, hooks=(*state.hooks, now)) if action == "hook" else state


def _counted(counts: Mapping[str, int], action: str) -> dict[str, int]:
    return {**counts, action: counts.get(action, 0) + 1}


def _told(history: tuple[tuple[float, str], ...], now: float, line: str) -> tuple[tuple[float, str], ...]:
    return (*history, (now, line))[-HISTORY:]


def _when(pause: float) -> str:
    return "at once" if pause == 0 else f"in {show_duration(pause)}" if pause >= 1 else f"in {pause:.1f}s"
