"""A unit and a hub as real processes, and a real Nagios with the configuration that is made of their site."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers import nagios4
from peers.fleet import Fleet
from peers.nagios4 import Nagios

from core.cli.main import run

pytestmark = pytest.mark.peer


def site_of(folder: Path) -> Fleet:
    """Return a unit that delivers into the inbox of a hub, which tells a Nagios in `folder`/nagios."""
    inbox = folder / "inbox"
    (inbox / "unit1").mkdir(parents=True)
    hub = f'kind = "cloud"\ninbox = "{inbox}"'
    found = Fleet(folder, {"unit1": 'kind = "unit"\ncheck_in = "2s"\nlink = [{ name = "sim" }]', "fr": hub})
    address = f'address = "folder:{inbox}/unit1"'
    found.tables["destination"] = f'[[destination]]\nname = "fr"\nnode = "fr"\nlink = "sim"\n{address}'
    found.tables["destination"] += f'\n[[destination]]\nname = "nas"\naddress = "folder:{folder}/nas"'
    found.tables["route"] = '[[route]]\nwhat = ["jpeg"]\nto = { all = ["fr", "nas"] }'
    found.tables["watch"] = '[[watch]]\nkind = "nas"\nname = "box"\nat = "unit1"\ndestination = "nas"'
    told = f'nagios = {{ commands = "{folder}/nagios/nagios.cmd", status = "{folder}/nagios/status.dat" }}'
    found.tables["monitoring"] = f'[[monitoring]]\nat = "fr"\nevery = "10s"\n{told}'
    return found


def checked(peer: Nagios) -> dict[tuple[str, str], str]:
    """Return the output of all that was told of."""
    return {key: row["plugin_output"] for key, row in peer.rows().items() if row["has_been_checked"] == "1"}


def test_all_that_is_configured_is_told_of_and_nothing_else(tmp_path: Path) -> None:
    fleet = site_of(tmp_path)
    for site in fleet.sites.values():
        site.folder.mkdir(parents=True, exist_ok=True)
    fleet.write()
    configured = tmp_path / "objects"
    assert run(["nagios", "--format", "nagios", "--out", str(configured), "--site", str(fleet.sites["fr"].file)]) == 0
    with nagios4.running(tmp_path / "nagios", [configured]) as peer:
        keys = set(peer.rows())
        with fleet.running():
            fleet.until(lambda: set(checked(peer)) == keys, f"results of {sorted(keys)}", 60)
            told = checked(peer)
            assert told["quay_unit1", "camera north"].startswith("CAMERA ")
            assert told["quay_unit1", "transfer fr"].startswith("TRANSFER ")
            assert told["quay_nas_box", "nas"].startswith("NAS ")
            assert told["quay_nas_box", "transfer of unit1"].startswith("TRANSFER ")
            assert told["quay_link_unit1_sim", ""] == "UP: 1 of 1 nodes behind it are heard"
            kinds = {row[0] for row in fleet.rows("fr", "SELECT kind FROM event")}
            assert not kinds & {"monitoring lacks", "monitoring fails"}
