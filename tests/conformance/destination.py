"""The contract of every destination: a backend inherits it and brings its own fixtures."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from core.errors import DestinationError, DestinationRefused, FenceRefused, ObjectDiffers, ObjectNotFound
from core.transfer.audit import Audit, audit
from core.transfer.base import Destination, Level, Upload
from core.transfer.fencing import admit
from core.values import Fence

SMALL = bytes(range(256)) * 40
LARGE = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(80_000))  # 2.56 MB, no two parts alike
NAMES = [
    "plain.jpg",
    "north/2026/11/21/north_20261121T085000Z_unit1_1-7.jpg",
    "with space/two  spaces.jpg",
    "unicode/été-北-🏔.jpg",
    "-leading-dash",
    "-rf/--help",
    ".hidden",
    "hash#mark?and%20percent.jpg",
    "quote'\"$(date)`id`;&|*.jpg",
    "back\\slash",
    "ends.part",
]
CLIMBING = [
    "",
    ".",
    "..",
    "../out.jpg",
    "a/../../out.jpg",
    "/etc/out.jpg",
    "a//b.jpg",
    "a/./b.jpg",
    "a/",
    "nul\0.jpg",
    "line\nfeed.jpg",
    f".a.jpg.{'0' * 16}.part",
    "long" * 60,
]


class Behind(Protocol):
    """The other side of a destination, past its own interface."""

    def put(self, name: str, data: bytes) -> None:
        """Have this object lie there."""
        ...

    def get(self, name: str) -> bytes:
        """Return what lies there."""
        ...

    def everything(self) -> list[str]:
        """Return the names of all that lies there, unfinished objects included."""
        ...


class FolderBehind:
    """The folder on this machine that a destination keeps its objects in."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, data: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(data)

    def get(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def everything(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def send(destination: Destination, name: str, data: bytes, resume: bytes | None = None) -> Upload:
    """Begin and write all that is missing; nothing is committed."""
    upload = destination.begin(name, len(data), sha256(data), resume)
    for start in range(upload.offset, len(data), 100_000):
        upload.write(data[start : start + 100_000])
    return upload


def put(destination: Destination, name: str, data: bytes) -> None:
    send(destination, name, data).commit()


def never(wanted: int) -> int:
    raise AssertionError(f"{wanted} bytes would be read")


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


class DestinationContract:
    """What every destination keeps. `connect` makes one more connection to the same place."""

    @pytest.fixture
    def connect(self) -> Callable[[], Destination]:
        raise NotImplementedError

    @pytest.fixture
    def behind(self) -> Behind:
        raise NotImplementedError

    @pytest.fixture
    def destination(self, connect: Callable[[], Destination]) -> Iterator[Destination]:
        made = connect()
        yield made
        made.close()

    def test_it_is_a_destination_with_a_scheme(self, destination: Destination) -> None:
        assert isinstance(destination, Destination)
        assert destination.scheme

    def test_what_was_sent_lies_there_whole_under_its_name(self, destination: Destination, behind: Behind) -> None:
        for name in NAMES:
            put(destination, name, SMALL)
            assert behind.get(name) == SMALL, name
            assert destination.stat(name).size == len(SMALL), name
            assert b"".join(destination.read(name)) == SMALL, name
            assert destination.prove(name, len(SMALL), sha256(SMALL), Level.HASH) >= Level.HASH, name
        assert sorted(found.name for found in destination.list()) == sorted(NAMES)

    def test_a_name_that_climbs_or_is_not_plain_is_refused_by_every_verb(
        self, destination: Destination, behind: Behind
    ) -> None:
        for verb in (
            lambda name: destination.begin(name, 1, sha256(b"x")),
            lambda name: destination.prove(name, 1, sha256(b"x"), Level.SIZE),
            lambda name: destination.stat(name),
            lambda name: list(destination.read(name)),
            lambda name: destination.delete(name),
        ):
            for name in CLIMBING:
                with pytest.raises(DestinationRefused):
                    verb(name)
        assert behind.everything() == []

    def test_a_listing_does_not_climb(self, destination: Destination) -> None:
        with pytest.raises(DestinationRefused):
            list(destination.list("../"))

    @pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one-byte", "large"])
    def test_objects_of_any_size_arrive(self, destination: Destination, behind: Behind, data: bytes) -> None:
        put(destination, "a/b.raw", data)
        assert behind.get("a/b.raw") == data
        assert destination.prove("a/b.raw", len(data), sha256(data), Level.READ_BACK) == Level.READ_BACK

    def test_a_proof_has_at_least_the_level_asked_for(self, destination: Destination) -> None:
        put(destination, "a.jpg", SMALL)
        for level in Level:
            assert destination.prove("a.jpg", len(SMALL), sha256(SMALL), level) >= level

    def test_a_missing_object_is_not_found(self, destination: Destination) -> None:
        for verb in (
            lambda: destination.stat("no/such.jpg"),
            lambda: list(destination.read("no/such.jpg")),
            lambda: destination.prove("no/such.jpg", 1, sha256(b"x"), Level.SIZE),
        ):
            with pytest.raises(ObjectNotFound):
                verb()

    def test_an_object_of_another_size_is_proven_at_no_level(self, destination: Destination, behind: Behind) -> None:
        for there in (SMALL[:-1], SMALL + b"x", b""):
            behind.put("a.jpg", there)
            for level in Level:
                with pytest.raises(ObjectDiffers):
                    destination.prove("a.jpg", len(SMALL), sha256(SMALL), level)

    def test_one_flipped_bit_is_found_from_the_level_hash_on(self, destination: Destination, behind: Behind) -> None:
        behind.put("a.jpg", flipped(LARGE))
        for level in (Level.HASH, Level.READ_BACK):
            with pytest.raises(ObjectDiffers):
                destination.prove("a.jpg", len(LARGE), sha256(LARGE), level)

    def test_a_look_at_a_copy_finds_it_whole_gone_or_of_another_size_and_reads_nothing(
        self, destination: Destination, behind: Behind
    ) -> None:
        put(destination, "a.raw", LARGE)
        look = Audit("a.raw", len(LARGE), sha256(LARGE))
        found = audit(destination, look, never)
        assert found["read"] == 0
        assert Level.named(found["level"]) in (Level.SIZE, Level.HASH)
        behind.put("a.raw", LARGE[:-1])
        with pytest.raises(ObjectDiffers):
            audit(destination, look, never)
        destination.delete("a.raw")
        with pytest.raises(ObjectNotFound):
            audit(destination, look, never)

    def test_a_copy_is_read_back_on_granted_bytes_and_a_flipped_bit_is_found(
        self, destination: Destination, behind: Behind
    ) -> None:
        put(destination, "a.raw", LARGE)
        granted = list[int]()
        look = Audit("a.raw", len(LARGE), sha256(LARGE), read=True)
        found = audit(destination, look, lambda wanted: granted.append(wanted) or wanted)  # type: ignore[func-returns-value]
        assert (found["level"], found["read"], sum(granted)) == ("read-back", len(LARGE), len(LARGE))
        assert len(granted) >= 3
        behind.put("a.raw", flipped(LARGE))
        with pytest.raises(ObjectDiffers):
            audit(destination, look, lambda wanted: wanted)

    def test_a_look_that_gets_no_more_bytes_disproves_nothing_and_disturbs_nobody(
        self, destination: Destination
    ) -> None:
        put(destination, "a.raw", LARGE)
        grants = iter([1, 1, 0])
        found = audit(destination, Audit("a.raw", len(LARGE), sha256(LARGE), read=True), lambda wanted: next(grants))
        assert found["level"] in ("size", "hash")
        assert 0 < found["read"] < len(LARGE)
        assert b"".join(destination.read("a.raw")) == LARGE

    def test_nothing_stands_under_the_name_before_the_commit(self, destination: Destination, behind: Behind) -> None:
        upload = send(destination, "a/b.jpg", SMALL)
        with pytest.raises(ObjectNotFound):
            destination.stat("a/b.jpg")
        assert list(destination.list()) == []
        upload.commit()
        assert [found.name for found in destination.list()] == ["a/b.jpg"]
        assert behind.everything() == ["a/b.jpg"]

    def test_a_body_that_ends_early_is_not_committed(self, destination: Destination) -> None:
        upload = destination.begin("a.jpg", len(SMALL) + 1, sha256(SMALL))
        upload.write(SMALL)
        with pytest.raises(DestinationError):
            upload.commit()
        with pytest.raises(ObjectNotFound):
            destination.stat("a.jpg")

    def test_a_body_that_is_too_long_is_not_committed(self, destination: Destination) -> None:
        upload = destination.begin("a.jpg", len(SMALL) - 1, sha256(SMALL))
        upload.write(SMALL)
        with pytest.raises(DestinationError):
            upload.commit()
        with pytest.raises(ObjectNotFound):
            destination.stat("a.jpg")

    @pytest.mark.parametrize("cut", [0, 1, 32_767, 32_768, 1_000_000, len(LARGE) - 1, len(LARGE)])
    def test_a_cut_resumes_at_the_byte(
        self, connect: Callable[[], Destination], destination: Destination, behind: Behind, cut: int
    ) -> None:
        first = connect()
        upload = first.begin("a/b.raw", len(LARGE), sha256(LARGE))
        upload.write(LARGE[:cut])
        state = upload.resume_state()
        upload.abandon()
        first.close()
        resumed = destination.begin("a/b.raw", len(LARGE), sha256(LARGE), state)
        if destination.features.resumes:
            assert resumed.offset == cut
        resumed.write(LARGE[resumed.offset :])
        resumed.commit()
        assert behind.get("a/b.raw") == LARGE

    def test_a_resume_state_that_is_not_ours_begins_anew(self, destination: Destination, behind: Behind) -> None:
        for state in (b"", b"nonsense", b"../../etc/passwd", b"\xff\x00", b"{}"):
            send(destination, "a.jpg", SMALL, state).commit()
            assert behind.get("a.jpg") == SMALL
            assert behind.everything() == ["a.jpg"]

    def test_a_partial_longer_than_the_object_begins_anew(self, destination: Destination, behind: Behind) -> None:
        upload = destination.begin("a.jpg", len(SMALL), sha256(SMALL))
        upload.write(SMALL + SMALL)
        state = upload.resume_state()
        with contextlib.suppress(DestinationError):
            upload.commit()
        upload.abandon()
        send(destination, "a.jpg", SMALL, state).commit()
        assert behind.get("a.jpg") == SMALL

    def test_a_resume_never_mixes_two_pictures_of_one_name(self, destination: Destination, behind: Behind) -> None:
        upload = destination.begin("a.jpg", len(SMALL), sha256(SMALL))
        upload.write(SMALL[:5000])
        upload.abandon()
        other = flipped(SMALL)
        send(destination, "a.jpg", other, upload.resume_state()).commit()
        assert behind.get("a.jpg") == other

    def test_two_uploads_at_the_same_time_do_not_mix(self, destination: Destination, behind: Behind) -> None:
        one, two = flipped(LARGE), LARGE
        first = destination.begin("x/1.raw", len(one), sha256(one))
        second = destination.begin("x/2.raw", len(two), sha256(two))
        for start in range(0, len(LARGE), 300_000):
            first.write(one[start : start + 300_000])
            second.write(two[start : start + 300_000])
        second.commit()
        first.commit()
        assert behind.get("x/1.raw") == one
        assert behind.get("x/2.raw") == two

    def test_two_contents_for_one_name_at_the_same_time_leave_one_of_them_whole(
        self, destination: Destination, behind: Behind
    ) -> None:
        first, second = send(destination, "live.jpg", SMALL), send(destination, "live.jpg", LARGE)
        first.commit()
        second.commit()
        assert behind.get("live.jpg") == LARGE

    def test_a_reader_sees_the_old_or_the_new_object_and_never_a_mixture(
        self, connect: Callable[[], Destination], destination: Destination
    ) -> None:
        put(destination, "live.jpg", SMALL)
        if not destination.features.atomic_replace:
            pytest.skip("this destination says that it cannot replace at once")
        seen, over, reader = set[str](), threading.Event(), connect()

        def read() -> None:
            while not over.is_set():
                seen.add(sha256(b"".join(reader.read("live.jpg"))))

        thread = threading.Thread(target=read)
        thread.start()
        for turn in range(8):
            put(destination, "live.jpg", SMALL if turn % 2 else LARGE)
        over.set()
        thread.join(20)
        reader.close()
        assert seen <= {sha256(SMALL), sha256(LARGE)}
        assert seen

    def test_a_read_begins_where_it_is_told(self, destination: Destination) -> None:
        put(destination, "a.raw", LARGE)
        for offset in (0, 1, 40_000, len(LARGE) - 1, len(LARGE)):
            assert b"".join(destination.read("a.raw", offset)) == LARGE[offset:]

    def test_a_read_that_is_left_in_the_middle_disturbs_nothing(self, destination: Destination) -> None:
        put(destination, "a.raw", LARGE)
        blocks = destination.read("a.raw")
        next(blocks)
        del blocks
        assert b"".join(destination.read("a.raw")) == LARGE

    def test_a_listing_has_what_begins_with_the_prefix_and_no_partials(self, destination: Destination) -> None:
        for name in ("a/1.jpg", "a/2.jpg", "ab/3.jpg", "b/4.jpg", "c.jpg"):
            put(destination, name, SMALL)
        destination.begin("a/5.jpg", len(SMALL), sha256(SMALL)).abandon()
        names = {prefix: sorted(f.name for f in destination.list(prefix)) for prefix in ("", "a", "a/", "a/1", "zz/")}
        assert names[""] == ["a/1.jpg", "a/2.jpg", "ab/3.jpg", "b/4.jpg", "c.jpg"]
        assert names["a"] == ["a/1.jpg", "a/2.jpg", "ab/3.jpg"]
        assert names["a/"] == ["a/1.jpg", "a/2.jpg"]
        assert names["a/1"] == ["a/1.jpg"]
        assert names["zz/"] == []
        assert {found.size for found in destination.list()} == {len(SMALL)}

    def test_a_deleted_object_is_gone_and_a_missing_one_is_no_error(self, destination: Destination) -> None:
        put(destination, "a/b.jpg", SMALL)
        destination.delete("a/b.jpg")
        destination.delete("a/b.jpg")
        destination.delete("never/was.jpg")
        with pytest.raises(ObjectNotFound):
            destination.stat("a/b.jpg")

    def test_it_says_how_much_room_there_is_or_that_it_does_not_know(self, destination: Destination) -> None:
        free = destination.free()
        assert free is None or free > 0

    def test_closing_twice_and_working_after_it_are_both_fine(self, destination: Destination) -> None:
        put(destination, "a.jpg", SMALL)
        destination.close()
        destination.close()
        assert destination.stat("a.jpg").size == len(SMALL)

    def test_a_live_name_takes_a_newer_owner_and_refuses_one_that_is_stale(self, destination: Destination) -> None:
        for fence in (Fence(1, 4), Fence(1, 4), Fence(1, 5), Fence(2, 1)):
            admit(destination, "live/gate.jpg", fence)
        for fence in (Fence(1, 5), Fence(1, 99)):
            with pytest.raises(FenceRefused, match="under 2-1"):
                admit(destination, "live/gate.jpg", fence)
        admit(destination, "live/north.jpg", Fence(1, 1))  # of another name
