"""What the console's driver and blocks send, to the byte, beside stock Textual, htop and btop: `make bench`.

Twenty rows at 100x30 (state, name, age, 24 letters of the day, undelivered, days left, owner), five cells changing.
Bytes are exact and compared with benchmarks/console.json by a test; `--record` writes it anew. Times are those of this
machine.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT), str(ROOT / "tests")]

from peers import ptys, slowline  # noqa: E402
from peers.manyunits import units  # noqa: E402
from peers.ptys import Pty  # noqa: E402

BASELINE = Path(__file__).with_suffix(".json")
DEMO = ptys.python("-m", "peers.demofleet")
LIMITS = {  # bytes, as the project promises them
    "first paint": 2500,
    "nothing changing": 0,
    "live, a minute": 700,
    "cursor": 24,
    "screen switch": 2500,
    "and back": 2500,
    "confirmation": 1500,
}
FRAMES = 12  # a minute of changes every 5 s
LAST_ROW = "north-19"


@dataclass(frozen=True)
class Figure:
    """One measurement beside its limit."""

    name: str
    value: float
    limit: float
    unit: str = "B"

    def __str__(self) -> str:
        mark = "" if self.value <= self.limit else "   ABOVE THE LIMIT"
        return f"  {self.name:<34}{self.value:>10,.6g} {self.unit:<3}  (at most {self.limit:,.4g}){mark}"


def fleet(period: float = 0, **more: str) -> dict[str, str]:
    """Return the environment of the demonstration."""
    return ptys.environment(PERIOD=str(period), **more)


def counted() -> dict[str, int]:
    """Return the bytes of each thing that an operator does."""
    with ptys.on_a_pty(DEMO, environ=fleet(), leads=False) as line:
        _ready(line)
        sizes = {"first paint": len(line.sent)}
        line.quiet(2.0)
        sizes["nothing changing"] = len(line.sent) - sizes["first paint"]
        sizes["cursor"] = max(_cost(line, "j") for _ in range(4))
        sizes["screen switch"] = _cost(line, "i", "fact 25")
        sizes["and back"] = _cost(line, "\x1b", LAST_ROW)
        sizes["confirmation"] = _cost(line, "c", "Leave it")
    return sizes | {"live, a minute": live()}


def live() -> int:
    """Return the bytes of a minute of changes, five cells every 5 s, played faster."""
    with ptys.on_a_pty(DEMO, environ=fleet(0.35), leads=False) as line:
        if not line.shows(LAST_ROW):
            raise SystemExit("the demonstration shows nothing")
        sizes: list[int] = []
        deadline = time.monotonic() + 30
        while len(sizes) < FRAMES and time.monotonic() < deadline:
            if data := line.step(0.2):
                sizes.append(len(data))
    return sum(sizes)


def _ready(line: Pty) -> None:
    if not line.shows(LAST_ROW):
        raise SystemExit("the demonstration shows nothing")
    line.quiet(0.5)


def _cost(line: Pty, keys: str, shows: str = "") -> int:
    before = len(line.sent)
    line.type(keys)
    line.until(lambda: len(line.sent) > before, 5)
    if shows:
        line.shows(shows, 5)
    line.quiet(0.3)
    return len(line.sent) - before


def cpu(rounds: int = 9) -> float:
    """Return the CPU that `overlapse console` takes to its first paint, in units of `import textual.app`."""
    imports, paints = [], []
    code = "import textual.app, time; print(time.process_time())"
    with tempfile.TemporaryDirectory() as folder, units(Path(folder)) as hub:
        for _ in range(rounds):
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            imports.append(float(done.stdout))
            with ptys.on_a_pty(hub.command, leads=False) as line:
                line.until(lambda line=line: line.sent)  # type: ignore[misc]
                paints.append(line.cpu)
    return statistics.median(paints) / statistics.median(imports)


@dataclass(frozen=True)
class Watched:
    """What watching a fleet costs: bytes to the terminal and seconds of CPU."""

    sent: int
    cpu: float


def watched(count: int, changes: int = 6) -> Watched:
    """Watch so many units with `overlapse console`, five of which are heard every 5 s, for so many times."""
    dice = random.Random(7)
    folder = tempfile.TemporaryDirectory()
    with folder, units(Path(folder.name), count) as hub, ptys.on_a_pty(hub.command, leads=False) as line:
        if not line.shows("north-"):
            raise SystemExit("the console shows nothing")
        line.until(lambda: False, 6)  # the first figures of the session, too
        sent, used = len(line.sent), line.cpu
        for _ in range(changes):
            hub.change(dice)
            line.until(lambda: False, 5)
        return Watched(len(line.sent) - sent, line.cpu - used)


def meaningful(rate: int = 100_000, round_trip: float = 0.3) -> float:
    """Return the seconds from the start of `overlapse console` until its rows are on the far end of a thin line."""
    with tempfile.TemporaryDirectory() as folder, units(Path(folder)) as hub:
        begun = time.monotonic()
        with ptys.on_a_pty(hub.command, leads=False) as line:
            slowline.Slow(line, rate, round_trip / 2, compressed=True).answer("", "north-")
            return time.monotonic() - begun


KEYS = (("j", ""), ("i", "fact 25"), ("\x1b", LAST_ROW), ("c", "Leave it"), ("\x1b", LAST_ROW), ("?", "quit"))


def answers(*, compressed: bool, rate: int = 100_000, round_trip: float = 0.3) -> list[float]:
    """Return how long each key is answered after, in seconds, on a line of `rate` bit/s, with refreshes going on.

    An answer is the whole of what the key changes, a full screen too. `compressed`: as with our ssh block.
    """
    with ptys.on_a_pty(DEMO, environ=fleet(1), leads=False) as line:
        _ready(line)
        far = slowline.Slow(line, rate, round_trip / 2, compressed=compressed)
        return [far.answer(keys, shows) for keys, shows in KEYS]


def others() -> list[tuple[str, int, int]]:
    """Return (program, bytes of the first paint, bytes of a minute) of what everybody has, over 10 s each."""
    found = []
    commands = {
        "stock Textual, 5 cells in 5 s": (DEMO, fleet(5, THRIFT="off", BLOCKS="stock", COLORTERM="truecolor")),
        "stock table, our driver": (DEMO, fleet(5, BLOCKS="stock", COLORTERM="truecolor")),
        "our blocks and driver": (DEMO, fleet(5)),
        "htop": ([shutil.which("htop") or ""], ptys.environment()),
        "btop": ([shutil.which("btop") or ""], ptys.environment(LANG="en_US.UTF-8")),
    }
    for name, (command, environ) in commands.items():
        if not command[0]:
            print(f"  {name}: not installed")
            continue
        with ptys.on_a_pty(command, environ=environ, leads=False) as line:
            line.until(lambda line=line: len(line.sent) > 1000, 10)  # type: ignore[misc]
            line.until(lambda: False, 1.0)
            first = len(line.sent)
            line.until(lambda: False, 15)
            found.append((name, first, (len(line.sent) - first) * 4))
    return found


def _slowest(*, compressed: bool) -> float:
    """Return the slowest answer of a round; the best of three rounds, since this machine has other things to do."""
    return min(max(answers(compressed=compressed)) for _ in range(3))


def main() -> None:
    """Measure, tell, and record where asked."""
    sizes = counted()
    print("Bytes to the terminal, 100x30, xterm-256color")
    for name, size in sizes.items():
        print(Figure(name, size, LIMITS[name]))
    print("Times")
    print(Figure("CPU to first paint / import", round(cpu(), 3), 1.3, ""))
    print(Figure("slowest key, 100 kbit/s, 300 ms, -C", round(_slowest(compressed=True), 3), 0.45, "s"))
    print(f"  without compression{round(_slowest(compressed=False), 3):>25} s")
    print(Figure("first screen, the same line", round(meaningful(), 3), 2, "s"))
    few, many = watched(20), watched(1000)
    print(Figure("bytes of 1,000 units / of 20", round(many.sent / few.sent, 3), 1.1, ""))
    print(Figure("CPU of 1,000 units / of 20", round(many.cpu / few.cpu, 3), 2, ""))
    print("Beside others: first second, then a minute")
    for name, first, minute in others():
        print(f"  {name:<34}{first:>10,} B{minute:>12,} B")
    if "--record" in sys.argv:
        BASELINE.write_text(json.dumps(sizes, indent=2) + "\n")


if __name__ == "__main__":
    main()
