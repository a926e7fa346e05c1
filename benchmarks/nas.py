"""What a whole Synology by SNMP v2c costs, against a real agent with its tables: four disks, a RAID, 49 values.

`python benchmarks/nas.py [--runs N]`. Processor time (user and system) of the reading inside a child that is warm, as
the node does it; of a process that does nothing else, from its start to its end; and of the whole of check_nas, which
has two processes, a parser and a judgement beside it. Exit status 1 when the first is not under 15 ms.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from peers import snmpd  # noqa: E402
from peers.devices import synology  # noqa: E402

from core.probes.nas import nas  # noqa: E402
from core.probes.snmp import reading  # noqa: E402

GOAL = 15.0  # ms
ALONE = """
import sys; sys.path[:0] = {paths!r}
from core.probes.nas import nas
from core.probes.snmp import reading
with reading({host!r}, {credentials!r}, 10) as session:
    assert len(nas(session)["disks"]) == 4
import os; os._exit(0)
"""


def spent(command: list[str]) -> float:
    """Return the milliseconds of processor time of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def warm(host: str) -> float:
    begin = time.process_time()
    with reading(host, snmpd.v2c(), 10) as session:
        nas(session)
    return 1000 * (time.process_time() - begin)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=25)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, snmpd.running(Path(folder, "agent"), synology()) as device:
        secret = Path(folder, "credentials")
        secret.write_text(snmpd.v2c())
        code = ALONE.format(paths=[str(ROOT)], host=device.host, credentials=snmpd.v2c())
        alone = [os.path.realpath(sys.executable), "-ISB", "-c", code]
        program = [
            str(Path(sys.executable).with_name("check_nas")),
            "--host",
            device.host,
            "--credentials",
            str(secret),
        ]
        warm(device.host)
        told = {
            "a reading in a warm child": statistics.median(warm(device.host) for _ in range(runs)),
            "a process for it alone": statistics.median(spent(alone) for _ in range(runs)),
            "an interpreter that does nothing": statistics.median(
                spent([alone[0], "-ISB", "-c", "pass"]) for _ in range(runs)
            ),
            "check_nas --host": statistics.median(spent(program) for _ in range(runs)),
        }
    for what, milliseconds in told.items():
        print(f"{what}: {milliseconds:.1f} ms of processor time, median of {runs}")
    return int(told["a reading in a warm child"] >= GOAL)


if __name__ == "__main__":
    sys.exit(main())
