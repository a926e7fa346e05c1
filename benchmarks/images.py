"""Measure what the renditions of one 18-megapixel shot cost, beside the tools that everybody has.

`python benchmarks/images.py [--rounds N] [--instructions] [--json]`. All contenders run in one go, in shuffled rounds;
what is compared is processor time (user and system, of the whole process tree), as ratios of medians. Exit status 1
when a goal is missed. The three renditions: 1920x1280 and 640x427 with a logo and a legend, and a full-size crop with
both. `--instructions` counts, once and by valgrind, what each executes: it takes minutes, and is the same on a busy
machine; but an instruction may move 1 byte or 32, so the goals are about time.

- `imagemagick`: one `convert` per output, as most scripts do it;
- `djpeg+cjpeg`: the codec of libjpeg-turbo alone, without any resize or overlay: `djpeg -scale 3/8` for the two small
  outputs, `djpeg -crop` for the large one, `cjpeg` for each;
- `cold`: our image child, started for this one picture; `resident`: the same with its next pictures; Pillow alone;
- `cold+strict`: as cold, with the decoder of the extra `strict`, which takes 0.1 s to load and finds more damage: told
  beside the others, no goal holds for it;
- `codec`: the fastest decode and the three encodes that run inside a process (simplejpeg, else Pillow), nothing else.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw

from core.processing.wire import ENVIRONMENT, recipe_to_json
from core.simulate.harbour import paint
from core.site.model.recipes import Crop, Recipe, Step

Command = tuple[list[str], dict[str, str]]
"""What is run, and what its environment has beside ours."""
Contender = list[Command]

WIDTH, HEIGHT = 5184, 3456
PART = Crop(x=48, y=32, width=5088, height=3392)
SOURCE_BYTES = 5_500_000
GOALS = {"cold / imagemagick": 0.26, "cold / djpeg+cjpeg": 1.5, "resident / codec": 2.3}
LEGEND = "north 21.11.2026 13:00"

COLD = """
import json, pathlib, sys
import core.worker
from core.processing.job import ImageService
job = json.loads(pathlib.Path(sys.argv[1]).read_text())
answer = ImageService(strict=sys.argv[2] == "strict").handle("process", job)
assert len(answer["renditions"]) == 3, answer
"""

RESIDENT = """
import io, json, pathlib, random, sys, time
from PIL import Image
from core.processing.job import ImageService
try:
    import simplejpeg
except ImportError:
    simplejpeg = None
job = json.loads(pathlib.Path(sys.argv[1]).read_text())
source = pathlib.Path(job["path"]).read_bytes()
service = ImageService(strict=False, confine=False)
whole = Image.open(io.BytesIO(source)).convert("RGB")
outputs = [(whole.resize((1920, 1280)), 85), (whole.resize((640, 427)), 85), (whole.crop((48, 32, 5136, 3424)), 90)]
if simplejpeg:
    import numpy
    outputs = [(numpy.ascontiguousarray(image), quality) for image, quality in outputs]
    kept = bytearray(5184 * 3456 * 3)
del whole
def ours():
    assert len(service.handle("process", job)["renditions"]) == 3
def codec():
    if simplejpeg:
        simplejpeg.decode_jpeg(source, "RGB", buffer=kept)
        for image, quality in outputs:
            simplejpeg.encode_jpeg(image, quality, colorsubsampling="420")
    else:
        Image.open(io.BytesIO(source)).load()
        for image, quality in outputs:
            image.save(io.BytesIO(), "JPEG", quality=quality, subsampling="4:2:0")
runs = {"resident": ours, "codec": codec}
chosen = sys.argv[3:] or list(runs)
taken = {name: [] for name in chosen}
if len(chosen) > 1:
    ours()
for _ in range(int(sys.argv[2])):
    for name in random.sample(chosen, len(chosen)):
        run = runs[name]
        begin = time.process_time()
        run()
        taken[name].append(time.process_time() - begin)
