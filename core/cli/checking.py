"""Compare what the catalogue knows with the bytes on the disk, in a worker process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.catalogue import pictures
from core.catalogue.pictures import Picture
from core.catalogue.store import Catalogue
from core.child import Child

BATCH = 200  # pictures in one request
SECONDS = 600.0  # without a sign of life


@dataclass(frozen=True)
class Altered:
    """A picture that is not as it came."""

    name: str
    what: str


def altered(catalogue: Catalogue, folder: Path, progress: Callable[[int], None] = lambda done: None) -> list[Altered]:
    """Return every picture whose file is missing, short or another one; all bytes are read from the disk."""
    child, found, done = Child("disk"), [], 0
    try:
        for batch in _batches(catalogue):
            args = {"pictures": str(folder), "names": [str(picture.name) for picture in batch]}
            files = child.ask("verify", args, SECONDS * len(batch), SECONDS)["files"]
            for picture, file in zip(batch, files, strict=True):
                what = _difference(picture, file)
                if what is not None:
                    found.append(Altered(str(picture.name), what))
            done += len(batch)
            progress(done)
    finally:
        child.close()
    return found


def _batches(catalogue: Catalogue) -> Iterator[list[Picture]]:
    last = 0
    while some := pictures.after(catalogue, last, BATCH):
        last = some[-1].id
        here = [picture for picture in some if not picture.gone]
        if here:
            yield here


def _difference(picture: Picture, file: dict[str, object]) -> str | None:
    if "error" in file:
        return str(file["message"])
    if file["size"] != picture.size:
        return f"it has {file['size']} bytes, not {picture.size}"
    return None if file["sha256"] == picture.sha256 else "its bytes are not those that the camera gave"
