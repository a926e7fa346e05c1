"""The node at rest, with two cameras and its children ended: CPU and memory.

Run `python benchmarks/node.py [--json] [--seconds N]`. It starts the real `overlapse run` on two virtual cameras, takes
one shot of each camera by hand, waits until the children have ended, and then only watches: CPU from /proc/PID/stat of
the node and what children are left, proportional set size from /proc/PID/smaps_rollup.
Goals: under 0.5 % of a core, under 80 MB. Exit status 1 when one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OVERLAPSE = [str(Path(sys.executable).with_name("overlapse"))]
TICKS = os.sysconf("SC_CLK_TCK")
GOAL_CPU, GOAL_MEMORY = 0.5, 80.0  # per cent of a core; MB
SITE = """\
version = 1
site = { name = "rest", zone = "UTC", data = "data", run = "run", clock = "host" }
[[node]]
name = "unit1"
buffer = { keep_free = "50MB" }
[[destination]]
name = "nas"
address = "folder:%(nas)s"
[[route]]
what = ["jpeg"]
to = "nas"
level = "read-back"
"""
CAMERA = """\
[[camera]]
name = "%(name)s"
source = { kind = "gphoto2", virtual = "%(name)s" }
schedule = [{ every = "12h", offset = "%(offset)s" }]
"""


def family(pid: int) -> list[int]:
    """Return the process and all that descends from it."""
    found = [pid]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) in found:
            found.append(int(stat.parent.name))
    return found


def cpu(pids: list[int]) -> float:
    """Return the seconds of CPU that these processes have used."""
    used = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICKS


def memory(pids: list[int]) -> float:
    """Return their proportional set size in MB."""
    sizes = [re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M) for pid in pids]
    return sum(int(size[1]) for size in sizes if size) / 1000


def site(folder: Path) -> Path:
    """Write a site whose next slot is far away."""
    init = ["init", str(folder), "--way", "jpeg", "--name", "rest", "--node", "unit1"]
    subprocess.run([*OVERLAPSE, *init], check=True, capture_output=True)
    (folder / "nas").mkdir(exist_ok=True)
    for name in ("north", "south"):
        shutil.copytree(folder / "virtual", folder / name)
    hour = (time.gmtime().tm_hour + 6) % 12
    cameras = "".join(CAMERA % {"name": name, "offset": f"{hour}h"} for name in ("north", "south"))
    file = folder / "site.toml"
    file.write_text(SITE % {"nas": folder / "nas"} + cameras)
    return file


def at_rest(file: Path, node: subprocess.Popen[bytes], seconds: float) -> dict[str, float]:
    """Take the shots, wait for rest, watch."""
    end = time.monotonic() + 30
    while not (file.parent / "run/control.sock").exists() and time.monotonic() < end:
        time.sleep(0.1)
    for camera in ("north", "south"):
        subprocess.run([*OVERLAPSE, "capture", camera, "--site", str(file)], check=True, capture_output=True)
    end = time.monotonic() + 120
    while len(family(node.pid)) > 1 and time.monotonic() < end:
        time.sleep(1)
    before, began = cpu([node.pid]), time.monotonic()
    time.sleep(seconds)
    pids = family(node.pid)
    share = 100 * (cpu([node.pid]) - before) / (time.monotonic() - began)
    return {"cpu_percent": round(share, 3), "memory_mb": round(memory(pids), 1), "processes": len(pids)}


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="the node at rest")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=120.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        file = site(Path(name))
        node = subprocess.Popen([*OVERLAPSE, "run", "--site", str(file)], stderr=subprocess.DEVNULL)
        try:
            figures = at_rest(file, node, options.seconds)
        finally:
            node.send_signal(signal.SIGTERM)
            node.wait(60)
    if options.json:
        print(json.dumps(figures))
    else:
        print(f"CPU at rest       {figures['cpu_percent']:.3f} % of a core   goal under {GOAL_CPU} %")
        print(f"memory (PSS)      {figures['memory_mb']:.1f} MB             goal under {GOAL_MEMORY:.0f} MB")
        print(f"processes left    {figures['processes']:.0f}")
    return 0 if figures["cpu_percent"] < GOAL_CPU and figures["memory_mb"] < GOAL_MEMORY else 1


if __name__ == "__main__":
    sys.exit(main())
