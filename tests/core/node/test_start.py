"""Starting the real node: on a data folder that is taken, and on a catalogue that is damaged or gone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from peers.node import Node, Site, known, overlapse, running, stamps

from core.catalogue import states
from core.catalogue.store import Catalogue
from core.cli.sites import read_sites
from core.clock import SystemClock
from core.coordination import certs
from core.coordination.protocol.records import CameraPlan, camera_key, encode
from core.errors import CatalogueCorrupt
from core.node.start import open_site
from core.site.engine import credential_files

PAGE = 4096  # bytes: SQLite's own default


def harbour(folder: Path) -> Site:
    """A site whose NAS takes every picture, and whose office is not there until a test makes its folder."""
    site = Site(folder, name="harbour")
    site.camera(every="1s")
    site.destination("nas")
    site.destination("office", address=f"folder:{folder}/office")
    (folder / "office").rmdir()
    site.write()
    return site


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a node left when it was stopped: pictures that are on the NAS, and wait for the office."""
    site = harbour(tmp_path_factory.mktemp("kept") / "harbour")
    with running(site) as node:
        node.until(lambda: len(site.captured()) >= 3, "it shoots")
        node.until(lambda: not site.ask("queue", destination="nas")["deliveries"], "the NAS has all")
        assert node.end() == 0
    return site.folder


@pytest.fixture
def stopped(kept: Path, tmp_path: Path) -> Site:
    """The same in a folder of its own."""
    shutil.copytree(kept, tmp_path / "harbour")
    return harbour(tmp_path / "harbour")


def root_of(catalogue: Path, table: str) -> int:
    """Return where the first page of a table begins, in bytes."""
    with closing(sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True)) as asked:
        [page] = asked.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return int(page - 1) * PAGE


def overwrite(catalogue: Path, table: str) -> None:
    with catalogue.open("r+b") as stream:
        stream.seek(root_of(catalogue, table))
        stream.write(b"\xa5" * PAGE)


def damage(catalogue: Path, how: str) -> None:
    if how == "gone":
        catalogue.unlink()
    elif how == "no catalogue":
        catalogue.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(10_000))
    else:
        overwrite(catalogue, how)


def assert_no_hole(slots: list[tuple[Any, ...]]) -> None:
    """Every second has its outcome, those in which no node ran too."""
    seconds = [slot for _, slot, *_ in slots]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))


@pytest.mark.parametrize("how", ["picture", "delivery", "no catalogue", "gone"])
def test_a_damaged_catalogue_is_made_anew_and_nothing_is_lost_or_sent_again(stopped: Site, how: str) -> None:
    before, there, here = known(stopped), stamps(stopped.folder / "nas"), stamps(stopped.data / "pictures")
    assert before["waiting"]
    assert {place for place, _ in before["waiting"]} == {"office"}
    damage(stopped.data / "catalogue.db", how)
    with started(stopped) as node:
        assert told(stopped)
        seen = len(stopped.captured())
        node.until(lambda: len(stopped.captured()) > seen, "it goes on")
        (stopped.folder / "office").mkdir()
        stopped.ask("retry", destination="office")
        node.until(lambda: not stopped.ask("queue", destination="office")["deliveries"], "what waited is sent")
        assert node.end() == 0
    after = known(stopped)
    assert after["slots"][: len(before["slots"])] == before["slots"]
    assert_no_hole(after["slots"])
    assert after["pictures"][: len(before["pictures"])] == before["pictures"]
    assert set(before["receipts"]) <= set(after["receipts"])
    assert {name.rpartition("/")[2] for name in there} <= {path.name for path in (stopped.folder / "office").rglob("*")}
    assert stamps(stopped.folder / "nas").items() >= there.items()
    assert stamps(stopped.data / "pictures").items() >= here.items()
    assert overlapse("verify", "--remote", "--site", stopped.file).status == 0


@contextmanager
def started(site: Site) -> Iterator[Node]:
    """Start the node, and once more if it ends over its catalogue, as systemd does; it has told of the damage."""
    with running(site, ready=False) as node:
        node.until(lambda: told(site) or node.process.poll() is not None, "it tells of it, or ends")
        if node.process.poll() is None:
            yield node
            return
    assert node.process.returncode == 1
    assert node.log().endswith("start the node: it makes it anew\n")
    assert "Traceback" not in node.log()
    with running(site) as node:
        yield node


def told(site: Site) -> list[str]:
    try:
        return [event["text"] for event in site.events("catalogue")]
    except CatalogueCorrupt:
        return []


