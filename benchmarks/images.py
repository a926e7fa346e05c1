"""Measure what the renditions of one 18-megapixel shot cost, beside the tools that everybody has.

`python benchmarks/images.py [--rounds N] [--json]`. All contenders run in one go, in shuffled rounds; what is compared
is processor time (user and system, of the whole process tree), as ratios of medians. Exit status 1 when a goal is
missed. The three renditions: 1920x1280 and 640x427 with a logo and a legend, and a full-size crop with both.

- `imagemagick`: one `convert` per output, as most scripts do it;
- `djpeg+cjpeg`: the codec of libjpeg-turbo alone, without any resize or overlay: `djpeg -scale 3/8` for the two small
  outputs, `djpeg -crop` for the large one, `cjpeg` for each;
- `cold`: our image child, started for this one picture; `resident`: the same with its next pictures, Pillow alone;
- `codec`: the fastest decode and the three encodes that run inside a process (simplejpeg, else Pillow), nothing else.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw

from core.processing.wire import ENVIRONMENT, recipe_to_json
from core.simulate.harbour import paint
from core.site.model import Crop, Recipe, Step

Contender = Callable[[], None]

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
answer = ImageService(strict=False).handle("process", job)
assert len(answer["renditions"]) == 3, answer
"""

RESIDENT = """
import io, json, pathlib, sys, time
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
taken = {"resident": [], "codec": []}
ours()
for _ in range(int(sys.argv[2])):
    for name, run in (("resident", ours), ("codec", codec)):
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


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **(environment or {})})


def imagemagick() -> str | None:
    """Return the real ImageMagick: another program may go by the name of convert."""
    for name in ("/usr/bin/convert", shutil.which("convert"), shutil.which("magick")):
        if name is None or not Path(name).exists():
            continue
        told = subprocess.run([name, "-version"], capture_output=True, text=True, check=False)
        if told.returncode == 0 and "Version: ImageMagick" in told.stdout:
            return name
    return None


def with_imagemagick(convert: str, folder: Path) -> None:
    overlays = ["logo.png", "-gravity", "northeast", "-geometry", "+16+16", "-compose", "dissolve"]
    overlays += ["-define", "compose:args=70", "-composite", "-gravity", "southwest", "-pointsize", "28"]
    overlays += ["-fill", "white", "-undercolor", "#00000078", "-annotate", "+16+16", LEGEND]
    crop = f"{PART.width}x{PART.height}+{PART.x}+{PART.y}"
    for name, steps, quality in (
        ("web", ["-resize", "1920x1280"], "85"),
        ("small", ["-resize", "640x427"], "85"),
        ("full", ["-crop", crop, "+repage"], "90"),
    ):
        run([convert, "source.jpg", *steps, *overlays, "-quality", quality, f"im-{name}.jpg"], folder)


def with_codec_tools(folder: Path) -> None:
    crop = f"{PART.width}x{PART.height}+{PART.x}+{PART.y}"
    run(["djpeg", "-scale", "3/8", "-outfile", "web.ppm", "source.jpg"], folder)
    run(["djpeg", "-crop", crop, "-outfile", "full.ppm", "source.jpg"], folder)
    for name, quality in (("web", "85"), ("small", "85"), ("full", "90")):
        run(["cjpeg", "-quality", quality, "-outfile", f"codec-{name}.jpg", f"{name}.ppm"], folder)


def contenders(folder: Path, request: Path) -> tuple[dict[str, Contender], list[str]]:
    """Return what can run here, and why the others cannot."""
    cold = [sys.executable, "-I", "-c", COLD, str(request)]
    found: dict[str, Contender] = {"cold": lambda: run(cold, folder, ENVIRONMENT)}
    skipped = []
    convert = imagemagick()
    if convert is not None:
        found["imagemagick"] = lambda: with_imagemagick(convert, folder)
    else:
        skipped.append("imagemagick: not installed (apt-get install imagemagick)")
    if shutil.which("djpeg") and shutil.which("cjpeg"):
        found["djpeg+cjpeg"] = lambda: with_codec_tools(folder)
    else:
        skipped.append("djpeg+cjpeg: not installed (apt-get install libjpeg-turbo-progs)")
    return found, skipped


def cpu_of(contender: Contender) -> float:
    """Return the processor seconds of everything that `contender` starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    contender()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(rounds: int, folder: Path) -> tuple[dict[str, float], list[str]]:
    prepare(folder)
    request = job(folder)
    found, skipped = contenders(folder, request)
    taken: dict[str, list[float]] = {name: [] for name in found}
    for nth in range(rounds + 1):  # the first only warms up
        for name in random.sample(list(found), len(found)):
            seconds = cpu_of(found[name])
            taken[name] += [seconds] if nth else []
    inside = [sys.executable, "-I", "-c", RESIDENT, str(request), str(rounds)]
    told = subprocess.run(inside, check=True, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT})
    taken.update(json.loads(told.stdout))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}, skipped


def report(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="overlapse-images-") as name:
        medians, skipped = measure(rounds, Path(name))
    ratios = {}
    for goal in GOALS:
        ours, _, other = goal.partition(" / ")
        if other in medians:
            ratios[goal] = medians[ours] / medians[other]
    missed = [goal for goal, ratio in ratios.items() if ratio > GOALS[goal]]
    return {"cpu_seconds": medians, "ratios": ratios, "goals": GOALS, "missed": missed, "skipped": skipped}


def show(told: dict[str, Any]) -> None:
    for name, seconds in told["cpu_seconds"].items():
        print(f"{name:<14} {seconds:7.3f} s of processor time")
    for goal, ratio in told["ratios"].items():
        word = "missed" if goal in told["missed"] else "reached"
        print(f"{goal:<22} {ratio:5.2f}   goal {GOALS[goal]:4.2f}   {word}")
    for reason in told["skipped"]:
        print(f"skipped: {reason}")


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="at least 7 for steady medians")
    parser.add_argument("--json", action="store_true", help="print one object")
    chosen = parser.parse_args()
    told = report(chosen.rounds)
    if chosen.json:
        print(json.dumps(told, indent=2))
    else:
        show(told)
    return 1 if told["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
