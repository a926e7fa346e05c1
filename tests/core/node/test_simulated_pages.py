"""The web page of live pictures, by the very same loop: it never tells of what is not there, and never forgets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from peers.simulation import Simulation, simulate, site_toml

from core.catalogue import renditions
from core.simulate.links import Outage, Trouble
from core.values import seconds_of

PAGE = """
[[recipe]]
name = "large"
steps = [{ resize = "1920x1280" }]
[[recipe]]
name = "small"
steps = [{ resize = "640x480" }]
[[page]]
name = "public"
title = "The quarry"
[[route]]
what = ["jpeg"]
to = "nas"
[[route]]
what = ["large", "small"]
to = "website"
live = "cam/{camera}-{recipe}.jpg"
page = "public"
"""
BOTH = ("nas", "website")
INDEX = "cam/index.html"


def shown(world: Simulation) -> dict[str, Any]:
    """Return what the page at the website tells, by camera."""
    index = world.site.destinations["website"].store[INDEX]
    return {camera["name"]: camera for camera in world.site.images.told[index.sha256]}


def test_the_page_follows_every_picture_and_each_file_comes_before_what_tells_of_it() -> None:
    world = simulate(routes=PAGE, destinations=BOTH)
    world.run(minutes=46)
    website = world.site.destinations["website"]
    names = [arrival.name for arrival in website.arrivals]
    one = ["cam/north-small.jpg", "cam/north-large.jpg", "cam/livecam.json", INDEX]
    assert names == [*one[:2], "cam/livecam.css", *one[2:], *one * 4], "what stays the same is sent once"
    assert shown(world)["north"]["time"] == world.seconds("21 09:40")
    assert shown(world)["north"]["next"] == world.seconds("21 09:50")
    assert [one["file"] for one in shown(world)["north"]["pictures"]] == ["north-large.jpg", "north-small.jpg"]
    late = [arrival.at - at for arrival, at in zip(website.arrivals[4::4], slots_from(world), strict=True)]
    assert max(late) < timedelta(seconds=15)
    assert world.broken() == []


def slots_from(world: Simulation) -> list[datetime]:
    return [world.at("21 09:00") + n * timedelta(minutes=10) for n in range(5)]


def test_several_cameras_that_shoot_together_make_one_page_that_knows_them_all() -> None:
    world = simulate(cameras=("north", "gate", "quay"), routes=PAGE, destinations=BOTH)
    for camera in world.site.cameras.values():
        camera.seconds = 2.0 + len(camera.name)
    world.run(hours=3)
    assert {camera["time"] for camera in shown(world).values()} == {world.seconds("21 11:50")}
    pages = [arrival for arrival in world.site.destinations["website"].arrivals if arrival.name == INDEX]
    assert len(pages) <= 2 * 18
    assert world.broken() == []


@pytest.mark.parametrize("trouble", ["out", "hang", "refuse", "full", "lie"])
def test_after_any_outage_the_page_tells_of_the_newest_pictures_and_of_nothing_else(trouble: Trouble) -> None:
    world = simulate(cameras=("north", "gate"), routes=PAGE, destinations=BOTH)
    website = world.site.destinations["website"]
    website.outages = [Outage(world.at("21 09:21"), world.at("21 11:33"), trouble)]
    world.run(hours=4)
    newest = world.seconds("21 12:50")
    assert {camera["time"] for camera in shown(world).values()} == {newest}
    since = [one for one in website.arrivals if one.at > world.at("21 11:33")]
    assert sum(one.name == INDEX for one in since) <= 2 * 8 + 1, "what was missed is not told one by one"
    assert never_ahead(world) == []
    assert world.broken() == []


def never_ahead(world: Simulation) -> list[str]:
    """Return every page that told of a picture that was not there when the page came."""
    there: dict[str, str] = {}
    found = []
    for arrival in world.site.destinations["website"].arrivals:
        told = world.site.images.told.get(arrival.sha256, ())
        if not arrival.name.endswith(".css"):
            found += [
                f"{arrival.name} of {arrival.at} tells of {picture['file']}"
                for camera in told
                for picture in camera["pictures"]
                if there.get(f"cam/{picture['file']}") != made_at(camera)
            ]
        there[arrival.name] = world.site.images.made_at.get(arrival.sha256, "")
    return found


def made_at(camera: dict[str, Any]) -> str:
    return f"{camera['name']} {camera['time']}"


def test_pages_stay_true_through_stops_power_cuts_and_a_link_that_comes_and_goes() -> None:
    world = simulate(cameras=("north", "gate"), routes=PAGE, destinations=BOTH)
    website = world.site.destinations["website"]
    website.rate = 30_000
    begin = world.begin
    website.outages = [
        Outage(begin + n * timedelta(minutes=47), begin + timedelta(minutes=47 * n + 13 + n % 7)) for n in range(30)
    ]
    for n in range(12):
        world.run(minutes=31 + 7 * (n % 3))
        if n % 2:
            world.node.cut()
        else:
            world.node.off(timedelta(minutes=3))
    website.outages = []
    world.run(hours=1)
    assert never_ahead(world) == []
    last = {camera["time"] for camera in shown(world).values()}
    assert last == {seconds_of(world.world.now()) // 600 * 600}
    assert world.broken() == []


def test_a_size_that_cannot_be_made_leaves_the_page_with_the_others() -> None:
    world = simulate(routes=PAGE, destinations=BOTH)
    world.site.images.failing = {"large": {"why": "the watermark is gone", "again": False}}
    world.run(minutes=16)
    assert [one["file"] for one in shown(world)["north"]["pictures"]] == ["north-small.jpg"]
    assert world.broken() == []


def test_a_page_that_cannot_be_made_is_told_once_and_made_when_it_can_be() -> None:
    world = simulate(routes=PAGE, destinations=BOTH)
    world.run(minutes=8)
    before = world.site.destinations["website"].store[INDEX]
    world.site.images.failing = {"index.html": {"why": "no space left"}}
    world.run(minutes=30)
    assert world.site.told("page not made") == ["the last one stays: no space left"]
    assert world.site.destinations["website"].store[INDEX] == before
    world.site.images.failing = {}
    world.run(minutes=2)
    assert shown(world)["north"]["time"] == world.seconds("21 09:30")
    assert world.broken() == []


def test_another_title_makes_the_page_anew_without_another_picture() -> None:
    world = simulate(routes=PAGE, destinations=BOTH)
    world.run(minutes=8)
    website = world.site.destinations["website"]
    before = [arrival.name for arrival in website.arrivals]
    changed = site_toml(routes=PAGE.replace("The quarry", "The new quarry"), destinations=BOTH)
    assert "done" in world.site.reload(changed)
    world.run(minutes=1)
    after = [arrival.name for arrival in website.arrivals[len(before) :]]
    assert not [name for name in after if name.endswith(".jpg")]
    assert world.broken() == []


def test_the_files_of_pages_are_a_cache_that_is_tidied() -> None:
    world = simulate(routes=PAGE, destinations=BOTH)
    world.run(hours=4)
    assert len(world.site.images.made) <= 2, "what was delivered is removed"
    assert renditions.unneeded(world.site.catalogue, 100) == []
    world.node.off(timedelta(minutes=1))
    world.run(minutes=8)
    assert all(".179" not in name for name in world.site.images.made)
