"""How a command ends when it did not go well: what is said of it, in one line each, and with which exit status."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import click

from core.errors import ConfigurationError, OverlapseError, StorageError
from core.text import safe

FAILED = 1
INTERRUPTED = 130
LINE = 1000  # characters of one problem
DEBUG = "OVERLAPSE_DEBUG"
PROGRAM = "overlapse"
WRONG_PATH = {  # what is wrong with the path that somebody named, not with the disk
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}

log = logging.getLogger(__name__)


class Interrupted(OverlapseError):
    """A person ended the command before its work was done."""

    exit_status = INTERRUPTED


def unusable(path: Path, error: OSError) -> OverlapseError:
    """Return the error of ours for a path that the user named and the system refused."""
    kind = ConfigurationError if error.errno in WRONG_PATH else StorageError
    return kind(f"{safe(path)}: {error.strerror}")


def refused(error: OverlapseError) -> int:
    """Tell an error of ours; return the exit status."""
    for line in error.problems if isinstance(error, ConfigurationError) else [str(error)]:
        _tell(line)
    return error.exit_status


def misused(error: click.ClickException) -> int:
    """Tell what is wrong with the command line; return the exit status."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    more = f" (see {context.command_path} --help)" if context is not None else ""
    _tell(re.sub(r"\s*\n\s*", " ", error.format_message()), more)
    return error.exit_code


def interrupted() -> int:
    """Tell that it was interrupted; return the exit status."""
    _tell("interrupted")
    return INTERRUPTED


def failed(error: OSError) -> int:
    """Tell what the system refused; return the exit status."""
    _trace()
    if _came_of_writing(error):
        _tell(f"the answer could not be written: {error.strerror}")
    else:
        where = "" if error.filename is None else f"{safe(os.fsdecode(error.filename))}: "
        _tell(f"{where}{error.strerror or error}")
    return FAILED


def faulty(error: Exception) -> int:
    """Tell a fault of the program itself: one line, its place in the code only when that is asked for."""
    log.critical("internal fault", exc_info=error)  # `run` has a log, which keeps all of it
    _trace()
    _tell(f"internal fault: {type(error).__name__}: {error}", f" ({DEBUG}=1 shows where; please report it)")
    return FAILED


def settle() -> None:
    """Let go of what can be written nowhere: the interpreter would complain of it with a status of its own."""
    for stream in (sys.stdout, sys.stderr):
        if not _flushes(stream):
            with suppress(OSError, ValueError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


def called(program: str) -> str:
    """Return what to type to call the program again from here, as it was called: `program` is its own argv[0]."""
    path = Path(program)
    if path.name != PROGRAM or not path.is_file():
        return PROGRAM
    found = shutil.which(PROGRAM)
    if found is not None and path.samefile(found):
        return PROGRAM
    shown = os.path.relpath(path)
    return str(path.absolute()) if shown.startswith("..") else shown if "/" in shown else f"./{shown}"


def _tell(line: str, more: str = "") -> None:
    with suppress(OSError):  # stderr itself may be what fails
        click.echo(f"{PROGRAM}: {safe(line, LINE)}{more}", err=True)


def _trace() -> None:
    if os.environ.get(DEBUG):
        with suppress(OSError):
            traceback.print_exc()


def _came_of_writing(error: OSError) -> bool:
    """Return whether it was the answer that nobody took."""
    return any(frame.f_code is click.echo.__code__ for frame, _ in traceback.walk_tb(error.__traceback__))


def _flushes(stream: object) -> bool:
    try:
        if stream is not None:  # None: it was closed before the program began
            stream.flush()  # type: ignore[attr-defined]
    except (OSError, ValueError):
        return False
    return True
