"""A device asked by SNMPv3 through net-snmp's own programs: their cryptography, our deadline, secrets never on a disk.

They read the credentials from a snmp.conf in a private folder. That is a link to memory of ours (memfd_create) which
the program inherits: a child that is killed leaves no secret behind.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import ProbeError, ProbeGarbled, ProbeRefused, ProbeUnanswered
from core.probes.address import transport
from core.probes.ber import Oid, show_oid
from core.probes.credentials import Credentials
from core.probes.message import MISSING, Value
from core.probes.printed import values
from core.probes.rows import MOST_BYTES, inside
from core.text import safe

PROGRAMS = "/usr/bin"
GET, WALK = "snmpget", "snmpbulkwalk"
PACKAGE = "install net-snmp's programs (Debian: snmp)"
WAIT, RETRIES = 1, 3  # seconds for an answer, and how often they ask again; our own deadline holds beside it
AT_ONCE = 20  # single variables asked for at once
PRINTED = 5 * MOST_BYTES  # bytes; they print three for each byte of a string, and its name before it
SAID = 4096  # bytes of what they say when it fails

_REFUSED = (
    ("unknown user name", "it knows no such user (defSecurityName)"),
    ("authentication failure", "it refuses user or passphrase (defAuthType, defAuthPassphrase)"),
    ("wrongdigest", "it refuses user or passphrase (defAuthType, defAuthPassphrase)"),
    ("decryption error", "it cannot read what we encrypt (defPrivType, defPrivPassphrase)"),
    ("unsupported security level", "it does not take this user at this level (defSecurityLevel)"),
    ("unknown authentication type", "net-snmp on this node does not know this hash (defAuthType)"),
    ("unknown privacy type", "net-snmp on this node does not know this cipher (defPrivType)"),
    ("authorizationerror", "this user may not read that"),
    ("noaccess", "this user may not read that"),
)


class NetSnmpSession:
    """Reads from one device until `until` (monotonic), with a program for each request."""

    def __init__(self, host: str, port: int, credentials: Credentials, until: float, programs: str = PROGRAMS) -> None:
        """`programs`: the folder of net-snmp's programs. Raise ProbeUnanswered for a name that nobody has."""
        self._where = f"{host}, UDP port {port}"
        self._peer = transport(host, port)
        self._credentials = credentials
        self._until = until
        self._programs = programs

    def close(self) -> None:
        """Nothing is held between two requests."""

    def get(self, oids: Sequence[Oid]) -> list[Value]:
        """Return one value for each of `oids`, in their order; raise ProbeError."""
        found: list[Value] = []
        for start in range(0, len(oids), AT_ONCE):
            found += self._run(GET, [], oids[start : start + AT_ONCE])
        if [value.oid for value in found] != list(oids):
            raise ProbeGarbled(f"{self._where}: it answers something else than what was asked")
        return found

    def walk(self, root: Oid) -> list[Value]:
        """Return every value below `root`, in order; raise ProbeError."""
        found = self._run(WALK, ["-Cr25"], [root])
        return [value for value in found if inside(value.oid, root) and value.kind not in MISSING]

    def _run(self, program: str, options: Sequence[str], oids: Sequence[Oid]) -> list[Value]:
        with _configured(self._credentials.conf()) as (folder, conf):
            said = os.memfd_create("said")
            try:
                printed, status = self._printed(
                    [
                        f"{self._programs}/{program}",
                        "-Onx",
                        f"-t{WAIT}",
                        f"-r{RETRIES}",
                        *options,
                        self._peer,
                        *map(show_oid, oids),
                    ],
                    _environment(folder),
                    conf,
                    said,
                )
                if status:
                    raise self._failure(os.pread(said, SAID, 0).decode(errors="replace"))
            finally:
                os.close(said)
        try:
            return values(printed)
        except ValueError as error:
            raise ProbeGarbled(f"{self._where}: not understood: {error}") from error

    def _printed(self, command: list[str], environment: dict[str, str], conf: int, said: int) -> tuple[str, int]:
        """Return what a program prints, and its exit status; it is killed at the deadline, or if it prints too much."""
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment,
                pass_fds=[conf],
            )
        except OSError as error:
            raise ProbeError(f"{command[0]}: {(error.strerror or 'cannot be run').lower()}; {PACKAGE}") from error
        with process:
            try:
                printed = self._read(process)
                return printed.decode("ascii", errors="replace"), process.wait(max(0.1, self._until - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise self._late() from None
            finally:
                process.kill()

    def _read(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        printed = b""
        while len(printed) <= PRINTED:
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, self._until - time.monotonic()))
            if not ready:
                raise self._late()
            block = os.read(process.stdout.fileno(), 65_536)
            if not block:
                return printed
            printed += block
        raise ProbeGarbled(f"{self._where}: more than {MOST_BYTES // 1024} kB of answers; ask for less")

    def _late(self) -> ProbeUnanswered:
        return ProbeUnanswered(
            f"{self._where}: no answer: it is not there, a firewall is between, SNMP is off, or the passphrase that "
            "encrypts is another one (defPrivPassphrase; most devices are silent then)"
        )

    def _failure(self, said: str) -> ProbeError:
        """Return what a program's complaint means; nothing of its own text about the credentials is repeated."""
        lowered = said.lower()
        for words, meaning in _REFUSED:
            if words in lowered:
                return ProbeRefused(f"{self._where}: {meaning}")
        if "timeout" in lowered:
            return self._late()
        if "oid not increasing" in lowered:
            return ProbeGarbled(f"{self._where}: its table does not go forward; a walk would never end")
        reason = lowered.partition("reason: ")[2].splitlines()
        return ProbeGarbled(f"{self._where}: it cannot answer that ({safe(reason[0], 60) if reason else 'no reason'})")


@contextmanager
def _configured(conf: str) -> Iterator[tuple[Path, int]]:
    """Yield a folder with a snmp.conf that reads as `conf`, and the descriptor a program must inherit to read it."""
    memory = os.memfd_create("snmp.conf")
    try:
        os.write(memory, conf.encode())
        folder = _folder()
        try:
            (folder / "snmp.conf").symlink_to(f"/proc/self/fd/{memory}")
            yield folder, memory
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(memory)


def _folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="overlapse-snmp-"))
    except OSError as error:
        raise ProbeError(f"no folder for net-snmp's configuration can be made: {error.strerror}") from error


def _environment(folder: Path) -> dict[str, str]:
    """Return what a program is told: our configuration and no other, no MIBs to look for, nothing kept."""
    own = str(folder)
    return {"LC_ALL": "C", "HOME": own, "SNMPCONFPATH": own, "SNMP_PERSISTENT_DIR": own, "MIBS": "", "MIBDIRS": own}
