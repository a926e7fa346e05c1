"""What site.toml may say of the voters that its nodes share leases through."""

from __future__ import annotations

import pytest

from core.errors import ConfigurationError
from core.site.engine import Address, needs_session, parse_address, problems_of_coordination, uncovered
from core.site.load import reparse
from core.site.model.file import SiteFile

NODES = """
[[node]]
name = "unit1"
kind = "unit"
[[node]]
name = "unit2"
kind = "unit"
[[node]]
name = "fr"
kind = "cloud"
[[camera]]
name = "gate"
primary = "unit1"
backup = "fr"
source = { kind = "http", url = "http://127.0.0.1/a.jpg" }
[[camera]]
name = "south"
primary = "unit2"
source = { kind = "http", url = "http://127.0.0.1/b.jpg" }
"""
FR, CA, OFFICE = "tls://fr.example:443", "tls://ca.example", "tls://10.0.0.3:4222"


def site(coordination: str) -> SiteFile:
    head = 'version = 1\nsite = { name = "harbour", zone = "UTC", data = "data", clock = "host" }\n'
    return reparse(head + (f"coordination = {{ {coordination} }}\n" if coordination else "") + NODES)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("", id="none"),
        pytest.param(f'servers = ["{FR}", "{CA}", "{OFFICE}"]', id="three"),
        pytest.param(f'servers = ["{FR}", "{CA}"], witness = "{OFFICE}"', id="two-and-a-witness"),
        pytest.param(f'servers = ["{FR}"], coordinator = "fr"', id="one"),
        pytest.param(f'servers = ["{FR}", "{FR}1", "{CA}", "{CA}:1", "{OFFICE}"]', id="five"),
    ],
)
def test_a_fleet_of_one_three_or_five_voters_is_good(said: str) -> None:
    assert list(problems_of_coordination(site(said))) == []


@pytest.mark.parametrize(
    ("said", "key", "told"),
    [
        pytest.param(f'servers = ["{FR}", "{CA}"]', "servers", "two voters: when either dies nobody takes", id="two"),
        pytest.param(f'servers = ["{FR}"], witness = "{CA}"', "servers", "two voters", id="one-and-a-witness"),
        pytest.param(
            f'servers = ["{FR}", "{CA}", "{OFFICE}", "{CA}:1"]', "servers", "4 voters: write 1, 3 or 5", id="4"
        ),
        pytest.param(f'servers = ["{FR}"]', "coordinator", "say which node runs it", id="whose"),
        pytest.param(f'servers = ["{FR}"], coordinator = "fra"', "coordinator", "did you mean 'fr'", id="slip"),
        pytest.param(
            f'servers = ["{FR}", "{CA}", "{OFFICE}"], coordinator = "fr"', "coordinator", "a single one", id="both"
        ),
        pytest.param('coordinator = "fr"', "coordinator", "there are no voters", id="coordinator-of-none"),
        pytest.param(f'witness = "{FR}"', "witness", "there are no voters", id="witness-of-none"),
        pytest.param(f'servers = ["{FR}", "{FR}", "{CA}"]', "servers[1]", "the same voter as", id="twice"),
        pytest.param(f'servers = ["{FR}", "{CA}"], witness = "{CA}:443"', "witness", "the same voter", id="itself"),
        pytest.param(f'servers = ["{FR}"], coordinator = "fr", route_port = 0', "route_port", "1 to 65535", id="route"),
        pytest.param('servers = ["nats://h:1"], coordinator = "fr"', "servers[0]", 'write "tls://h:1"', id="scheme"),
        pytest.param('servers = ["fr.example"], coordinator = "fr"', "servers[0]", '"tls://fr.example"', id="bare"),
        pytest.param('servers = ["tls://a:b@h"], coordinator = "fr"', "servers[0]", "leave user", id="password"),
        pytest.param('servers = ["tls://h/x"], coordinator = "fr"', "servers[0]", "nothing follows", id="path"),
        pytest.param('servers = ["tls://h:x"], coordinator = "fr"', "servers[0]", "not an address", id="port"),
        pytest.param('servers = ["tls://h:0"], coordinator = "fr"', "servers[0]", "port 0", id="port-0"),
        pytest.param('servers = ["tls://"], coordinator = "fr"', "servers[0]", "no host", id="host"),
        pytest.param('servers = ["tls://a b"], coordinator = "fr"', "servers[0]", "no host", id="blank"),
    ],
)
def test_what_is_wrong_is_told_with_its_key_and_what_to_write(said: str, key: str, told: str) -> None:
    found = dict(problems_of_coordination(site(said)))
    assert told in found[f"coordination.{key}"]


def test_an_unknown_key_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"coordination\.server: unknown key; did you mean 'servers'"):
        site(f'server = ["{FR}"]')


def test_a_port_that_is_left_out_is_443_and_ipv6_stands_in_brackets() -> None:
    assert parse_address(CA) == Address("ca.example", 443)
    assert parse_address("tls://[2001:db8::1]:7") == Address("2001:db8::1", 7)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("", "'fr' never learns that 'unit1' is silent", id="backups-that-share-nothing"),
        pytest.param(
            f'servers = ["{FR}"], coordinator = "unit1"',
            "the death of 'unit1' is not covered: it runs the only voter, so that no camera changes hands while it is "
            "down, and its own cameras have no cover at all: gate",
            id="one-voter-beside-its-cameras",
        ),
        pytest.param(f'servers = ["{FR}"], coordinator = "fr"', "the death of 'fr' is not covered", id="one-voter"),
        pytest.param(
            f'servers = ["{FR}", "{FR}1", "{CA}"]',
            "the death of fr.example is not covered: 2 of 3 voters are there",
            id="two-voters-on-one-machine",
        ),
    ],
)
def test_whose_death_is_not_covered_is_told(said: str, told: str) -> None:
    (found,) = [sentence for _, sentence in uncovered(site(said))]
    assert told in found


def test_with_three_machines_every_death_is_covered() -> None:
    assert list(uncovered(site(f'servers = ["{FR}", "{CA}", "{OFFICE}"]'))) == []


def test_a_unit_none_of_whose_cameras_has_a_backup_opens_no_session() -> None:
    shared = site(f'servers = ["{FR}"], coordinator = "fr"')
    assert [needs_session(shared, node) for node in ("unit1", "unit2", "fr")] == [True, False, True]
    assert not any(needs_session(site(""), node) for node in ("unit1", "unit2", "fr"))
