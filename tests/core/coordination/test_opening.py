"""Which store a node opens: its own file where it shares nothing, the fleet's where it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from peers import natsd
from peers.natsd import Voters

from core.clock import SystemClock
from core.coordination.epoch import Guarded, WentBack
from core.coordination.founding import raise_epoch
from core.coordination.opening import open_coordination
from core.coordination.sqlite import SqliteCoordination
from core.errors import ConfigurationError
from core.site.load import reparse
from core.site.model.file import SiteFile
from core.site.place import Folders


def shared(servers: str, credentials: Path) -> SiteFile:
    keys = f'servers = ["{servers}"], coordinator = "fr", credentials = "{credentials}"'
    lonely = natsd.SITE.replace('backup = "unit2"\n', "")  # no camera of unit2, nor one that it reserves
    return reparse(lonely.replace("\n[[node]]", f"\ncoordination = {{ {keys} }}\n[[node]]", 1))


@pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)
def test_a_node_with_a_backed_camera_shares_the_fleets_store(one: Voters, tmp_path: Path) -> None:
    one.anew()
    for node in ("unit1", "fr"):
        one.credentials(f"{node}@harbour")
    site, folders = shared(one.all[0].url, one.folder / "nodes"), Folders(tmp_path)
    unit, hub = (open_coordination(site, tmp_path, node, folders, SystemClock()) for node in ("unit1", "fr"))
    try:
        with pytest.raises(WentBack, match="fleet epoch --raise"):
            unit.read("own.gate")
        raise_epoch(one.operator, 0)
        rev = unit.cas("sess.unit1", 0, b"mine")
        found = hub.read("sess.unit1")
        assert found is not None
        assert (found.rev, found.value) == (rev, b"mine")
    finally:
        unit.close()
        hub.close()
    assert folders.store_seen.exists()
    assert not folders.coordination.exists()


@pytest.mark.parametrize(
    "site", [reparse(natsd.SITE), shared("tls://192.0.2.1:443", Path("none"))], ids=["none", "unpaired"]
)
def test_a_unit_that_shares_nothing_opens_no_session(site: SiteFile, tmp_path: Path) -> None:
    store = open_coordination(site, tmp_path, "unit2", Folders(tmp_path), SystemClock())
    assert isinstance(store, SqliteCoordination)
    assert store.cas("own.south", 0, b"mine") > 0
    store.close()


def test_a_node_without_its_credentials_is_told_which_are_missing(tmp_path: Path) -> None:
    site = shared("tls://192.0.2.1:443", tmp_path / "fleet")
    with pytest.raises(ConfigurationError, match=r"harbour-unit1\.key: no such file"):
        open_coordination(site, tmp_path, "unit1", Folders(tmp_path), SystemClock())


def test_a_fleet_that_does_not_answer_delays_no_start(tmp_path: Path, one: Voters) -> None:
    one.credentials("unit1@harbour")
    site = shared("tls://127.0.0.1:1", one.folder / "nodes")
    clock = SystemClock()
    begun = clock.monotonic()
    store = open_coordination(site, tmp_path, "unit1", Folders(tmp_path), clock)
    assert isinstance(store, Guarded)
    assert clock.monotonic() - begun < 1
    store.close()


def test_nothing_of_the_engine_is_loaded_before_it_is_used() -> None:
    heavy = "('nats', 'asyncio', 'ssl')"
    code = f"import sys, core.coordination.opening; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
