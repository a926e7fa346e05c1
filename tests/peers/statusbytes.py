"""What a status costs on a link: IP bytes both ways between two network namespaces, TLS and SSH included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.evaluate import verdicts
from core.intake.entries import PictureEntry, to_json
from core.node.between.batches import put
from core.node.between.checkins import STAYS
from core.site.secrets import read_secret
from core.status.changed import as_sent, difference, named
from core.transfer import drops
from core.transfer.serve import DestinationService
from core.values import PictureName, Sha256
from core.worker import Talk
from peers import certificates, sshd, webdav
from peers.hub import status
from peers.statuses import camera, destination
from peers.thinlink import FAR, Link, inside

ENDED = 1  # seconds of rest after which the web server ends a connection
REMINDED = 6.5  # seconds: more than between two reminders of SSH
MONTH = 30 * 86400
ENDS_SOON = f"keepalive_timeout {ENDED}s; ssl_protocols TLSv1.2 TLSv1.3;"
ANY = "0.0.0.0"  # noqa: S104 - of a network namespace


class NoTalk(Talk):
    """Nobody listens: a small object asks for nothing."""

    def __init__(self) -> None:
        super().__init__(lambda message: None, lambda: None)


def document(now: float) -> dict[str, Any]:
    """Return the document of a unit with ten services, as it goes to the taker."""
    body = status("unit1", now)
    body["cameras"] = [camera(name, now) for name in ("gate", "north", "south")]
    body["destinations"] = [destination("home", "sim"), destination("nas", "lan"), destination("site", "sim")]
    month = now // MONTH * MONTH
    for one in body["links"]:
        one["month"] |= {"begin": month, "end": month + MONTH}
    body["started"] = month
    del body["heard"], body["watch"]
    assert len(verdicts(body, now)) == 10
    return as_sent({key: body[key] for key in body if key not in STAYS})


def line(now: float) -> dict[str, Any]:
    """Return what tells the taker of it that has the document of an hour before."""
    base, latest = document(now - 3600), document(now)
    changes = difference(base, latest)
    assert changes is not None
    return {"status": changes, "since": named(base), "is": named(latest)}


def picture(now: float) -> dict[str, Any]:
    """Return the line of a picture that was just taken."""
    name = PictureName.parse("north_20261121T085000Z_unit1_1-7.jpg")
    entry = PictureEntry(name=name, slot=int(now), index=53, kind="jpeg", size=5_812_223, sha256=Sha256("7c" * 32))
    return to_json(entry)


def batch(now: float, *said: dict[str, Any]) -> dict[str, Any]:
    """Return an object with these lines."""
    return put(f"harbour/_lines/unit1_{now * 1000:.0f}", said)


@contextmanager
def https(folder: Path, link: Link) -> Iterator[dict[str, Any]]:
    """Run nginx with TLS, which ends what rests, at the far end, and give the destination that is there."""
    root, own = folder / "root", folder / "nginx"
    for each in (root, own):
        each.mkdir(parents=True)
    keys = certificates.certificate(folder / "keys", FAR)
    with inside(link.far), webdav.nginx(own, root, keys, more=ENDS_SOON, listen=ANY) as server:
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


@dataclass(frozen=True)
class Figures:
    """IP bytes, both ways, all that TCP says included.

    `riding`: what a status adds to the lines of a delivery; `kept`: a status by itself over the connection that is
    kept, which the server may have ended meanwhile; `rest`: while nothing is said after it; `look`: for receipts, none;
    `placed`: a whole one after a delivery, to a place that is no node.
    """

    riding: int
    kept: int
    rest: int
    look: int
    placed: int

    @property
    def month(self) -> int:
        """What 30 days of check-ins every five minutes cost, with a look for receipts each hour."""
        return 30 * 24 * (12 * (self.kept + self.rest) + self.look)


def figures(way: Any, folder: Path) -> Figures:
    """Measure one way."""
    with ExitStack() as stack:
        link = stack.enter_context(Link(round_trip=0.02))
        described = stack.enter_context(way(folder, link))
        service = DestinationService()
        stack.callback(service.close)
        secrets = {"key_file": read_secret(Path(described["key_file"]))} if "key_file" in described else {}

        def counted(do: Callable[[], object]) -> int:
            before = sum(link.counted())
            with inside(link.near):
                do()
            time.sleep(0.2)  # acknowledgements are on their way; nothing tells when the last one came
            return sum(link.counted()) - before

        def ask(op: str, **args: Any) -> int:
            return counted(lambda: service.handle(op, args, NoTalk()))

        def send(*said: dict[str, Any]) -> int:
            return ask("settle", put=[batch(time.time(), *said)], remove=[])

        def check_in() -> int:
            return ask("settle", put=[batch(time.time(), line(time.time()))], remove=[], rests=True)

        ask("open", destination=described, secrets=secrets)
        for _ in range(2):
            send(picture(time.time()))  # folders are made, and the server's haste at the beginning is over
        alone = min(send(picture(time.time())) for _ in range(3))
        riding = min(send(line(time.time()), picture(time.time())) for _ in range(3)) - alone
        look = min(ask("collect", prefix="harbour/_receipts/fr_", but=[]) for _ in range(3))
        whole = [put(drops.status("harbour", "unit1"), [{"status": document(time.time())}])]
        placed = min(ask("settle", put=whole, remove=[]) for _ in range(3))
        counted(lambda: time.sleep(2 * ENDED))  # the web server ends what rests, which is met once
        kept = [check_in() for _ in range(2)][-1]
        rest = counted(lambda: time.sleep(2 * ENDED if way is https else REMINDED))
        return Figures(riding, kept, rest, look, placed)


WAYS = {"https": https, "sftp": sftp}
