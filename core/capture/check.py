"""What is wrong with a camera's source that the types of site.toml cannot say."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from core.capture.folder import SLACK, freshness
from core.site.check import zone_hint, zones
from core.site.hosts import is_host, is_ipv4
from core.site.model.cameras import Camera, FolderSource, FtpSource, GphotoSource, HttpSource, RtspSource
from core.text import safe
from core.units import show_duration

Problem = tuple[str, str]  # the key's path below the camera, and the sentence

URL = 'write such as "http://10.20.0.11/snap.jpg"'
STREAM = 'write such as "rtsp://10.20.0.11/stream1"'
PTP = 'write such as "192.168.1.5" or "192.168.1.5:15740"'
PORTS = range(1, 65536)
ANONYMOUS = ("anonymous", "ftp")
LONGEST = 64  # characters of a login


def problems(camera: Camera) -> list[Problem]:
    """Return every problem of the camera's source, each with what to write instead."""
    source = camera.source
    if isinstance(source, HttpSource):
        return [*_url(source.url, ("http", "https"), URL), *_size(source.max_size)]
    if isinstance(source, RtspSource):
        return [*_url(source.url, ("rtsp",), STREAM), *_extra("rtsp", "av")]
    if isinstance(source, FtpSource):
        return [*_user(source), *_size(source.max_size), *_extra("ftp", "pyftpdlib", "push")]
    if isinstance(source, FolderSource):
        return list(_settle(camera, source))
    return list(_address(source))


def _size(most: int) -> Iterator[Problem]:
    if most < 1:
        yield "source.max_size", "at least 1B"


def _extra(kind: str, package: str, extra: str | None = None) -> Iterator[Problem]:
    if importlib.util.find_spec(package) is None:
        yield "source.kind", f"{kind} needs the package {package}: pip install 'overlapse[{extra or kind}]'"


def _user(source: FtpSource) -> Iterator[Problem]:
    user = source.user
    if source.zone is not None and source.zone not in zones():
        yield "source.zone", f"no time zone is named '{safe(source.zone, 60)}'{zone_hint(source.zone)}"
    if user != user.strip() or not user.isprintable() or len(user) > LONGEST:
        yield "source.user", f"'{safe(user, 60)}': at most {LONGEST} characters that a camera's page can take"
    elif user.lower() in ANONYMOUS:
        yield "source.user", f"'{user}' is the name of everybody (RFC 1635); write such as \"gate\""


def _url(url: str, schemes: Collection[str], example: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        yield "source.url", f"'{safe(url, 60)}' is not an address: {str(error)[:1].lower()}{str(error)[1:]}; {example}"
        return
    if parts.scheme not in schemes:
        ways = " or ".join(f"{scheme}://" for scheme in schemes)
        yield "source.url", f"'{safe(url, 60)}' does not begin with {ways}; {example}"
    elif not host or not is_host(host):
        yield "source.url", f"'{safe(url, 60)}' names no machine; {example}"
    elif port is not None and port not in PORTS:
        yield "source.url", f"{port} is no port; write one of 1 to 65535"


def _address(source: GphotoSource) -> Iterator[Problem]:
    if source.address is None:
        return
    host, *ports = source.address.split(":")
    if not is_ipv4(host):  # libgphoto2 asks no name server
        yield "source.address", f"'{safe(source.address, 60)}' is not an IPv4 address; {PTP}"
    elif len(ports) > 2 or not all(_is_port(port) for port in ports):
        yield "source.address", f"'{safe(source.address, 60)}': a port is one of 1 to 65535; {PTP}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) in PORTS


def _settle(camera: Camera, source: FolderSource) -> Iterator[Problem]:
    fresh = freshness(camera)
    if source.settle >= fresh:
        yield (
            "source.settle",
            f"no slot would ever take a picture: with an interval (every) of {show_duration(fresh / SLACK)} it is too "
            f"old after {fresh.total_seconds():g}s, and until settle, {source.settle.total_seconds():g}s, it may still "
            "be growing; write a shorter settle or a longer every",
        )
