"""A real Nagios Core 4 in a folder of its own: no port, no other user, intervals in seconds."""

from __future__ import annotations

import contextlib
import getpass
import grp
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "/usr/sbin/nagios4"
PATIENCE, POLL = 20.0, 0.05  # seconds
MAIN = """\
nagios_user={user}
nagios_group={group}
log_file={root}/nagios.log
cfg_file={root}/own.cfg
{folders}
object_cache_file={root}/objects.cache
precached_object_file={root}/objects.precache
resource_file={root}/resource.cfg
status_file={root}/status.dat
temp_file={root}/nagios.tmp
temp_path={root}
check_result_path={root}/results
lock_file={root}/nagios.lock
command_file={root}/nagios.cmd
query_socket={root}/nagios.qh
state_retention_file={root}/retention.dat
check_external_commands=1
interval_length=1
status_update_interval=1
check_result_reaper_frequency=1
check_service_freshness=1
service_freshness_check_interval=1
additional_freshness_latency=0
service_inter_check_delay_method=n
max_service_check_spread=1
retain_state_information=0
check_for_updates=0
use_syslog=0
event_broker_options=0
log_passive_checks=1
enable_notifications=1
execute_host_checks=1
illegal_macro_output_chars=`~$&|'"<>
"""


@dataclass
class Nagios:
    """One that runs: `states` is what its status.dat says."""

    root: Path

    @property
    def commands(self) -> Path:
        """Its command file."""
        return self.root / "nagios.cmd"

    @property
    def status(self) -> Path:
        """Its status.dat."""
        return self.root / "status.dat"

    @property
    def log(self) -> str:
        """What it logged."""
        file = self.root / "nagios.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def rows(self) -> dict[tuple[str, str], Mapping[str, str]]:
        """Return what status.dat says of each (host, service), "" for the host itself."""
        text = self.status.read_text(errors="replace") if self.status.exists() else ""
        found: dict[tuple[str, str], Mapping[str, str]] = {}
        for block in re.findall(r"^(?:host|service)status \{\n(.*?)^\t\}", text, re.MULTILINE | re.DOTALL):
            pairs = dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line)
            found[pairs["host_name"], pairs.get("service_description", "")] = pairs
        return found

    def states(self) -> dict[tuple[str, str], int]:
        """Return the state of each (host, service)."""
        return {key: int(row["current_state"]) for key, row in self.rows().items()}

    def pages(self, contact: str = "overlapse_oncall") -> list[str]:
        """Return the problems of which a contact was notified: "host;service" or "host"."""
        of_hosts = re.findall(rf"HOST NOTIFICATION: {contact};([^;]+);(?:DOWN|UNREACHABLE)", self.log)
        of_services = re.findall(
            rf"SERVICE NOTIFICATION: {contact};([^;]+;[^;]+);(?:CRITICAL|WARNING|UNKNOWN)", self.log
        )
        return [*of_hosts, *of_services]

    def until(self, look: Callable[[], object], what: str) -> None:
        """Wait until `look` is true."""
        end = time.monotonic() + PATIENCE
        while not look():
            assert time.monotonic() < end, f"not in time: {what}\n{self.log[-3000:]}"
            time.sleep(POLL)


def verified(root: Path, folders: Sequence[Path], own: str = "") -> str:
    """Return what `nagios4 -v` says of these folders of configuration; its status must be 0."""
    main = _write(root, folders, own)
    done = subprocess.run([PROGRAM, "-v", main], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    assert done.returncode == 0, done.stdout
    return done.stdout


@contextlib.contextmanager
def running(root: Path, folders: Sequence[Path], own: str = "") -> Iterator[Nagios]:
    """Run one on these folders of configuration and on `own`, more objects."""
    main, nagios = _write(root, folders, own), Nagios(root)
    nagios.commands.unlink(missing_ok=True)  # it stays where one ended, and a second one refuses it
    with (root / "out").open("wb") as out:
        process = subprocess.Popen([PROGRAM, main], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        nagios.until(lambda: nagios.commands.exists() and nagios.rows(), "the start of Nagios")
        yield nagios
    finally:
        process.terminate()
        process.wait(20)


def _write(root: Path, folders: Sequence[Path], own: str) -> Path:
    (root / "results").mkdir(parents=True, exist_ok=True)
    (root / "resource.cfg").write_text("$USER1$=/usr/lib/nagios/plugins\n")
    (root / "own.cfg").write_text(own)
    main = root / "nagios.cfg"
    taken, user = "\n".join(f"cfg_dir={folder}" for folder in folders), getpass.getuser()
    main.write_text(MAIN.format(root=root, folders=taken, user=user, group=grp.getgrgid(os.getgid()).gr_name))
    return main
