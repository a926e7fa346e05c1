"""What a check costs: a plugin's run in instructions, and ten services judged in a node that runs.

Run `python benchmarks/checks.py [--json] [--only CHECK] [--quick]`. Instructions are counted by valgrind's callgrind in
all processes of a run (stable to 1 %, which seconds are not), each program beside the smallest script of nagiosplugin
and argparse on the same interpreter: as it is installed, and without `site` (python -IS), which leaves out what an
environment imports at every start and so shows our own part more sharply.
Goals: at most 1.1 of that script; under 1 ms of CPU for ten services. Exit status 1 when one is missed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from peers.statuses import camera, well, write  # noqa: E402

from checks.evaluate import verdicts  # noqa: E402

CHECKS = ("camera", "transfer", "storage", "redundancy", "node")
GOAL_RATIO, GOAL_MS = 1.1, 1.0
PATHS = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
SMALLEST = """\
import argparse
import nagiosplugin


class Age(nagiosplugin.Resource):
    def probe(self):
        return nagiosplugin.Metric("age", 5, "s", min=0)


@nagiosplugin.guarded
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-w", "--warning", default="")
    parser.add_argument("-c", "--critical", default="")
    values = parser.parse_args()
    nagiosplugin.Check(Age(), nagiosplugin.ScalarContext("age", values.warning, values.critical)).main()


main()
"""
OURS = "from checks import programs\nprograms.{check}()\n"


def instructions(command: list[str], folder: Path) -> int:
    """Return the instructions of a command in all its processes; what the child of a fork inherits counts once."""
    for old in folder.glob("out.*"):
        old.unlink()
    out = f"--callgrind-out-file={folder}/out.%p"
    forks = ("--dump-before=fork", "--dump-before=__libc_fork")
    counted = ["valgrind", "-q", "--tool=callgrind", *forks, out, *command]
    subprocess.run(counted, capture_output=True, env={}, check=False)
    totals = [re.search(r"^totals: (\d+)", one.read_text(), re.M) for one in folder.glob("out.*")]
    return sum(int(found[1]) for found in totals if found)


def bare(code: str, folder: Path, arguments: list[str]) -> list[str]:
    """Return the command that runs `code` without `site`."""
    path = folder / "bare.py"
    path.write_text(f"import sys\nsys.path[:0] = {PATHS!r}\n{code}")
    return [sys.executable, "-IS", str(path), *arguments]


def plugins(folder: Path, only: str | None, quick: bool = False) -> list[dict[str, Any]]:
    """Count the smallest script and every program, as installed (left out when `quick`) and without `site`."""
    script, status = folder / "smallest.py", write(folder / "status.json", well(time.time()))
    script.write_text(SMALLEST)
    ours, theirs = ["--status", str(status)], ["-w", "10"]
    least = {"bare": instructions(bare(SMALLEST, folder, theirs), folder)}
    if not quick:
        least["installed"] = instructions([sys.executable, str(script), *theirs], folder)
    rows = [{"program": "nagiosplugin and argparse", **least}]
    for check in CHECKS if only is None else (only,):
        path = Path(sys.executable).with_name(f"check_{check}")
        counts = {"bare": instructions(bare(OURS.format(check=check), folder, ours), folder)}
        if not quick:
            counts["installed"] = instructions([sys.executable, str(path), *ours], folder)
        ratios = {f"ratio_{key}": count / least[key] for key, count in counts.items()}
        rows.append({"program": path.name, **counts, **ratios})
    return rows


def ten_services(rounds: int = 200) -> float:
    """Return the milliseconds of CPU that a node takes for its ten services: in the least disturbed of many rounds."""
    now = time.time()
    document = well(now)
    document["cameras"] += [camera(name, now) for name in ("south", "east", "west")]
    assert len(verdicts(document, now)) == 10
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        verdicts(document, now)
        taken.append(1000 * (time.process_time() - began))
    return min(taken)


def show(rows: list[dict[str, Any]]) -> None:
    print(f"{'million instructions':28}{'installed':>11}{'ratio':>7}{'bare':>11}{'ratio':>7}")
    for row in rows:
        told = f"{row['program']:28}"
        for key in ("installed", "bare"):
            told += f"{row[key] / 1e6:11.1f}" if key in row else " " * 11
            told += f"{row[f'ratio_{key}']:7.2f}" if f"ratio_{key}" in row else " " * 7
        print(told)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=CHECKS)
    parser.add_argument("--quick", action="store_true", help="count only without `site`")
    options = parser.parse_args()
    told: dict[str, Any] = {"evaluation_ms": ten_services()}
    if shutil.which("valgrind"):
        compiled = [sys.executable, "-m", "compileall", "-q", str(ROOT / "checks"), str(ROOT / "core")]
        subprocess.run(compiled, check=False)
        with tempfile.TemporaryDirectory() as folder:
            told["plugins"] = plugins(Path(folder), options.only, options.quick)
    if options.json:
        print(json.dumps(told))
    else:
        print(f"ten services judged in a node: {told['evaluation_ms']:.2f} ms of CPU (goal {GOAL_MS:g})")
        if "plugins" in told:
            show(told["plugins"])
        else:
            print("valgrind is missing, so no instructions were counted: sudo apt-get install valgrind")
    ratios = [row[key] for row in told.get("plugins", ()) for key in ("ratio_installed", "ratio_bare") if key in row]
    return int(told["evaluation_ms"] > GOAL_MS or max(ratios, default=0.0) > GOAL_RATIO)


if __name__ == "__main__":
    sys.exit(main())
