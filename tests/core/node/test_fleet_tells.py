"""Two real nodes at a real voter: an order goes from one to the other, and the death of one is mailed by the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import natsd
from peers.node import overlapse
from peers.pair import Pair, paired
from peers.smtpd import Smtpd
from peers.smtpd import running as smtpd_running

pytestmark = [pytest.mark.peer, pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Smtpd]:
    with smtpd_running(tmp_path / "smtpd") as made:
        yield made


@pytest.fixture
def pair(server: Smtpd, tmp_path: Path) -> Iterator[Pair]:
    obeys = 'obeys = [{ node = "fr", key_file = "secret" }]'
    with paired(
        tmp_path, "redundancy = { fast = true, mail = true }", unit=obeys, mail=server.table(["oncall@example.com"])
    ) as found:
        for site in found.sites.values():
            (site.folder / "secret").write_text("0123456789abcdef" * 4)
            (site.folder / "secret").chmod(0o600)
        yield found


def test_an_order_crosses_the_voters_and_a_killed_primary_is_mailed_once_by_its_backup(
    pair: Pair, server: Smtpd
) -> None:
    hub, unit = pair.sites["fr"], pair.sites["unit1"]
    with pair.running("fr"):
        with pair.running("unit1") as nodes:
            pair.until(lambda: pair.owner() == "unit1", "the primary owns its camera")
            words = ("capture", "gate", "--node", "unit1", "--site", hub.file, "--json")
            done = overlapse(*words, cwd=hub.folder)
            assert done.status == 0, done.err
            (picture,) = json.loads(done.out)["pictures"]
            assert picture in pair.names("unit1")
            assert pair.watcher.list("order.unit1."), "it went by the voters: there is no other way to the unit"
            nodes["unit1"].kill()
        rows = json.loads(overlapse("orders", "--site", hub.file, "--node", "fr", "--json").out)["given"]
        assert [row["state"] for row in rows] == ["done"]
        pair.until(server.letters, "the backup tells of the failure by mail", 90)
        (letter,) = server.letters()
        assert letter["To"] == "oncall@example.com"
        text = str(letter.get_body().get_content())  # type: ignore[union-attr]
        assert all(word in text for word in ("unit1", "fr", "gate"))
    audit = [json.loads(line) for line in (unit.data / "audit.log").read_text().splitlines()]
    assert [(line["verb"], line["result"]) for line in audit[:2]] == [("capture", "asked"), ("capture", "done")]
