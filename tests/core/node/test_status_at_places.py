"""How a unit is stands at a place that is no node, and a hub that reads there knows it: real nodes, real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from peers import certificates, sshd, webdav
from peers.fleet import Fleet

from core.transfer import drops

pytestmark = pytest.mark.peer


@contextmanager
def sftp(folder: Path) -> Iterator[tuple[str, Path]]:
    root = folder / "root"
    with sshd.running(folder) as server:
        root.mkdir()
        address = f'address = "sftp://{server.user}@127.0.0.1:{server.port}{root}"'
        yield f'{address}\nkey_file = "{server.key_file}"\nhost_key = "{server.fingerprint}"', root


@contextmanager
def https(folder: Path) -> Iterator[tuple[str, Path]]:
    root = folder / "root"
    root.mkdir()
    keys = certificates.certificate(folder / "keys", "127.0.0.1")
    with webdav.nginx(folder, root, keys) as server:
        yield f'address = "https://127.0.0.1:{server.port}/plain"\nca_file = "{keys.authority}"', root


LACKS_NGINX = webdav.missing_nginx()
WAYS = [
    pytest.param(sftp, id="sftp", marks=pytest.mark.skipif(sshd.SSHD is None, reason=sshd.MISSING)),
    pytest.param(
        https,
        id="https",
        marks=pytest.mark.skipif(LACKS_NGINX is not None, reason=str(LACKS_NGINX)),
    ),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_hub_that_reads_a_place_knows_how_the_unit_is_that_delivers_there(way: object, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    with ExitStack() as stack:
        said, root = stack.enter_context(way(there))  # type: ignore[operator]
        nodes = Fleet(tmp_path, {"unit1": 'check_in = "2s"', "hub": 'kind = "cloud"\nreads = ["shop"]'})
        nodes.tables = {
            "shop": f'[[destination]]\nname = "shop"\nstatus = true\n{said}',
            "to shop": '[[route]]\nwhat = ["jpeg"]\nto = "shop"',
        }
        nodes.write()
        heard = nodes.sites["hub"].folder / "run" / "fleet" / "unit1.json"
        with nodes.running():
            nodes.until(lambda: nodes.proven("unit1", "shop"), "delivered")
            nodes.until(heard.exists, "read by the hub")
            first = json.loads(heard.read_bytes())
            nodes.until(lambda: json.loads(heard.read_bytes())["at"] > first["at"], "read again, anew")
        assert (first["node"], first["site"], first["cameras"][0]["name"]) == ("unit1", "quay", "north")
        assert [path.name for path in (root / "quay" / drops.STATUS).iterdir() if path.name[0] != "."] == ["unit1"]
