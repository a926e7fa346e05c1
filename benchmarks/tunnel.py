"""What a tunnel that a unit keeps open costs: every byte of IP, in a network namespace of its own: `make bench`.

The unit's own command line (`overlapse console --tunnel`) with a real OpenSSH on both ends; only the time between two
signs of life is shorter. Needs root.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # in front: beside this file lies another `console`

from peers import sshd, thinlink  # noqa: E402

from console.tunnel import ALIVE, FOLDER, unit  # noqa: E402

PORT, SHORT, SIGNS = 22022, 1, 20
LONGEST = 60.0  # seconds


def carried() -> int:
    """Return the bytes of IP that the loopback of this namespace has carried; each packet passes it once."""
    lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
    return int(next(line for line in lines if line.strip().startswith("lo:")).split()[1])


def _settled(count: Callable[[], int], quiet: float) -> int:
    """Return the count once it has rested for so long."""
    value, since = count(), time.monotonic()
    end = since + LONGEST
    while time.monotonic() - since < quiet and time.monotonic() < end:
        time.sleep(0.02)
        if (now := count()) != value:
            value, since = now, time.monotonic()
    return value


def measured(folder: Path) -> tuple[int, float]:
    """Return the bytes of putting the tunnel up, and of one sign of life."""
    with sshd.running(folder / "hub", True) as hub:
        line = next(one for one in unit(f"{hub.user}@127.0.0.1:{PORT}").splitlines() if one.startswith("ExecStart="))
        words = shlex.split(line.removeprefix("ExecStart=").replace(FOLDER, str(folder)))
        shutil.copy(hub.key_file, folder / "key")
        public = (folder / "hub" / "host_ed25519.pub").read_text().split()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{hub.port} {public[0]} {public[1]}\n")

        def run(alive: int) -> subprocess.Popen[bytes]:
            asked = [word.replace(f"Interval={ALIVE}", f"Interval={alive}") for word in words]
            return subprocess.Popen([*asked[:1], "-p", str(hub.port), *asked[1:]], stdin=subprocess.DEVNULL)

        before = carried()
        quiet = run(ALIVE)
        up = _settled(carried, 2.0) - before
        _end(quiet)
        busy = run(SHORT)
        _settled(carried, 0.5)
        before = carried()
        time.sleep(SHORT * SIGNS)
        signs = carried() - before
        _end(busy)
    return up, signs / SIGNS


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    child.wait(20)


def main() -> None:
    """Count, and tell."""
    if (why := thinlink.missing()) or sshd.SSHD is None:
        print(f"not measured: {why or sshd.MISSING}")
        return
    namespace = thinlink.new_namespace()
    try:
        with thinlink.inside(namespace), tempfile.TemporaryDirectory() as folder:
            thinlink.ip("link", "set", "lo", "mtu", "1500", "up")
            up, sign = measured(Path(folder))
    finally:
        os.close(namespace)
    hour = sign * 3600 / ALIVE
    print(f"  putting the tunnel up {up:>14,} B of IP, both ways")
    print(f"  a sign of life        {sign:>14,.0f} B, every {ALIVE} s")
    print(f"  an hour               {hour:>14,.0f} B, a month {hour * 24 * 30 / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
