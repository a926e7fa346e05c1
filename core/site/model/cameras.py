"""The cameras: where their pictures come from, and when."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from typing import Annotated, Literal

from core.site.model.words import Duration, Key, Name, OneOf, Size, table

Shoots = Literal["raw+jpeg", "jpeg", "raw"]


@table
class Schedule:
    """When a camera is expected to shoot: `every` or `at`, inside a window of local time on some days.

    `days`: "mon-sat", "mon,wed" or "daily"; `begin` and `end`: "HH:MM", "sunrise-30m", "sunset+1h"
    (in the file: `from` and `to`); a window whose end is not after its begin runs over midnight.
    """

    every: Duration | None = None
    at: tuple[str, ...] = ()
    offset: Duration = timedelta(0)
    days: str = "daily"
    begin: Annotated[str | None, Key("from")] = None
    end: Annotated[str | None, Key("to")] = None


@table
class Event:
    """A one-off schedule that overrides the camera's own from `begin` until `end` (local, "2026-11-21T08:00")."""

    every: Duration
    begin: Annotated[str, Key("from")]
    end: Annotated[str, Key("to")]
    offset: Duration = timedelta(0)


@table
class GphotoSource:
    """A camera that libgphoto2 drives, by USB serial or by PTP/IP address; neither: the only one on USB."""

    kind: Literal["gphoto2"]
    serial: str | None = None
    address: str | None = None  # "192.168.1.5" or "192.168.1.5:15740[:EVENTPORT]": PTP/IP
    virtual: str | None = None  # a folder with DCIM/...: the virtual camera of the gphoto2 wheel


@table
class HttpSource:
    """A camera that gives a snapshot over HTTP."""

    kind: Literal["http"]
    url: str
    user: str | None = None
    password_file: str | None = None
    max_size: Size = 64_000_000
    ca_file: str | None = None


@table
class FolderSource:
    """A folder in which something that is not ours leaves pictures; each slot takes the newest whole one."""

    kind: Literal["folder"]
    path: str
    settle: Duration = timedelta(seconds=5)  # a file younger than this may still be growing
    remove: bool = False  # remove files there once they are durable here


@table
class RtspSource:
    """A camera that streams over RTSP; each shot is the first whole key frame of its stream."""

    kind: Literal["rtsp"]
    url: str
    user: str | None = None
    password_file: str | None = None
    transport: Literal["tcp", "udp"] = "tcp"


@table
class FtpSource:
    """A camera that pushes its pictures by itself to the node's FTP server, under a login of its own.

    `zone`: of the times in its file names and its EXIF; none: the site's.
    """

    kind: Literal["ftp"]
    user: str
    password_file: str
    zone: str | None = None
    max_size: Size = 200_000_000


Source = Annotated[GphotoSource | HttpSource | RtspSource | FtpSource | FolderSource, OneOf("kind")]


@table
class Settings:
    """What is written to the camera at every open, each from the camera's own choices."""

    format: str | None = None
    iso: str | None = None
    aperture: str | None = None
    shutter: str | None = None
    focus: str | None = None
    target: str | None = None  # capture target: "card" or "ram", or the camera's own word


@table
class Recovery:
    """What the recovery ladder may do to this camera."""

    usb_reset: bool = True
    hook: tuple[str, ...] = ()  # argv of a command that cuts and restores its power (a relay, uhubctl)
    hook_wait: Duration = timedelta(seconds=10)
    hooks_a_day: int = 12


@table
class Camera:
    """A configured source of pictures.

    `primary` and `backup` are the first assignment only, where nodes share an engine. `reach`: other nodes that can
    open it. `exclusive`: it takes one connection at a time, so an owner that is cut off stops shooting it. Of several
    cameras a backup takes those of the highest `priority` first.
    """

    name: Name
    source: Source
    primary: Name | None = None
    backup: Name | None = None
    reach: tuple[Name, ...] = ()
    exclusive: bool = False
    priority: int = 0
    shoots: Shoots = "jpeg"
    schedule: tuple[Schedule, ...] = ()
    event: tuple[Event, ...] = ()
    settings: Settings = field(default_factory=Settings)
    recovery: Recovery = field(default_factory=Recovery)
    exposure: Duration = timedelta(seconds=1)  # the longest exposure; the shot's deadline grows with it
    keep_open: Duration = timedelta(minutes=5)  # with a longer interval the camera is closed after each shot
    set_clock: bool = True
