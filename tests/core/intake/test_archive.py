"""How a tree that is not ours is laid out: seen, and walked without what is no camera's."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers.archive import put

from core.errors import NoSuchThing
from core.intake.archive import Archive, Source, batches, recognise


def folders(archive: Archive) -> list[list[str]]:
    """Return the names of the folders that are looked into together."""
    return [
        [str(folder.relative_to(source.root)) for folder in some]
        for source in archive.sources
        for some in batches(archive.layout, source)
    ]


@pytest.fixture
def webcampak(tmp_path: Path) -> Path:
    root = tmp_path / "webcampak"
    for folder in ("pictures/20251025", "pictures/raw/20251025", "pictures/20251026", "pictures/process-daily", "live"):
        put(root / "sources/source1" / folder / "20251025120000.jpg", b"x")
    put(root / "etc/config-source1.cfg", b'cfgsourcetype="gphoto"\ncfgcapturetimezone="America/Montreal"\n')
    return root


def test_a_webcampak_is_recognised_wherever_one_points_at_it(webcampak: Path) -> None:
    source = webcampak / "sources/source1"
    expected = Archive("webcampak", (Source(source / "pictures", "source1", "America/Montreal"),))
    for root in (webcampak, webcampak / "sources", source, source / "pictures"):
        assert recognise(root) == expected


def test_pairs_of_a_webcampak_are_looked_at_together_and_what_it_made_is_not_taken(webcampak: Path) -> None:
    assert folders(recognise(webcampak)) == [["20251025", "raw/20251025"], ["20251026"]]


def test_a_card_is_its_dcim_folder(tmp_path: Path) -> None:
    put(tmp_path / "DCIM/100NIKON/DSC_0001.JPG", b"x")
    put(tmp_path / "MISC/thumb.jpg", b"x")
    archive = recognise(tmp_path)
    assert archive == Archive("card", (Source(tmp_path / "DCIM"),))
    assert folders(archive) == [["."], ["100NIKON"]]
    assert recognise(tmp_path / "DCIM/100NIKON").layout == "card"


def test_any_other_tree_is_flat_without_hidden_folders_and_thumbnails(tmp_path: Path) -> None:
    for name in ("a/b", ".trash", "@eaDir", "c"):
        put(tmp_path / name / "1.jpg", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    archive = recognise(tmp_path)
    assert archive.layout == "flat"
    assert folders(archive) == [["."], ["a"], ["a/b"], ["c"]]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    for layout, told in (("card", "no DCIM"), ("webcampak", "no pictures/YYYYMMDD")):
        with pytest.raises(NoSuchThing, match=told):
            recognise(tmp_path, layout)
    with pytest.raises(NoSuchThing, match="no such folder"):
        recognise(tmp_path / "none")
