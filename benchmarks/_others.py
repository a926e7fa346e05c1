"""What everybody has, as an operator would call it: OpenSSH sftp, rsync, rclone, lftp, curl, to one OpenSSH server."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks._places import There

LONGEST = 600.0  # seconds for one run


def _ssh(there: There) -> list[str]:
    known = f"UserKnownHostsFile={there.known_hosts}"
    return ["-i", str(there.key_file), "-o", known, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]


def _sftp(there: There, files: Sequence[Path], put: str = "put") -> list[str]:
    batch = files[0].parent.parent / "batch"
    batch.write_text("".join(f"{put} {file} {there.root}/{file.name}\n" for file in files))
    return ["sftp", "-q", "-P", str(there.port), *_ssh(there), "-b", str(batch), f"{there.user}@{there.host}"]


def _synced(there: There, files: Sequence[Path]) -> list[str]:
    """Have the server sync each file to its disk, as ours does."""
    return _sftp(there, files, "put -f")


def _rsync(there: There, files: Sequence[Path]) -> list[str]:
    shell = " ".join(["ssh", "-p", str(there.port), *_ssh(there)])
    return ["rsync", "-a", "-e", shell, *map(str, files), f"{there.user}@{there.host}:{there.root}/"]


def _rclone(there: There, files: Sequence[Path]) -> list[str]:
    given = {"host": there.host, "port": there.port, "user": there.user, "key-file": there.key_file}
    options = [f"--sftp-{key}={value}" for key, value in given.items()]
    return ["rclone", "copy", "--config=/dev/null", "-q", *options, str(files[0].parent), f":sftp:{there.root}"]


def _lftp(there: There, files: Sequence[Path]) -> list[str]:
    program = " ".join(["ssh", "-a", "-x", *_ssh(there)])
    names = " ".join(map(str, files))
    script = f'set sftp:connect-program "{program}"; open -u {there.user},x sftp://{there.host}:{there.port}; '
    return ["lftp", "-c", f"{script} cd {there.root}; mput {names}"]


def _curl(there: There, files: Sequence[Path]) -> list[str]:
    login = ["-k", "-sS", "-u", f"{there.user}:", "--key", str(there.key_file), "--pubkey", f"{there.key_file}.pub"]
    url = f"sftp://{there.host}:{there.port}{there.root}/"
    return ["curl", *login, "-T", f"{{{','.join(map(str, files))}}}", url]


COMMANDS: Mapping[str, Callable[[There, Sequence[Path]], list[str]]] = {
    "sftp": _sftp,
    "sftp -f": _synced,
    "rsync": _rsync,
    "rclone": _rclone,
    "lftp": _lftp,
    "curl": _curl,
}


def missing(program: str) -> bool:
    """Tell whether this machine lacks a program."""
    return shutil.which(program.partition(" ")[0]) is None


def seconds(program: str, there: There, files: Sequence[Path]) -> float | None:
    """Return how long a program takes to send all files, None when it fails."""
    command = COMMANDS[program](there, files)
    os.sync()
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False, stdin=subprocess.DEVNULL)
    took = time.monotonic() - begun
    came = sum((there.root / file.name).stat().st_size for file in files if (there.root / file.name).exists())
    return took if done.returncode == 0 and came == sum(file.stat().st_size for file in files) else None
