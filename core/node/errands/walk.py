"""The way through an archive: which files are one shot, whose it is and when it was, and what is passed over.

A row, as the node is told of a file: camera, at, dated, own (the picture name that the file had, or null), kind,
extension, size, source (the path below the archive), and after copying sha256.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from core.capture.shot import extension_of, kind_of, stem_of
from core.errors import BadRequest, NoSuchThing, StorageError
from core.intake.archive import Archive, batches, files, recognise
from core.intake.dating import Dated, date
from core.intake.importer import Copy, Unreadable
from core.processing.exif import Shown, shown
from core.text import safe
from core.transfer.names import unmarked
from core.values import Kind, PictureName, utc
from core.worker import Json

LATEST = 7_258_118_400.0  # seconds since the epoch: the year 2200
REASONS = 50  # why something is left; what lies in an archive may have any name
NO_FOLDER = "folders that cannot be read"


@dataclass(frozen=True)
class File:
    """One file that may be a picture."""

    path: Path
    kind: Kind
    size: int
    mtime: float


@dataclass(frozen=True)
class Group:
    """The files of one shot: they share folder and name. `own`: they have a name of ours already."""

    camera: str
    dated: Dated
    own: str | None
    files: tuple[File, ...]

    def row(self, file: File, root: Path, copy: Copy | None = None) -> Json:
        """Return what is told of one of its files."""
        return {
            "camera": self.camera,
            "at": int(self.dated.at.timestamp()),
            "dated": self.dated.how,
            "own": self.own,
            "kind": file.kind,
            "extension": extension_of(file.path.name),
            "size": file.size if copy is None else copy.size,
            "source": safe(os.path.relpath(file.path, root)),
            "sha256": None if copy is None else copy.sha256,
        }


@dataclass
class Walk:
    """A way through an archive, and what was passed over on it."""

    root: Path
    archive: Archive
    camera: str | None
    zone: str | None
    site_zone: str
    cameras: frozenset[str]
    left: Counter[str] = field(default_factory=Counter)
    doubtful: int = 0

    @classmethod
    def of(cls, args: Json) -> Walk:
        """Return the way that the wire describes; raise NoSuchThing."""
        root = Path(args["path"])
        _require_apart(root, args["apart"])
        archive = recognise(root, args.get("layout", "auto"))
        cameras = frozenset(args["cameras"])
        walk = cls(root, archive, args.get("camera"), args.get("zone"), args["site_zone"], cameras)
        _require_one_camera(walk)
        return walk

    def result(self) -> Json:
        """Return what is told at the end."""
        return {"layout": self.archive.layout, "left": dict(self.left), "doubtful": self.doubtful}

    def groups(self) -> Iterator[Group]:
        """Yield the shots of the archive, folder by folder and name by name."""
        for source in self.archive.sources:
            zone = ZoneInfo(self.zone or source.zone or self.site_zone)
            camera = self.camera or (source.name if source.name in self.cameras else None) or self._only_camera()
            for folders in batches(self.archive.layout, source, self._unreadable):
                yield from self._of_folders(folders, camera, zone)

    def _unreadable(self, error: OSError) -> None:
        del error
        self._leave(NO_FOLDER)

    def _only_camera(self) -> str | None:
        return next(iter(self.cameras)) if len(self.cameras) == 1 else None

    def _of_folders(self, folders: tuple[Path, ...], camera: str | None, zone: ZoneInfo) -> Iterator[Group]:
        shots: dict[str, list[File]] = {}
        for folder in folders:
            try:
                entries = files(folder)
            except StorageError:
                self._leave(NO_FOLDER)
                continue
            for entry in entries:
                if (file := self._file(entry)) is not None:
                    shots.setdefault(_stem(entry.name), []).append(file)
        for stem in sorted(shots):
            group = self._group(stem, shots[stem], camera, zone)
            if group is not None:
                yield group

    def _file(self, entry: os.DirEntry[str]) -> File | None:
        kind = kind_of(entry.name)
        if kind is None:
            return self._leave("no pictures by their names")
        try:
            info = entry.stat(follow_symlinks=False)
            if not entry.is_file(follow_symlinks=False):
                return self._leave("not regular files")
        except OSError as error:
            return self._leave(f"cannot be read: {error.strerror}")
        if info.st_size == 0:
            return self._leave("empty")
        if not 0 <= info.st_mtime < LATEST:
            return self._leave("dated as no calendar does")
        return File(Path(entry.path), kind, info.st_size, info.st_mtime)

    def _leave(self, why: str) -> File | None:
        self.pass_over(why)
        return None

    def pass_over(self, why: str, count: int = 1) -> None:
        """Count what is left where it is; an archive cannot make the list of reasons long."""
        self.left[why if why in self.left or len(self.left) < REASONS else "for other reasons"] += count

    def _group(self, stem: str, found: list[File], camera: str | None, zone: ZoneInfo) -> Group | None:
        exif, whole = None, list[File]()
        for file in sorted(found, key=lambda file: file.kind):  # the JPEG of a pair tells its time most surely
            try:
                said = _look(file)
            except Unreadable as error:
                self.pass_over(str(error))
                continue
            whole.append(file)
            exif = exif or said
        if not whole:
            return None
        own = _own(whole[0].path.name)
        name = own.camera if own is not None else camera
        if name is None:
            raise NoSuchThing(f"which camera? Say --camera with one of: {', '.join(sorted(self.cameras))}")
        if name not in self.cameras or (own is not None and self.camera not in (None, name)):
            self.pass_over(f"of the camera {name}, which was not asked for or is not in the site", len(whole))
            return None
        last = self.archive.layout == "webcampak"
        dated = Dated(own.at, "name") if own else date(stem, zone, utc(whole[0].mtime), exif, last=last)
        self.doubtful += dated.doubtful
        return Group(name, dated, str(own) if own else None, tuple(whole))


def _require_apart(root: Path, apart: list[tuple[str, str]]) -> None:
    """Raise BadRequest for an archive that holds a folder of these, (path, why not), or lies in one."""
    here = root.resolve()
    for text, why in apart:
        other = Path(text).resolve()
        if here.is_relative_to(other) or other.is_relative_to(here):
            raise BadRequest(f"{safe(root)}: {why}")


def _require_one_camera(walk: Walk) -> None:
    """Raise BadRequest when pictures of several sources would become those of one camera."""
    sources = walk.archive.sources
    if len(sources) < 2:
        return
    strangers = [source for source in sources if source.name not in walk.cameras]
    if strangers or walk.camera is not None:
        names = ", ".join(source.root.parent.name for source in sources)
        raise BadRequest(
            f"{safe(walk.root)} holds several sources ({safe(names)}): import one after the other, "
            "each with the path of its folder and its own --camera"
        )


def _stem(name: str) -> str:
    """Return what the files of one shot share."""
    own = _own(name)
    return stem_of(name) if own is None else own.stem


def _own(name: str) -> PictureName | None:
    try:
        return PictureName.parse(unmarked(name))
    except ValueError:
        return None


def _look(file: File) -> Shown | None:
    """Return when a file says that it was taken; raise Unreadable for one that is no picture."""
    try:
        with file.path.open("rb", buffering=0) as opened:

            def read(offset: int, length: int) -> bytes:
                return os.pread(opened.fileno(), length, offset) if 0 <= offset < file.size else b""

            if file.kind == "jpeg" and read(0, 3) != b"\xff\xd8\xff":
                raise Unreadable("named as JPEGs, but none by their first bytes")
            return shown(read)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error
