"""A camera that libgphoto2 drives: the order of a shot, and what belongs to it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.capture import controls, telemetry, usb
from core.capture.base import Identity, Part, Shot, Telemetry
from core.capture.shot import LEFTOVERS, Spool, kind_of, kinds_of, stem_of
from core.clock import Clock, SystemClock
from core.errors import (
    CameraBusy,
    CameraError,
    CameraGone,
    CameraTimeout,
    CameraTransferCut,
    CardFull,
    FocusFailed,
    MirrorUp,
    OverlapseError,
)
from core.site.model.cameras import Camera, GphotoSource
from core.text import safe
from core.values import Kind, PictureName, seconds_of

if TYPE_CHECKING:
    from core.capture.gphoto import Session

GRACE = 20.0  # seconds beside the exposure in which the first picture must be told
QUIET = 0.05  # seconds without news after which a shot that is whole is over
LISTEN = 0.02  # seconds of one wait for news: some drivers take all of it before they tell what they have
PATIENCE = 2.0  # seconds without news after which one that is not whole is looked for on the card
STALE = 2.0  # seconds by which a picture of another shot is older than this shot's
OLD = 7 * 86400.0  # seconds: what has lain on the card for longer is somebody else's
BROKEN = (CameraTimeout, CameraGone, CameraTransferCut)  # a download that ends so leaves the session out of step
ANSWERED = (CameraBusy, CardFull, FocusFailed, MirrorUp)  # a shot that ends otherwise: the next one takes a new session


@dataclass(frozen=True, slots=True)
class _File:
    """A picture on the camera."""

    path: str
    size: int | None  # bytes
    time: float | None  # the camera's own, seconds since the epoch


@dataclass
class _Taking:
    """One shot while it is being taken."""

    spool: Spool
    at: int  # the slot, epoch seconds
    shutter: float = 0.0
    paths: list[str] = field(default_factory=list)
    complete: bool = False
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class TetheredCamera:
    """A camera on USB or PTP/IP, or the virtual one."""

    def __init__(
        self,
        camera: Camera,
        spool: Path,
        secrets: Mapping[str, str],
        clock: Clock | None = None,
        sys: Path = usb.SYS,
    ) -> None:
        assert isinstance(camera.source, GphotoSource)
        self._camera, self._source, self._folder, self._sys = camera, camera.source, spool, sys
        self._clock = clock or SystemClock()
        self._wanted = kinds_of(camera)
        self._session: Session | None = None
        self._drift: dict[str, list[str]] = {}
        self._ahead = 0.0  # seconds to take from the camera's times
        self._handed: set[str] = set()  # handed over and not yet released: never a leftover
        self._left_alone: set[str] = set()  # not ours, or not to be read
        self._owed: list[Part] = []  # leftovers in the spool that no answer has told yet

    def open(self) -> Telemetry:
        session = self._renew()
        return controls.readings(session, self._clock) | {"offered": controls.offered(session), "drift": self._drift}

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()

    def telemetry(self) -> Telemetry:
        session = self._opened()
        session.event(0.01)  # it also keeps the camera from falling asleep
        return controls.readings(session, self._clock)

    def set_clock(self) -> Telemetry:
        found = controls.set_clock(self._opened(), self._clock)
        self._ahead = telemetry.ahead_of_host(found)
        return found

    def release(self, source_names: Sequence[str]) -> None:
        session = self._opened()
        for path in source_names:
            session.delete(path)
            self._handed.discard(path)

    def shoot(self, identity: Identity, at: datetime) -> Shot:
        taking = _Taking(Spool(self._folder, identity), seconds_of(at))
        try:
            self._shoot(taking)
        except OverlapseError as error:
            self._undo(taking)
            if isinstance(error, CameraError) and not isinstance(error, ANSWERED):
                self.close()
            raise
        taking.spool.settle()
        owed, self._owed = self._owed, []
        partial = self._camera.shoots == "raw+jpeg" and bool(self._missing(taking))
        return Shot(taking.shutter, taking.parts, owed, partial, self._drift, taking.notes)

    def _shoot(self, taking: _Taking) -> None:
        self._opened()
        self._take_leftovers(taking)
        before = set(self._opened().pictures())
        taking.shutter = self._clock.now().timestamp()
        self._expose(taking)
        self._fetch_all(taking, taking.paths)
        if self._missing(taking):
            self._look_again(taking, before)
        if not taking.parts and taking.complete:
            raise CameraError("the camera finished the shot but there is no picture")
        if not taking.parts:
            raise CameraTimeout("the camera took the order to shoot but no picture came")

    def _missing(self, taking: _Taking) -> frozenset[Kind]:
        return self._wanted - {part.kind for part in taking.parts}

    def _undo(self, taking: _Taking) -> None:
        """Forget the files of a failed shot: the camera still has them, they come as leftovers."""
        for part in taking.parts:
            (self._folder / part.name).unlink(missing_ok=True)
            self._handed.discard(part.source_name)

    # --- the session

    def _opened(self) -> Session:
        return self._session if self._session is not None else self._renew()

    def _renew(self) -> Session:
        self.close()
        session = self._session = self._connect()
        self._drift = controls.apply(session, self._camera.settings)
        self._ahead = telemetry.ahead_of_host(controls.read_clock(session, self._clock))
        if self._source.virtual is not None:  # its card is a folder of ours, and forgets with each session
            self._left_alone = set(session.pictures())
        return session

    def _connect(self) -> Session:
        if self._source.virtual is not None:
            os.environ["VCAMERADIR"] = self._source.virtual  # the library reads it once, when it is imported
        from core.capture import gphoto  # only now, because of that

        if self._source.virtual is not None:
            return gphoto.connect_virtual()
        if self._source.address is not None:
            return gphoto.connect_network(network_port(self._source.address))
        return gphoto.connect_usb(self._source.serial, usb.port_of(self._source.serial, self._sys))

    # --- the shutter

    def _expose(self, taking: _Taking) -> None:
        try:
            taking.paths += self._opened().trigger()
            taking.complete = bool(taking.paths)
            self._watch(taking)
        except CameraError as error:
            if type(error) is CameraError and controls.is_full(self._opened()):
                raise CardFull(f"the card is full: {error}") from error
            raise

    def _watch(self, taking: _Taking) -> None:
        session, now = self._opened(), self._clock.monotonic()
        wait = GRACE + 2 * self._camera.exposure.total_seconds()
        until = now + (self._patience(taking) if taking.paths else wait)
        while now < until:
            event = session.event(LISTEN)
            now = self._clock.monotonic()
            if event.kind == "full":
                raise CardFull("the camera says that its card is full")
            if event.kind == "picture" and kind_of(event.path) is not None:
                taking.paths.append(event.path)
            taking.complete |= event.kind == "complete"
            if event.kind in ("picture", "complete"):
                until = now + self._patience(taking)

    def _patience(self, taking: _Taking) -> float:
        whole = self._wanted <= {kind_of(path) for path in taking.paths}
        return QUIET if whole and taking.complete else PATIENCE

    # --- the pictures

    def _fetch_all(self, taking: _Taking, paths: Sequence[str]) -> None:
        """Download what the shot gave. Pictures that an earlier one left in the camera's memory are owed."""
        files = [self._look_at(path) for path in dict.fromkeys(paths)]
        stale = _stale(files)
        names = taking.spool.names(taking.at, [file.path for file in files if file not in stale])
        trouble: CameraError | None = None
        for file in files:
            try:
                self._take(file, taking, names.get(file.path))
            except CameraError as error:
                trouble = error
                taking.notes.append(f"{safe(file.path)}: {error}")
                if isinstance(error, BROKEN):
                    self.close()
                    break
        if trouble is not None and not taking.parts:
            raise trouble

    def _take(self, file: _File, taking: _Taking, name: PictureName | None) -> None:
        if name is None:
            self._owe(file, taking)
        else:
            taking.parts.append(self._fetch(file, taking.spool, name, taking.shutter))

    def _look_again(self, taking: _Taking, before: set[str]) -> None:
        """Find what was not told: a listing is as old as its session, so this takes a new one."""
        try:
            known = before | self._handed | self._left_alone
            paths = [path for path in self._renew().pictures() if path not in known and kind_of(path) is not None]
            self._fetch_all(taking, paths)
        except CameraError as error:
            if not taking.parts:
                raise
            taking.notes.append(f"the other half was looked for: {error}")

    def _take_leftovers(self, taking: _Taking) -> None:
        until = self._clock.monotonic() + LEFTOVERS
        for path in self._opened().pictures():
            if path in self._handed or path in self._left_alone or kind_of(path) is None:
                continue
            if self._clock.monotonic() > until:
                taking.notes.append("more pictures wait on the camera; they come with the next shots")
                return
            self._take_leftover(path, taking)

    def _take_leftover(self, path: str, taking: _Taking) -> None:
        try:
            file = self._look_at(path)
            if self._clock.now().timestamp() - self._host_time(file) > OLD:
                self._leave(path, taking, "was on the card before us")
            else:
                self._owe(file, taking)
        except CameraError as error:
            self._leave(path, taking, f"cannot be read: {error}")
            if isinstance(error, BROKEN):
                self._renew()

    def _leave(self, path: str, taking: _Taking, why: str) -> None:
        self._left_alone.add(path)
        taking.notes.append(f"{safe(path)} {why}; it is left alone")

    def _owe(self, file: _File, taking: _Taking) -> None:
        at = int(self._host_time(file))
        part = self._fetch(file, taking.spool, taking.spool.names(at, [file.path])[file.path], None)
        self._owed.append(part)
        taking.notes.append(f"{safe(file.path)} was waiting on the camera: kept as {part.name}")

    def _look_at(self, path: str) -> _File:
        size, seconds = self._opened().info(path)
        known = seconds is not None and seconds > controls.CLOCK_NEVER_SET
        return _File(path, size, seconds if known else None)

    def _host_time(self, file: _File) -> float:
        now = self._clock.now().timestamp()
        return now if file.time is None else min(now, file.time - self._ahead)

    def _fetch(self, file: _File, spool: Spool, name: PictureName, shutter: float | None) -> Part:
        session, kind = self._opened(), kind_of(file.path)
        assert kind is not None
        with spool.receive(name) as reception:
            session.download(file.path, reception.write)
            kept = reception.keep(file.size)
        self._handed.add(file.path)
        return Part(kept.name, kind, kept.size, kept.sha256, file.path, file.time, shutter)


def _stale(files: Sequence[_File]) -> list[_File]:
    """Return the files of earlier shots: some bodies hand out what was left in their memory first."""
    newest = max(files, key=lambda file: file.time or 0.0, default=None)
    if newest is None or newest.time is None:
        return []
    others = [file for file in files if stem_of(file.path) != stem_of(newest.path) and file.time is not None]
    return [file for file in others if newest.time - (file.time or 0.0) > STALE]


def network_port(address: str) -> str:
    """Return the library's port of "HOST[:PORT[:EVENTPORT]]"; without EVENTPORT both share one."""
    host, _, ports = address.partition(":")
    port, _, events = ports.partition(":")
    port = port or "15740"
    return f"ptpip:{host}:{port}:{events or port}"