def test_a_catalogue_that_is_damaged_while_the_node_runs_is_made_anew_by_the_next_start(stopped: Site) -> None:
    catalogue = stopped.data / "catalogue.db"
    before = known(stopped)
    with running(stopped) as node:
        node.until(lambda: len(stopped.slots()) >= len(before["slots"]) + 2, "it works")
        with closing(sqlite3.connect(catalogue, isolation_level=None)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            overwrite(catalogue, "event")  # which no start needs: only the node that met the damage knows of it
            other.execute("PRAGMA application_id = 1")  # whoever reads now does not trust what it remembers
            node.until(lambda: node.process.poll() is not None, "it ends")
    assert node.process.returncode == 1
    assert node.log().endswith("start the node: it makes it anew\n")
    assert "Traceback" not in node.log()
    here = stamps(stopped.data / "pictures")
    with started(stopped) as node:
        assert any("made anew from the day books" in text for text in told(stopped))
        seen = len(stopped.captured())
        node.until(lambda: len(stopped.captured()) > seen, "it goes on")
        assert node.end() == 0
    after = known(stopped)
    assert after["slots"][: len(before["slots"])] == before["slots"]
    assert_no_hole(after["slots"])
    assert len(after["pictures"]) == len(stopped.pictures())
    assert stamps(stopped.data / "pictures").items() >= here.items()
    assert overlapse("verify", "--remote", "--site", stopped.file).status == 0


def test_a_second_node_under_another_name_is_refused_in_one_line_and_the_first_goes_on(tmp_path: Path) -> None:
    first = harbour(tmp_path / "harbour")
    other = Site(tmp_path / "other", name="other")
    other.camera(every="1s")
    other.file.write_text(other.write().read_text().replace('data = "data"', f'data = "{first.data}"'))
    free = harbour(tmp_path / "free")
    free.name = "free"
    free.write()
    with running(first) as node:
        node.until(lambda: first.captured(), "it shoots")
        lock = (first.data / "lock").read_text()
        with running(free, other, ready=False) as second:
            node.until(lambda: second.process.poll() is not None, "the second ends")
        seen = len(first.captured())
        node.until(lambda: len(first.captured()) > seen, "the first goes on")
        assert (first.data / "lock").read_text() == lock == str(node.process.pid)
        with running(free):  # what the second held was given free
            pass
        assert node.end() == 0
    assert second.process.returncode == 1
    refusals = [line for line in second.log().splitlines() if line.startswith("overlapse: ")]
    assert refusals == [
        f"overlapse: {first.data}: another node (process {lock}) runs on this data folder; stop it first"
    ]
    assert "Traceback" not in second.log()


def test_a_second_node_writes_nothing_even_when_the_lock_was_removed(stopped: Site) -> None:
    with running(stopped) as node:
        node.until(lambda: stopped.slots(), "it shoots")
        (stopped.data / "lock").unlink()
        second = overlapse("run", "--site", stopped.file)
        assert node.end() == 0
    assert (second.status, "another node answers there" in second.err) == (1, True)
    causes = [line for line in stopped.lines() if line.get("cause") == "node down" and line["fence"] != "1-2"]
    assert causes == [], "the fence of the second start stands in no line"


def test_a_unit_whose_file_names_no_backup_any_more_shares_the_store_by_the_one_that_was_agreed_upon(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "quay")
    site.camera(every=None, more="exclusive = true")
    site.tables["fleet"] = '[[node]]\nname = "fr"\nkind = "cloud"\n[coordination]\nservers = ["tls://127.0.0.1:1"]\n'
    site.tables["fleet"] += 'coordinator = "fr"\ncredentials = "fleet"'
    site.tables["camera north"] += '\nprimary = "unit1"'
    give_login(site, "unit1")
    place, loaded = read_sites([site.write()], "unit1")[0]
    site.data.mkdir()
    with closing(Catalogue.open(place.folders.catalogue)) as catalogue:
        agreed = CameraPlan(1, primary="unit1", backup="fr", exclusive=True)
        states.put(catalogue, states.ASSIGNED, {camera_key("north"): encode(agreed).decode()})
    with closing(open_site(place, loaded, SystemClock(), SimpleQueue(), lambda: loaded, listen=False)) as opened:
        with closing(opened.part):
            assert opened.part.context.engine is not None
            assert opened.part.context.cameras() == [], "cut off, it cannot know that fr does not drive it"


def give_login(site: Site, node: str) -> None:
    """Make the files by which a node would be let in at the voters."""
    authority = certs.new_authority("fleet")
    (site.folder / "fleet").mkdir()
    ca, certificate, key = credential_files(site.folder / "fleet", site.name, node)
    pair = certs.issue(authority, f"{node}@{site.name}", address=f"{node}@{site.name}")
    for path, content in ((ca, authority.certificate), (certificate, pair.certificate), (key, pair.key)):
        path.write_bytes(content)
        path.chmod(0o600)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 MB, of which memory is taken only as it fills."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs a tmpfs of its own: run as root with the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_node_starts_on_a_disk_that_has_not_one_byte_left(disk: Path, tmp_path: Path) -> None:
    site = harbour(tmp_path / "full")
    site.data.symlink_to(disk)
    with running(site) as node:
        node.until(lambda: len(site.captured()) >= 2, "it shoots")
        assert node.end() == 0
    assert (disk / "reserve").exists()
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 65_536):
            pass
    with running(site) as node:
        node.until(lambda: site.ask("status"), "it answers")
        filler.unlink()
        node.until(lambda: len(site.captured()) >= 4, "it shoots again")
        assert node.end() == 0
    assert overlapse("verify", "--site", site.file).status == 0
