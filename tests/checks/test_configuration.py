"""`overlapse nagios`: what it writes is shipped, and the real Nagios and Icinga 2 take it without a warning."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from peers import icinga, nagios4
from peers.hub import NAGIOS, made

from checks.configuration import icinga2
from core.cli.main import run
from core.site.load import reparse
from core.site.model.health import Monitoring
from core.site.monitored import Host, Monitored, monitored

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


@pytest.mark.parametrize(
    ("last", "code", "said"),
    [
        pytest.param(-1, 1, "Nothing was told yet", id="never-told"),
        pytest.param(-100, 2, "CAMERA CRITICAL: it was so", id="told-a-while-ago"),
        pytest.param(-700, 3, "UNKNOWN: stale", id="stale"),
    ],
)
def test_a_check_of_what_is_stale_repeats_what_was_told_and_calls_a_node_that_is_new_no_page(
    last: int, code: int, said: str
) -> None:
    told = {"OUTPUT": "CAMERA CRITICAL: it was so", "STATE": "2", "AFTER": "655", "FIRST": "1", "EXIT": "3"}
    when = "-1.000000" if last == -1 else f"{time.time() + last:.6f}"
    script = icinga2.SCRIPT.replace("$$", "$").replace('\\"', '"')
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={**told, "LAST": when, "TEXT": "UNKNOWN: stale"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (code, said)


def of(text: str) -> Monitored:
    site = reparse(text)
    return monitored(site, site.monitoring[0])


def parents(found: Monitored) -> dict[str, tuple[str, ...]]:
    return {host.name: host.parents for host in found.hosts}


def test_parents_are_hub_link_firewall_and_then_node_and_nas() -> None:
    found = made()
    assert parents(found) == {
        "harbour_fr": (),
        "harbour_link_sim": ("harbour_fr",),
        "harbour_firewall_wall": ("harbour_link_sim",),
        "harbour_firewall_front": ("harbour_fr",),
        "harbour_unit1": ("harbour_firewall_wall",),
        "harbour_unit2": ("harbour_firewall_wall",),
        "harbour_nas_box": ("harbour_firewall_wall",),
    }
    names = [host.name for host in found.hosts]
    assert all(names.index(parent) < names.index(host.name) for host in found.hosts for parent in host.parents)


def test_a_firewall_stands_before_whoever_reads_it_and_shares_its_link_or_before_whom_site_toml_names() -> None:
    text = (NAGIOS / "site.toml").read_text()
    assert host(of(text), "firewall_wall").nodes == ("unit1", "unit2")
    named = of(text.replace('name = "front"\n', 'name = "front"\nbehind = ["unit2"]\n').replace("shared = true\n", ""))
    assert host(named, "firewall_wall").nodes == ("unit1",)
    assert host(named, "firewall_front").nodes == ("unit2",)
    assert parents(named)["harbour_firewall_front"] == ("harbour_link_unit2_sim",)
    assert parents(named)["harbour_unit2"] == ("harbour_firewall_front",)
    assert parents(named)["harbour_nas_box"] == ("harbour_firewall_wall",)


def host(found: Monitored, name: str) -> Host:
    return next(one for one in found.hosts if one.name == f"{found.site}_{name}")


def test_a_device_has_the_services_of_all_who_tell_of_it_and_a_nas_its_transfers() -> None:
    told = {name: [(one.name, one.node) for one in services] for name, services in made().told_of.items()}
    assert told["harbour_firewall_wall"] == [("firewall of unit1", "unit1"), ("firewall of fr", "fr")]
    assert told["harbour_firewall_front"] == [("firewall", "fr")]
    assert set(told["harbour_nas_box"]) == {
        ("nas", "unit1"),
        *((f"transfer of {node}", node) for node in ("unit1", "unit2", "fr")),
    }


def test_a_watch_that_no_node_tells_the_hub_of_is_no_host() -> None:
    text = (NAGIOS / "site.toml").read_text()
    text = text.replace("[[monitoring]]", '[[node]]\nname = "office"\nkind = "office"\n[[monitoring]]')
    found = of(text.replace('name = "front"\nat = "fr"', 'name = "front"\nat = "office"'))
    assert found.unheard == ("office",)
    assert not any("front" in one.name for one in found.hosts)


def test_nodes_that_share_a_camera_have_redundancy_and_the_camera_at_both() -> None:
    services = {(one.node, one.check, one.subject) for one in made().services}
    assert {node for node, check, _ in services if check == "redundancy"} == {"unit2", "fr"}
    assert {node for node, check, name in services if (check, name) == ("camera", "gate")} == {"unit2", "fr"}


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


READ = """version = 1
site = { name = "quay", zone = "UTC", data = "data" }
[[node]]
name = "unit1"
[[node.link]]
name = "sim"
[[node]]
name = "hub"
kind = "cloud"
reads = ["shop"]
[[destination]]
name = "shop"
link = "sim"
address = "sftp://photos@shop.example/quay"
status = true
[[route]]
what = ["jpeg"]
to = "shop"
"""


@pytest.mark.parametrize(
    ("text", "unheard"),
    [
        pytest.param(READ, (), id="read-where-it-delivers"),
        pytest.param(READ.replace("status = true", ""), ("unit1",), id="nothing-is-said-there"),
        pytest.param(READ.replace('reads = ["shop"]', ""), ("unit1",), id="nobody-reads-there"),
    ],
)
def test_a_node_is_heard_of_by_what_the_hub_reads_at_a_place_that_is_none(text: str, unheard: tuple[str, ...]) -> None:
    found = monitored(reparse(text), Monitoring(at="hub"))
    assert found.unheard == unheard
    behind = {} if unheard else {"quay_link_unit1_sim": ("quay_hub",), "quay_unit1": ("quay_link_unit1_sim",)}
    assert parents(found) == {"quay_hub": (), **behind}


def test_a_node_alone_tells_of_itself() -> None:
    text = 'version = 1\nsite = { name = "quay", zone = "UTC", data = "data" }\n[[node]]\nname = "unit1"\n'
    found = monitored(reparse(text), Monitoring())
    assert [(host.name, host.parents) for host in found.hosts] == [("quay_unit1", ())]
    assert {one.name for one in found.services} == {"node", "storage"}


def test_each_service_stands_on_a_host_of_the_site() -> None:
    hosts = {host.name for host in made().hosts}
    assert {one.host for one in made().services} == hosts
    assert len({(one.host, one.name) for one in made().services}) == len(made().services)
