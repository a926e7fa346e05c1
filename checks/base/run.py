"""One run of a check, in the child: parse, read or probe, judge; whatever happens, a state and a text."""

from __future__ import annotations

import importlib
import os
import signal
import time

from checks.base import options as opts
from checks.base.finding import UNKNOWN
from checks.base.judge import Expired, When, merged
from checks.base.redact import redacted
from checks.base.say import HOUR
from checks.base.verdict import Verdict, can_wait, first_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Any

ACT_HOURS = 12.0
BOOT = "/proc/sys/kernel/random/boot_id"


def run(check: str, arguments: Sequence[str], timeout: float, timeout_state: int) -> tuple[int, bytes]:
    """Return the exit status, 0 to 3, and what goes to standard output."""
    _arm(timeout, timeout_state)
    try:
        return answer(check, arguments)
    except Expired as error:
        state, text = told(check, error.state, str(error))
        return state, encoded(text)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def answer(check: str, arguments: Sequence[str]) -> tuple[int, bytes]:
    """Return the same, however long it takes; raise nothing but Expired."""
    try:
        state, text = _run(check, arguments)
    except Exception as error:  # noqa: BLE001 - around a whole check: one line, no traceback
        state, text = told(check, UNKNOWN, reason(error))
    return state, encoded(text)


def _arm(timeout: float, state: int) -> None:
    def expire(number: int, frame: FrameType | None) -> None:
        raise Expired(f"no answer within {timeout:g} s", state)

    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, timeout, 1.0)  # again and again: somebody may swallow the first


def reason(error: BaseException) -> str:
    """Return what went wrong, in a few words: never a traceback."""
    if isinstance(error, ImportError):
        return f"a module is missing: {error.name or error}"
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or type(error).__name__}"
    named = type(error).__name__ in ("CheckError", "Unreadable", "ConfigurationError", "ValueError")
    return str(error) if named else f"internal error: {type(error).__name__}"


def told(check: str, state: int, text: str) -> tuple[int, str]:
    """Return state and text of a check that has no more to say than this."""
    now = time.time()
    return state, first_line(
        check, state, [redacted(text)], can_wait(now + ACT_HOURS * HOUR, now)
    ) + f"\n{redacted(text)}\n"


def encoded(text: str) -> bytes:
    """Return `text` as bytes that every terminal and log takes; what is no UTF-8 stays visible."""
    return redacted(text).encode("utf-8", "backslashreplace")


def _run(check: str, arguments: Sequence[str]) -> tuple[int, str]:
    module = importlib.import_module(f"checks.{check}")
    program = f"check_{check}"
    known = (*opts.COMMON, *opts.DOCUMENT, *module.OPTIONS)
    try:
        values = opts.parse(arguments, known)
        if values["help"]:
            return UNKNOWN, opts.usage(program, known, module.__doc__ or "", whole=True)
        if values["version"]:
            return UNKNOWN, f"{program} {_version()}\n"
        verdict = module.check(values)
    except opts.Usage as error:
        state, text = told(check, UNKNOWN, f"{error}; see --help")
        return state, text + opts.usage(program, known, "", whole=False)
    return verdict.state, verdict.text()


def _version() -> str:
    from importlib.metadata import version

    return version("overlapse")


def of_document(module: Any, values: dict[str, Any], subject: str | None) -> Verdict:
    """Judge one subject of the status document, all of them when none is named; raise Usage, CheckError, Unreadable."""
    from core.status.read import read

    opts.limits_of(values, module.METRICS)  # what is wrong with them is told before what is wrong with the document
    path = values["status"] or _found(values)
    body = read(path)
    return of_body(module, body, time.time(), values, subject, _ended(body))


def of_body(
    module: Any,
    body: dict[str, Any],
    now: float,
    values: dict[str, Any],
    subject: str | None,
    ended: bool | None = None,
) -> Verdict:
    """Judge what was read at `now`; raise Usage or CheckError."""
    from checks.document import Document

    limits = opts.limits_of(values, module.METRICS)
    given = {} if values["act_hours"] is None else {"act_hours": values["act_hours"]}
    document = Document(body, now, given, version=values.get("expect_version"), ended=ended)
    subjects = [subject] if subject is not None else module.subjects(document)
    judged = [module.verdict(document, one, limits) for one in subjects]
    if not judged:
        return nothing(module, document.when())
    return merged(module.CHECK, judged, document.when())


def nothing(module: Any, when: When) -> Verdict:
    """Return the verdict of a node that has nothing of the kind."""
    return Verdict(module.CHECK, "", 0, first_line(module.CHECK, 0, [module.NONE], can_wait(when.horizon, when.now)))


def _found(values: dict[str, Any]) -> str:
    """Return the path of the document that --site, --node and -H name; raise ConfigurationError."""
    from pathlib import Path

    from core.site.place import place_of, site_files

    place = place_of(site_files([Path(values["site"])] if values["site"] else [])[0], values["node"])
    asked = values["hostname"]
    if asked is None or asked == place.node:
        return str(place.folders.status)
    if not asked.replace("-", "").isalnum():
        raise opts.Usage("-H is the name of a node")
    return str(place.folders.fleet / f"{asked}.json")


def _ended(body: dict[str, object]) -> bool | None:
    """Return whether the process that wrote the document has ended; None: it ran elsewhere, or came here by a link."""
    pid = body.get("pid")
    if "heard" in body or not isinstance(pid, int) or not 0 < pid < 1 << 31:
        return None
    try:
        with open(BOOT, encoding="ascii") as file:  # noqa: PTH123
            if file.read().strip() != body.get("boot"):
                return None
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    except OSError:
        return None
    return False
