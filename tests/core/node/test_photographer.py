"""The photographer's folder: pairs that stay pairs, under names for people, with a sidecar beside each shot."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from pathlib import Path

from peers.node import Site, running
from peers.simulation import Simulation, simulate

from core.simulate.links import Outage

ROUTE = """
[[route]]
what = ["raw", "jpeg"]
to = "nas"
name = "{time:%Y-%m-%d}/{camera}_{time:%H%M%S}{ext}"
sidecar = "xmp"
"""
ENDINGS = [".jpg", ".nef", ".xmp"]


def by_shot(world: Simulation) -> dict[str, list[str]]:
    """Return the endings that lie at the destination for each shot."""
    found: dict[str, list[str]] = {}
    for name in sorted(world.destination.store):
        stem, dot, extension = name.rpartition(".")
        found.setdefault(stem, []).append(dot + extension)
    return found


def test_each_shot_is_a_pair_with_a_sidecar_in_the_folder_of_its_local_day() -> None:
    world = simulate(routes=ROUTE, shoots="raw+jpeg", zone="Pacific/Auckland", every="1h")
    world.run(hours=30)
    shots = by_shot(world)
    assert len(shots) == 30
    assert all(endings == ENDINGS for endings in shots.values())
    assert {stem.partition("/")[0] for stem in shots} == {"2026-11-21", "2026-11-22", "2026-11-23"}
    assert world.broken() == []


def test_the_repeated_hour_keeps_both_of_its_pictures_and_nothing_is_in_conflict() -> None:
    world = simulate(
        datetime(2026, 10, 24, 22, 55, tzinfo=UTC), routes=ROUTE, shoots="raw+jpeg", zone="Europe/Paris", every="30m"
    )
    world.run(hours=5)
    shots = by_shot(world)
    assert {f"2026-10-25/north_{time}" for time in ("020000", "020000_CET", "023000", "023000_CET")} <= set(shots)
    assert all(endings == ENDINGS for endings in shots.values())
    assert world.site.told("name conflict") == []
    assert world.broken() == []


def test_shots_of_one_name_are_all_kept_and_told() -> None:
    world = simulate(routes=ROUTE.replace("%H%M%S", "%H"), every="20m")
    world.run(hours=2)
    jpegs = [name for name in world.destination.store if name.endswith(".jpg")]
    assert len(jpegs) == 6
    assert world.site.told("name conflict")
    assert world.broken() == []


def test_a_sidecar_outlives_an_outage_and_the_tidying_of_what_was_made() -> None:
    world = simulate(routes=ROUTE, every="1h")
    world.destination.outages = [Outage(world.begin, world.at("21 20:00"))]
    world.run(hours=6)
    world.node.off(world.world.now() - world.begin)
    world.run(hours=12)
    assert all(".xmp" in endings and ".jpg" in endings for endings in by_shot(world).values())
    world.run(hours=1)
    assert len(world.site.images.made) <= 1, "but for the last, what was delivered is removed"
    assert world.broken() == []


def test_what_a_real_node_leaves_for_the_photographer(tmp_path: Path) -> None:
    site = Site(tmp_path / "quay", head=", latitude = 48.64, longitude = -2.02")
    site.camera(every="1h")
    named = 'what = ["jpeg"]\nname = "{time:%Y-%m-%d}/{camera}_{time}{ext}"\nsidecar = "xmp"'
    place = site.destination("photographer", named)
    site.write()
    with running(site) as node:
        site.ask("capture", camera="north")
        node.until(lambda: list(place.rglob("*.xmp")) and list(place.rglob("*.jpg")), "the shot is delivered")
    [picture], [sidecar] = place.rglob("*.jpg"), place.rglob("*.xmp")
    assert (picture.parent, picture.stem) == (sidecar.parent, sidecar.stem)
    [original] = site.pictures()
    assert picture.read_bytes() == original.read_bytes()
    text = sidecar.read_text()
    ElementTree.fromstring(text.encode())  # noqa: S314 - our own
    assert original.name in text
    assert hashlib.sha256(original.read_bytes()).hexdigest() in text
    assert 'overlapse:Outcome="extra"' in text
    assert 'exif:GPSLatitude="48,38.4000N"' in text
