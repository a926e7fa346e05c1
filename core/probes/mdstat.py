"""Software RAID as /proc/mdstat tells it. Pure.

    md0 : active raid1 sdb1[1] sda1[0](F)
          1953382464 blocks super 1.2 [2/1] [U_]
          [=>...................]  resync = 8.5% (166/1953) finish=140.2min speed=212K/sec

A check, and the siblings that wait for it (DELAYED, PENDING), are no fault; a recovery is: until it ends, a further
disk may be one too many. Source: drivers/md/md.c of Linux, md_seq_show and status_resync.
"""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]

MDSTAT = "/proc/mdstat"

_ARRAY = re.compile(r"(md\S+) : (\S+)(?: \((?:auto-)?read-only\))?(?: (raid\d+|linear|multipath|container))?(.*)")
_COUNT = re.compile(r"\[(\d+)/(\d+)\]")
_ACTION = re.compile(r"(resync|recovery|reshape|check|repair)\s*=\s*(DELAYED|PENDING|REMOTE|([\d.]+)%)")
_FINISH = re.compile(r"finish=([\d.]+)min")
MOST = 64  # arrays that are told


def arrays(text: str) -> list[Json]:
    """Return {"name", "level", "state", "disks", "up", "failed", "action", "percent", "finish"} of every array.

    `state`: active or inactive, as the kernel has it; `disks` that it is made of and `up` of them; `failed` members by
    name; `action`: resync, recovery, reshape, check or repair, with "delayed" behind it while it waits; `finish`:
    seconds. What is not told is left out.
    """
    found: list[Json] = []
    for line in text.splitlines():
        if (match := _ARRAY.fullmatch(line)) is not None:
            failed = [word.partition("[")[0] for word in match[4].split() if word.endswith("(F)")]
            found.append({"name": match[1], "state": match[2]})
            found[-1] |= {"level": match[3]} if match[3] else {}
            found[-1] |= {"failed": failed} if failed else {}
        elif found and line.startswith(" "):
            found[-1] |= _of(line)
    return found[:MOST]


def _of(line: str) -> Json:
    told: Json = {}
    if (count := _COUNT.search(line)) is not None:
        told |= {"disks": int(count[1]), "up": int(count[2])}
    if (action := _ACTION.search(line)) is not None:
        waits = action[3] is None
        told["action"] = f"{action[1]} delayed" if waits else action[1]
        told |= {} if waits else {"percent": float(action[3])}
        if (finish := _FINISH.search(line)) is not None:
            told["finish"] = round(60 * float(finish[1]))
    return told
