"""Files are the truth: the catalogue is made anew from the day books and says the same as before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.catalogue import buffer, check, deliveries, live, overrides, pictures, receipts, slots, states
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture, Picture
from core.catalogue.rebuild import Replayed, follow, rebuild
from core.catalogue.store import Catalogue
from core.errors import OverlapseError
from core.intake import daybook, entries
from core.values import Fence, Kind, PictureName, Sha256, seconds_of, utc

NOON = 1_795_262_400
CONTENT = {
    "picture": "camera, at, node, epoch, token, nth, extension, slot, idx, kind, size, sha256, shutter, source_name, "
    "source_time, trusted, taken_in, sum, gone, required, pending",
    "view": "(SELECT sum FROM picture WHERE id = picture), verdict, why, stats",
    "deletion": "(SELECT sum FROM picture WHERE id = picture), at, why, copies",
    "slot": "*",
    "delivery": "(SELECT sum FROM picture WHERE id = picture), rendition, destination, remote, priority, at, required, "
    "level, state, size",
    "receipt": "(SELECT remote || destination FROM delivery WHERE id = delivery), level, size, sha256, at",
    "override": "camera, at, what, who, until, why",
    "state": "key, value",
    "fence": "*",
    "picture_tally": "*",
    "delivery_tally": "destination, state, n, bytes",
    "outcome_tally": "*",
    "view_tally": "verdict, n",
    "deletion_tally": "*",
}


def content(catalogue: Catalogue) -> dict[str, list[tuple[object, ...]]]:
    """Return all that a rebuild must give back: not attempts, backoff and ids."""
    dumped = {
        table: sorted((tuple(row) for row in catalogue.rows(f"SELECT {columns} FROM {table}")), key=repr)  # noqa: S608
        for table, columns in CONTENT.items()
    }
    for table in ("delivery_tally", "view_tally"):
        dumped[table] = [row for row in dumped[table] if any(isinstance(one, int) and one for one in row)]
    return dumped


def plan(picture: Picture) -> Iterator[NewDelivery]:
    """What the routes of the site want: all to the NAS, JPEG also to fr, and the live picture."""
    raw = picture.kind == "raw"
    priority = Priority.RAW if raw else Priority.JPEG
    yield NewDelivery(destination="nas", remote=picture.name.path, priority=priority, level=3)
    if not raw:
        yield NewDelivery(destination="fr", remote=picture.name.path, priority=priority, level=2)
        yield NewDelivery(destination="web", remote="live.jpg", priority=Priority.LIVE, level=1, required=False)


class Unit:
    """A node in small: each thing that happens is a line of the day book and a change of the catalogue."""

    def __init__(self, data: Path, catalogue: Path) -> None:
        self.pictures = data / "pictures"
        self.pictures.mkdir()
        self.path = catalogue
        self.catalogue = Catalogue.open(catalogue)
        self.books = daybook.DayBooks(self.pictures)

    def write(self, *lines: entries.Entry) -> None:
        for folder, length in self.books.append(lines, sync=False).items():
            states.set_offset(self.catalogue, folder, length)

    def shoot(self, slot: int, extension: str = "jpg") -> Picture:
        at = NOON + 600 * slot
        name = PictureName("north", utc(at), "unit1", Fence(1, 7 + slot // 100), extension)
        kind: Kind = "jpeg" if extension == "jpg" else "raw"
        sha256 = Sha256(random.Random(str(name)).randbytes(32).hex())
        (self.pictures / name.folder).mkdir(parents=True, exist_ok=True)
        (self.pictures / name.path).write_bytes(b"picture")
        line = entries.PictureEntry(
            name=name, slot=at, index=slot, kind=kind, size=7 + slot, sha256=sha256, source_name="\udcff", taken_in=5
        )
        outcome = entries.OutcomeEntry(
            camera="north", slot=at, node="unit1", outcome="captured", index=slot, fence=name.fence
        )
        with self.catalogue.transaction():
            self.write(line, outcome)
            new = NewPicture(
                name=name,
                slot=at,
                index=slot,
                kind=kind,
                size=7 + slot,
                sha256=sha256,
                source_name="\udcff",
                taken_in=5,
            )
            picture = pictures.by_id(self.catalogue, pictures.insert(self.catalogue, new))
            known = slots.Outcome(
                camera="north", slot=at, node="unit1", outcome="captured", index=slot, fence=name.fence
            )
            slots.record(self.catalogue, known)
            deliveries.enqueue(self.catalogue, picture.id, plan(picture))
        return picture

    def prove(self, delivery: deliveries.Delivery, level: int) -> None:
        assert delivery.size is not None
        assert delivery.sha256 is not None
        line = entries.ReceiptEntry(
            name=delivery.name,
            destination=delivery.destination,
            level=level,
            remote=delivery.remote,
            size=delivery.size,
            sha256=delivery.sha256,
            at=777,
            required=delivery.required,
            wanted=delivery.level,
            priority=int(delivery.priority),
        )
        with self.catalogue.transaction():
            self.write(line)
            receipts.prove(self.catalogue, delivery.id, level, delivery.size, delivery.sha256, 777)

    def delete(self, picture: Picture, why: str) -> None:
        with self.catalogue.transaction():
            self.write(entries.DeletionEntry(name=picture.name, at=888, why=why, copies=("nas",)))
            buffer.mark_gone(self.catalogue, picture.id, 888, why, ["nas"])
        (self.pictures / picture.name.path).unlink()

    def look(self, picture: Picture, verdict: str) -> None:
        with self.catalogue.transaction():
            self.write(entries.ViewEntry(name=picture.name, verdict=verdict, stats={"mean": 0.25}))
            pictures.set_view(self.catalogue, picture.id, verdict, "", {"mean": 0.25})
            (live.stay_back if verdict == "broken" else live.go_live)(self.catalogue, picture.id)

    def miss(self, slot: int, spare: PictureName | None = None) -> None:
        at = NOON + 600 * slot
        lines: list[entries.Entry] = [
            entries.OutcomeEntry(camera="north", slot=at, node="unit1", outcome="missed", cause="camera gone")
        ]
        if spare is not None:
            lines.append(entries.FilledEntry(camera="north", slot=at, node="unit1", name=spare))
        with self.catalogue.transaction():
            self.write(*lines)
            known = slots.Outcome(camera="north", slot=at, node="unit1", outcome="missed", cause="camera gone")
            slots.record(self.catalogue, known)
            if spare is not None:
                slots.fill(self.catalogue, "north", at, "unit1", str(spare))

    def order(self, what: str, at: int) -> None:
        with self.catalogue.transaction():
            self.write(entries.OverrideEntry(camera="north", at=at, what=what, who="anna"))
            overrides.add(self.catalogue, overrides.Override(camera="north", at=at, what=what, who="anna"))

    def live_some_days(self) -> None:
        """Three days with everything that can happen to a picture."""
        chance = random.Random(4)
        for slot in range(0, 400, 4):
            shot = [self.shoot(slot), self.shoot(slot, "cr2")]
            if chance.random() < 0.2:
                self.miss(slot + 1, shot[0].name if chance.random() < 0.5 else None)
            for picture in shot:
                if chance.random() < 0.5:
                    self.look(picture, chance.choice(["good", "broken"]))
                for delivery in deliveries.of_picture(self.catalogue, picture.id):
                    if delivery.size is None:
                        continue  # a live picture that waits for its look
                    if chance.random() < 0.7:
                        self.prove(delivery, chance.choice([delivery.level, delivery.level, 3]))
                    elif chance.random() < 0.3:
                        deliveries.fail(self.catalogue, delivery.id, "DestinationUnreachable", "", True, 1)
                if chance.random() < 0.2:
                    self.delete(picture, chance.choice(["room", "expired unproven"]))
        self.order("pause", NOON * 1000)
        self.order("resume", (NOON + 600) * 1000)

    def stop(self) -> None:
        self.books.close()
        self.catalogue.close()

    def rebuild(self) -> Replayed:
        return rebuild(self.path, daybook.read_all(self.pictures), folder=self.pictures, plan=plan)


@pytest.fixture
def unit(tmp_path: Path, catalogue_path: Path) -> Iterator[Unit]:
    made = Unit(tmp_path, catalogue_path)
    yield made
    made.stop()


def opened(path: Path) -> Catalogue:
    catalogue = Catalogue.open(path)
    assert check.damage(catalogue, deep=True) == []
    return catalogue


def test_a_rebuilt_catalogue_says_what_the_original_said(unit: Unit) -> None:
    unit.live_some_days()
    before = content(unit.catalogue)
    assert all(before.values())
    unit.stop()
    done = unit.rebuild()
    again = opened(unit.path)
    after = content(again)
    for table, rows in before.items():
        assert after[table] == rows, table
    assert pictures.highest_fence(again) == Fence(1, 10)
    again.close()
    assert (done.told, done.without_line, done.without_file, done.undeleted) == ([], [], [], [])
    assert unit.path.with_name("catalogue.db.old").exists()
    assert not unit.path.with_name("catalogue.db.new").exists()


ASSIGNED = {"cfg.cam.north": '{"g":1,"primary":"unit1","backup":"fr"}'}


def test_a_rebuilt_catalogue_knows_what_the_nodes_agreed_upon(unit: Unit) -> None:
    states.put(unit.catalogue, states.ASSIGNED, ASSIGNED)
    states.put(unit.catalogue, "of no use", 1)
    unit.stop()
    unit.rebuild()
    again = opened(unit.path)
    assert (states.get(again, states.ASSIGNED), states.get(again, "of no use")) == (ASSIGNED, None)
    again.close()


def test_what_a_damaged_catalogue_says_the_nodes_agreed_upon_is_not_believed(unit: Unit) -> None:
    states.put(unit.catalogue, states.ASSIGNED, ASSIGNED)
    unit.catalogue.run("UPDATE state SET value = replace(value, 'fr', 'ca')")
    unit.stop()
    unit.rebuild()
    again = opened(unit.path)
    assert states.get(again, states.ASSIGNED) is None
    again.close()


def test_a_rebuild_sends_nothing_again(unit: Unit) -> None:
    unit.live_some_days()
    proven = "SELECT count(*) FROM delivery WHERE state = 'proven'"
    before = unit.catalogue.value(proven)
    unit.stop()
    unit.rebuild()
    again = opened(unit.path)
    assert again.value(proven) == before
    again.close()


def test_what_nobody_plans_any_more_stays_proven_and_nothing_is_queued(unit: Unit) -> None:
    picture = unit.shoot(0)
    unit.look(picture, "good")
    for delivery in deliveries.of_picture(unit.catalogue, picture.id):
        unit.prove(delivery, 3)
    unit.stop()
    done = rebuild(unit.path, daybook.read_all(unit.pictures))
    again = opened(unit.path)
    assert pictures.by_id(again, 1).proven
    assert done.queued == 0
    again.close()


def test_replaying_everything_twice_changes_nothing(unit: Unit) -> None:
    unit.live_some_days()
    before = content(unit.catalogue)
    done = follow(unit.catalogue, daybook.read_all(unit.pictures), plan)
    assert content(unit.catalogue) == before
    assert (done.told, done.queued) == ([], 0)


def test_a_start_reads_only_what_follows_the_offsets(unit: Unit) -> None:
    unit.shoot(0)
    unit.shoot(200)
    late = unit.shoot(1)
    known = states.offsets(unit.catalogue)
    assert list(daybook.read_after(unit.pictures, known)) == []
    unit.books.append([entries.ViewEntry(name=late.name, verdict="good", stats={})])
    done = follow(unit.catalogue, daybook.read_after(unit.pictures, known))
    assert dict(done.applied) == {"view": 1}
    assert pictures.view(unit.catalogue, late.id) is not None
    assert list(daybook.read_after(unit.pictures, states.offsets(unit.catalogue))) == []


def test_a_line_that_was_durable_before_the_commit_is_caught_up_with_its_deliveries(unit: Unit) -> None:
    unit.shoot(0)
    name = PictureName("north", utc(NOON + 600), "unit1", Fence(1, 7), "jpg")
    line = entries.PictureEntry(name=name, slot=NOON + 600, kind="jpeg", size=5, sha256=Sha256("a" * 64))
    unit.books.append([line])  # and then the power went
    done = follow(unit.catalogue, daybook.read_after(unit.pictures, states.offsets(unit.catalogue)), plan)
    found = pictures.by_name(unit.catalogue, name)
    assert found is not None
    assert (found.required, done.queued) == (2, 3)


def test_a_picture_without_a_line_and_a_line_without_its_picture_are_told(unit: Unit) -> None:
    here, lost, other_day, gone = unit.shoot(0), unit.shoot(1), unit.shoot(300), unit.shoot(2)
    unit.delete(gone, "room")
    for picture in (lost, other_day):
        (unit.pictures / picture.name.path).unlink()
    (unit.pictures / gone.name.path).write_bytes(b"the deletion was cut")
    stray = here.name.numbered(2)
    (unit.pictures / stray.path).write_bytes(b"no line tells of me")
    unit.stop()
    done = unit.rebuild()
    assert done.without_line == [str(stray)]
    assert done.without_file == [str(lost.name), str(other_day.name)]
    assert done.undeleted == [str(gone.name)]


def test_a_line_without_sense_is_told_and_stops_nothing(unit: Unit) -> None:
    picture = unit.shoot(0)
    stranger = picture.name.numbered(9)
    other_bytes = entries.PictureEntry(name=picture.name, slot=NOON, kind="jpeg", size=7, sha256=Sha256("0" * 64))
    unit.books.append(
        [
            entries.ViewEntry(name=stranger, verdict="good", stats={}),
            other_bytes,
            entries.OutcomeEntry(camera="north", slot=NOON + 1, node="unit1", outcome="perhaps"),
            entries.ViewEntry(name=picture.name, verdict="good", stats={}),
        ]
    )
    unit.stop()
    done = unit.rebuild()
    assert len(done.told) == 3
    assert done.applied["view"] == 1


def test_a_rebuild_that_is_cut_leaves_the_old_catalogue(unit: Unit) -> None:
    unit.shoot(0)
    before = content(unit.catalogue)
    unit.stop()

    def cut() -> Iterator[daybook.Line]:
        yield from daybook.read_all(unit.pictures)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(unit.path, cut())
    again = opened(unit.path)
    assert content(again) == before
    again.close()
    assert unit.rebuild().told == [], "what the cut left behind is in nobody's way"


def test_an_old_wal_never_meets_the_new_catalogue(unit: Unit) -> None:
    unit.live_some_days()
    before = content(unit.catalogue)
    saved = {ending: Path(f"{unit.path}{ending}").read_bytes() for ending in ("", "-wal")}
    unit.stop()
    for ending, data in saved.items():  # as after a power cut: a WAL lies beside the catalogue
        Path(f"{unit.path}{ending}").write_bytes(data)
    unit.rebuild()
    assert not Path(f"{unit.path}-wal").exists()
    again = opened(unit.path)
    assert content(again) == before
    again.close()


def test_an_empty_catalogue_follows_all_day_books_by_itself(unit: Unit, empty_catalogue: Path) -> None:
    unit.live_some_days()
    before = content(unit.catalogue)
    unit.stop()
    unit.path.write_bytes(empty_catalogue.read_bytes())
    again = Catalogue.open(unit.path)
    follow(again, daybook.read_after(unit.pictures, states.offsets(again)), plan)
    assert content(again) == before
    again.close()


def read_everything(path: Path) -> tuple[object, list[str]]:
    """Return what a damaged catalogue says, None when it says nothing, and the damage that it reports."""
    try:
        catalogue = Catalogue.open(path)
    except OverlapseError as error:
        return None, [str(error)]
    try:
        found = check.damage(catalogue, deep=True)
        try:
            return content(catalogue), found
        except OverlapseError as error:
            return None, [*found, str(error)]
    finally:
        catalogue.close()


def test_of_300_flipped_bits_each_that_changes_what_is_read_is_reported(unit: Unit, tmp_path: Path) -> None:
    unit.live_some_days()
    before = content(unit.catalogue)
    unit.stop()
    whole, chance = unit.path.read_bytes(), random.Random(5)
    damaged = tmp_path / "damaged.db"
    unreported, reported = [], 0
    for _ in range(300):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        damaged.write_bytes(flipped)
        said, found = read_everything(damaged)
        reported += bool(found)
        if said != before and not found:
            unreported.append((place, bit))
        for ending in ("-wal", "-shm"):
            Path(f"{damaged}{ending}").unlink(missing_ok=True)
    assert unreported == []
    assert reported > 100, "most of the file is in use"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="deleted"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:20_000]), id="truncated"),
        pytest.param(lambda path: path.write_bytes(b"\xff" * 30_000), id="overwritten"),
    ],
)
def test_whatever_became_of_the_catalogue_a_rebuild_gives_it_back(unit: Unit, damage: Any) -> None:
    unit.live_some_days()
    before = content(unit.catalogue)
    unit.stop()
    damage(unit.path)
    unit.rebuild()
    again = opened(unit.path)
    assert content(again) == before
    again.close()


def test_the_day_a_slot_is_in_is_its_utc_day(unit: Unit) -> None:
    picture = unit.shoot(71)
    assert picture.slot == NOON + 71 * 600
    assert seconds_of(picture.name.at) // 86400 == NOON // 86400
    assert list(states.offsets(unit.catalogue)) == ["north/2026/11/21"]
    unit.shoot(72)
    assert list(states.offsets(unit.catalogue)) == ["north/2026/11/21", "north/2026/11/22"]
