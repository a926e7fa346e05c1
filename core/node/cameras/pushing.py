"""Cameras that push: the node's FTP server is kept alive, and what came between the slots is taken in."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from core.capture.base import Collected, Shot
from core.capture.wire import collected_from_json
from core.errors import CatalogueError, ConfigurationError, StorageError
from core.node.cameras.post import Post
from core.node.cameras.shooting import Shooting
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Said, Setting, Worker
from core.node.pictures.taking import Taken, Taking
from core.site.model.cameras import Camera, FtpSource
from core.site.model.nodes import FtpServer
from core.site.secrets import read_secret
from core.text import safe

log = logging.getLogger(__name__)

FTPD = Worker("ftpd")
OPENING = 30.0  # seconds
SILENT = 180.0  # seconds without a sign of life; it gives one a minute
AGAIN = (1.0, 60.0)  # seconds until a server that ended is started again, at first and at most
SWEEP, HOUR = 60.0, 3600.0  # seconds between two looks at a folder where something waits, and where nothing does
MOST = 100  # things told in an hour: strangers try many names
NEVER = float("inf")


@dataclass
class Pushing:
    """Runs the FTP server while a camera needs one, and sweeps the cameras' folders."""

    context: Context
    taking: Taking
    shooting: Shooting
    _setting: Setting | None = None
    _serving: Job | None = None
    _renewed: bool = False  # it ends because it is to be another one
    _serve_at: float = NEVER  # monotonic
    _wait: float = AGAIN[0]
    _sweep_at: dict[str, float] = field(default_factory=dict)  # camera -> monotonic
    _sweeping: set[str] = field(default_factory=set)
    _told: dict[tuple[str, str], float] = field(default_factory=dict)  # kind, text -> monotonic
    _stopping: bool = False

    def apply(self) -> None:
        """Take over the cameras and the server as they are configured now."""
        cameras = [camera for camera in self.context.cameras() if isinstance(camera.source, FtpSource)]
        now = self.context.monotonic()
        for name in sorted(self._sweep_at.keys() - {camera.name for camera in cameras}):
            folder = self.context.folders.drop / name
            self.context.tell("uploads left", name, f"it pushes here no more; {folder} stays, and is yours to remove")
        self._sweep_at = {camera.name: self._sweep_at.get(camera.name, now) for camera in cameras}
        server = self.context.node.ftp
        setting = self._setting_of(server, cameras) if server is not None and cameras else None
        if setting == self._setting:
            return
        self._setting = setting
        self._renewed = self._serving is not None
        self.context.hands.equip(FTPD, setting if setting is not None else Setting())  # it ends the one that serves
        self._serve_at = now if setting is not None and self._serving is None else NEVER

    def tick(self) -> None:
        """Start the server when it is time, and look at the folders that are due."""
        now = self.context.monotonic()
        if self._stopping:
            return
        if now >= self._serve_at:
            self._serve_at = NEVER
            self._serving = Job(FTPD, "serve", {}, NEVER, SILENT, standing=True)
            self.context.hands.give(self._serving)
        for name, at in self._sweep_at.items():
            post = self.shooting.posts.get(name)
            if now >= at and name not in self._sweeping and post is not None:
                self._sweep_at[name] = now + HOUR
                if self.shooting.stopped is None:  # else the pictures stay where they are, and the server refuses more
                    self._sweeping.add(name)
                    self.context.hands.give(post.collect(self.context))

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        if self._stopping:
            return NEVER
        waiting = [at for name, at in self._sweep_at.items() if name not in self._sweeping]
        return min([self._serve_at, *waiting])

    def stop(self) -> None:
        """Begin nothing new; the server takes uploads until the node has ended."""
        self._stopping = True

    def finished(self) -> bool:
        """Return whether no folder is being looked at."""
        return not self._sweeping

    def after_shot(self, report: Report) -> None:
        """Look at the folder soon after a shot that failed: it may have left a picture half taken."""
        if isinstance(report, Failed):
            self._look(report.job.worker.name)

    def handle(self, report: Report) -> None:
        """Take in what the server tells, and what lay in a camera's folder."""
        if report.job.op == "collect":
            self._collected(report)
        elif report.job is not self._serving:
            return
        elif isinstance(report, Said):
            self._heard(report.news)
        elif isinstance(report, Done | Failed):
            self._ended(report)

    # --- the server

    def _setting_of(self, server: FtpServer, cameras: list[Camera]) -> Setting:
        base = self.context.base
        accounts = [account for camera in cameras for account in self._account(camera)]
        opening = {
            "listen": server.listen,
            "passive_ports": server.passive_ports,
            "masquerade": server.masquerade,
            "certificate_file": str(base / server.certificate_file) if server.certificate_file else None,
            "key_file": str(base / server.key_file) if server.key_file else None,
            "plain": server.plain,
            "floor": self.context.node.buffer.keep_free // 2,  # retention makes room from keep_free on
            "accounts": accounts,
        }
        return Setting(opening=opening, opening_deadline=OPENING, idle=None)

    def _account(self, camera: Camera) -> list[Json]:
        """Return the login of a camera; none when its secret cannot be read."""
        source = camera.source
        assert isinstance(source, FtpSource)
        try:
            password = read_secret(self.context.base / source.password_file)
        except ConfigurationError as error:
            self.context.tell("camera trouble", camera.name, f"it cannot log in: {error}")
            return []
        folder = str(self.context.folders.drop / camera.name)
        account = {"camera": camera.name, "user": source.user, "password": password, "folder": folder}
        return [{**account, "max_size": source.max_size}]

    def _ended(self, report: Done | Failed) -> None:
        """Start the server again: at once when it was to be another one, else after a while."""
        self._serving, renewed = None, self._renewed
        self._renewed = False
        if self._stopping or self._setting is None:
            return
        now = self.context.monotonic()
        if renewed:
            self._serve_at = now
            return
        why = str(report.error) if isinstance(report, Failed) else "it ended"
        self._tell_once("push server down", self.context.node.name, f"{why}; it is started again in a while")
        self._serve_at = now + self._wait
        self._wait = min(2 * self._wait, AGAIN[1])

    def _heard(self, news: Json) -> None:
        node = self.context.node.name
        if "listening" in news:
            self._wait, self._told = AGAIN[0], {}
            assert self._setting is not None
            assert self._setting.opening is not None
            users = ", ".join(one["camera"] for one in self._setting.opening["accounts"])
            self.context.tell("push server", node, f"takes uploads at port {int(news['listening'])} for {users}")
        elif "arrived" in news:
            self._look(str(news["arrived"]))
        elif "refused" in news:
            self._tell_once("upload refused", str(news["camera"]), str(news["refused"]))
        elif "stranger" in news:
            text = f"as '{safe(news['stranger'], 60)}' from {safe(news['address'], 60)}"
            self._tell_once("login refused", node, text)

    def _tell_once(self, kind: str, subject: str, text: str) -> None:
        """Tell what may come again and again once an hour."""
        now = self.context.monotonic()
        self._told = {known: until for known, until in self._told.items() if until > now}
        if (kind, subject + text) not in self._told and len(self._told) < MOST:
            self._told[kind, subject + text] = now + HOUR
            self.context.tell(kind, subject, text)

    # --- the folders

    def _look(self, name: str) -> None:
        if name in self._sweep_at:
            self._sweep_at[name] = min(self._sweep_at[name], self.context.monotonic() + SWEEP)

    def _collected(self, report: Report) -> None:
        post: Post = report.job.about
        name = post.camera.name
        if not isinstance(report, Done | Failed):
            return
        self._sweeping.discard(name)
        if isinstance(report, Failed):
            log.warning("folder not looked at: camera=%s error=%s", name, report.error)
            self._look(name)
            return
        found = collected_from_json(report.result)
        if found.waits:
            self._look(name)
        self._tell_found(name, found)
        if found.orphans:
            self._take(post, found)

    def _tell_found(self, name: str, found: Collected) -> None:
        for path, why in found.aside:
            self.context.tell("upload set aside", name, f"{safe(path, 80)} is in quarantine: {why}")
        if found.removed:
            shown = ", ".join(safe(path, 60) for path in found.removed[:5])
            self.context.tell("upload removed", name, f"{len(found.removed)} files that are no pictures: {shown}")

    def _take(self, post: Post, found: Collected) -> None:
        """Keep what belongs to no slot; the camera's child forgets it when that is durable."""

        def kept(taken: Taken) -> None:
            self.context.hands.give(post.job("release", {"source_names": taken.release}))
            if taken.kept:
                names = [str(name) for name in taken.kept]
                text = f"{len(names)} came beside the slots: {', '.join(names[:5])}"
                self.context.tell("extras", post.camera.name, text, pictures=names)

        try:
            self.taking.take(Shot(self.context.now().timestamp(), [], found.orphans), None, kept)
        except (StorageError, CatalogueError) as error:
            self.context.tell("shot not kept yet", post.camera.name, str(error))
