"""The listening end of the control socket: made safely, taken over only from the dead, removed only if still ours."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import socket
import stat
from pathlib import Path

from core.control.wire import address
from core.errors import AlreadyRunning, ConfigurationError, NameTaken, StorageError

_FOLDER_MODE = 0o750
_SOCKET_MODE = 0o660
_BACKLOG = 64
_ASKING = 1.0  # seconds in which a living node accepts


class Listener:
    """A bound and listening socket at `path`, for the node's user and for the members of `group`.

    Raise AlreadyRunning when somebody answers there, NameTaken when it is no socket, ConfigurationError when
    everybody may write to its folder, StorageError when the system refuses.
    """

    def __init__(self, path: Path, group: str) -> None:
        self.path = path
        try:
            _make_folder(path.parent, group)
            _remove_stale(path)
            self.socket = _bind(path, group)
            self._inode = path.stat().st_ino
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Stop listening and remove the socket file, unless another one stands there by now."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self.socket.close()
        with contextlib.suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()


def _make_folder(folder: Path, group: str) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if folder.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
            raise ConfigurationError(f"{folder}: everybody may replace the control socket there; chmod o-w") from None
        return
    _give_to(folder, group, _FOLDER_MODE)


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise NameTaken(f"{path}: this is no socket; move it away")
    if _answers(path):
        raise AlreadyRunning(f"{path}: another node answers there")
    path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, address(path) as target:
        probe.settimeout(_ASKING)
        try:
            probe.connect(target)
        except OSError as error:
            return error.errno not in (errno.ECONNREFUSED, errno.ENOENT)  # a full queue is the sign of somebody too
        return True


def _bind(path: Path, group: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), stat.S_IRUSR | stat.S_IWUSR)  # the kernel makes the file with these rights
        with address(path) as target:
            listener.bind(target)
        _give_to(path, group, _SOCKET_MODE)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _give_to(path: Path, group: str, mode: int) -> None:
    """Let the group in where the node may: as root, or as a member of it. Everybody in is asked for a role still."""
    with contextlib.suppress(KeyError, PermissionError):
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
    path.chmod(mode)
