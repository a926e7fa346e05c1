"""`overlapse import PATH`: cards and old archives, on a stopped node and on a running one, once and for good."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from peers.archive import jpeg, nef, put, snapshot
from peers.node import PATIENCE, PROGRAM, Site, environment, known, overlapse, running

from core.catalogue import slots
from core.catalogue.slots import Outcome
from core.catalogue.store import Catalogue
from core.errors import OverlapseError
from core.values import utc

from .conftest import Run

ROOT = os.geteuid() == 0
DCIM = "DCIM/100NIKON"


@pytest.fixture
def dam(tmp_path: Path) -> Site:
    """A site in Paris with one camera that shoots every ten minutes, and a NAS for its JPEGs."""
    site = Site(tmp_path / "dam", name="dam", keep_free="1MB")
    site.camera(every="10m")
    site.destination("nas")
    site.write()
    site.file.write_text(site.file.read_text().replace('zone = "UTC"', 'zone = "Europe/Paris"'))
    return site


def take_in(run: Run, site: Site, path: Path, *words: str) -> dict[str, Any]:
    status, out, err = run("import", path, "--site", site.file, "--json", *words)
    assert (status, err) == (0, ""), err
    state: dict[str, Any] = json.loads(out)
    return state


def names(site: Site) -> list[str]:
    """Return the pictures here without camera and fence: 20250601T100000Z.jpg, 20250601T100000Z_2.jpg."""
    found = []
    for path in site.data.glob("pictures/*/*/*/*/*_*_*"):
        _, at, _, _, *nth = path.stem.split("_")
        found.append("_".join([at, *nth]) + path.suffix)
    return sorted(found)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- what a card holds


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card: pairs, a burst within one second, one whose clock says its zone, a broken one, and what is none."""
    root = tmp_path / "card"
    for number, taken in ((1, "2025:06:01 12:00:00"), (2, "2025:06:01 12:05:07"), (3, "2025:06:01 12:05:07")):
        put(root / DCIM / f"DSC_000{number}.JPG", jpeg(taken))
        if number != 2:  # the first of the burst has no other half
            put(root / DCIM / f"DSC_000{number}.NEF", nef(taken))
    put(root / DCIM / "DSC_0004.JPG", jpeg("2025:06:01 08:00:00", "-02:00"))
    put(root / DCIM / "DSC_0005.JPG", jpeg("2025:06:01 12:20:00")[:150])
    put(root / DCIM / "DSC_0006.JPG", jpeg(), mtime=at("2025-06-01T10:30:00"))
    put(root / DCIM / "DSC_0007.JPG", b"")
    put(root / DCIM / "DSC_0008.JPG", b"<html>")
    put(root / DCIM / "MOVIE.MOV", b"film")
    put(root / "MISC" / "DSC_0009.JPG", jpeg())
    return root


def test_a_card_is_taken_in_and_not_changed_and_a_second_time_all_is_known(dam: Site, card: Path, run: Run) -> None:
    before = snapshot(card)
    state = take_in(run, dam, card)
    assert names(dam) == [
        "20250601T100000Z.jpg",
        "20250601T100000Z.nef",
        "20250601T100000Z_2.jpg",
        "20250601T100507Z.jpg",
        "20250601T100507Z_2.jpg",
        "20250601T100507Z_2.nef",
        "20250601T102000Z.jpg",
        "20250601T103000Z.jpg",
    ]
    assert state["layout"] == "card"
    assert (state["taken"], state["known"], state["broken"]) == (8, 0, 1)
    assert state["dated"] == {"exif": 7, "mtime": 1}
    assert state["left"] == {
        "empty": 1,
        "named as JPEGs, but none by their first bytes": 1,
        "no pictures by their names": 1,
    }
    assert state["plan"]["destinations"]["nas"]["deliveries"] == 6
    stems = {path.stem: path.suffix for path in dam.data.glob("pictures/*/*/*/*/*.nef")}
    pairs = [(line["name"], line["source_name"]) for line in dam.lines() if line["line"] == "picture"]
    sources = {Path(source).stem: set[str]() for _, source in pairs}
    for name, source in pairs:
        sources[Path(source).stem].add(Path(name).stem)
    assert all(len(of_shot) == 1 for of_shot in sources.values())
    assert len(stems) == 2
    again = take_in(run, dam, card)
    assert (again["taken"], again["known"], len(names(dam))) == (0, 8, 8)
    assert snapshot(card) == before
    assert list((dam.data / "spool").iterdir()) == []
    assert {line["dated"] for line in dam.lines() if line["line"] == "picture"} == {"exif", "mtime"}


