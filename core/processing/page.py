"""The files of a live-cam page: text and a small picture, made of what the node says is there.

No server code, nothing from elsewhere, nothing that counts visitors. `index.html` says all by itself, with the times
in words; the script of the page renews the pictures by `livecam.json` and tells their age.
"""

from __future__ import annotations

import io
import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from PIL import Image

from core.processing.look import COLUMN
from core.processing.store import keep
from core.processing.words import LANGUAGES, Words, day, expected, instant

Json = dict[str, Any]

STATIC = ("livecam.css", "livecam.js")
NO_PICTURE, NOT_YET = (128, 128, 128), (208, 212, 217)
SCALE = 2  # pixels of a column and of each of its colours: JPEG would blur single ones into each other
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


class Page(NamedTuple):
    """What a page is made of. `cameras` as the node gives them, each with what is said of it in words."""

    title: str
    text: str
    language: str
    zone: str
    cameras: list[Json]

    @property
    def words(self) -> Words:
        """The words of its language."""
        return LANGUAGES[self.language]


def make(args: Json) -> Json:
    """Write the files of a page as STEM.RENDITION.FILE below `out`; return each with its size and hash.

    `cameras`: name, caption; time, next (seconds since the epoch or None), interval (seconds or None); pictures: file,
    width, height (or None), the largest first; day: None, or file, begin (seconds), cells, cell (seconds), n,
    columns: (cell, what `look.column` returned). Raise StorageError.
    """
    zone = ZoneInfo(args["zone"])
    cameras = [_said(camera, LANGUAGES[args["language"]], zone) for camera in args["cameras"]]
    page = Page(args["title"], args["text"], args["language"], args["zone"], cameras)
    folder, before = Path(args["out"]), f"{args['stem']}.{args['rendition']}"
    made = [(name, files("core.processing.livecam").joinpath(name).read_bytes()) for name in STATIC]
    made += [(each["day"]["file"], strip(each["day"], each["time"])) for each in cameras if each["day"]]
    made += [("livecam.json", facts(page)), ("index.html", html(page))]
    return {"files": [{"file": name, **keep(folder, f"{before}.{name}", data)} for name, data in made]}


def _said(camera: Json, words: Words, zone: ZoneInfo) -> Json:
    """Return a camera with what is said of it."""
    if camera["time"] is None:
        return camera
    at = datetime.fromtimestamp(camera["time"], zone)
    following = None if camera["next"] is None else datetime.fromtimestamp(camera["next"], zone)
    said = {
        "shown": instant(words, at),
        "alt": f"{camera['caption']}, {instant(words, at)}",
        "expected": "" if following is None else expected(words, following, at),
    }
    strip_of = camera["day"]
    if strip_of:
        strip_of = strip_of | {"alt": words.strip.format(day=day(words, at), n=strip_of["n"]), "date": f"{at:%Y-%m-%d}"}
    return {**camera, **said, "day": strip_of}


def strip(of: Json, until: int) -> bytes:
    """Return the JPEG of a day: a column of colours for each stretch of it, grey where there was no picture."""
    image = Image.new("RGB", (of["cells"], COLUMN), NO_PICTURE)
    coming = min(of["cells"], int((until - of["begin"]) // of["cell"]) + 1)
    image.paste(NOT_YET, (coming, 0, of["cells"], COLUMN))
    for cell, colors in of["columns"]:
        image.paste(Image.frombytes("RGB", (1, COLUMN), b64decode(colors)), (cell, 0))
    target = io.BytesIO()
    target.name = "strip.jpg"
    image.resize((SCALE * image.width, SCALE * image.height), Image.Resampling.NEAREST).save(target, quality=60)
    return target.getvalue()


def facts(page: Page) -> bytes:
    """Return what the script asks for; a page of the customer's own may use it too."""
    cameras = [
        {
            "name": each["name"],
            "caption": each["caption"],
            "time": _iso(each["time"]),
            "next": _iso(each["next"]),
            "interval": each["interval"],
            "pictures": each["pictures"],
            **{key: each[key] for key in ("shown", "alt", "expected") if key in each},
            "day": each["day"] and {key: each["day"][key] for key in ("file", "date", "alt")},
        }
        for each in page.cameras
    ]
    told = {"version": 1, "title": page.title, "zone": page.zone, "cameras": cameras}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def html(page: Page) -> bytes:
    """Return the page as it is read without a script."""
    return "\n".join(_lines(page)).encode() + b"\n"


def _lines(page: Page) -> Iterator[str]:
    words = page.words
    yield "<!doctype html>"
    yield f'<html lang="{page.language}">'
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{escape(page.title)}</title>"
    yield '<link rel="icon" href="data:,">'
    yield '<link rel="stylesheet" href="livecam.css">'
    yield '<script src="livecam.js" defer></script>'
    said = " ".join(f'data-{key}="{escape(getattr(words, key))}"' for key in ("stale", "wrong", "skewed", "lost"))
    yield f"<body {said}>"
    yield f"<header><h1>{escape(page.title)}</h1>{_paragraph(page.text)}</header>"
    yield "<main>"
    for camera in page.cameras:
        yield from _article(camera, words, alone=len(page.cameras) == 1)
    yield "</main>"
    yield f'<footer><p id="state" role="status"></p><p>{escape(words.zone.format(zone=page.zone))}</p>'
    yield f'<noscript><p><a href="">{escape(words.reload)}</a></p></noscript></footer>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _article(camera: Json, words: Words, alone: bool) -> Iterator[str]:
    name, title = escape(camera["name"]), f"<h2>{escape(camera['caption'])}</h2>"
    if camera["time"] is None:
        yield f'<article id="{name}">{title}<p class="quiet">{escape(words.none)}</p></article>'
        return
    yield f'<article id="{name}" {_data(camera)}>{title}'
    link = _at(camera, camera["pictures"][0])
    yield f'<a class="link" href="{link}"><img class="picture" {_image(camera, alone)}></a>'
    moment = f'<time datetime="{_iso(camera["time"])}">{escape(camera["shown"])}</time>'
    yield f'<p class="when">{moment}<span class="age"></span></p>'
    yield f'<p class="note" role="status"></p><p class="next quiet">{escape(camera["expected"])}</p>'
    if camera["day"]:
        hours = "".join(f"<span>{hour:02}</span>" for hour in (0, 6, 12, 18, 24))
        source = f"{escape(camera['day']['file'])}?{camera['time']}"
        yield f'<div class="day"><img src="{source}" alt="{escape(camera["day"]["alt"])}">'
        yield f'<div class="hours quiet" aria-hidden="true">{hours}</div></div>'
    yield "</article>"


def _data(camera: Json) -> str:
    values = {key: camera[key] for key in ("time", "next", "interval")}
    return " ".join(f'data-{key}="{value}"' for key, value in values.items() if value is not None)


def _at(camera: Json, picture: Json) -> str:
    """Return the address of a picture: the question mark makes it another one for every cache on the way."""
    return f"{escape(picture['file'])}?{camera['time']}"


def _image(camera: Json, alone: bool) -> str:
    largest = camera["pictures"][0]
    said = f'src="{_at(camera, largest)}"'
    if largest["width"]:
        sizes = ", ".join(f"{_at(camera, one)} {one['width']}w" for one in camera["pictures"] if one["width"])
        wide = "min(100vw, 96rem)" if alone else "(min-width: 74rem) min(50vw, 48rem), 100vw"
        said += f' srcset="{sizes}" sizes="{wide}" width="{largest["width"]}" height="{largest["height"]}"'
    return f'{said} alt="{escape(camera["alt"])}"'
