"""What ten services cost on the link of a unit: IP bytes both ways, TLS 1.3 or SSH included, beside what is asked.

Run as root, on Linux: python -m benchmarks.status. Two network namespaces, nginx and sshd at the far end. Exit status 1
when more is used than is asked.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

from peers.statusbytes import WAYS, figures  # noqa: E402
from peers.thinlink import missing  # noqa: E402

ASKED = {
    "riding": {"https": 500, "sftp": 2500},
    "kept": {"https": 2200},
    "month": {"https": 20_000_000, "sftp": 20_000_000},
}
SAID = {
    "riding": "what a status adds to the lines of a delivery",
    "kept": "a check-in by itself",
    "rest": "the connection until the next",
    "look": "a look for receipts that finds none",
    "placed": "a whole status to a place that is no node",
    "month": "30 days of check-ins every 5 minutes, hourly looks",
}


def main() -> int:
    """Print a line for each figure."""
    if (why := missing()) is not None:
        print(f"not measured: {why}")
        return 0
    over = False
    for way, reached in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            found = figures(reached, Path(folder))
        for key, said in SAID.items():
            asked, used = ASKED.get(key, {}).get(way), getattr(found, key)
            over |= asked is not None and used > asked
            print(f"{way:6}{said:52}{used:12,}{'' if asked is None else f'   asked {asked:,}'}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
