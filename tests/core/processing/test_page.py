"""The files of a live-cam page: what they say, what they never say, and how few bytes they are."""

from __future__ import annotations

import io
import json
import re
from base64 import b64encode
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from core.errors import StorageError
from core.processing.job import ImageService
from core.processing.look import COLUMN, column
from core.processing.words import LANGUAGES

Json = dict[str, Any]
NOON = 1_795_258_800  # 21 Nov 2026, 12:00 in Paris
MIDNIGHT = NOON - 12 * 3600


def camera(**more: Any) -> Json:
    day = {"file": "north.day.jpg", "begin": MIDNIGHT, "cell": 600, "cells": 144, "n": 72, "columns": []}
    pictures = [{"file": "north-large.jpg", "width": 1920, "height": 1280}]
    known = {"name": "north", "caption": "north", "time": NOON, "next": NOON + 600, "interval": 600}
    return {**known, "pictures": pictures, "day": day, **more}


def made(folder: Path, *cameras: Json, **more: Any) -> dict[str, bytes]:
    """Return the files of a page by their names there."""
    args = {"title": "The quay", "text": "", "language": "en", "zone": "Europe/Paris", "cameras": list(cameras)}
    paths = {"out": str(folder), "stem": "north_20261121T110000Z_unit1_1-1", "rendition": "public.17"}
    answer = ImageService(confine=False).handle("page", {**args, **paths, **more})
    assert all(file["size"] == (folder / file["name"]).stat().st_size for file in answer["files"])
    return {file["file"]: (folder / file["name"]).read_bytes() for file in answer["files"]}


def busy_day() -> list[tuple[int, str]]:
    """Return the columns of a whole day, each other than the one before, as a restless sky makes them."""
    noise = Image.effect_noise((144, COLUMN), 80)
    cells = [noise.crop((n, 0, n + 1, COLUMN)) for n in range(144)]
    return [(n, b64encode(Image.merge("RGB", [cell] * 3).tobytes()).decode()) for n, cell in enumerate(cells)]


def test_an_update_of_a_page_is_a_few_kilobytes(tmp_path: Path) -> None:
    page = made(tmp_path, camera(day={**camera()["day"], "columns": busy_day()}))
    each_time = {name: len(data) for name, data in page.items() if name not in ("livecam.css", "livecam.js")}
    assert sum(each_time.values()) < 8_000, each_time
    plain = [(n, column(Image.new("RGB", (8, 8), (n, n, 90)))) for n in range(144)]
    page = made(tmp_path, camera(day={**camera()["day"], "columns": plain}))
    assert sum(len(page[name]) for name in each_time) < 4_500
    assert len(page["livecam.css"]) + len(page["livecam.js"]) < 7_000, "once a day at most"


def test_the_strip_shows_the_colours_of_the_day_where_there_were_pictures(tmp_path: Path) -> None:
    half = Image.new("RGB", (80, 80), (200, 30, 30))
    half.paste((30, 30, 200), (0, 40, 80, 80))
    columns = [(n, column(half)) for n in range(72) if not 30 <= n < 40]
    page = made(tmp_path, camera(day={**camera()["day"], "columns": columns}))
    strip = Image.open(io.BytesIO(page["north.day.jpg"])).convert("RGB")

    def at(cell: int, share: float) -> tuple[int, ...]:
        pixel = strip.getpixel((cell * strip.width // 144, int(share * strip.height)))
        assert isinstance(pixel, tuple)
        return pixel

    assert at(10, 0.2)[0] > 150 > at(10, 0.2)[2]
    assert at(10, 0.8)[2] > 150 > at(10, 0.8)[0]
    gap, coming = at(35, 0.5), at(130, 0.5)
    assert max(gap) - min(gap) < 12, "grey"
    assert max(coming) - min(coming) < 16, "grey"
    assert gap[0] + 50 < coming[0], "what is not over is lighter than what is missing"


class Reader(HTMLParser):
    """Collects the tags and the addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "srcset")]


def test_nothing_that_a_site_says_becomes_markup_and_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    evil = "\"><script src='//evil.example/x.js'></script>&"
    said = {"title": evil, "text": evil}
    page = made(tmp_path, camera(caption=evil), **said)
    reader = Reader(page["index.html"].decode())
    assert reader.tags.count("script") == 1
    assert not [one for one in reader.addresses if "//" in one and not one.startswith("data:")]
    plain = Reader(made(tmp_path, camera())["index.html"].decode())
    assert reader.tags == [*plain.tags[: plain.tags.index("header") + 2], "p", *plain.tags[plain.tags.index("main") :]]
    assert json.loads(page["livecam.json"])["title"] == evil
    for name in ("livecam.css", "livecam.js"):
        assert "//" not in re.sub(rb"(?m)(^|; |\{ )\s*//.*$", b"", page[name]).decode().replace("// ", "")


def test_the_facts_say_what_a_page_of_the_customers_own_needs(tmp_path: Path) -> None:
    facts = json.loads(made(tmp_path, camera(), camera(name="gate", time=None, next=None, day=None))["livecam.json"])
    north, gate = facts["cameras"]
    assert (north["time"], north["next"]) == ("2026-11-21T11:00:00Z", "2026-11-21T11:10:00Z")
    assert north["pictures"] == [{"file": "north-large.jpg", "width": 1920, "height": 1280}]
    assert north["day"]["date"] == "2026-11-21"
    assert (gate["time"], gate["day"]) == (None, None)


@pytest.mark.parametrize(
    ("language", "time", "following"),
    [
        ("en", "21 November 2026, 12:00 CET", "Next picture expected at 12:10"),
        ("fr", "21 novembre 2026, 12:00 CET", "Prochaine image prévue à 12:10"),
        ("de", "21. November 2026, 12:00 CET", "Nächstes Bild erwartet um 12:10"),
    ],
)
def test_times_stand_there_in_words(language: str, time: str, following: str, tmp_path: Path) -> None:
    text = made(tmp_path, camera(), language=language)["index.html"].decode()
    assert time in text
    assert following in text
    assert f'<html lang="{language}">' in text


def test_the_next_picture_of_another_day_is_said_with_its_day(tmp_path: Path) -> None:
    morning = datetime(2026, 11, 23, 7, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    text = made(tmp_path, camera(next=int(morning)))["index.html"].decode()
    assert "Next picture expected at 23 November 2026, 07:00" in text


def test_every_language_has_twelve_months_and_says_everything() -> None:
    for words in LANGUAGES.values():
        assert len(words.months.split()) == 12
        assert all(words)
        assert "{ago}" in words.stale


def test_a_camera_without_a_known_size_or_a_next_picture_is_shown_all_the_same(tmp_path: Path) -> None:
    unknown = [{"file": "north.jpg", "width": None, "height": None}]
    text = made(tmp_path, camera(pictures=unknown, next=None, interval=None, day=None))["index.html"].decode()
    assert f'src="north.jpg?{NOON}" alt=' in text
    assert "srcset" not in text
    assert "data-next" not in text


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        made(tmp_path, camera(), out=str(tmp_path / "file"))
