"""What a hub pays for 1,000 units of ten services every five minutes: documents in, lines to Nagios' command file out.

Run: python -m benchmarks.hub
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from peers.hub import EVERY, Hub, made, status

from checks.gateway.feeds import NagiosFeed
from core.site.monitored import Host, Monitored, Service

UNITS, AT_ONCE = 1000, 40


def many() -> Monitored:
    """Return a site of that many units behind a link each, with ten services each."""
    one = made()
    hosts, services = [one.hosts[0]], [each for each in one.services if each.node == "fr"]
    for n in range(UNITS):
        link, node = f"harbour_link_u{n}_sim", f"u{n}"
        hosts += [Host(link, "link", f"link sim of {node}", ("harbour_fr",), (node,))]
        hosts += [Host(f"harbour_{node}", "node", f"unit {node}", (link,), (node,))]
        services += [replace(each, node=node, host=f"harbour_{node}") for each in one.services if each.node == "unit1"]
        services += [Service(f"harbour_{node}", f"camera c{k}", node, "camera", f"c{k}") for k in range(2)]
    order = {"node": 1, "link": 0}
    return replace(one, hosts=tuple(sorted(hosts, key=lambda each: order[each.kind])), services=tuple(services))


def main() -> None:
    """Print the share of a core, by the processor time of five minutes."""
    with tempfile.TemporaryDirectory() as folder:
        fifo = Path(folder) / "nagios.cmd"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        over = threading.Event()
        lines = [0]

        def read() -> None:
            while not over.is_set():
                with contextlib.suppress(BlockingIOError):
                    lines[0] += os.read(reader, 1 << 16).count(b"\n")
                over.wait(0.001)

        thread = threading.Thread(target=read)
        thread.start()
        hub, now = Hub({"nagios": NagiosFeed(many(), str(fifo), None)}, of=many()), time.time()
        spent = []
        for period in range(2):
            texts = [json.dumps(_document(n, now + period * EVERY)) for n in range(UNITS)]
            before = time.process_time()
            for n in range(0, UNITS, AT_ONCE):
                at = now + period * EVERY + n * EVERY / UNITS
                hub.tell(at, *(json.loads(text) for text in texts[n : n + AT_ONCE]))
            spent.append(time.process_time() - before)
        over.set()
        thread.join()
        os.close(reader)
    share = 100 * spent[-1] / EVERY
    print(f"{UNITS} units x 10 services every {EVERY:.0f} s: {spent[-1]:.2f} s of CPU, {share:.2f} % of a core;")
    print(f"{lines[0] // 2} lines a period")


def _document(n: int, now: float) -> dict[str, object]:
    body = status("unit1", now) | {"node": f"u{n}"}
    del body["watch"]
    body["cameras"] = [body["cameras"][0] | {"name": name} for name in ("north", "c0", "c1", "c2")]
    return body


if __name__ == "__main__":
    main()
