"""Names that a site chooses for its archive: readable, safe, and another one for another picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.site.naming import FIELDS, Shot, archive_name, archive_problem, live_problem, missing
from core.transfer.names import parts_of

SHOT = Shot(
    site="harbour",
    camera="north",
    node="unit1",
    at=datetime(2026, 11, 21, 8, 50, tzinfo=UTC),
    kind="jpeg",
    zone="Europe/Paris",
    index=59,
)
FULL = "{time:%Y-%m-%d}/{camera}_{time:%Y%m%d-%H%M%S}{ext}"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        pytest.param(FULL, "2026-11-21/north_20261121-095000.nef", id="by-day-in-the-zone-of-the-site"),
        pytest.param("{site}/{camera}/{time}{ext}", "harbour/north/20261121-095000.nef", id="time-without-a-format"),
        pytest.param("{kind}/{node}_{time:%H%M%S}{ext}", "jpeg/unit1_095000.nef", id="by-kind"),
        pytest.param("{camera}_{index:04}{ext}", "north_0059.nef", id="numbered"),
        pytest.param("Tag {time:%j}, 100%{ext}", "Tag 325, 100%.nef", id="words"),
    ],
)
def test_a_template_is_filled_in(template: str, name: str) -> None:
    assert archive_problem(template) is None
    assert archive_name(template, SHOT, ".nef") == name


def test_an_extra_has_no_number_and_the_second_of_a_second_has() -> None:
    assert archive_name("{camera}_{index:04}{ext}", replace(SHOT, index=None), ".jpg") == "north_extra.jpg"
    assert archive_name(FULL, replace(SHOT, nth=2), ".jpg").endswith("-095000_2.jpg")


def test_the_hour_that_clocks_repeat_has_names_of_its_own() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    names = [archive_name(FULL, replace(SHOT, at=first + timedelta(hours=n)), ".jpg") for n in range(3)]
    assert [name.rpartition("-")[2] for name in names] == ["023000.jpg", "023000_CET.jpg", "033000.jpg"]
    told = "{time:%H%M%S%z}{ext}"
    names = [archive_name(told, replace(SHOT, at=first + timedelta(hours=n)), ".jpg") for n in range(2)]
    assert names == ["023000+0200.jpg", "023000+0100.jpg"]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/St_Johns", "Australia/Lord_Howe", "UTC"])
def test_a_year_of_pictures_has_a_year_of_names(zone: str) -> None:
    begin, step = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=15)
    names = {archive_name(FULL, replace(SHOT, at=begin + n * step, zone=zone), ".jpg") for n in range(366 * 96)}
    assert len(names) == 366 * 96


@pytest.mark.parametrize(
    ("template", "lacks"),
    [
        pytest.param(FULL, [], id="nothing"),
        pytest.param("{camera}_{time:%Y%m%d-%H%M}{ext}", ["%S"], id="seconds"),
        pytest.param("{time}{ext}", ["{camera}"], id="camera"),
        pytest.param("{camera}/{time:%d-%H%M%S}{ext}", ["%Y", "%m"], id="year-and-month"),
        pytest.param("{camera}/{time:%Y%m%d-%I%M%S}{ext}", ["%H"], id="twelve-hours"),
        pytest.param("{camera}/{time:%Y-%j-%I%M%S%p}{ext}", [], id="other-ways-to-say-it"),
        pytest.param("{camera}_{index:04}{ext}", ["%Y", "%m", "%d", "%H", "%M", "%S"], id="a-number-of-the-day-only"),
    ],
)
def test_what_a_name_lacks_to_be_the_only_one_is_told(template: str, lacks: list[str]) -> None:
    assert archive_problem(template) is None
    assert missing(template, cameras=2) == lacks


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{camera}_{time}", "a name ends with {ext}"),
        ("{ext}{camera}{ext}", "a name ends with {ext}"),
        ("{camera}_{date}{ext}", "{date} is not a field"),
        ("{camera.__class__}{ext}", "is not a field"),
        ("{camera!r}{ext}", "a brace is left open"),
        ("{camera{ext}", "a brace is left open"),
        ("{camera:>9999999}{ext}", "have a format"),
        ("{index:099}{ext}", "have a format"),
        ("{time:%Y %D}{ext}", "{time} does not know '%D'"),
        ("{time:%}{ext}", "{time} does not know '%'"),
        ("../{camera}{ext}", "not a name below the destination"),
        ("/{camera}{ext}", "not a name below the destination"),
        ("a//{camera}{ext}", "not a name below the destination"),
        ("{time:%Y}/{ext}", "no part of a name begins with a dot"),
        (".hidden/{camera}{ext}", "no part of a name begins with a dot"),
        ("{time:%H:%M}{ext}", "none of"),
        ("a\\{camera}{ext}", "none of"),
        ("a\n{camera}{ext}", "none of"),
        ("x" * 300 + "{ext}", "longer than 200 bytes"),
    ],
)
def test_a_template_that_cannot_be_a_name_is_refused(template: str, said: str) -> None:
    problem = archive_problem(template)
    assert problem is not None
    assert said in problem


@given(st.lists(st.one_of(st.sampled_from([f"{{{one}}}" for one in FIELDS]), st.text(max_size=8)), max_size=6))
def test_whatever_is_not_refused_is_a_name_that_every_destination_takes(parts: list[str]) -> None:
    template = "".join(parts) + "{ext}"
    if archive_problem(template) is None:
        parts_of(archive_name(template, SHOT, ".jpg"))


def test_a_live_name_may_say_its_recipe() -> None:
    assert live_problem("{site}/{camera}-{recipe}.jpg") is None
    assert "only {camera}, {site} and {recipe}" in str(live_problem("{camera}-{time}.jpg"))


PAGE = """
[[recipe]]
name = "small"
steps = [{ resize = "640x480" }]
[[page]]
name = "public"
title = "The harbour"
[[route]]
what = ["web", "small"]
to = "nas"
live = "cam/{camera}-{recipe}.jpg"
page = "public"
required = false
"""


def test_a_page_and_an_archive_for_people_are_sound(good: str, read: Any) -> None:
    archive = f'[[route]]\nwhat = ["jpeg"]\nto = "nas"\nname = "{FULL}"\nsidecar = "xmp"\n'
    loaded = read(good + PAGE + archive)
    assert not [one for one in loaded.warnings if "page" in one or "same name" in one]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('page = "public"\n', 'page = "publik"\n', "did you mean 'public'?"),
        ("{camera}-{recipe}", "{camera}", "several pictures would have one name"),
        ("{camera}-{recipe}", "{recipe}", "would be"),
        ("cam/{camera}-", "{camera}/", "lie in one folder"),
        ("{camera}-{recipe}.jpg", "{camera}.day.jpg", "several pictures"),
        ('live = "cam/{camera}-{recipe}.jpg"\n', "", "goes with live only"),
        ("required = false", 'name = "{time}{ext}"', "does not go with live"),
        ("required = false", 'sidecar = "xmp"', "does not go with live"),
        ('"web", "small"]\nto', '"raw", "small"]\nto', "no browser shows a RAW"),
        ('title = "The harbour"', 'title = ""', "empty"),
        ('title = "The harbour"', 'title = "x"\ncamera = [{ name = "nord", caption = "N" }]', "did you mean 'north'"),
        ('title = "The harbour"', 'title = "x"\nlanguage = "es"', "is not one of 'en', 'fr' or 'de'"),
    ],
)
def test_what_is_wrong_with_a_page_is_told(good: str, problems: Any, old: str, new: str, said: str) -> None:
    camera = '[[camera]]\nname = "gate"\nsource = { kind = "folder", path = "/drop" }\n'
    text = (
        good.replace("[[recipe]]", f"{camera}\n[[recipe]]", 1).replace('kind = "gphoto2" }', 'kind = "gphoto2" }')
        + PAGE
    )
    assert old in text
    told = problems(text.replace(old, new))
    assert any(said in one for one in told), told


UNITS = """
[[node]]
name = "unit2"
[[node]]
name = "fr"
kind = "cloud"
inbox = "/srv/in"
[[camera]]
name = "gate"
primary = "unit2"
source = { kind = "folder", path = "/drop" }
[[camera.schedule]]
every = "10m"
[[destination]]
name = "fr"
node = "fr"
address = "folder:/srv/in/unit"
"""


def test_a_page_that_two_nodes_would_make_is_refused_until_one_gets_all_its_pictures(
    good: str, read: Any, problems: Any
) -> None:
    units = good.replace('name = "north"', 'name = "north"\nprimary = "unit1"') + UNITS + PAGE
    (told,) = [one for one in problems(units) if "page" in one]
    assert "unit1 and unit2 would both make page 'public' at nas, each over the other's; have one node" in told
    assert read(units + '[[route]]\nwhat = ["jpeg"]\nto = "fr"\n').site.page
    apart = units.replace('live = "cam/', 'cameras = ["gate"]\nlive = "cam/')
    assert read(apart).site.page


def test_a_page_that_nobody_sees_and_names_that_may_meet_are_warned_of(good: str, read: Any) -> None:
    lonely = (
        '[[page]]\nname = "public"\ntitle = "x"\n[[route]]\nwhat = ["jpeg"]\nto = "nas"\nname = "{time:%H%M}{ext}"\n'
    )
    told = "\n".join(read(good + lonely).warnings)
    assert "no route shows the page 'public'" in told
    assert "two pictures can have the same name, for it lacks %Y, %m, %d, %S" in told
