"""Drives, mounts and the machine in the status document: recorded slowly, and a dead mount holds nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from peers import deadmount

DEAD = """
import json, os, queue, sys, time
from pathlib import Path
from peers.deadmount import make
from core.node.children import Children
from core.node.jobs import Done, Job, Setting, Worker

dead, well = Path(sys.argv[1]), Path(sys.argv[2])
server = make(dead)
reports = queue.SimpleQueue()
hands = Children(reports.put)
begin = time.monotonic()
for name, folder in (("mount/dead", dead), ("mount/well", well)):
    hands.equip(Worker("probe", name), Setting(idle=5.0))
    hands.give(Job(Worker("probe", name), "mount", {"folder": str(folder), "who": "unit1"}, 3.0))
told = {}
while len(told) < 2:
    report = reports.get(timeout=20)
    said = report.result if isinstance(report, Done) else {"error": type(report.error).__name__}
    told[report.job.worker.name] = {**said, "after": time.monotonic() - begin}
hands.close()
os.close(server)
print(json.dumps(told))
"""


@pytest.mark.skipif(not deadmount.possible(), reason=deadmount.MISSING)
def test_a_dead_mount_is_told_in_time_and_the_others_are_read(tmp_path: Path) -> None:
    dead, well = tmp_path / "dead", tmp_path / "well"
    dead.mkdir()
    well.mkdir()
    told = json.loads(deadmount.in_namespace(DEAD, str(dead), str(well)))
    assert told["mount/well"]["write_s"] >= 0
    assert told["mount/well"]["after"] < 3
    assert told["mount/dead"]["error"] == "ChildTimeout"
    assert told["mount/dead"]["after"] < 8
