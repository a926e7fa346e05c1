"""The live-cam page as visitors meet it: a real Chromium, a real nginx, and a real node that delivers to it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import webdav
from peers.chromium import CHROMIUM, MISSING, Browser, Page, chromium
from peers.node import Site, running
from peers.webdav import WebServer
from PIL import Image

from core.processing.page import make

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
    pytest.mark.skipif(webdav.missing_nginx() is not None, reason=str(webdav.missing_nginx())),
]
TYPES = "types { text/html html; text/css css; text/javascript js; application/json json; image/jpeg jpg; }"
THREE_HOURS = 10_800
Json = dict[str, Any]


def jpeg(color: str, width: int = 320, height: int = 200) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), color).save(target, "JPEG")
    return target.getvalue()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running_one:
        yield running_one


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "root").mkdir()
    with webdav.nginx(folder, folder / "root", more=TYPES) as server:
        yield server


@pytest.fixture
def nginx(shared: WebServer) -> Iterator[WebServer]:
    yield shared
    webdav.empty(shared.root)


def camera(name: str = "north", age: float = 180, **more: Any) -> Json:
    taken = int(time.time() - age)
    pictures = [{"file": f"{name}-{what}.jpg", "width": w, "height": h} for what, w, h in SIZES]
    day = {"file": f"{name}.day.jpg", "begin": taken - 40_000, "cell": 600, "cells": 144, "n": 0, "columns": []}
    known = {"name": name, "caption": f"The {name} side", "time": taken, "next": taken + 600, "interval": 600}
    return {**known, "pictures": pictures, "day": day, **more}


SIZES = (("large", 1600, 1000), ("small", 480, 300))
Publish = Callable[..., str]


@pytest.fixture
def publish(nginx: WebServer, tmp_path: Path) -> Publish:
    """Put a page and its pictures on the server as a node would; return its address."""

    def put(*cameras: Json, color: str = "navy", language: str = "en") -> str:
        place = nginx.root / "cam"
        place.mkdir(exist_ok=True)
        for one in cameras:
            for picture in one["pictures"]:
                (place / picture["file"]).write_bytes(jpeg(color, picture["width"], picture["height"]))
        args = {"title": "The <quay>", "text": "Seen & told", "language": language, "zone": "Europe/Paris"}
        paths = {"out": str(tmp_path / "out"), "stem": "s", "rendition": "p.1"}
        for file in make({**args, **paths, "cameras": list(cameras)})["files"]:
            (tmp_path / "out" / file["name"]).replace(place / file["file"])
        return f"{nginx.url}/looking/cam/"

    return put


def loaded(page: Page) -> None:
    """Wait until the script has asked for the newest facts, and all pictures are seen."""
    page.until("performance.getEntriesByName(new URL('livecam.json', location).href).length", "the facts are asked for")
    page.until("[...document.images].every((one) => one.complete && one.naturalWidth)", "all pictures are there")


def of_this_host(page: Page, server: WebServer) -> bool:
    return bool(page.requests) and all(url.startswith((server.url, "data:")) for url in page.requests)


def test_a_visitor_sees_the_picture_its_age_and_the_day(browser: Browser, publish: Publish, nginx: WebServer) -> None:
    page = browser.page()
    page.open(publish(camera()))
    loaded(page)
    assert page.text("h1") == "The <quay>"
    assert page.text(".age") == "3 minutes ago"
    assert page.text(".next").startswith("Next picture expected at ")
    assert page.text(".note") == ""
    assert page.evaluate("document.querySelector('.picture').alt").startswith("The north side, ")
    assert of_this_host(page, nginx)
    assert list(page.complaints) == []


def test_without_a_script_the_page_says_the_same_but_for_the_age(browser: Browser, publish: Publish) -> None:
    page = browser.page(script=False)
    page.open(publish(camera(), camera("gate")))
    page.until("[...document.images].every((one) => one.complete && one.naturalWidth)", "all pictures are there")
    assert page.evaluate("document.images.length") == 4
    assert " CE" in page.text("time"), "the time with its zone"
    assert "Load the page again" in page.text("noscript")
    assert list(page.complaints) == []


def test_a_picture_that_is_not_followed_by_another_is_said_to_be_old(browser: Browser, publish: Publish) -> None:
    page = browser.page()
    page.open(publish(camera(age=THREE_HOURS + 660), camera("gate"), language="fr"))
    loaded(page)
    assert page.text("#north .age") == "il y a 3 heures"
    assert page.text("#north .note") == "Pas d’image plus récente : la suivante était prévue il y a 3 heures."  # noqa: RUF001
    assert page.text("#gate .note") == ""
    assert page.evaluate("document.querySelector('#north .note').getAttribute('role')") == "status"


@pytest.mark.parametrize("ahead", [THREE_HOURS, -THREE_HOURS], ids=["ahead", "behind"])
def test_a_visitor_whose_clock_is_wrong_is_told_and_reads_the_right_age(
    browser: Browser, publish: Publish, ahead: float
) -> None:
    page = browser.page(clock_ahead=ahead)
    page.open(publish(camera()))
    page.until("document.getElementById('state').textContent", "the clock is told to be wrong")
    assert page.text("#state").startswith("The clock of your device is wrong")
    assert page.text(".age") == "3 minutes ago"
    assert page.text(".note") == ""


def test_a_newer_picture_comes_without_a_reload_and_a_lost_one_leaves_the_last(
    browser: Browser, publish: Publish, nginx: WebServer
) -> None:
    page = browser.page()
    page.open(publish(camera(age=700)))
    loaded(page)
    page.evaluate("window.stayed = true")
    shown = "document.querySelector('.picture').currentSrc"
    before = page.evaluate(shown)
    publish(camera(age=5), color="green")
    page.come_back()
    page.until(f"{shown} !== {before!r} && document.querySelector('.picture').complete", "the new picture is shown")
    page.until("document.querySelector('.age').textContent === 'this minute'", "its age is told")
    assert page.evaluate("window.stayed") is True
    good = page.evaluate(shown)
    publish(camera(age=1))
    (nginx.root / "cam" / "north-large.jpg").write_bytes(b"not a picture")
    (nginx.root / "cam" / "north-small.jpg").write_bytes(b"not a picture")
    asked = len(page.requests)
    page.come_back()
    until = time.monotonic() + 10
    while not any(".jpg" in url for url in page.requests[asked:]) and time.monotonic() < until:
        browser.hear(0.1)
    assert any(".jpg" in url for url in page.requests[asked:])
    assert page.evaluate(shown) == good
    assert page.evaluate("document.querySelector('.picture').naturalWidth") > 0


def test_a_camera_that_is_added_appears_to_those_who_have_the_page_open(browser: Browser, publish: Publish) -> None:
    page = browser.page()
    page.call("Page.addScriptToEvaluateOnNewDocument", source="performance.now = () => 600000;")
    page.open(publish(camera()))
    loaded(page)
    publish(camera(), camera("gate"))
    page.come_back()
    page.until("document.querySelectorAll('article').length === 2", "both cameras are there")


def test_a_visitor_who_loses_the_connection_is_told_and_keeps_the_picture(
    browser: Browser, publish: Publish, nginx: WebServer
) -> None:
    page = browser.page()
    page.open(publish(camera()))
    loaded(page)
    (nginx.root / "cam" / "livecam.json").unlink()
    for _ in range(2):
        asked = len(page.requests)
        page.come_back()
        while len(page.requests) == asked:
            browser.hear(0.05)
        browser.hear(0.2)
    page.until("document.getElementById('state').textContent.startsWith('No connection')", "the loss is told")
    assert page.evaluate("document.querySelector('.picture').naturalWidth") > 0


def test_a_phone_gets_the_small_picture_and_nothing_wider_than_itself(browser: Browser, publish: Publish) -> None:
    page = browser.page(width=360, height=740)
    page.open(publish(camera(), camera("gate")))
    loaded(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert "-small.jpg" in page.evaluate("document.querySelector('.picture').currentSrc")
    assert not any("-large.jpg" in url for url in page.requests)


def test_the_page_works_inside_a_page_of_the_customer(browser: Browser, publish: Publish, nginx: WebServer) -> None:
    publish(camera())
    (nginx.root / "home.html").write_text("<!doctype html><title>us</title><iframe src='cam/' width=500></iframe>")
    page = browser.page()
    page.open(f"{nginx.url}/looking/home.html")
    inside = "document.querySelector('iframe').contentDocument"
    page.until(f"{inside}.querySelector('.age')?.textContent", "the script in the frame runs")
    assert page.evaluate(f"{inside}.querySelector('.picture').naturalWidth") > 0
    assert [one for one in page.complaints if "favicon" not in one] == []


CONTRAST = """(() => {
  const parts = (color) => color.match(/[0-9.]+/g).slice(0, 3).map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const light = (color) => { const [r, g, b] = parts(color); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const back = light(getComputedStyle(document.body).backgroundColor);
  return Math.min(...["h1", "time", ".next", ".note", "footer"].map((one) => {
    const front = light(getComputedStyle(document.querySelector(one)).color);
    return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  }));
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_by_everybody(browser: Browser, publish: Publish, scheme: str) -> None:
    page = browser.page()
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.open(publish(camera(), camera("gate")))
    loaded(page)
    assert page.evaluate(CONTRAST) >= 4.5, "WCAG 2.2, 1.4.3"
    assert page.evaluate("[...document.images].every((one) => one.alt)")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("[...document.querySelectorAll('h1, h2')].map((one) => one.tagName)") == ["H1", "H2", "H2"]
    assert page.evaluate("document.getAnimations().length") == 0


SITE = """
[[recipe]]
name = "large"
steps = [{ resize = "640x400" }]
[[recipe]]
name = "small"
steps = [{ resize = "320x200" }]
[[page]]
name = "public"
title = "The quay"
camera = [{ name = "south", caption = "Seen from the south" }]
"""


@pytest.fixture
def site(tmp_path: Path, nginx: WebServer) -> Site:
    """Two cameras that the server stands for, and a destination on it."""
    found = Site(tmp_path / "quay")
    (nginx.root / "camera").mkdir()
    for name, color in (("north", "navy"), ("south", "olive")):
        show(nginx, name, color)
        source = f'source = {{ kind = "http", url = "{nginx.url}/plain/camera/{name}.jpg" }}'
        found.tables[f"camera {name}"] = f'[[camera]]\nname = "{name}"\n{source}\nschedule = [{{ every = "6h" }}]'
    found.tables["page"] = SITE
    live = 'what = ["large", "small"]\nlive = "cam/{camera}-{recipe}.jpg"\npage = "public"\nlevel = "size"'
    found.destination("website", live, f"{nginx.url}/plain")
    found.destination("archive")
    found.write()
    return found


def show(server: WebServer, name: str, color: str, whole: bool = True) -> None:
    """Have a camera give a picture of this colour at its next shot."""
    data = jpeg(color, 800, 500)
    (server.root / "camera" / f"{name}.jpg").write_bytes(data if whole else data[: len(data) // 2])


def shot(site: Site, name: str) -> None:
    site.ask("capture", camera=name)


def test_what_a_node_delivers_is_a_page_that_follows_its_cameras(
    site: Site, nginx: WebServer, browser: Browser
) -> None:
    place = nginx.root / "cam"
    with running(site) as node:
        for name in ("north", "south"):
            shot(site, name)
        node.until(lambda: time_of(place, "north") and time_of(place, "south"), "the page tells of both cameras")
        page = browser.page()
        page.open(f"{nginx.url}/looking/cam/")
        loaded(page)
        assert page.evaluate("[...document.querySelectorAll('h2')].map((one) => one.innerText)") == [
            "Seen from the south",
            "north",
        ]
        first = page.evaluate("document.querySelector('#north time').dateTime")
        show(nginx, "north", "green")
        shot(site, "north")
        node.until(lambda: time_of(place, "north") != first, "the page tells of the new picture")
        page.come_back()
        page.until(f"document.querySelector('#north time').dateTime !== '{first}'", "the visitor sees it")
        shown = Image.open(place / "north-large.jpg").convert("RGB").getpixel((5, 5))
        assert isinstance(shown, tuple)
        assert shown[1] > 100 > shown[0], "green"
        good, told = (place / "north-large.jpg").read_bytes(), facts(place)
        show(nginx, "north", "red", whole=False)
        shot(site, "north")
        node.until(lambda: site.events("picture broken"), "the broken picture is told")
        node.until(lambda: len(site.pictures()) == len(list(archived(site))) == 4, "the archive has it all the same")
        assert (place / "north-large.jpg").read_bytes() == good
        assert facts(place) == told
        assert of_this_host(page, nginx)
        assert list(page.complaints) == []
    puts = [line for line in (nginx.folder or place).joinpath("access.log").read_text().splitlines() if "PUT" in line]
    last = {line.split('"')[1].split()[1].rpartition("/")[2]: nth for nth, line in enumerate(puts)}
    told_of = [last[picture["file"]] for camera in told.values() for picture in camera["pictures"]]
    assert max(told_of) < min(last["livecam.json"], last["index.html"])


def facts(place: Path) -> Json:
    """Return what the page's script is told, by camera; nothing while the page is not there."""
    if not (place / "index.html").exists():
        return {}
    return {camera["name"]: camera for camera in json.loads((place / "livecam.json").read_text())["cameras"]}


def time_of(place: Path, name: str) -> str | None:
    taken: str | None = facts(place).get(name, {}).get("time")
    return taken


def archived(site: Site) -> Iterator[Path]:
    return (path for path in (site.folder / "archive").rglob("*.jpg") if not path.name.startswith("."))
