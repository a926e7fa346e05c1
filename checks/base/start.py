"""Start a check so that it always answers: a child does the work, and this process watches over it.

The guidelines' exit status (0 to 3) and one line hold whatever the child does: a hang in the kernel, a crash, a module
that is missing, a signal. The time is running before anything else is imported or parsed.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

TIMEOUT = 10.0  # seconds
GRACE = 0.7  # seconds that the child's own time-out has to tell what it found
UNKNOWN = 3
WIDTH = 79  # characters of a first line
LEAVE = 40  # looks, 5 ms apart, whether a child that was killed has ended
MOST = 1 << 20  # bytes of output
_STATES = {"warning": 1, "critical": 2, "unknown": 3}


class _Ended(BaseException):
    """The run is over: by the clock, or by a signal."""

    def __init__(self, why: str, timed_out: bool) -> None:
        super().__init__(why)
        self.timed_out = timed_out


def start(check: str) -> NoReturn:
    """Run `check` on the command line's arguments, print what it says, and exit with its state."""
    arguments = sys.argv[1:]
    timeout, state = _time(arguments)
    child = 0
    try:
        _arm(timeout)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _work(check, arguments, timeout, state, writing)
        os.close(writing)
        answer = _all(reading)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if answer and 0 <= code <= UNKNOWN:
            _leave(code, answer)
        _say(check, UNKNOWN, f"the check ended by {'signal' if code < 0 else 'status'} {abs(code)}")
    except _Ended as ended:
        if child > 0:
            _kill(child)
        _say(check, state if ended.timed_out else UNKNOWN, str(ended))
    except OSError as error:
        _say(check, UNKNOWN, f"the check cannot run: {error.strerror}")


def _time(arguments: Sequence[str]) -> tuple[float, int]:
    """Return the time-out and its state that `arguments` ask for, as far as they can be understood at a glance."""
    timeout, state = TIMEOUT, UNKNOWN
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if word.startswith("-t") and len(word) > 2:
            name, equals, value = "-t", "=", word[2:]
        if not equals and number + 1 < len(arguments):
            value = arguments[number + 1]
        if name in ("-t", "--timeout"):
            try:
                asked = float(value)
            except ValueError:
                continue
            timeout = asked if 0 < asked < 1e6 else timeout
        elif name == "--timeout-state":
            state = _STATES.get(value.lower(), state)
    return timeout, state


def _arm(timeout: float) -> None:
    watched = (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def expired(number: int, frame: FrameType | None) -> None:
        _ignore(watched)
        raise _Ended(f"no answer within {timeout:g} s: it was killed", True)

    def ended(number: int, frame: FrameType | None) -> None:
        _ignore(watched)
        raise _Ended(f"ended by {signal.Signals(number).name}", False)

    for number in watched:
        signal.signal(number, expired if number == signal.SIGALRM else ended)
    signal.setitimer(signal.ITIMER_REAL, timeout + GRACE)


def _ignore(signals: Sequence[int]) -> None:
    """Let no other signal come between the first one and the answer."""
    for number in signals:
        signal.signal(number, signal.SIG_IGN)


def _work(check: str, arguments: Sequence[str], timeout: float, state: int, writing: int) -> NoReturn:
    """Do the work, in the child. Nothing of it reaches standard output but by way of `writing`."""
    code = 70
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        from checks.base.lean import lean

        lean()
        from checks.base.run import run

        code, text = run(check, arguments, timeout, state)
        _write(writing, text)
    except ImportError as error:
        code = UNKNOWN
        _write(writing, _line(check, code, f"a module is missing: {error.name or 'unknown'}"))
    finally:
        os._exit(code)


def _kill(child: int) -> None:
    """End the child and take leave of it; one that is stuck in the kernel is left to itself."""
    import time

    os.kill(child, signal.SIGKILL)
    for _ in range(LEAVE):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.005)


def _all(reading: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size < MOST and (part := os.read(reading, 1 << 16)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _say(check: str, state: int, why: str) -> NoReturn:
    _leave(state, _line(check, state, why))


def _line(check: str, state: int, why: str) -> bytes:
    """Return the answer of a check that did not come to one; without the modules that may be missing."""
    import time

    at = time.gmtime(time.time() + 12 * 3600)
    until = f"{['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][at.tm_wday]} {at.tm_hour:02}:{at.tm_min:02}Z"
    word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[state]
    head, ending = f"{check.upper()} {word}: ", f" - can wait until {until}"
    line = head + why[: WIDTH - len(head) - len(ending)] + ending
    return f"{line}\n{why}\n".encode("ascii", "backslashreplace")


def _write(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]


def _leave(code: int, text: bytes) -> NoReturn:
    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        _write(1, text)
    except OSError:  # nobody listens
        code = UNKNOWN
    os._exit(code)
