"""`overlapse nagios`: what it writes is shipped, and the real Nagios and Icinga 2 take it without a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers import icinga, nagios4
from peers.hub import NAGIOS, made

from core.cli.main import run
from core.site.load import reparse
from core.site.model.health import Monitoring
from core.site.monitored import Watched, monitored

FOLDERS = {"nagios": "core", "icinga2": "icinga2"}


def generate(kind: str, out: Path, file: Path = NAGIOS / "site.toml") -> int:
    return run(["nagios", "--format", kind, "--out", str(out), "--site", str(file)])


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_shipped_files_are_what_it_makes_of_the_example_site(kind: str, tmp_path: Path) -> None:
    assert generate(kind, tmp_path) == 0
    made_now = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made_now == {path.name: path.read_text() for path in (NAGIOS / FOLDERS[kind]).iterdir()}


@pytest.mark.parametrize("kind", FOLDERS)
def test_contacts_that_somebody_wrote_stay_and_the_rest_is_made_anew(kind: str, tmp_path: Path) -> None:
    generate(kind, tmp_path)
    contacts = next(path for path in tmp_path.iterdir() if "contacts" in path.name or "notifications" in path.name)
    site = next(path for path in tmp_path.iterdir() if path.name.startswith("site-"))
    before = site.read_text()
    contacts.write_text("mine\n")
    site.write_text("spoilt\n")
    assert generate(kind, tmp_path) == 0
    assert (contacts.read_text(), site.read_text()) == ("mine\n", before)


def test_a_site_of_several_nodes_that_nobody_tells_of_is_refused_with_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.toml"
    file.write_text((NAGIOS / "site.toml").read_text().partition("[[monitoring]]")[0])
    assert generate("nagios", tmp_path / "out", file) == 2
    assert 'write [[monitoring]] with at = "fr"' in capsys.readouterr().err


@pytest.mark.peer
def test_nagios_takes_the_folder_as_it_is_without_a_warning(tmp_path: Path) -> None:
    said = nagios4.verified(tmp_path, [NAGIOS / "core"])
    assert ("Total Warnings: 0" in said, "Total Errors:   0" in said) == (True, True)
    assert "Warning:" not in said


@pytest.mark.peer
def test_icinga_takes_the_folder_as_it_is_without_a_warning(tmp_path: Path) -> None:
    said = icinga.verified(tmp_path, [NAGIOS / "icinga2"])
    assert "Finished validating" in said
    assert "warning/" not in said


def test_parents_are_hub_link_firewall_and_then_node_and_nas() -> None:
    site = reparse((NAGIOS / "site.toml").read_text())
    found = monitored(site, site.monitoring[0], [Watched("nas", "box"), Watched("firewall", "wall")])
    assert {host.name: host.parents for host in found.hosts} == {
        "harbour_fr": (),
        "harbour_link_sim": ("harbour_fr",),
        "harbour_firewall_wall": ("harbour_link_sim",),
        "harbour_unit1": ("harbour_firewall_wall",),
        "harbour_unit2": ("harbour_firewall_wall",),
        "harbour_nas_box": ("harbour_firewall_wall",),
    }
    names = [host.name for host in found.hosts]
    assert all(names.index(parent) < names.index(host.name) for host in found.hosts for parent in host.parents)


def test_a_node_of_which_the_hub_hears_nothing_is_named_and_not_waited_for() -> None:
    text = (
        (NAGIOS / "site.toml")
        .read_text()
        .replace("[[monitoring]]", '[[node]]\nname = "office"\nkind = "office"\n[[monitoring]]')
    )
    site = reparse(text)
    found = monitored(site, site.monitoring[0])
    assert found.unheard == ("office",)
    assert not any("office" in host.name for host in found.hosts)


def test_a_node_alone_tells_of_itself() -> None:
    text = 'version = 1\nsite = { name = "quay", zone = "UTC", data = "data" }\n[[node]]\nname = "unit1"\n'
    found = monitored(reparse(text), Monitoring())
    assert [(host.name, host.parents) for host in found.hosts] == [("quay_unit1", ())]
    assert {one.name for one in found.services} == {"node", "storage"}


def test_each_service_stands_on_a_host_of_the_site() -> None:
    hosts = {host.name for host in made().hosts}
    assert {one.host for one in made().services} == hosts
    assert len({(one.host, one.name) for one in made().services}) == len(made().services)
