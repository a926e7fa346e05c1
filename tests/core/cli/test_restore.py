"""`overlapse restore --from NAME`: an emptied node filled again, newest first, at the byte, proven."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from peers.archive import jpeg, nef, put
from peers.node import PATIENCE, PROGRAM, Site, environment, known, overlapse, running, stamps
from peers.sshd import MISSING, SSHD, Sshd
from peers.sshd import running as sshd_running

from core.catalogue.store import Catalogue
from core.intake.daybook import encode
from core.intake.entries import Entry, OutcomeEntry, PictureEntry, ReceiptEntry
from core.values import Fence, PictureName, Sha256, seconds_of

from .conftest import Run

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd_running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def dam(tmp_path: Path) -> Site:
    """A site whose node was emptied: one camera that shoots every ten minutes, and a NAS that has its pictures."""
    site = Site(tmp_path / "dam", name="dam")
    site.camera(every="10m", more='shoots = "raw+jpeg"')
    site.destination("nas", 'what = ["jpeg", "raw"]')
    site.write()
    return site


def name(days_ago: int, minutes: int = 600, extension: str = "jpg") -> PictureName:
    at = TODAY - timedelta(days=days_ago) + timedelta(minutes=minutes)
    return PictureName("north", at, "unit1", Fence(1, 7), extension)


def store(place: Path, what: PictureName, data: bytes, mark: str = "") -> Path:
    """Have a destination hold a picture of the site dam."""
    return put(place / "dam" / what.folder / f"{what.stem}{mark}.{what.extension}", data)


def book(place: Path, *entries: Entry) -> None:
    """Have a destination hold a day book."""
    path = place / "dam" / entries[0].folder / "day.jsonl"
    path.write_bytes(b"".join(encode(entry) for entry in entries))


def told(what: PictureName, data: bytes, **more: Any) -> PictureEntry:
    sha256 = Sha256(hashlib.sha256(data).hexdigest())
    return PictureEntry(
        name=what, slot=seconds_of(what.at), index=60, kind="jpeg", size=len(data), sha256=sha256, **more
    )


def bring_back(run: Run, site: Site, *words: str, source: str = "nas") -> dict[str, Any]:
    status, out, err = run("restore", "--from", source, "--site", site.file, "--json", *words)
    assert (status, err) == (0, ""), err
    state: dict[str, Any] = json.loads(out)
    return state


def here(site: Site) -> dict[str, bytes]:
    found = (path for path in site.data.glob("pictures/*/*/*/*/*") if path.name != "day.jsonl")
    return {path.name: path.read_bytes() for path in found}


def test_who_does_not_say_from_where_hears_what_there_is(dam: Site, run: Run) -> None:
    status, out, err = run("restore", "--site", dam.file)
    assert (status, out) == (2, "")
    assert "from where? Say --from with what holds pictures of unit1; there are: nas" in err


def test_an_emptied_node_has_its_pictures_and_its_slots_again_and_nothing_is_sent_anew(dam: Site, run: Run) -> None:
    nas = dam.folder / "nas"
    held = {}
    for days, minutes in ((1, 600), (1, 610), (2, 600), (9, 601)):
        for extension, data in (("jpg", jpeg()), ("nef", nef("2026:01:01 00:00:00"))):
            what = name(days, minutes, extension)
            held[str(what)] = store(nas, what, data).read_bytes()
    put(nas / "dam" / name(1).folder / f"{name(1).stem}.web.jpg", jpeg())  # a rendition is no original
    dam.node = 'buffer = { keep_free = "1MB", keep = "8d" }\n'
    dam.file.write_text(dam.write().read_text().replace('buffer = { keep_free = "1MB" }\n', ""))
    status, out, _ = run("restore", "--from", "nas", "--site", dam.file, "--dry-run")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[1:3]] == [f"{name(n).at:%Y-%m-%d}" for n in (1, 2)]
    assert "6 pictures to fetch from nas" in out
    assert here(dam) == {}
    state = bring_back(run, dam)
    assert (state["restored"], state["proofs"]["decoded"], state["differ"]) == (6, 6, 0)
    wanted = {text: data for text, data in held.items() if PictureName.parse(text).at > TODAY - timedelta(days=8)}
    assert here(dam) == wanted
    order = [line["name"] for line in dam.lines() if line["line"] == "picture"]
    assert order[:4] == sorted(order[:4], reverse=True) or {text[:20] for text in order[:2]} == {str(name(2))[:20]}
    found = known(dam)
    restored = [row for row in found["slots"] if row[7] is not None]
    assert [(row[1], row[4]) for row in restored] == [
        (seconds_of(name(days, minutes).at), "captured") for days, minutes in ((2, 600), (1, 600), (1, 610))
    ]
    assert {row[5] is not None for row in found["pictures"]} == {True}
    assert found["waiting"] == []
    assert {row[2] for row in found["receipts"]} == {3}
    before = stamps(nas)
    with running(dam) as node:
        node.until(lambda: not dam.ask("queue")["deliveries"], "nothing waits")
        assert node.end() == 0
    assert len(known(dam)["pictures"]) >= 6
    assert {path: stamp for path, stamp in stamps(nas).items() if path in before} == before
    assert [line for line in dam.lines() if line["line"] == "deletion"] == []


def test_a_rebuild_afterwards_wants_no_more_than_the_restore_and_the_import_did(dam: Site, run: Run) -> None:
    dam.destination("web", 'what = ["small"]')
    dam.tables["recipe"] = '[[recipe]]\nname = "small"\nsteps = [{ resize = "4x4" }]'
    dam.tables["live"] = '[[route]]\nwhat = ["jpeg"]\nto = "web"\nlive = "{camera}.jpg"'
    dam.write()
    store(dam.folder / "nas", name(1), jpeg())
    put(dam.folder / "card" / "DCIM" / "20260101120000.jpg", jpeg())
    bring_back(run, dam)
    status, _, err = run("import", dam.folder / "card", "--camera", "north", "--site", dam.file)
    assert status == 0, err
    before = known(dam)
    assert [row[0] for row in before["waiting"]] == ["nas", "web"], "of the imported one alone, and none is live"
    assert run("rebuild", "--site", dam.file)[0] == 0
    assert known(dam) == before
    catalogue = Catalogue.read(dam.data / "catalogue.db")
    assert {row[0] for row in catalogue.rows("SELECT priority FROM delivery WHERE state <> 'proven'")} == {5}
    catalogue.close()


def test_day_books_at_the_destination_prove_what_comes_and_tell_what_else_was(dam: Site, run: Run) -> None:
    nas, other = dam.folder / "nas", dam.destination("office", 'what = ["jpeg"]')
    dam.write()
    good, flipped, both, foreign = jpeg(), jpeg(), jpeg(), jpeg()
    store(nas, name(1, 600), good)
    store(nas, name(1, 610), flipped[:-30] + b"\7" + flipped[-29:])
    mark = f"~{hashlib.sha256(both).hexdigest()[:8]}"
    store(nas, name(1, 620), foreign)  # another's, under the same name
    store(nas, name(1, 620), both, mark)
    receipt = ReceiptEntry(
        name=name(1), destination="office", level=2, remote="r", size=len(good), sha256=told(name(1), good).sha256,
        at=1, wanted=2, priority=3,
    )  # fmt: skip
    missed = OutcomeEntry(
        camera="north", slot=seconds_of(name(1, 630).at), node="unit1", outcome="missed", cause="stuck"
    )
    facts = told(name(1), good, shutter=123_456, source_name="DSC_0001.JPG", taken_in=7)
    book(nas, facts, told(name(1, 610), flipped), told(name(1, 620), both), receipt, missed)
    put(dam.data / "spool/incoming" / f"{name(1)}.part", b"of something else")  # it is not built upon
    state = bring_back(run, dam, "--camera", "north", "--since", f"{name(1).at:%Y-%m-%d}")
    assert (state["restored"], state["differ"]) == (3, 1)
    assert state["proofs"] == {"day_book": 2, "server_hash": 0, "decoded": 1, "broken": 0}
    assert here(dam) == {
        str(name(1)): good,
        str(name(1, 620)): both,
        str(name(1, 620).numbered(2)): foreign,
    }
    [line] = [line for line in dam.lines() if line["line"] == "picture" and line["name"] == str(name(1))]
    assert (line["shutter"], line["source_name"], line["taken_in"]) == (123_456, "DSC_0001.JPG", 7)
    outcomes = {row[1]: row[4:6] for row in known(dam)["slots"]}
    assert outcomes[missed.slot] == ("missed", "stuck")
    assert ("office", "r", 2) in [row[:3] for row in known(dam)["receipts"]]
    assert list(other.rglob("*.jpg")) == []


@pytest.mark.peer
@pytest.mark.skipif(SSHD is None, reason=MISSING)
def test_over_sftp_it_may_be_killed_in_a_file_and_goes_on_at_the_byte(dam: Site, sshd: Sshd, run: Run) -> None:
    far = dam.folder / "far"
    address = f"sftp://{sshd.user}@{sshd.host}:{sshd.port}{far}"
    pins = f'key_file = "{sshd.key_file}"\nhost_key = "{sshd.fingerprint}"\nlink = "sim"\nchunk = "100kB"'
    dam.destination("far", 'what = ["raw"]', address, pins)
    link = '[[node.link]]\nname = "sim"\nrate = "{}"\n'
    dam.node = link.format("1MB/s")
    dam.write()
    first, second = nef("2026:01:01 00:00:00", 300_000), nef("2026:01:01 00:00:00", 2_000_000)
    store(far, name(1, 610, "nef"), first)
    store(far, name(1, 600, "nef"), second)
    process = subprocess.Popen(
        [*PROGRAM, "restore", "--from", "far", "--site", str(dam.file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    part = dam.data / "spool/incoming" / f"{name(1, 600, 'nef')}.part"
    end = time.monotonic() + PATIENCE
    while not (part.exists() and part.stat().st_size > 200_000):
        assert process.poll() is None
        assert time.monotonic() < end
    process.kill()
    process.wait()
    there = part.stat().st_size
    assert there < len(second)
    assert here(dam) == {str(name(1, 610, "nef")): first}
    dam.node = link.format("50MB/s")
    dam.write()
    state = bring_back(run, dam, source="far")
    assert here(dam) == {str(name(1, 610, "nef")): first, str(name(1, 600, "nef")): second}
    assert (state["restored"], state["plan"]["here"]) == (1, 1)
    assert state["received"] <= len(second) - there + 1
    assert list((dam.data / "spool").iterdir()) == []
    assert list((dam.data / "quarantine").iterdir()) == []


def test_only_what_fits_comes_and_the_newest_first(dam: Site, run: Run) -> None:
    nas = dam.folder / "nas"
    for days in (1, 2, 3):
        store(nas, name(days, extension="nef"), nef("2026:01:01 00:00:00", 40_000_000))
    free = os.statvfs(dam.folder)
    dam.keep_free = f"{free.f_bavail * free.f_frsize - 100_000_000}B"
    dam.write()
    status, out, err = run("restore", "--from", "nas", "--site", dam.file)
    assert status == 1, out
    assert "no more fits" in err
    assert set(here(dam)) in ({str(name(1, extension="nef"))}, {str(name(n, extension="nef")) for n in (1, 2)})


def test_a_running_node_goes_on_shooting_while_its_pictures_come_back(dam: Site) -> None:
    dam.camera(every="1s")
    dam.write()
    for minutes in range(8):
        store(dam.folder / "nas", name(1, minutes), jpeg())
    with running(dam) as node:
        node.until(lambda: dam.captured(), "it shoots")
        done = overlapse("restore", "--from", "nas", "--site", dam.file)
        assert done.status == 0, done.err
        shot = len(dam.captured())
        node.until(lambda: len(dam.captured()) >= shot + 2, "it goes on shooting")
        node.until(lambda: not dam.ask("queue")["deliveries"], "all is delivered")
        assert node.end() == 0
    assert "8 pictures back" in done.out
    assert "8 vouched for by nobody else, and decoded whole" in done.out
    recent = [row for row in known(dam)["slots"] if row[1] > TODAY.timestamp()]
    assert {row[4] for row in recent} <= {"captured", "late"}
    assert len([path for path in here(dam) if PictureName.parse(path).at < TODAY]) == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("--from nsa", "there is no destination nsa, and none leads to a node of that name", id="place"),
        pytest.param("--from nas --camera south", "the site has no camera south; it has: north", id="camera"),
        pytest.param("--from nas --since yesterday", "--since is a day such as 2026-11-21", id="day"),
        pytest.param("", "Say --from", id="nothing"),
    ],
)
def test_what_cannot_be_is_told_with_the_choices(dam: Site, run: Run, words: str, said: str) -> None:
    status, _, err = run("restore", *words.split(), "--site", dam.file)
    assert status == 2
    assert said in err
