"""How true the judgement of views is over years of one picture each 30 minutes, and what a look costs.

`python benchmarks/views.py [--days N] [--seeds N]`. For each seed a camera with black nights and one with lamps, from
1 September on, with clouds, fog of up to 18 hours, a fortnight of snow on the ground and both ends of summer time. Told
are false alarms a unit-year; then, of faults begun at random instants by day after four weeks, the share that is found:
black, truncated (decoded by the image child) and frozen, the third picture of each. First the look at a picture of 18
megapixels. Exit status 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from PIL import Image

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from peers.views import BEGIN, Site, covered, elevation, looked  # noqa: E402

from core.processing.job import ImageService  # noqa: E402
from core.processing.view import Seen, hour_of, judge, near  # noqa: E402

MINUTES = 30
WARM = 28  # days before faults are tried
TRIES = 40  # faults of a kind and camera, about
HIGH = 12.0  # degrees of the sun, from which on no hour beside is a dark one
RECALL, FALSE = 0.99, 1.0
CPU_MS, MEMORY_MB = 60.0, 20.0


class Camera:
    """A camera's history."""

    def __init__(self) -> None:
        self.standing: dict[str, object] = {}
        self.cells: dict[int, dict[str, object]] = {}

    def see(self, at: float, stats: object, broken: bool = False) -> str:
        hours = {hour: self.cells.get(hour, {}) for hour in near(hour_of(at))}
        found = judge(self.standing, hours, Seen(at, "unit1", broken, stats), MINUTES * 60)  # type: ignore[arg-type]
        self.standing = found.standing
        if found.cell is not None:
            self.cells[hour_of(at)] = found.cell
        return str(found.standing["verdict"])

    def copy(self) -> Camera:
        other = Camera()
        other.standing, other.cells = dict(self.standing), dict(self.cells)
        return other


def year(site: Site, days: int) -> tuple[list[str], dict[str, tuple[int, int]]]:
    """Return the false alarms, and found and tried by fault."""
    camera, alarms = Camera(), list[str]()
    dice, before = random.Random(site.seed), "ok"
    tried: dict[str, tuple[int, int]] = {"black": (0, 0), "frozen": (0, 0), "truncated": (0, 0)}
    share = TRIES / max(1, (days - WARM) * 1440 // MINUTES)
    for at in site.times(BEGIN, days, MINUTES):
        image = site.see(at)
        if (
            (at - BEGIN).days >= WARM
            and min(elevation(at), elevation(at + timedelta(hours=1))) >= HIGH
            and dice.random() < 6 * share
        ):
            for fault, pictures in faults(image, dice).items():
                other, said = camera.copy(), ""
                for n in range(3):
                    said = other.see((at + n * timedelta(minutes=MINUTES)).timestamp(), *pictures(n))
                found, all_ = tried[fault]
                tried[fault] = (found + (said == {"truncated": "broken"}.get(fault, fault)), all_ + 1)
        verdict = camera.see(at.timestamp(), looked(image))
        if verdict not in ("ok", before):
            alarms.append(f"{at:%Y-%m-%d %H:%M} {verdict}: {camera.standing['text']}")
        before = verdict
    return alarms, tried


def faults(image: Image.Image, dice: random.Random) -> dict[str, Callable[[int], tuple[object, bool]]]:
    """Return what the child tells of the nth picture of each fault."""
    black, same, cut = looked(covered(image, BEGIN)), looked(image), is_broken(image, dice)
    return {
        "black": lambda n: (black, False),
        "frozen": lambda n: (same, False),
        "truncated": lambda n: ({} if cut else same, cut),
    }


def is_broken(image: Image.Image, dice: random.Random) -> bool:
    """Return whether the image child finds out that a picture was cut off at a random byte."""
    target = io.BytesIO()
    image.save(target, "JPEG", quality=88)
    data = target.getvalue()
    return look(data[: dice.randrange(600, len(data) - 1)])["verdict"] == "broken"


def look(data: bytes) -> dict[str, object]:
    """Return what the image child tells of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.jpg")
        path.write_bytes(data)
        facts = {"camera": "north", "site": "harbour", "time": 0.0, "zone": "UTC"}
        job = {"path": str(path), "kind": "jpeg", "recipes": [], "out": folder, "stem": "picture", "facts": facts}
        return ImageService(strict=False, confine=False).handle("process", {**job, "base": folder})


PAINT = "import sys; from core.simulate.harbour import paint; paint(5184, 3456, 13.0, 1, 'north').save(sys.argv[1])"


def cost() -> tuple[float, float]:
    """Return milliseconds of processor time and megabytes of a look at 18 megapixels, the best of nine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.jpg")
        command = [sys.executable, "-c", PAINT.replace("argv[1])", "argv[1], quality=92)"), str(path)]
        subprocess.run(command, cwd=Path(__file__).parents[1], check=True)  # elsewhere: its memory is not ours
        data = path.read_bytes()
    look(_small())
    before, times = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, list[float]()
    for _ in range(9):
        begin = time.process_time()
        look(data)
        times.append(1000 * (time.process_time() - begin))
    print(f"a look at {len(data) / 1e6:.1f} MB, 18 megapixels: {min(times):.0f} ms of processor time, best of 9")
    return min(times), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000


def _small() -> bytes:
    target = io.BytesIO()
    Image.effect_noise((640, 480), 40).convert("RGB").save(target, "JPEG")
    return target.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    alarms, found, years = 0, dict[str, list[int]](), 0.0
    for seed in range(asked.seeds):
        for lit in (False, True):
            told, tried = year(Site(lit=lit, seed=seed), asked.days)
            years += asked.days / 365
            alarms += len(told)
            print(f"seed {seed} {'lamps' if lit else 'black nights'}: {len(told)} false alarms {tried}")
            print("".join(f"    {one}\n" for one in told), end="")
            for fault, (right, all_) in tried.items():
                counted = found.setdefault(fault, [0, 0])
                counted[0] += right
                counted[1] += all_
    recall = {fault: right / max(1, all_) for fault, (right, all_) in found.items()}
    print(f"{alarms / years:.2f} false alarms a unit-year over {years:.1f} unit-years; found: {recall} of {found}")
    return int(min(recall.values()) < RECALL or alarms / years > FALSE)


def measured() -> int:
    milliseconds, megabytes = cost()
    print(f"{megabytes:.1f} MB more than before")
    return int(milliseconds > CPU_MS or megabytes > MEMORY_MB)


if __name__ == "__main__":
    sys.exit(measured() | main())