def test_a_picture_of_a_slot_gets_or_fills_it_and_any_other_is_an_extra(dam: Site, tmp_path: Path, run: Run) -> None:
    (tmp_path / "archive").mkdir()
    take_in(run, dam, tmp_path / "archive")  # there is a catalogue now
    slot = int(time.time()) // 600 * 600 - 7200
    catalogue = Catalogue.open(dam.data / "catalogue.db")
    missing = Outcome(camera="north", slot=slot, node="unit1", outcome="missed", cause="node down")
    slots.record(catalogue, missing)
    catalogue.close()
    for second in (slot - 600, slot, slot + 1, slot + 86_400):
        put(tmp_path / "archive" / f"{utc(second):%Y%m%dT%H%M%SZ}.jpg", jpeg())
    state = take_in(run, dam, tmp_path / "archive")
    assert (state["filled"], state["extras"], state["plan"]["future"]) == (2, 2, 1)
    found = {row[1]: (row[4], row[9]) for row in known(dam)["slots"]}
    assert found[slot - 600] == ("captured", None)
    assert found[slot] == ("missed", f"north_{utc(slot):%Y%m%dT%H%M%SZ}_unit1_1-2.jpg")
    assert slot + 86_400 not in found  # it is still to be shot


# --- a Webcampak


def test_a_webcampak_is_read_by_its_own_clock_over_the_end_of_summer_time(dam: Site, tmp_path: Path, run: Run) -> None:
    source = tmp_path / "webcampak/sources/source1/pictures"
    put(tmp_path / "webcampak/etc/config-source1.cfg", b'cfgcapturetimezone="America/Montreal"\n')
    put(source / "20251102/20251102003000.jpg", jpeg())
    put(source / "20251102/20251102013000.jpg", jpeg(), mtime=at("2025-11-02T05:30:04"))
    put(source / "20251102/20251102014000.jpg", jpeg())
    put(source / "raw/20251102/20251102014000.nef", nef("2025:11:02 01:40:00"))
    put(source / "20251102/20251102023000.jpg", jpeg())
    put(source / "20250309/20250309030000.jpg", jpeg())
    put(source.parent / "live/last-capture.jpg", jpeg())
    state = take_in(run, dam, tmp_path / "webcampak")
    assert names(dam) == [
        "20250309T070000Z.jpg",  # the first instant of summer time
        "20251102T043000Z.jpg",
        "20251102T053000Z.jpg",  # its file says that it is the first 01:30
        "20251102T064000Z.jpg",  # nobody says: the second 01:40 overwrote the first
        "20251102T064000Z.nef",
        "20251102T073000Z.jpg",
    ]
    assert (state["layout"], state["doubtful"], state["dated"]) == ("webcampak", 1, {"name": 6})
    other = take_in(run, dam, tmp_path / "webcampak", "--zone", "UTC", "--dry-run")
    assert other["plan"]["first"] == at("2025-03-09T03:00:00").timestamp()
    # At this second start it owed no slots between the old archive and today.
    assert {row[4] for row in known(dam)["slots"]} == {"captured"}


def test_several_sources_are_never_mixed_into_one_camera(dam: Site, tmp_path: Path, run: Run) -> None:
    for number in (1, 2):
        put(tmp_path / f"webcampak/source{number}/pictures/20250601/20250601120000.jpg", jpeg())
    status, _, err = run("import", tmp_path / "webcampak", "--camera", "north", "--site", dam.file)
    assert status == 2
    assert "several sources (source1, source2): import one after the other" in err


# --- interrupted, refused, full


