"""Copies of the shared store as text: what is left when all voters are lost."""

from __future__ import annotations

import base64
import binascii
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.coordination.base import Coordination, Held, check_key, check_value
from core.coordination.epoch import KEY, epoch_of
from core.errors import ConfigurationError

KEEP = 72  # hourly copies
_STAMP = "%Y%m%dT%H%M%SZ"
_SUFFIX = ".coordination.json"


@dataclass(frozen=True, slots=True)
class Copy:
    """A store as it was at one instant."""

    taken: str  # 20261121T080000Z
    epoch: int | None
    keys: Mapping[str, Held]

    def text(self) -> str:
        """Return it as JSON with a CRC, one line a key, so that two copies can be compared by eye."""
        lines = [
            f'  "{key}": [{held.rev}, {json.dumps(_shown(held.value))}]' for key, held in sorted(self.keys.items())
        ]
        body = ",\n".join(lines)
        return (
            f'{{"taken": "{self.taken}", "epoch": {json.dumps(self.epoch)}, "crc": {_crc(self.keys)}, '
            f'"keys": {{\n{body}\n}}}}\n'
        )


def take(store: Coordination, now: datetime) -> Copy:
    """Return the store as it is now; raise what the store raises."""
    keys = store.list("")
    return Copy(now.strftime(_STAMP), epoch_of(keys.get(KEY)), keys)


def write(copy: Copy, folder: Path, site: str, keep: int = KEEP) -> Path:
    """Write a copy into `folder`, remove the oldest beyond `keep`, and return its file; raise OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{site}-{copy.taken}{_SUFFIX}"
    beside = file.with_suffix(".part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        written.write(copy.text())
        written.flush()
        os.fsync(written.fileno())
    beside.rename(file)
    for old in all_in(folder, site)[keep:]:
        old.unlink(missing_ok=True)
    return file


def all_in(folder: Path, site: str) -> Sequence[Path]:
    """Return the copies in `folder`, the newest first."""
    return sorted(folder.glob(f"{site}-*{_SUFFIX}"), reverse=True)


def taken_at(file: Path) -> str:
    """Return when a copy was taken, as its name says."""
    return file.name.removesuffix(_SUFFIX).rpartition("-")[2]


def read(file: Path) -> Copy:
    """Return the copy in `file`; raise ConfigurationError when it is not one, or not whole."""
    try:
        said = json.loads(file.read_text())
        keys = {
            check_key(key): Held(int(rev), check_value(_hidden(value))) for key, (rev, value) in said["keys"].items()
        }
        copy = Copy(str(said["taken"]), None if said["epoch"] is None else int(said["epoch"]), keys)
        crc = int(said["crc"])
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ConfigurationError(f"{file}: not a copy of a shared store, or not all of it: {error}") from error
    if crc != _crc(keys):
        raise ConfigurationError(f"{file}: the checksum is wrong: it was changed after it was written")
    return copy


def _crc(keys: Mapping[str, Held]) -> int:
    crc = 0
    for key, held in sorted(keys.items()):
        crc = zlib.crc32(held.value, zlib.crc32(f"{key} {held.rev} ".encode(), crc))
    return crc


def _shown(value: bytes) -> str:
    """Return a value as text where it is that, so that a person can read it."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(value).decode()}"
    return f"base64:{base64.b64encode(value).decode()}" if text.startswith("base64:") else text


def _hidden(text: str) -> bytes:
    return base64.b64decode(text[7:], validate=True) if text.startswith("base64:") else text.encode()
