"""The demo's site: two virtual cameras, a "NAS", a website, and an SFTP office where the machine has an sshd."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from string import Template

from core.child import Child
from core.errors import ConfigurationError, OverlapseError

CAMERAS = ("north", "south")
PAD_TO = 2_000_000  # bytes of each picture; the virtual camera remembers the first one's size
SIZE = (2400, 1600)
DRAW_SECONDS = 60.0
SSHD_SECONDS = 10.0

_SITE = Template("""\
# The site that `overlapse demo` made: everything here is real but the cameras, which libgphoto2 simulates.
version = 1
site = { name = "demo", zone = $zone, data = "data", run = "run", clock = "host" }

[[node]]
name = "unit1"
buffer = { keep_free = "50MB" }

[[camera]]
name = "north"
source = { kind = "gphoto2", virtual = "cameras/north" }
schedule = [{ every = "$every" }]

[[camera]]
name = "south"
source = { kind = "gphoto2", virtual = "cameras/south" }
schedule = [{ every = "$every", offset = "$offset" }]

[[recipe]]                                     # the live picture of the customer's website
name = "livecam"
quality = 85
steps = [
    { resize = "1280x854" },
    { watermark = "logo.png", at = "top-right", opacity = 0.7, margin = 24 },
    { legend = "{camera}  {time:%d.%m.%Y %H:%M:%S}", size = 26, bar = true },
]

[[destination]]                                # a mounted network disk
name = "nas"
address = $nas

[[destination]]
name = "website"
address = $website
$office
[[route]]
what = ["jpeg"]
to = "nas"
level = "read-back"

[[route]]
what = ["livecam"]
to = "website"
live = "{camera}.jpg"
$office_route""")

_OFFICE = Template("""
[[destination]]                                # the photographer's office: a real OpenSSH server
name = "office"
address = $address
key_file = "sshd/client_key"
host_key = $host_key
""")

_OFFICE_ROUTE = """
[[route]]
what = ["jpeg"]
to = "office"
level = "hash"
"""

_SSHD = Template("""\
ListenAddress 127.0.0.1
Port $port
HostKey $folder/host_key
AuthorizedKeysFile $folder/authorized_keys
PidFile $folder/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
""")


@dataclass
class Office:
    """An sshd on loopback with keys of its own."""

    process: subprocess.Popen[bytes]
    address: str
    host_key: str

    def close(self) -> None:
        """End the server, by its own id."""
        self.process.terminate()
        self.process.wait()


def prepare(folder: Path, every: float, zone: str) -> tuple[Path, Office | None]:
    """Make the demo's folders, keys and site file in `folder`; return the file and the office, if there is an sshd.

    Raise ConfigurationError when the folder holds something else.
    """
    file = folder / "site.toml"
    if folder.exists() and any(folder.iterdir()) and not (folder / "cameras").is_dir():
        raise ConfigurationError(f"{folder}: not empty and not a demo; name another folder with --dir")
    for name in ("nas", "website", *(f"cameras/{camera}" for camera in CAMERAS)):
        (folder / name).mkdir(parents=True, exist_ok=True)
    office = start_office(folder)
    file.write_text(_site_text(folder, every, zone, office))
    return file, office


def draw(folder: Path, camera: str, nth: int, now: float, zone: str, child: Child) -> None:
    """Give a virtual camera another picture."""
    args = {"into": str(folder / "cameras" / camera), "camera": camera, "nth": nth, "time": now, "zone": zone}
    child.ask("draw", {**args, "width": SIZE[0], "height": SIZE[1], "pad_to": PAD_TO}, DRAW_SECONDS)


def draw_logo(folder: Path, child: Child) -> None:
    """Draw the watermark of the live pictures."""
    child.ask("logo", {"into": str(folder / "logo.png")}, DRAW_SECONDS)


def _site_text(folder: Path, every: float, zone: str, office: Office | None) -> str:
    values = {
        "zone": json.dumps(zone),
        "every": f"{every:g}s",
        "offset": f"{max(1, round(every / 2))}s",
        "nas": json.dumps(f"folder:{folder}/nas"),
        "website": json.dumps(f"folder:{folder}/website"),
        "office": "",
        "office_route": "",
    }
    if office is not None:
        said = {"address": json.dumps(office.address), "host_key": json.dumps(office.host_key)}
        values |= {"office": _OFFICE.substitute(said), "office_route": _OFFICE_ROUTE}
    return _SITE.substitute(values)


def start_office(folder: Path) -> Office | None:
    """Start an sshd with its own keys on a free port of loopback; None where there is none or it does not start."""
    server, keygen = _program("sshd"), _program("ssh-keygen")
    if server is None or keygen is None:
        return None
    place = folder / "sshd"
    place.mkdir(exist_ok=True, mode=0o700)
    for key in ("host_key", "client_key"):
        if not (place / key).exists():
            _run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", f"overlapse demo {key}", "-f", str(place / key)])
    (place / "authorized_keys").write_text((place / "client_key.pub").read_text())
    port = _free_port()
    (place / "sshd_config").write_text(_SSHD.substitute(folder=place, port=port))
    (folder / "office").mkdir(exist_ok=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own rule for root, its empty chroot
    process = subprocess.Popen(
        [server, "-D", "-f", str(place / "sshd_config"), "-E", str(place / "sshd.log")],
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the demo, which ends it
    )
    if not _answers(port, process):
        process.terminate()
        process.wait()
        return None
    fingerprint = _run([keygen, "-lf", str(place / "host_key.pub")]).split()[1]
    return Office(process, f"sftp://{getpass.getuser()}@127.0.0.1:{port}{folder}/office", fingerprint)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise OverlapseError(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + SSHD_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False
