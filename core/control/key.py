"""Which SSH key a login used, where sshd says so (`ExposeAuthInfo yes`): a note for the audit, never a right.

sshd names a file in SSH_USER_AUTH; the person who logged in could name another one, so it is read with care and what
it says decides nothing.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_WRITTEN_BY_SSHD = re.compile(rb"/tmp/sshauth\.\w{1,32}")  # the name is fixed in OpenSSH
_MAX_FILE = 64_000  # bytes of an environment or of sshd's file


def key_of_process(pid: int, uid: int) -> str | None:
    """Return the fingerprint that the environment of another process leads to; None when it cannot be read."""
    for entry in _read(f"/proc/{pid}/environ".encode(), uid).split(b"\0"):
        if entry.startswith(b"SSH_USER_AUTH="):
            return key_of_login(entry.partition(b"=")[2], uid)
    return None


def key_of_login(path: bytes, uid: int) -> str | None:
    """Return "SHA256:..." of the public key in the file that sshd wrote for that user; None without one."""
    if _WRITTEN_BY_SSHD.fullmatch(path) is None:
        return None
    for line in _read(path, uid).splitlines():
        words = line.split()
        if len(words) >= 3 and words[0] == b"publickey":
            return _fingerprint(words[2])
    return None


def _fingerprint(key: bytes) -> str | None:
    try:
        digest = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
    except ValueError:
        return None
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _read(path: bytes, owner: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        found = os.fstat(descriptor)
        plain = stat.S_ISREG(found.st_mode) and found.st_uid == owner  # no pipe, nobody else's file
        return os.read(descriptor, _MAX_FILE) if plain else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)
