"""What is wrong with a camera's source that the types of site.toml cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from core.capture.folder import SLACK, freshness
from core.site.hosts import is_host, is_ipv4
from core.site.model import Camera, FolderSource, GphotoSource, HttpSource
from core.text import safe
from core.units import show_duration

Problem = tuple[str, str]  # the key's path below the camera, and the sentence

URL = 'write such as "http://10.20.0.11/snap.jpg"'
PTP = 'write such as "192.168.1.5" or "192.168.1.5:15740"'
PORTS = range(1, 65536)


def problems(camera: Camera) -> list[Problem]:
    """Return every problem of the camera's source, each with what to write instead."""
    source = camera.source
    if isinstance(source, HttpSource):
        return [*_url(source.url), *([("source.max_size", "at least 1B")] if source.max_size < 1 else [])]
    if isinstance(source, FolderSource):
        return list(_settle(camera, source))
    return list(_address(source))


def _url(url: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        yield "source.url", f"'{safe(url, 60)}' is not an address: {str(error)[:1].lower()}{str(error)[1:]}; {URL}"
        return
    if parts.scheme not in ("http", "https"):
        yield "source.url", f"'{safe(url, 60)}' does not begin with http:// or https://; {URL}"
    elif not host or not is_host(host):
        yield "source.url", f"'{safe(url, 60)}' names no machine; {URL}"
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
