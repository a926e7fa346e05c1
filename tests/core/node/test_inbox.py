"""What a node makes of what stands in its inbox, whoever put it there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from peers.fleet import Fleet
from peers.node import Node

from core.intake.entries import OutcomeEntry, PictureEntry, to_json
from core.transfer import drops
from core.values import Fence, PictureName, Sha256

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WHOLE = b"\xff\xd8 one picture \xff\xd9"
OTHER = b"\xff\xd8 another one \xff\xd9"


def named(camera: str = "north", node: str = "unit1", token: int = 1) -> PictureName:
    return PictureName(camera, AT, node, Fence(1, token), "jpg")


def told(name: PictureName, data: bytes, index: int = 72) -> list[drops.Json]:
    """Return what its node says of a picture."""
    slot = int(name.at.timestamp())
    line = PictureEntry(
        name=name,
        slot=slot,
        index=index,
        kind="jpeg",
        size=len(data),
        sha256=Sha256(hashlib.sha256(data).hexdigest()),
        shutter=slot * 1000 + 7,
        source_name="DSC_0001.JPG",
        trusted=False,
    )
    outcome = OutcomeEntry(camera=name.camera, slot=slot, node=name.node, outcome="captured", index=index)
    return [to_json(line), to_json(outcome)]


class Inbox:
    """The inbox of a node that runs, as its deliverers see it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "in"
        self.fleet = Fleet(root, {"unit1": "", "unit2": "", "fr": f'kind = "cloud"\ninbox = "{self.folder}"'})
        address = f'address = "folder:{self.folder}/unit1"'
        self.fleet.tables = {
            "fr": f'[[destination]]\nname = "fr"\nnode = "fr"\n{address}',
            "to fr": '[[route]]\nwhat = ["jpeg"]\nto = "fr"',
        }
        (self.folder / "unit1").mkdir(parents=True)
        self.fleet.write()
        self.fr = self.fleet.sites["fr"]
        self._sent = 1_000_000_000_000

    def put(self, name: str, data: bytes) -> Path:
        """Leave a file there at once, as an upload does."""
        path = self.folder / "unit1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.0123456789abcdef.part")
        part.write_bytes(data)
        return part.rename(path)

    def say(self, lines: list[drops.Json]) -> Path:
        self._sent += 1
        return self.put(drops.lines("quay", "unit1", self._sent), drops.pack(lines))

    def picture(self, name: PictureName, data: bytes = WHOLE) -> Path:
        return self.put(drops.picture("quay", name), data)

    def receipts(self) -> list[drops.Json]:
        """Return what was answered, in order."""
        found = sorted(self.folder.glob("unit1/quay/_receipts/fr_*"))
        return [one for path in found for one in drops.unpack(path.read_bytes())]

    def quarantine(self) -> list[str]:
        return sorted(path.name.partition("-")[2] for path in (self.fr.data / "quarantine").iterdir())

    def events(self, kind: str) -> list[str]:
        return [event["text"] for event in self.fr.events(kind)]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


@pytest.fixture
def fr(inbox: Inbox) -> Iterator[Node]:
    with inbox.fleet.one("fr") as node:
        node.ready()
        yield node


