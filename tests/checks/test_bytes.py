"""What passive results cost on a link: IP bytes both ways in network namespaces, TLS and SSH included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from peers import certificates, sshd, webdav
from peers.hub import status
from peers.statuses import camera, destination
from peers.thinlink import FAR, Link, inside, missing

from checks.evaluate import verdicts
from core.node.between.batches import put
from core.node.between.checkins import STAYS
from core.site.secrets import read_secret
from core.transfer.serve import DestinationService

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
ANY = "0.0.0.0"  # noqa: S104 - of a network namespace


class NoTalk:
    """Nobody listens: a small object asks for nothing."""

    lane = 0

    def say(self, **news: object) -> None:
        """Take no note of it."""


def batch(now: float) -> dict[str, Any]:
    """Return what goes to the taker: the document of a unit with ten services."""
    body = status("unit1", now)
    body["cameras"] = [camera(name, now) for name in ("gate", "north", "south")]
    body["destinations"] = [destination("home", "sim"), destination("nas", "lan"), destination("site", "sim")]
    del body["heard"]
    assert len(verdicts(body, now)) == 10
    said = {"status": {key: body[key] for key in body if key not in STAYS}}
    return put(f"harbour/_lines/unit1_{now * 1000:.0f}", [said])


@contextmanager
def https(folder: Path, link: Link) -> Iterator[dict[str, Any]]:
    """Run nginx with TLS at the far end, and give the destination that is there."""
    root, own = folder / "root", folder / "nginx"
    for each in (root, own):
        each.mkdir(parents=True)
    keys = certificates.certificate(folder / "keys", FAR)
    with inside(link.far), webdav.nginx(own, root, keys, listen=ANY) as server:
        yield {"name": "hub", "address": f"https://{FAR}:{server.port}/plain", "ca_file": str(keys.authority)}


@contextmanager
def sftp(folder: Path, link: Link) -> Iterator[dict[str, Any]]:
    """Run sshd at the far end, and give the destination that is there."""
    with inside(link.far), sshd.running(folder / "far", listen=ANY) as server:
        root = folder / "far" / "root"
        root.mkdir()
        key, host = str(server.key_file), server.fingerprint
        address = f"sftp://{server.user}@{FAR}:{server.port}{root}"
        yield {"name": "hub", "address": address, "key_file": key, "host_key": host}


def figures(way: Any, folder: Path) -> tuple[int, int]:
    """Return the IP bytes of a batch with its own connection, and of one over the connection of a delivery."""
    with ExitStack() as stack:
        link = stack.enter_context(Link(round_trip=0.02))
        described = stack.enter_context(way(folder, link))
        service = DestinationService()
        secrets = {"key_file": read_secret(Path(described["key_file"]))} if "key_file" in described else {}

        def counted(do: Callable[[], object]) -> int:
            before = sum(link.counted())
            with inside(link.near):
                do()
            time.sleep(0.2)  # acknowledgements are on their way; nothing tells when the last one came
            return sum(link.counted()) - before

        def send(n: int) -> None:
            service.handle("settle", {"put": [batch(time.time() + n)], "remove": []}, NoTalk())  # type: ignore[arg-type]

        opening = {"destination": described, "secrets": secrets}
        connected = counted(lambda: service.handle("open", opening, NoTalk()))  # type: ignore[arg-type]
        first = counted(lambda: send(0))
        riding = counted(lambda: send(300))
        counted(service.close)
        return connected + first, riding


@pytest.mark.parametrize(
    ("way", "most_riding", "most_alone"),
    [pytest.param(https, 1150, 3600, id="https"), pytest.param(sftp, 2500, 11_500, id="sftp")],
)
def test_what_a_batch_of_ten_services_costs(way: Any, most_riding: int, most_alone: int, tmp_path: Path) -> None:
    """On the connection of a delivery, and with one of its own; docs/checks/monitoring.md has the figures."""
    alone, riding = figures(way, tmp_path)
    assert (riding <= most_riding, alone <= most_alone) == (True, True), (riding, alone)
