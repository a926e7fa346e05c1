"""Which pictures go where."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.site.at import used_at
from core.site.model.cameras import Camera, FolderSource
from core.site.model.file import SiteFile
from core.site.model.links import Link
from core.site.model.nodes import Node, SiteHead
from core.site.model.places import Destination, Route
from core.site.model.recipes import Recipe
from core.transfer.routes import for_original, for_rendition, for_sidecar, is_shown, recipes_for, shown_at, unrequired
from core.values import Fence, PictureName

NORTH = Camera(name="north", source=FolderSource(kind="folder", path="/drop"), shoots="raw+jpeg")
GATE = Camera(name="gate", source=FolderSource(kind="folder", path="/drop"))
NAME = PictureName("north", datetime(2026, 11, 21, 8, 50, tzinfo=UTC), "unit1", Fence(1, 7), "jpg")


def site(*routes: Route) -> SiteFile:
    return SiteFile(
        version=1,
        site=SiteHead(name="harbour", zone="Europe/Paris", data="data"),
        node=(Node(name="unit1"),),
        camera=(NORTH, GATE),
        recipe=(Recipe(name="web", steps=()), Recipe(name="unused", steps=())),
        destination=(Destination(name="nas", address="folder:/nas"), Destination(name="fr", address="folder:/fr")),
        route=routes,
    )


def test_a_picture_keeps_its_identity_below_site_camera_and_day() -> None:
    (wanted,) = for_original(site(Route(what=("jpeg",), to="nas")), NAME, "jpeg", 53)
    assert wanted.name == "harbour/north/2026/11/21/north_20261121T085000Z_unit1_1-7.jpg"
    assert (wanted.required, wanted.live, wanted.priority) == (True, False, "jpeg")


def test_only_routes_of_its_kind_and_camera_take_a_picture() -> None:
    where = site(Route(what=("raw",), to="nas"), Route(what=("jpeg",), to="fr", cameras=("gate",)))
    assert for_original(where, NAME, "jpeg", 0) == []
    assert [wanted.destination for wanted in for_original(where, NAME, "raw", 0)] == ["nas"]


@pytest.mark.parametrize(("index", "goes"), [(0, True), (1, False), (5, False), (6, True), (None, True)])
def test_every_nth_counts_the_slot_in_its_day_and_an_extra_always_goes(index: int | None, goes: bool) -> None:
    assert bool(for_original(site(Route(what=("raw",), to="fr", every_nth=6)), NAME, "raw", index)) is goes


def test_a_live_picture_has_a_stable_name_and_is_never_required() -> None:
    (wanted,) = for_rendition(site(Route(what=("web",), to="fr", live="live/{camera}.jpg")), NAME, "web", 0)
    assert (wanted.name, wanted.live, wanted.priority, wanted.required) == ("live/north.jpg", True, "live", False)


def test_a_rendition_stands_beside_its_original_under_the_recipes_name() -> None:
    (wanted,) = for_rendition(site(Route(what=("web",), to="nas")), NAME, "web", 0)
    assert wanted.name == "harbour/north/2026/11/21/north_20261121T085000Z_unit1_1-7.web.jpg"


def test_recipes_are_made_of_the_jpeg_and_only_those_that_a_route_wants() -> None:
    where = site(Route(what=("web",), to="nas"))
    assert recipes_for(where, NORTH, "jpeg", 0) == ["web"]
    assert recipes_for(where, NORTH, "raw", 0) == []


def test_a_live_picture_secures_nothing() -> None:
    assert unrequired(site(Route(what=("jpeg",), to="fr", live="{camera}.jpg")), GATE) == ["jpeg"]


def test_a_pair_and_its_sidecar_have_one_name_but_for_their_endings() -> None:
    where = site(Route(what=("raw", "jpeg"), to="nas", name="{time:%Y-%m-%d}/{camera}_{time}{ext}", sidecar="xmp"))
    raw = replace(NAME, extension="nef")
    (picture,), (original,) = for_original(where, NAME, "jpeg", 53), for_original(where, raw, "raw", 53)
    (sidecar,) = for_sidecar(where, NORTH, NAME, "jpeg", 53)
    assert for_sidecar(where, NORTH, raw, "raw", 53) == [], "the JPEG of the shot brings it"
    stem = "2026-11-21/north_20261121-095000"
    assert [one.name for one in (picture, original, sidecar)] == [f"{stem}.jpg", f"{stem}.nef", f"{stem}.xmp"]
    assert (sidecar.recipe, sidecar.required, sidecar.priority) == ("sidecar.xmp", False, "thumbnail")


def test_a_page_shows_what_its_routes_bring_to_their_destinations() -> None:
    where = site(
        Route(what=("web",), to="fr", live="cam/{camera}-{recipe}.jpg", page="public"),
        Route(what=("web",), to="nas", live="{camera}.jpg"),
    )
    assert [(what, one.destination, one.name) for what, one in shown_at(where, "gate", "unit1", "public")] == [
        ("web", "fr", "cam/gate-web.jpg")
    ]
    assert is_shown(where, "gate")


def test_what_no_route_requires_is_named() -> None:
    where = site(Route(what=("jpeg",), to="nas"), Route(what=("raw",), to="fr", required=False))
    assert unrequired(where, NORTH) == ["raw"]
    assert unrequired(where, GATE) == []


FR = Destination(name="fr", address="folder:/fr", node="fr")
CA = Destination(name="ca", address="folder:/ca", node="ca")
WEBSITE = Destination(name="website", address="folder:/web")


def handing(*routes: Route) -> SiteFile:
    """Return a site of a unit and two datacentres."""
    return replace(
        site(*routes),
        node=(Node(name="unit1"), Node(name="fr", kind="cloud", inbox="/in"), Node(name="ca", kind="cloud")),
        destination=(FR, CA, WEBSITE),
    )


TO_FR, ON_TO_CA = Route(what=("jpeg",), to="fr"), Route(what=("jpeg",), to="ca", at="fr")
WEB = Route(what=("web",), to="website")


def destinations(where: SiteFile, node: str) -> list[str]:
    return [wanted.destination for wanted in for_original(where, NAME, "jpeg", 0, node)]


def test_a_route_applies_where_the_picture_was_shot_unless_it_names_a_node() -> None:
    where = handing(TO_FR, ON_TO_CA)
    assert (destinations(where, "unit1"), destinations(where, "fr"), destinations(where, "ca")) == (["fr"], ["ca"], [])


def test_what_a_node_took_in_by_hand_goes_where_that_node_can_send_it_and_waits_for_no_way_that_it_has_not() -> None:
    where = handing(TO_FR, ON_TO_CA, Route(what=("jpeg",), to="website", at="ca"))
    by_hand = {node: for_original(where, replace(NAME, node=node), "jpeg", 0, node) for node in ("fr", "ca")}
    assert {node: [one.destination for one in found] for node, found in by_hand.items()} == {
        "fr": ["ca"],
        "ca": ["website"],
    }
    beside = replace(where, node=(*where.node, Node(name="unit2")))
    assert [one.destination for one in for_original(beside, replace(NAME, node="unit2"), "jpeg", 0)] == ["fr"]


def test_a_picture_is_never_brought_back_to_the_node_that_shot_it() -> None:
    assert destinations(handing(TO_FR), "fr") == []
    ours = replace(NAME, node="fr")
    assert for_original(handing(TO_FR), ours, "jpeg", 0, "fr") == []


def test_a_drop_is_emptied_and_needs_no_folder_for_each_day() -> None:
    (wanted,) = for_original(handing(TO_FR), NAME, "jpeg", 53, "unit1")
    assert wanted.name == "harbour/north/north_20261121T085000Z_unit1_1-7.jpg"


@pytest.mark.parametrize(
    ("routes", "maker"),
    [
        pytest.param((WEB,), "unit1", id="originals-stay"),
        pytest.param((TO_FR, WEB), "fr", id="every-original-goes-there-anyway"),
        pytest.param((TO_FR, replace(WEB, live="{camera}.jpg")), "fr", id="live"),
        pytest.param((replace(TO_FR, every_nth=6), WEB), "unit1", id="only-some-originals-go"),
        pytest.param((replace(TO_FR, every_nth=6), replace(WEB, every_nth=12)), "fr", id="those-it-needs-go"),
        pytest.param((replace(TO_FR, what=("raw",)), WEB), "unit1", id="only-the-raw-goes"),
        pytest.param((replace(TO_FR, cameras=("gate",)), WEB), "unit1", id="another-cameras-go"),
        pytest.param((TO_FR, replace(WEB, at="unit1")), "unit1", id="named-the-unit"),
        pytest.param((TO_FR, ON_TO_CA, replace(WEB, at="ca")), "ca", id="named-the-second"),
    ],
)
def test_a_rendition_is_made_by_the_first_node_that_has_the_original_anyway(
    routes: tuple[Route, ...], maker: str
) -> None:
    where = handing(*routes)
    makers = [node for node in ("unit1", "fr", "ca") if for_rendition(where, NAME, "web", 0, node)]
    assert makers == [maker]
    assert [node for node in ("unit1", "fr", "ca") if recipes_for(where, NORTH, "jpeg", 0, node)] == [maker]


def test_a_node_needs_only_what_it_sends_to() -> None:
    where = handing(TO_FR, ON_TO_CA, WEB)
    assert [used_at(where, node) for node in ("unit1", "fr", "ca")] == [{"fr"}, {"ca", "website"}, set()]


def test_what_a_removed_camera_left_is_still_sent() -> None:
    assert used_at(replace(site(Route(what=("jpeg", "web"), to="nas")), camera=()), "unit1") == {"nas", "fr"}
    assert used_at(replace(handing(TO_FR, ON_TO_CA), camera=()), "unit1") == {"fr", "website"}


def two_machines(*routes: Route, home: str = "folder:/mnt/unit1") -> SiteFile:
    """Return two machines beside the cameras; only unit1 has the link to the NAS."""
    return SiteFile(
        version=1,
        site=SiteHead(name="harbour", zone="UTC", data="data"),
        node=(Node(name="unit1", link=(Link(name="lan"),), inbox="/in"), Node(name="unit2")),
        camera=(replace(NORTH, primary="unit1", backup="unit2"),),
        destination=(
            Destination(name="nas", address="folder:/nas", link="lan"),
            Destination(name="home", address=home, node="unit1"),
        ),
        route=routes,
    )


STOOD_IN = replace(NAME, node="unit2")
TO_NAS = Route(what=("raw", "jpeg"), to="nas")


def test_what_a_backup_shot_and_no_route_takes_goes_home_and_on_from_there_by_the_cameras_routes() -> None:
    where = two_machines(TO_NAS, Route(what=("jpeg",), to="nas", live="live.jpg"))
    (wanted,) = for_original(where, STOOD_IN, "jpeg", 1, "unit2")
    assert (wanted.destination, wanted.required, wanted.live) == ("home", True, False)
    assert used_at(where, "unit2") >= {"home"}
    assert [one.destination for one in for_original(where, STOOD_IN, "jpeg", 1, "unit1")] == ["nas"]


def test_what_the_primary_shot_does_not_go_round_by_the_way_home() -> None:
    assert [one.destination for one in for_original(two_machines(TO_NAS), NAME, "jpeg", 1)] == ["nas"]
    assert for_original(two_machines(), NAME, "jpeg", 1) == []
    assert used_at(two_machines(), "unit1") == {"nas"}  # which no route names: it may still have pictures for it


@pytest.mark.parametrize(
    ("every_nth", "index", "from_backup", "from_primary"),
    [
        pytest.param(1, 1, ["archive"], [], id="every-slot-is-kept"),
        pytest.param(6, 1, ["home"], ["nas"], id="of-this-slot-the-backup-has-the-only-copy"),
        pytest.param(6, 6, ["archive", "home"], ["nas"], id="no-place-gets-it-twice"),
    ],
)
def test_where_a_route_keeps_every_slot_somewhere_a_backups_picture_does_not_go_home(
    every_nth: int, index: int, from_backup: list[str], from_primary: list[str]
) -> None:
    archive = Destination(name="archive", address="sftp://a@archive.example/in")
    routes = (TO_NAS, Route(what=("raw", "jpeg"), to="archive", every_nth=every_nth))
    where = replace(two_machines(*routes), destination=(*two_machines().destination, archive))
    goes = {
        node: [one.destination for one in for_original(where, STOOD_IN, "jpeg", index, node)]
        for node in ("unit2", "unit1")
    }
    assert goes == {"unit2": from_backup, "unit1": from_primary}


def test_each_kind_of_a_shot_goes_its_own_way() -> None:
    where = two_machines(Route(what=("jpeg",), to="far"))
    where = replace(where, destination=(*where.destination, Destination(name="far", address="sftp://a@far.example/in")))
    goes = {
        kind: [one.destination for one in for_original(where, STOOD_IN, kind, 1, "unit2")] for kind in ("raw", "jpeg")
    }
    assert goes == {"raw": ["home"], "jpeg": ["far"]}
