"""`overlapse fleet`: from nothing to a store that was lost and restored, with a real voter."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import natsd

from .conftest import Run

pytestmark = pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)


@pytest.fixture
def harbour(tmp_path: Path) -> Path:
    """A site with one voter on this machine, which is its node "fr"."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    keys = f'servers = ["tls://127.0.0.1:{port}"], coordinator = "fr", credentials = "fleet/nodes/fr"'
    file = tmp_path / "site.toml"
    file.write_text(natsd.SITE.replace("\n[[node]]", f"\ncoordination = {{ {keys} }}\n[[node]]", 1))
    return file


@contextlib.contextmanager
def voting(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the voter of a fleet's folder."""
    with (folder / "log").open("ab") as log:
        command = [str(natsd.SERVER), "-c", str(folder / "voters" / "voter1" / "server.conf")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_fleet_from_nothing_to_a_restore(harbour: Path, run: Run) -> None:
    fleet, copies = harbour.parent / "fleet", harbour.parent / "copies"
    at, here = ("--site", str(harbour)), ("--fleet", str(fleet), "--site", str(harbour))
    status, out, _ = run("fleet", "init", str(fleet), "--here", *at)
    assert (status, "voters/voter1/server.conf: new" in out) == (0, True)
    with voting(fleet):
        assert run("fleet", "show", "--node", "fr", *at)[0] == 1  # there is no store yet
        assert (
            run("fleet", "epoch", "--raise", "--dry-run", *here)[1]
            == "harbour: there is no store; epoch none; it would be 2\n"
        )
        assert run("fleet", "epoch", "--raise", *here)[1] == "harbour: epoch 2\n"
        status, out, _ = run("fleet", "show", "--node", "fr", "--copies", str(copies), *at)
        assert status == 0
        assert "harbour: 1 voter, 1 answer" in out
        assert "leads" in out
        assert "epoch 2, 1 keys" in out
        assert "copies  none" in out
        assert run("fleet", "copy", "--node", "fr", "--to", str(copies), *at)[0] == 0
        status, out, _ = run("fleet", "show", "--json", "--node", "fr", "--copies", str(copies), *at)
        assert json.loads(out)["copies"]["fresh"]
    (copy,) = copies.iterdir()
    for path in sorted((fleet / "voters" / "voter1" / "store").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with voting(fleet):
        assert run("fleet", "restore", str(copy), "--dry-run", *here)[0] == 0
        assert run("fleet", "epoch", *here)[1] == "harbour: there is no store; epoch none\n"
        status, out, _ = run("fleet", "restore", str(copy), *here)
        assert (status, "0 keys written, epoch 3" in out) == (0, True)
    status, out, _ = run("fleet", "show", "--node", "fr", *at)
    assert status == 1
    assert "store   DOWN: nobody changes hands, owners go on" in out
    assert "silent" in out


def test_a_stolen_node_is_shut_out(harbour: Path, run: Run) -> None:
    fleet = harbour.parent / "fleet"
    here = ("--fleet", str(fleet), "--site", str(harbour))
    run("fleet", "init", str(fleet), "--here", "--site", str(harbour))
    accounts = fleet / "voters" / "voter1" / "accounts.conf"
    status, out, _ = run("fleet", "revoke", "unit1", "--dry-run", *here)
    assert (status, "camera gate: goes to its backup 'fr'" in out) == (0, True)
    assert '"unit1@harbour"' in accounts.read_text()
    with voting(fleet) as voter:
        run("fleet", "epoch", "--raise", *here)
        status, out, _ = run("fleet", "revoke", "unit1", *here)
        assert (status, "lease none, orders refused: 0" in out) == (0, True)
        voter.send_signal(signal.SIGHUP)
        assert run("fleet", "show", "--node", "fr", "--site", str(harbour))[0] == 0  # the others go on
    assert '"unit1@harbour"' not in accounts.read_text()
    status, _, err = run("fleet", "revoke", "unit9", *here)
    assert (status, "no site has a node 'unit9'" in err) == (2, True)


def test_without_the_operators_credentials_nothing_is_done(harbour: Path, run: Run) -> None:
    status, _, err = run("fleet", "epoch", "--raise", "--fleet", str(harbour.parent / "none"), "--site", str(harbour))
    assert (status, "harbour-operator.key: no such file; `overlapse fleet init` makes it" in err) == (2, True)


def test_a_site_without_voters_is_told_what_to_write(harbour: Path, run: Run) -> None:
    harbour.write_text(natsd.SITE)
    status, _, err = run("fleet", "init", str(harbour.parent / "fleet"), "--site", str(harbour))
    assert (status, "names no voters" in err) == (2, True)
    harbour.write_text(natsd.SITE.replace("\n[[node]]", '\ncoordination = { servers = ["tls://a"] }\n[[node]]', 1))
    status, _, err = run("fleet", "init", str(harbour.parent / "fleet"), "--site", str(harbour))
    assert (status, "coordination.coordinator: missing key" in err) == (2, True)
