"""How long a camera is dark once its primary is killed: 200 kills of each pace, by the real protocol on a fake clock.

Run `python benchmarks/failover.py [--kills 200] [--seed 1] [--histories 500]`. The protocol is the node's own code;
engine and links are modelled (core/coordination/simulator). Beside it: histories played a second. Exit status 1 when a
figure is missed or an invariant broke.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from core.coordination.simulator.drill import Summary, parts, play_part


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--histories", type=int, default=500)
    options = parser.parse_args()
    summary = Summary(options.seed)
    begin = time.process_time()
    for part in parts(options.seed, options.histories):
        summary.add(play_part(part))
    spent = time.process_time() - begin
    for _ in summary.kill(options.kills):
        pass
    print(summary.text())
    if options.histories:
        print(f"\n{options.histories / spent:.0f} histories a second of one processor")
    return 0 if summary.is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