def test_it_may_be_killed_at_any_moment_and_goes_on_with_nothing_doubled(dam: Site, tmp_path: Path, run: Run) -> None:
    root = tmp_path / "archive"
    for number in range(40):
        put(root / f"2025060112{number:02d}07.jpg", jpeg(size=50_000))
    process = subprocess.Popen(
        [*PROGRAM, "import", str(root), "--site", str(dam.file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    end = time.monotonic() + PATIENCE
    while len(names(dam)) < 9:
        assert process.poll() is None
        assert time.monotonic() < end
    process.kill()
    process.wait()
    assert 0 < len(names(dam)) < 40
    state = take_in(run, dam, root)
    assert len(names(dam)) == 40
    assert state["taken"] + state["known"] == 40
    assert len({row[-1] for row in known(dam)["pictures"]}) == len(known(dam)["pictures"]) == 40
    assert list((dam.data / "spool").iterdir()) == []
    assert not (dam.data / "quarantine").exists() or list((dam.data / "quarantine").iterdir()) == []


def test_more_than_fits_is_refused_until_somebody_says_how_many(dam: Site, tmp_path: Path, run: Run) -> None:
    root = tmp_path / "archive"
    for number in range(3):
        put(root / f"2025060112000{number}.jpg", jpeg(size=1000))
    free = os.statvfs(dam.folder)
    dam.keep_free = f"{free.f_bavail * free.f_frsize + 10**9}B"
    dam.write()
    status, _, err = run("import", root, "--site", dam.file)
    assert status == 1
    assert "it does not fit: 3 kB are new, and the buffer takes 0 B" in err
    assert names(dam) == []
    dam.keep_free = "1MB"
    dam.write()
    assert take_in(run, dam, root, "--at-most", "2")["taken"] == 2


@pytest.mark.skipif(not ROOT, reason="only root may mount a small disk")
def test_a_disk_that_fills_up_stops_it_clearly_and_loses_nothing(dam: Site, tmp_path: Path, run: Run) -> None:
    dam.data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(dam.data)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no small disk can be mounted here")
    try:
        root = tmp_path / "archive"
        for number in range(12):
            put(root / f"2025060112{number:02d}00.jpg", jpeg(size=500_000))
        before = snapshot(root)
        status, out, err = run("import", root, "--site", dam.file, "--at-most", "99", "--remove")
        assert status == 1
        assert "the disk has room for no more" in err
        taken = len(names(dam))
        assert f"{taken} pictures taken in" in out
        assert 0 < taken < 12
        assert len(snapshot(root)) == len(before) - taken
        assert run("verify", "--site", dam.file)[0] == 0
        assert list((dam.data / "spool").iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", str(dam.data)], check=True)


def test_neither_the_nodes_own_pictures_nor_copies_that_count_are_taken_for_an_archive(dam: Site, run: Run) -> None:
    assert run("import", dam.folder, "--site", dam.file)[0] == 2
    status, _, err = run("import", dam.folder / "nas", "--site", dam.file, "--remove")
    assert (status, "the destination nas is there" in err) == (2, True)


# --- a node that runs


def test_a_running_node_takes_it_in_between_its_shots_and_delivers_it(dam: Site, card: Path) -> None:
    dam.camera(every="1s")
    dam.write()
    old = jpeg()
    put(card / DCIM / "north_20250501T100000Z_unit7_1-3.jpg", old)  # a name of ours is kept
    with running(dam) as node:
        node.until(lambda: dam.captured(), "it shoots")
        shot = len(dam.captured())
        done = overlapse("import", card, "--site", dam.file, "--remove")
        assert done.status == 0, done.err
        node.until(lambda: len(dam.captured()) >= shot + 2, "it goes on shooting")
        node.until(lambda: not dam.ask("queue")["deliveries"], "all is delivered")
        found = dam.slots("north")
        events = [event["text"] for event in dam.events("errand ended")]
        assert node.end() == 0
    assert "WILL BE SENT TO" in done.err
    assert "9 pictures taken in" in done.out
    assert "9 removed from" in done.out
    assert sorted(path.name for path in (card / DCIM).iterdir()) == ["DSC_0007.JPG", "DSC_0008.JPG", "MOVIE.MOV"]
    assert "9 pictures taken in" in events[0]
    assert {slot["outcome"] for slot in found} <= {"captured", "late"}
    kept = dam.data / "pictures/north/2025/05/01/north_20250501T100000Z_unit7_1-3.jpg"
    assert kept.read_bytes() == old
    assert len(list((dam.folder / "nas").rglob("*_2025*.jpg"))) == 7
    audit = (dam.data / "audit.log").read_text()
    assert '"import"' in audit


def test_a_running_node_that_is_killed_goes_on_with_it_by_itself(dam: Site, tmp_path: Path) -> None:
    root = tmp_path / "archive"
    for number in range(40):
        put(root / f"2025060112{number:02d}07.jpg", jpeg(size=50_000))
    with running(dam) as node:
        order = dam.ask("import", path=str(root))["order"]
        assert dam.ask("import", path=str(root)) == {"order": order, "joined": True}
        with pytest.raises(OverlapseError, match="is under way: stop it first"):
            dam.ask("import", path=str(tmp_path / "other"))
        node.until(lambda: len(names(dam)) > 8, "it takes in")
        node.kill()
    assert len(names(dam)) < 40
    with running(dam) as node:
        node.until(lambda: dam.ask("errand").get("ended"), "it goes on to the end")
        state = dam.ask("errand")
        assert node.end() == 0
    assert (state["order"], state["taken"] + state["known"]) == (order, 40)
    assert len(names(dam)) == len(known(dam)["pictures"]) == 40