print(json.dumps(taken))
"""


def photograph() -> bytes:
    """Return a JPEG like a camera's: a view, texture at every scale (1/f, as nature has it) and a sensor's noise."""
    image = paint(WIDTH, HEIGHT, 13.0, 9, "north")
    texture = Image.new("L", (WIDTH, HEIGHT), 128)
    for shrink, strength in ((256, 40), (64, 28), (16, 20), (8, 14), (4, 11), (2, 9), (1, 4)):
        noise = Image.effect_noise((WIDTH // shrink, HEIGHT // shrink), strength)
        texture = ImageChops.add(texture, noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), 1, -128)
    image = ImageChops.add(image, Image.merge("RGB", (texture, texture, texture)), 1, -128)
    return next(data for quality in range(70, 101, 2) if len(data := encode(image, quality)) >= SOURCE_BYTES)


def encode(image: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality, subsampling="4:2:2")
    return target.getvalue()


def prepare(folder: Path) -> None:
    """Write the source, the logo, and the small PPM that cjpeg alone is given."""
    (folder / "source.jpg").write_bytes(photograph())
    logo = Image.new("RGBA", (320, 120))
    ImageDraw.Draw(logo).rounded_rectangle((0, 0, 319, 119), 24, fill=(200, 30, 30, 200))
    logo.save(folder / "logo.png")
    with Image.open(folder / "source.jpg") as source:
        source.resize((640, 427)).save(folder / "small.ppm")


def job(folder: Path) -> Path:
    overlays = (
        Step(watermark="logo.png", at="top-right", opacity=0.7),
        Step(legend="{camera} {time:%d.%m.%Y %H:%M}", at="bottom-left", bar=True),
    )
    recipes = (
        Recipe(name="web", steps=(Step(resize="1920x1280"), *overlays)),
        Recipe(name="small", steps=(Step(resize="640x427"), *overlays)),
        Recipe(name="full", steps=(Step(crop=PART), *overlays), quality=90),
    )
    request = {
        "path": str(folder / "source.jpg"),
        "kind": "jpeg",
        "recipes": [recipe_to_json(recipe) for recipe in recipes],
        "out": str(folder / "ours"),
        "stem": "shot",
        "facts": {"camera": "north", "site": "harbour", "time": 1_795_262_400.0, "zone": "Europe/Paris"},
        "base": str(folder),
        "thumbnail": True,
    }
    path = folder / "job.json"
    path.write_text(json.dumps(request))
    return path


def run(command: Command, folder: Path, *before: str) -> str:
    """Run to the end, behind the words of another program, and return what it told on stderr."""
    argv, environment = command
    done = subprocess.run(
        [*before, *argv],
        cwd=folder,
        check=True,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return done.stderr


def imagemagick() -> str | None:
    """Return the real ImageMagick. Other programs go by the name of convert, and a script in its place, even one that
    hands over to it, would be charged to it: only a binary that says what it is will do."""
    named = ["/usr/bin/convert", "convert-im6.q16", "convert", "magick"]
    for found in filter(None, map(shutil.which, named)):
        if Path(found).read_bytes()[:4] != b"\x7fELF":
            continue
        told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)
        if told.returncode == 0 and "Version: ImageMagick" in told.stdout:
            return found
    return None


def with_imagemagick(convert: str) -> Contender:
    overlays = ["logo.png", "-gravity", "northeast", "-geometry", "+16+16", "-compose", "dissolve"]
    overlays += ["-define", "compose:args=70", "-composite", "-gravity", "southwest", "-pointsize", "28"]
    overlays += ["-fill", "white", "-undercolor", "#00000078", "-annotate", "+16+16", LEGEND]
    crop = f"{PART.width}x{PART.height}+{PART.x}+{PART.y}"
    return [
        ([convert, "source.jpg", *steps, *overlays, "-quality", quality, f"im-{name}.jpg"], {})
        for name, steps, quality in (
            ("web", ["-resize", "1920x1280"], "85"),
            ("small", ["-resize", "640x427"], "85"),
            ("full", ["-crop", crop, "+repage"], "90"),
        )
    ]


def with_codec_tools() -> Contender:
    crop = f"{PART.width}x{PART.height}+{PART.x}+{PART.y}"
    decode = [["-scale", "3/8", "-outfile", "web.ppm"], ["-crop", crop, "-outfile", "full.ppm"]]
    encode = [("web", "85"), ("small", "85"), ("full", "90")]
    commands = [["djpeg", *options, "source.jpg"] for options in decode]
    commands += [["cjpeg", "-quality", quality, "-outfile", f"codec-{n}.jpg", f"{n}.ppm"] for n, quality in encode]
    return [(command, {}) for command in commands]


def contenders(request: Path) -> tuple[dict[str, Contender], list[str]]:
    """Return what can run here, and why the others cannot."""
    cold = [sys.executable, "-I", "-c", COLD, str(request)]
    found: dict[str, Contender] = {"cold": [([*cold, "pillow"], ENVIRONMENT)]}
    skipped = []
    if importlib.util.find_spec("simplejpeg") is not None:
        found["cold+strict"] = [([*cold, "strict"], ENVIRONMENT)]
    else:
        skipped.append("codec: by Pillow, a higher limit than simplejpeg's (pip install 'overlapse[strict]')")
    convert = imagemagick()
    if convert is not None:
        found["imagemagick"] = with_imagemagick(convert)
    else:
        skipped.append("imagemagick: not installed (apt-get install imagemagick)")
    if shutil.which("djpeg") and shutil.which("cjpeg"):
        found["djpeg+cjpeg"] = with_codec_tools()
    else:
        skipped.append("djpeg+cjpeg: not installed (apt-get install libjpeg-turbo-progs)")
    return found, skipped


def resident(request: Path, rounds: int, *chosen: str) -> Command:
    """Return the process that does one picture after the other, or its codec work alone."""
    return [sys.executable, "-I", "-c", RESIDENT, str(request), str(rounds), *chosen], ENVIRONMENT


def cpu_of(contender: Contender, folder: Path) -> float:
    """Return the processor seconds of everything that `contender` starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in contender:
        run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(rounds: int, folder: Path, request: Path, found: dict[str, Contender]) -> dict[str, float]:
    """Return the medians of the processor seconds."""
    taken: dict[str, list[float]] = {name: [] for name in found}
    for nth in range(rounds + 1):  # the first only warms up
        for name in random.sample(list(found), len(found)):
            seconds = cpu_of(found[name], folder)
            taken[name] += [seconds] if nth else []
    argv, environment = resident(request, rounds)
    told = subprocess.run(argv, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    taken.update(json.loads(told.stdout))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


VALGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--trace-children=yes")


def executed(command: Command, folder: Path) -> float:
    """Return how many instructions a command executes, outside the kernel."""
    told = run(command, folder, *VALGRIND)
    return float(sum(int(count) for count in re.findall(r"Collected : (\d+)", told)))


def count(folder: Path, request: Path, found: dict[str, Contender]) -> dict[str, float]:
    """Return the instructions of each; of what is resident, those of the second picture and the third."""
    counted = {name: sum(executed(command, folder) for command in found[name]) for name in found}
    for name in ("resident", "codec"):
        one, three = (executed(resident(request, rounds, name), folder) for rounds in (1, 3))
        counted[name] = (three - one) / 2
    return counted


def ratios_of(cost: dict[str, float]) -> dict[str, float]:
    pairs = {goal: goal.partition(" / ") for goal in GOALS}
    return {goal: cost[ours] / cost[other] for goal, (ours, _, other) in pairs.items() if other in cost}


def report(rounds: int, instructions: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="overlapse-images-") as name:
        folder = Path(name)
        prepare(folder)
        request = job(folder)
        found, skipped = contenders(request)
        medians = measure(rounds, folder, request, found)
        counted: dict[str, float] = {}
        if instructions and shutil.which("valgrind"):
            counted = count(folder, request, found)
        elif instructions:
            skipped.append("instructions: valgrind is not installed (apt-get install valgrind)")
    ratios = ratios_of(medians)
    return {
        "cpu_seconds": medians,
        "ratios": ratios,
        "instructions": counted,
        "instruction_ratios": ratios_of(counted) if counted else {},
        "goals": GOALS,
        "missed": [goal for goal, ratio in ratios.items() if ratio > GOALS[goal]],
        "skipped": skipped,
    }


def show(told: dict[str, Any]) -> None:
    for name, seconds in told["cpu_seconds"].items():
        print(f"{name:<14} {seconds:7.3f} s of processor time")
    for goal, ratio in told["ratios"].items():
        word = "missed" if goal in told["missed"] else "reached"
        print(f"{goal:<22} {ratio:5.2f}   goal {GOALS[goal]:4.2f}   {word}")
    for name, number in told["instructions"].items():
        print(f"{name:<14} {number / 1e6:9.0f} million instructions")
    for goal, ratio in told["instruction_ratios"].items():
        print(f"{goal:<22} {ratio:5.2f}   of instructions")
    for reason in told["skipped"]:
        print(f"skipped: {reason}")


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="at least 7 for steady medians")
    parser.add_argument("--instructions", action="store_true", help="count them too, by valgrind: takes minutes")
    parser.add_argument("--json", action="store_true", help="print one object")
    chosen = parser.parse_args()
    told = report(chosen.rounds, chosen.instructions)
    if chosen.json:
        print(json.dumps(told, indent=2))
    else:
        show(told)
    return 1 if told["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
