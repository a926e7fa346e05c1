from __future__ import annotations

from collections.abc import Callable

import pytest

from core.site.change import Change, Names, cameras_of, difference
from core.site.load import Loaded

Read = Callable[..., Loaded]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('every = "10m"', 'every = "5m"'), Change(cameras=Names(changed=("north",)))),
        (('"nas"', '"disk"'), Change(
            destinations=Names(added=("disk",), removed=("nas",)),
            routes=Names(added=("raw+jpeg+web of all to disk",), removed=("raw+jpeg+web of all to nas",)),
        )),
        (('to = "nas"', 'to = "nas"\nlevel = "size"'), Change(routes=Names(changed=("raw+jpeg+web of all to nas",)))),
        (("1920x1280", "640x427"), Change(recipes=Names(changed=("web",)))),
        (('name = "sim"', 'name = "sim"\nrate = "9kB/s"'), Change(
            links=Names(changed=("sim",)), nodes=Names(changed=("unit1",)))),
        (('name = "unit1"', 'name = "unit1"\nbuffer = { when_full = "stop" }'), Change(
            buffer=True, nodes=Names(changed=("unit1",)))),
        (("Europe/Paris", "Europe/Rome"), Change(site=("zone",))),
        (('data = "data"', 'data = "/d"'), Change(restart=("site.data",))),
        (('data = "data"', 'data = "data", run = "/r"'), Change(restart=("site.run",))),
        (('"harbour"', '"port"'), Change(restart=("site.name",))),
        (('"unit1"', '"unit2"'), Change(
            cameras=Names(removed=("north",)), links=Names(removed=("sim",)),
            nodes=Names(added=("unit2",), removed=("unit1",)), restart=("node.unit1",))),
        (("[[node]]", 'roles = { view = "staff" }\n[[node]]'), Change(roles=True)),
    ],
)  # fmt: skip
def test_a_change_names_what_it_touches(read: Read, good: str, change: tuple[str, str], expected: Change) -> None:
    site = good.replace('name = "north"', 'name = "north"')
    old, new = read(site).site, read(site.replace(*change)).site
    found = difference(old, new, "unit1")
    if change[0] == '"unit1"':
        assert found.restart == expected.restart
        assert (found.nodes, found.links) == (expected.nodes, expected.links)
    else:
        assert found == expected
    assert found
    assert found.lines()


def test_nothing_changed_is_nothing(read: Read, good: str) -> None:
    change = difference(read(good).site, read(good + "# a note\n").site, "unit1")
    assert not change
    assert change.lines() == []


def test_a_camera_that_another_node_takes_over_is_removed_here_and_added_there(read: Read, good: str) -> None:
    two = good + '[[node]]\nname = "unit2"\n'
    old = read(two.replace('name = "north"', 'name = "north"\nprimary = "unit1"')).site
    new = read(two.replace('name = "north"', 'name = "north"\nprimary = "unit2"')).site
    assert difference(old, new, "unit1").cameras == Names(removed=("north",))
    assert difference(old, new, "unit2").cameras == Names(added=("north",))
    assert [camera.name for camera in cameras_of(new, "unit2")] == ["north"]
    assert cameras_of(new, "unit1") == ()


def test_each_of_two_routes_that_read_alike_is_compared(read: Read, good: str) -> None:
    twice = good + '[[route]]\nwhat = ["raw", "jpeg", "web"]\nto = "nas"\nevery_nth = 6\n'
    old, new = read(twice).site, read(twice.replace('to = "nas"\n[', 'to = "nas"\nlevel = "size"\n[')).site
    assert difference(old, new, "unit1").routes == Names(changed=("raw+jpeg+web of all to nas",))
    assert difference(old, read(good).site, "unit1").routes == Names(removed=("raw+jpeg+web of all to nas (2)",))


def test_a_change_reads_as_lines_for_the_operator(read: Read, good: str) -> None:
    new = read(good.replace('every = "10m"', 'every = "5m"').replace('data = "data"', 'data = "/d"')).site
    assert difference(read(good).site, new, "unit1").lines() == [
        "camera north: changed",
        "site.data: waits for a restart of the node",
    ]
