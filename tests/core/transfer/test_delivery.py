"""One delivery, against folders that lie, are cut off or hold something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conformance.destination import LARGE, FolderBehind, flipped, put, sha256

from core.errors import DestinationError, DestinationRefused, FenceRefused, ObjectDiffers, ObjectNotFound, OriginalLost
from core.transfer.base import Level, StoredObject, Upload
from core.transfer.delivery import LEAST, Delivery, Paused, Stride, deliver
from core.transfer.folder import FolderDestination
from core.values import Fence

NAME = "north/2026/11/21/north_20261121T085000Z_unit1_1-7.raw"
CHUNK = 200_000


def everything(wanted: int, offset: int, resume: bytes) -> int:
    return wanted


def nothing(wanted: int, offset: int, resume: bytes) -> int:
    raise AssertionError("asked for a grant although nothing is to be sent")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "original.raw"
    path.write_bytes(LARGE)
    return path


@pytest.fixture
def job(original: Path) -> Callable[..., Delivery]:
    def make(**changed: Any) -> Delivery:
        given = {"name": NAME, "path": original, "size": len(LARGE), "sha256": sha256(LARGE), "level": Level.HASH}
        return Delivery(**{**given, "chunk": CHUNK, **changed})

    return make


Job = Callable[..., Delivery]


def test_a_delivery_ends_with_its_receipt(root: Path, job: Job) -> None:
    receipt = deliver(FolderDestination(root), job(), everything)
    assert receipt == {
        "name": NAME,
        "size": len(LARGE),
        "sha256": sha256(LARGE),
        "level": "read-back",
        "sent": len(LARGE),
        "already": False,
    }
    assert (root / NAME).read_bytes() == LARGE


def test_not_one_byte_is_sent_without_a_grant(root: Path, job: Job) -> None:
    asked: list[tuple[int, int]] = []

    def half(wanted: int, offset: int, resume: bytes) -> int:
        there = sum(path.stat().st_size for path in root.rglob("*.part"))
        assert there <= offset
        asked.append((wanted, offset))
        return (wanted + 1) // 2

    deliver(FolderDestination(root), job(), half)
    assert asked[0] == (CHUNK, 0)
    assert asked[1] == (CHUNK, CHUNK // 2)
    assert all(wanted <= CHUNK for wanted, _ in asked)


def test_without_a_grant_it_pauses_and_goes_on_at_that_byte(root: Path, job: Job) -> None:
    def until(wanted: int, offset: int, resume: bytes) -> int:
        return wanted if offset < 3 * CHUNK else 0

    with pytest.raises(Paused) as paused:
        deliver(FolderDestination(root), job(), until)
    assert paused.value.offset == 3 * CHUNK
    receipt = deliver(FolderDestination(root), job(resume=paused.value.resume), everything)
    assert receipt["sent"] == len(LARGE) - 3 * CHUNK
    assert (root / NAME).read_bytes() == LARGE


@pytest.mark.parametrize("resume", [None, b"x"])
def test_what_is_there_whole_already_is_proven_and_not_sent_again(root: Path, job: Job, resume: bytes | None) -> None:
    put(FolderDestination(root), NAME, LARGE)
    receipt = deliver(FolderDestination(root), job(resume=resume, level=Level.SIZE), nothing)
    assert (receipt["already"], receipt["sent"], receipt["level"]) == (True, 0, "read-back")


@pytest.mark.parametrize("other", [b"another picture", flipped(LARGE)], ids=["other-size", "same-size"])
def test_another_object_under_the_name_is_never_replaced_silently(root: Path, job: Job, other: bytes) -> None:
    FolderBehind(root).put(NAME, other)
    with pytest.raises(ObjectDiffers, match="another object"):
        deliver(FolderDestination(root), job(), nothing)
    assert (root / NAME).read_bytes() == other


@pytest.mark.parametrize("other", [b"older picture", flipped(LARGE)], ids=["other-size", "same-size"])
@pytest.mark.parametrize("why", [{"replace": True}, {"resume": b"state"}], ids=["live-name", "begun-by-us"])
def test_a_live_name_and_what_we_began_ourselves_are_replaced(
    root: Path, job: Job, other: bytes, why: dict[str, Any]
) -> None:
    FolderBehind(root).put(NAME, other)
    assert deliver(FolderDestination(root), job(**why), everything)["already"] is False
    assert (root / NAME).read_bytes() == LARGE


def test_a_node_that_was_taken_over_replaces_no_picture_of_the_new_owner(root: Path, job: Job) -> None:
    new = job(replace=True, fence=Fence(1, 8))
    deliver(FolderDestination(root), new, everything)
    FolderBehind(root).put(NAME, b"the new owner's next picture")
    with pytest.raises(FenceRefused):
        deliver(FolderDestination(root), job(replace=True, fence=Fence(1, 7)), nothing)
    assert (root / NAME).read_bytes() == b"the new owner's next picture"


@pytest.mark.parametrize("how", ["the file", "a symbolic link", "a hard link"])
def test_the_original_itself_is_never_taken_for_its_copy(tmp_path: Path, job: Job, how: str) -> None:
    root = tmp_path / "data"
    path = root / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(LARGE)
    if how == "a symbolic link":
        (tmp_path / "nas").symlink_to(root)
        root = tmp_path / "nas"
    elif how == "a hard link":
        far = tmp_path / "nas" / NAME
        far.parent.mkdir(parents=True)
        far.hardlink_to(path)
        root = tmp_path / "nas"
    with pytest.raises(DestinationRefused, match="original itself"):
        deliver(FolderDestination(root), job(path=path), nothing)
    assert path.read_bytes() == LARGE


def test_an_original_that_is_gone_is_lost(root: Path, job: Job, original: Path) -> None:
    original.unlink()
    with pytest.raises(OriginalLost):
        deliver(FolderDestination(root), job(), nothing)


def test_an_original_of_another_size_is_lost_before_anything_is_sent(root: Path, job: Job, original: Path) -> None:
    original.write_bytes(LARGE[:-1])
    with pytest.raises(OriginalLost):
        deliver(FolderDestination(root), job(), nothing)


@pytest.mark.parametrize("sent_before", [0, 2 * CHUNK], ids=["from-the-start", "resumed"])
def test_an_original_with_one_flipped_bit_is_never_committed(
    root: Path, job: Job, original: Path, sent_before: int
) -> None:
    resume = None
    if sent_before:
        upload = FolderDestination(root).begin(NAME, len(LARGE), sha256(LARGE))
        upload.write(LARGE[:sent_before])
        resume = upload.resume_state()
        upload.abandon()
    damaged = bytearray(LARGE)
    damaged[7] ^= 1  # in the part that a resume does not send
    original.write_bytes(damaged)
    with pytest.raises(OriginalLost, match="not what was taken in"):
        deliver(FolderDestination(root), job(resume=resume), everything)
    assert not (root / NAME).exists()


class Liar(FolderDestination):
    """A folder that says all is well and keeps something else."""

    def __init__(self, root: Path, lie: str) -> None:
        super().__init__(root)
        self._lie = lie
        self.root = root

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> Upload:  # type: ignore[override]
        upload = super().begin(name, size, sha256, resume)
        commit = upload.commit

        def lying() -> StoredObject:
            stored = commit()
            self._spoil(self.root / name)
            return stored

        upload.commit = lying  # type: ignore[method-assign]
        return upload

    def _spoil(self, path: Path) -> None:
        data = path.read_bytes()
        if self._lie == "keeps nothing":
            path.unlink()
        elif self._lie == "drops the tail":
            path.write_bytes(data[:-1])
        elif self._lie == "drops the tail and lies about the size":
            path.write_bytes(data[:-4096])
        elif self._lie == "flips a bit":
            path.write_bytes(flipped(data))
        elif self._lie == "fills with zeros":
            path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))

    def stat(self, name: str) -> StoredObject:
        found = super().stat(name)
        return StoredObject(name, len(LARGE)) if "lies about" in self._lie else found


LIES = ["keeps nothing", "drops the tail", "drops the tail and lies about the size", "flips a bit", "fills with zeros"]


@pytest.mark.parametrize("lie", LIES)
def test_a_destination_that_lies_never_gets_a_receipt(root: Path, job: Job, lie: str) -> None:
    with pytest.raises((ObjectDiffers, ObjectNotFound)):
        deliver(Liar(root, lie), job(), everything)
    assert not (root / NAME).exists()  # what is not ours does not stay under our name


@pytest.mark.parametrize("lie", LIES)
def test_after_a_lie_the_next_attempt_sends_all_again(root: Path, job: Job, lie: str) -> None:
    with pytest.raises(DestinationError):
        deliver(Liar(root, lie), job(), everything)
    receipt = deliver(FolderDestination(root), job(resume=b"state"), everything)
    assert receipt["sent"] == len(LARGE)
    assert (root / NAME).read_bytes() == LARGE


@pytest.mark.parametrize(
    ("seconds", "grows"),
    [pytest.param(0.01, 2.0, id="quick"), pytest.param(0.5, 1.0, id="right"), pytest.param(3.0, 0.5, id="slow")],
)
def test_grants_become_as_large_as_the_link_takes_in_about_half_a_second(seconds: float, grows: float) -> None:
    stride = Stride(1 << 20)
    stride.took(1 << 20, seconds)
    assert stride.size == (1 << 20) * grows


def test_a_grant_is_never_smaller_than_one_of_a_thin_link_and_never_larger_than_was_said() -> None:
    stride = Stride()
    for _ in range(20):
        stride.took(stride.size, 60.0)
    assert stride.of(10**9, most=10**6) == LEAST
    for _ in range(20):
        stride.took(stride.size, 0.0)
    assert stride.of(10**9, most=10**6) == 10**6


def test_a_short_end_goes_with_what_is_before_it() -> None:
    assert Stride(1000).of(1400, most=10_000) == 1400
    assert Stride(1000).of(1500, most=10_000) == 1000
    assert Stride(1000).of(1400, most=1000) == 1000


def test_what_is_granted_with_the_job_goes_without_a_question(root: Path, job: Job) -> None:
    receipt = deliver(FolderDestination(root), job(granted=len(LARGE), chunk=len(LARGE)), nothing)
    assert receipt["sent"] == len(LARGE)
    asked: list[tuple[int, int]] = []

    def ask(wanted: int, offset: int, resume: bytes) -> int:
        asked.append((wanted, offset))
        return wanted

    deliver(FolderDestination(root), job(name="other.raw", granted=CHUNK), ask)
    assert asked[0][1] == CHUNK, "beyond it every byte needs a grant"


def test_what_an_earlier_attempt_began_asks_for_each_byte(root: Path, job: Job) -> None:
    with pytest.raises(Paused) as paused:
        deliver(FolderDestination(root), job(), lambda wanted, offset, resume: wanted if not offset else 0)
    with pytest.raises(Paused):
        deliver(FolderDestination(root), job(resume=paused.value.resume, granted=len(LARGE)), lambda *_: 0)


def test_what_fails_before_it_asked_tells_how_to_go_on(root: Path, job: Job, original: Path) -> None:
    told: list[tuple[int, bytes]] = []
    original.write_bytes(flipped(LARGE))
    with pytest.raises(OriginalLost):
        deliver(FolderDestination(root), job(granted=len(LARGE)), nothing, left=lambda *left: told.append(left))
    assert [(offset, bool(resume)) for offset, resume in told] == [(len(LARGE), True)]
