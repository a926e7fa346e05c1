"""What `validate` says of nodes that hand pictures on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Told = Callable[..., list[str]]
Read = Callable[..., object]

OFFICE = 'kind = "office"\n'
SITE = """\
version = 1
site = { name = "harbour", zone = "UTC", data = "data" }
[[node]]
name = "unit1"
[[node]]
name = "fr"
kind = "cloud"
inbox = "/srv/in"
[[node]]
name = "office"
kind = "office"
pull = ["fr"]
[[camera]]
name = "north"
primary = "unit1"
source = { kind = "gphoto2" }
schedule = [{ every = "10m" }]
[[recipe]]
name = "web"
steps = []
[[destination]]
name = "fr"
node = "fr"
address = "folder:/mnt/fr"
[[destination]]
name = "office"
node = "office"
address = "folder:/srv/left"
fetch = { address = "folder:/mnt/left" }
[[destination]]
name = "nas"
address = "folder:/mnt/nas"
[[route]]
what = ["raw", "jpeg"]
to = "fr"
[[route]]
at = "fr"
what = ["jpeg"]
to = "office"
[[route]]
what = ["web"]
to = "nas"
"""


def test_a_site_that_hands_on_is_read(read: Read) -> None:
    read(SITE)


def test_a_place_may_keep_how_nodes_are_and_another_node_may_read_it(read: Read) -> None:
    read(SITE.replace('name = "nas"\n', 'name = "nas"\nstatus = true\n').replace(OFFICE, f'{OFFICE}reads = ["nas"]\n'))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(("", ""), "node[2].reads[0]: nobody says there how it is", id="nobody-says"),
        pytest.param(('["nas"]', '["nsa"]'), "node[2].reads[0]: no destination is named 'nsa'; did you", id="slip"),
        pytest.param(('node = "fr"\n', 'node = "fr"\nstatus = true\n'), "destination[0].status: remove", id="node"),
        pytest.param(
            ('name = "nas"\n', 'name = "nas"\nstatus = true\nprotected = true\n'),
            "destination[2].status: it is replaced each time",
            id="write-once",
        ),
    ],
)
def test_what_is_wrong_with_it_is_told(problems: Told, change: tuple[str, str], told: str) -> None:
    found = problems(SITE.replace(OFFICE, f'{OFFICE}reads = ["nas"]\n').replace(*change, 1))
    assert any(one.partition(": ")[2].startswith(told) for one in found), found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(('inbox = "/srv/in"\n', ""), ["destination[0].node: node 'fr' has no inbox"], id="no-inbox"),
        pytest.param(('inbox = "/srv/in"', 'inbox = "data/in"'), ["node[1].inbox: that meets the data"], id="in-data"),
        pytest.param(
            ('node = "fr"\n', 'node = "fra"\n'), ["destination[0].node: no node is named 'fra'; did you"], id="slip"
        ),
        pytest.param(('at = "fr"', 'at = "fra"'), ["route[1].at: no node is named 'fra'"], id="at-slip"),
        pytest.param(('pull = ["fr"]', 'pull = ["office"]'), ["node[2].pull[0]: a node does not pull"], id="self"),
        pytest.param(
            ('pull = ["fr"]', 'pull = ["unit1"]'), ["node[2].pull[0]: 'unit1' leaves nothing"], id="pull-none"
        ),
        pytest.param(('pull = ["fr"]', 'pull = ["f"]'), ["node[2].pull[0]: no node is named 'f'"], id="pull-slip"),
        pytest.param(
            ("fetch = {", "fetsch = {"), ["destination[1].fetsch: unknown table; did you mean 'fetch'"], id="key"
        ),
        pytest.param(('node = "office"\n', ""), ["destination[1].fetch: who"], id="fetch-for-whom"),
        pytest.param(
            ('"folder:/mnt/left" }', '"folder:/mnt/left", link = "adsl" }'),
            ["destination[1].fetch.link: no link is named 'adsl'"],
            id="fetch-over-which-link",
        ),
        pytest.param(('to = "nas"', 'to = "fr"'), ["route[2].what[0]: node 'fr' takes originals in"], id="rendition"),
        pytest.param(
            ('to = "office"', 'to = "office"\nlive = "a.jpg"'), ["route[1].live: node 'office' takes"], id="live"
        ),
        pytest.param(
            ('at = "fr"\nwhat = ["jpeg"]\nto = "office"', 'at = "office"\nwhat = ["jpeg"]\nto = "nas"'),
            ["node[2].pull[0]: 'fr' leaves nothing", "route[1].at: node 'office' never gets"],
            id="nothing-left",
        ),
        pytest.param(('to = "nas"', 'to = "nas"\nat = "office"'), [], id="the-office-has-it"),
        pytest.param(
            ('what = ["raw", "jpeg"]\nto = "fr"', 'what = ["raw"]\nto = "fr"'),
            ["route[1].at: node 'fr' never gets these"],
            id="never-there",
        ),
        pytest.param(
            (
                '[[route]]\nwhat = ["web"]',
                '[[route]]\nat = "office"\nwhat = ["jpeg"]\nto = "fr"\n[[route]]\nwhat = ["web"]',
            ),
            ["route[2]: the JPEG pictures of camera 'north' would go round: fr to office to fr"],
            id="ring",
        ),
    ],
)
def test_what_leads_nowhere_or_round_is_told(
    problems: Told, read: Read, change: tuple[str, str], told: list[str]
) -> None:
    text = SITE.replace(*change, 1)
    assert text != SITE
    if not told:
        read(text)
        return
    found = [problem.partition(": ")[2] for problem in problems(text)]
    assert len(found) == len(told), found
    assert all(one.startswith(begin) for one, begin in zip(sorted(found), sorted(told), strict=True)), found


def test_only_the_secrets_of_what_a_node_reaches_must_be_there(read: Read, problems: Told) -> None:
    keys = '\nkey_file = "secrets/unit"\n'
    text = SITE.replace('address = "folder:/mnt/fr"', f'address = "folder:/mnt/fr"{keys}')
    read(text, (), "office")
    assert ["destination[0].key_file" in one for one in problems(text, (), "unit1")] == [True]
    fetched = SITE.replace('"folder:/mnt/left"', '"folder:/mnt/left", key_file = "secrets/office"')
    read(fetched, (), "fr")
    assert ["destination[1].fetch.key_file" in one for one in problems(fetched, (), "office")] == [True]
