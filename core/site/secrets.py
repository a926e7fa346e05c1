"""Secrets stand in files of their own, named by the site file, readable by their owner alone."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import ConfigurationError
from core.site.at import reads_at, used_at
from core.site.engine import credential_files, needs_session
from core.site.folders import Finding
from core.site.mailing import sends_mail
from core.site.model.cameras import HttpSource, RtspSource
from core.site.model.file import SiteFile
from core.site.model.places import Destination, Fetch
from core.site.paths import is_file

LEAST_SHARED = 32  # bytes
MAX_SECRET = 65_536  # bytes; a private key has some thousand


def secret_problems(site: SiteFile, base: Path, node: str | None = None) -> list[Finding]:
    """Return what is wrong with the secrets of `site`; with `node`, only those that this node needs."""
    return [*_inline(site), *_files(site, base, node)]


def _inline(site: SiteFile) -> Iterator[Finding]:
    for n, camera in enumerate(site.camera):
        if isinstance(camera.source, HttpSource | RtspSource) and _has_password(camera.source.url):
            at = f"camera[{n}].source.url"
            yield at, "a password does not stand in an address; write it into a file and name it with password_file"
    for n, destination in enumerate(site.destination):
        places = {"address": destination.address}
        if destination.fetch is not None:
            places["fetch.address"] = destination.fetch.address
        for at in (f"destination[{n}].{word}" for word, address in places.items() if _has_password(address)):
            yield at, "a password does not stand in an address; write it into a file and name it with password_file"


def _has_password(address: str) -> bool:
    try:
        return urlsplit(address).password is not None
    except ValueError:
        return False


def _files(site: SiteFile, base: Path, node: str | None) -> Iterator[Finding]:
    only = site.node[0].name if len(site.node) == 1 else None
    for n, camera in enumerate(site.camera):
        if node not in (None, camera.primary or only, camera.backup, *camera.reach):
            continue
        yield from _file(f"camera[{n}].source.password_file", getattr(camera.source, "password_file", None), base)
        yield from _plain(f"camera[{n}].source.ca_file", getattr(camera.source, "ca_file", None), base)
    for n, each in enumerate(site.node):
        if each.ftp is not None and node in (None, each.name):
            yield from _file(f"node[{n}].ftp.key_file", each.ftp.key_file, base)
            yield from _plain(f"node[{n}].ftp.certificate_file", each.ftp.certificate_file, base)
        for m, one in enumerate(each.obeys):
            if node in (None, each.name, one.node):
                yield from _shared(f"node[{n}].obeys[{m}].key_file", base / one.key_file)
    smtp = site.notifications.smtp
    if smtp is not None and (node is None or sends_mail(site, node)):
        yield from _file("notifications.smtp.password_file", smtp.password_file, base)
        yield from _plain("notifications.smtp.ca_file", smtp.ca_file, base)
    if node is not None and needs_session(site, node):
        authority, certificate, key = credential_files(base / site.coordination.credentials, site.site.name, node)
        for path in (authority, certificate):
            yield from _plain("coordination.credentials", str(path), base)
        yield from _file("coordination.credentials", str(key), base)
    for n, feed in enumerate(site.monitoring):
        if feed.icinga is not None and node in (None, feed.at or only):
            yield from _file(f"monitoring[{n}].icinga.password_file", feed.icinga.password_file, base)
            yield from _plain(f"monitoring[{n}].icinga.ca_file", feed.icinga.ca_file, base)
    used = used_at(site, node) | reads_at(site, node) if node is not None and len(site.node) > 1 else None
    for n, destination in enumerate(site.destination):
        if used is None or destination.name in used:
            yield from _of_destination(f"destination[{n}]", destination, base)
        if destination.fetch is not None and node in (None, destination.node):
            yield from _of_destination(f"destination[{n}].fetch", destination.fetch, base)


def _of_destination(at: str, place: Destination | Fetch, base: Path) -> Iterator[Finding]:
    for word in ("key_file", "password_file"):
        yield from _file(f"{at}.{word}", getattr(place, word), base)
    yield from _plain(f"{at}.ca_file", place.ca_file, base)


def _file(at: str, name: str | None, base: Path) -> Iterator[Finding]:
    if name is not None and (problem := fault(base / name)) is not None:
        yield at, problem


def _shared(at: str, path: Path) -> Iterator[Finding]:
    """Yield what is wrong with a secret that two nodes share: it is all that proves whose an order is."""
    if (problem := fault(path)) is not None:
        yield at, problem
    elif path.stat().st_size < LEAST_SHARED:
        yield at, f"{path}: too short to keep anybody out; type: openssl rand -hex 32 > {shlex.quote(str(path))}"


def _plain(at: str, name: str | None, base: Path) -> Iterator[Finding]:
    if name is not None and not is_file(base / name):
        yield at, f"{base / name}: no such file"


def fault(path: Path) -> str | None:
    """Return why the secret in `path` cannot be used and what to do, None when it can."""
    try:
        found = path.stat()
    except OSError as error:
        return f"{path}: {(error.strerror or 'cannot be read').lower()}; write the secret into that file"
    if not stat.S_ISREG(found.st_mode):
        return f"{path}: not a file; name the file that holds the secret"
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        return f"{path}: others can read it (mode {mode:04o}); type: chmod 600 {shlex.quote(str(path))}"
    if not os.access(path, os.R_OK):
        return f"{path}: this user may not read it; it belongs to user number {found.st_uid}"
    if not 0 < found.st_size <= MAX_SECRET:
        return f"{path}: {found.st_size} bytes are not a secret; write the secret into that file"
    return None


def read_secret(path: Path) -> str:
    """Return the text in `path` without one newline at its end; raise ConfigurationError."""
    if (problem := fault(path)) is not None:
        raise ConfigurationError(problem)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as text") from error
    return text.removesuffix("\n").removesuffix("\r")
