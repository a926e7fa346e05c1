"""An order given at the hub, obeyed by a unit with no way in: real nodes, a real SSH server, no engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.fleet import Fleet
from peers.node import overlapse
from peers.sshd import MISSING, SSHD, Sshd
from peers.sshd import running as sshd_running

from core.control.audit import verify

pytestmark = [pytest.mark.peer, pytest.mark.skipif(SSHD is None, reason=MISSING)]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd_running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def pair(root: Path, server: Sshd) -> Fleet:
    """Return a unit that delivers to its hub, and shoots once a day by itself."""
    drop = root / "in" / "unit1"
    drop.mkdir(parents=True)
    obeys = 'obeys = [{ node = "fr", key_file = "secret" }]\ncheck_in = "1s"'
    made = Fleet(root, {"unit1": obeys, "fr": f'kind = "cloud"\ninbox = "{root / "in"}"'}, every="24h")
    login = f'key_file = "{server.key_file}"\nhost_key = "{server.fingerprint}"'
    address = f'address = "sftp://{server.user}@127.0.0.1:{server.port}{drop}"'
    made.tables = {
        "fr": f'[[destination]]\nname = "fr"\nnode = "fr"\n{address}\n{login}',
        "to fr": '[[route]]\nwhat = ["jpeg"]\nto = "fr"',
    }
    for site in made.sites.values():
        (site.folder / "secret").write_text("0123456789abcdef" * 4)
        (site.folder / "secret").chmod(0o600)
    made.write()
    return made


def test_a_shot_ordered_at_the_hub_is_taken_by_the_unit_and_comes_home(sshd: Sshd, tmp_path: Path) -> None:
    nodes = pair(tmp_path, sshd)
    hub, unit = nodes.sites["fr"], nodes.sites["unit1"]
    with nodes.running():
        nodes.until(
            lambda: nodes.rows("fr", "SELECT key FROM state WHERE key = 'reached/unit1'"), "the unit has checked in"
        )
        done = overlapse("capture", "north", "--node", "unit1", "--site", hub.file, "--json", cwd=hub.folder)
        assert done.status == 0, done.err
        (picture,) = json.loads(done.out)["pictures"]
        assert "asked at" in done.err
        assert "done at" in done.err
        nodes.until(lambda: picture in nodes.names("fr"), "the picture is at the hub")
        told = overlapse("orders", "--site", unit.file, "--node", "unit1")
        assert "capture camera=north" in told.out
    rows = json.loads(overlapse("orders", "--site", hub.file, "--node", "fr", "--json").out)["given"]
    assert [row["state"] for row in rows] == ["done"]
    assert rows[0]["asked"] <= rows[0]["sent"] <= rows[0]["taken"] <= rows[0]["ended"]
    assert verify(unit.data / "audit.log") is None
    lines = [json.loads(line) for line in (unit.data / "audit.log").read_text().splitlines()]
    who = lines[0]["who"]
    assert (who["node"], who["order"], who["user"].partition("@")[2]) == ("fr", rows[0]["id"], "fr")
    assert [(line["verb"], line["result"]) for line in lines[:2]] == [("capture", "asked"), ("capture", "done")]
    given = [json.loads(line) for line in (hub.data / "audit.log").read_text().splitlines()]
    assert given[0]["verb"] == "order"
    assert given[0]["args"]["node"] == "unit1"