def test_what_is_no_picture_of_its_deliverer_is_set_aside_and_told(inbox: Inbox, fr: Node, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of this machine")
    refused = {
        "quay/north/readme.txt": b"hello",
        drops.picture("quay", named(node="unit2")): WHOLE,
        drops.picture("quay", named(camera="east")): WHOLE,
        drops.picture("quay", named(node="fr")): WHOLE,
        "quay/somewhere/else/north.jpg": WHOLE,
    }
    paths = [inbox.put(name, data) for name, data in refused.items()]
    part = inbox.folder / "unit1" / "quay" / "north" / ".north.jpg.0123456789abcdef.part"
    part.write_bytes(b"half a pic")
    link = inbox.folder / "unit1" / "quay" / "north" / str(named(token=9))
    link.symlink_to(tmp_path / "secret")
    stranger = inbox.put("harbour/north/of-another-site.jpg", WHOLE)
    batch = inbox.say([{"heard": ["../../../../escape", "quay/_receipts/fr_1"]}])
    damaged = inbox.put(drops.lines("quay", "unit1", 5), b"\x78\xbb no batch at all")
    fr.until(lambda: not any(path.exists() for path in [*paths, batch, damaged]), "all are taken away")
    assert sorted(name.rpartition("/")[2] for name in refused) == inbox.quarantine()
    assert len(inbox.events("inbox refused")) == len(refused) + 1
    assert (part.exists(), link.is_symlink(), stranger.exists()) == (True, True, True)
    assert inbox.fr.pictures() == []
    fr.until(lambda: len(inbox.receipts()) == 3, "who delivers pictures of ours hears of it")
    assert all(one["final"] for one in inbox.receipts())


def test_the_same_picture_is_kept_once_another_of_its_name_beside_it_and_an_altered_one_not(
    inbox: Inbox, fr: Node
) -> None:
    name = named()
    inbox.say(told(name, WHOLE))
    first = inbox.picture(name)
    fr.until(lambda: len(inbox.receipts()) == 1 and not first.exists(), "its receipt")
    inbox.say(told(name, WHOLE))
    fr.until(lambda: len(inbox.receipts()) == 2, "a receipt for its line, before it is sent again")
    again = inbox.picture(name)
    fr.until(lambda: len(inbox.receipts()) == 3 and not again.exists(), "another receipt for the same")
    inbox.say(told(name, OTHER))
    other = inbox.picture(name, OTHER)
    fr.until(lambda: len(inbox.receipts()) == 4 and not other.exists(), "a receipt for the other one")
    altered = named(token=2)
    inbox.say(told(altered, WHOLE))
    wrong = inbox.picture(altered, OTHER + b"!")
    fr.until(lambda: len(inbox.receipts()) == 5, "a refusal of the altered one")
    fr.until(lambda: not any(path.exists() for path in (first, again, other, wrong)), "the inbox is empty")
    same, said, known, beside, no = inbox.receipts()
    assert [one["s"] for one in (same, said, known)] == [hashlib.sha256(WHOLE).hexdigest()] * 3
    assert beside["s"] == hashlib.sha256(OTHER).hexdigest()
    assert "other bytes" in no["no"]
    assert {path.name: path.read_bytes() for path in inbox.fr.pictures()} == {
        str(name): WHOLE,
        str(name.numbered(2)): OTHER,
    }
    assert inbox.events("name conflict")
    rows = inbox.fleet.rows("fr", "SELECT nth, slot, idx, shutter, source_name, trusted FROM picture ORDER BY nth")
    slot = int(AT.timestamp())
    assert rows[0] == (1, slot, 72, slot * 1000 + 7, "DSC_0001.JPG", 0)
    assert inbox.fleet.rows("fr", "SELECT camera, slot, node, outcome, idx FROM slot") == [
        ("north", slot, "unit1", "captured", 72)
    ]


def test_a_deliverer_who_bars_the_way_back_keeps_nobody_else_waiting(inbox: Inbox, fr: Node, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder in ("unit0", "unit2"):
        (inbox.folder / folder / "quay" / "north").mkdir(parents=True)
    (inbox.folder / "unit0" / "quay" / "_receipts").symlink_to(elsewhere)
    (inbox.folder / "unit2" / "quay" / "_receipts").write_text("no folder")
    for folder in ("unit0", "unit2"):
        (inbox.folder / folder / "quay" / "north" / str(named(node="unit9"))).write_bytes(WHOLE)
    inbox.say(told(named(), WHOLE))
    whole = inbox.picture(named())
    fr.until(lambda: len(inbox.receipts()) == 1 and not whole.exists(), "the others' pictures are taken in")
    fr.until(lambda: len([text for text in inbox.events("inbox refused") if "no receipts" in text]) == 2, "it is told")
    assert list(elsewhere.iterdir()) == []
    assert inbox.events("inbox trouble") == []
