from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Thread

import pytest

from core.clock import SystemClock
from core.coordination.base import Conflict, Coordination, CoordinationError, CoordinationUnavailable, Held, Unknown
from core.coordination.fence import next_fence
from core.coordination.sqlite import SqliteCoordination
from core.values import Fence

CAMERAS = ("north", "south")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteCoordination]:
    opened = SqliteCoordination(tmp_path / "coordination.db", SystemClock())
    yield opened
    opened.close()


class Troubled:
    """A store in which one change after another goes wrong as `troubles` says, told after the fact or before."""

    def __init__(self, store: Coordination, troubles: list[tuple[type[CoordinationError], bool]]) -> None:
        self._store = store
        self._troubles = troubles

    def read(self, key: str) -> Held | None:
        return self._store.read(key)

    def list(self, prefix: str) -> Mapping[str, Held]:
        return self._store.list(prefix)

    def hint(self, prefix: str, callback: Callable[[str], None]) -> Callable[[], None]:
        return self._store.hint(prefix, callback)

    def now(self) -> float:
        return self._store.now()

    def cas(self, key: str, rev: int, value: bytes) -> int:
        if not self._troubles:
            return self._store.cas(key, rev, value)
        trouble, applied = self._troubles.pop(0)
        if applied:
            self._store.cas(key, rev, value)
        raise trouble


def test_a_node_alone_begins_with_epoch_1_and_its_token_grows_by_one_with_each_start(store: SqliteCoordination) -> None:
    fences = [next_fence(store, "unit1", CAMERAS, None) for _ in range(4)]
    assert fences == [Fence(1, 1), Fence(1, 2), Fence(1, 3), Fence(1, 4)]


def test_a_node_without_cameras_has_a_fence_too(store: SqliteCoordination) -> None:
    assert [next_fence(store, "unit1", (), None) for _ in range(2)] == [Fence(1, 1), Fence(1, 2)]


def test_after_a_lost_file_it_goes_on_above_what_the_day_books_know(store: SqliteCoordination) -> None:
    assert next_fence(store, "unit1", CAMERAS, Fence(1, 41)) == Fence(1, 42)
    assert next_fence(store, "unit1", CAMERAS, Fence(1, 41)) == Fence(1, 43)
    assert next_fence(store, "unit1", CAMERAS, None) == Fence(1, 44)


def test_an_epoch_that_was_reached_once_is_never_left(store: SqliteCoordination) -> None:
    assert next_fence(store, "unit1", CAMERAS, Fence(3, 7)) == Fence(3, 8)
    assert next_fence(store, "unit1", CAMERAS, Fence(1, 900)) == Fence(3, 9)


def test_a_camera_that_another_node_drove_is_taken_with_a_higher_token(store: SqliteCoordination) -> None:
    for _ in range(5):
        next_fence(store, "unit1", ("north",), None)
    assert next_fence(store, "unit2", ("north",), None) == Fence(1, 6)


@pytest.mark.parametrize("applied", [False, True], ids=["not applied", "applied all the same"])
@pytest.mark.parametrize("trouble", [Conflict, Unknown])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_change_that_goes_wrong_is_read_back_and_the_token_still_grows(
    store: SqliteCoordination, trouble: type[CoordinationError], applied: bool, times: int
) -> None:
    before = next_fence(store, "unit1", CAMERAS, None)
    fence = next_fence(Troubled(store, [(trouble, applied)] * times), "unit1", CAMERAS, None)
    assert before < fence <= Fence(1, before.token + 1 + times)
    assert next_fence(store, "unit1", CAMERAS, None) > fence


def test_a_store_that_is_never_free_is_told_and_not_waited_for_without_end(store: SqliteCoordination) -> None:
    with pytest.raises(Conflict, match="no fence for unit1"):
        next_fence(Troubled(store, [(Conflict, False)] * 1000), "unit1", CAMERAS, None)


def test_a_store_that_does_not_answer_is_told_at_once(store: SqliteCoordination) -> None:
    with pytest.raises(CoordinationUnavailable):
        next_fence(Troubled(store, [(CoordinationUnavailable, False)]), "unit1", CAMERAS, None)


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b'{"e": "x", "tok": 1}', b"\xff", b'{"e": null, "tok": 1}'])
def test_something_that_is_not_a_fence_is_never_taken_for_one(store: SqliteCoordination, value: bytes) -> None:
    store.cas("own.south", 0, value)
    with pytest.raises(CoordinationError, match=r"own\.south holds something that is not a fence"):
        next_fence(store, "unit1", CAMERAS, None)


def test_two_starts_at_once_never_get_the_same_fence(store: SqliteCoordination) -> None:
    taken: list[Fence] = []

    def start() -> None:
        taken.extend(next_fence(store, "unit1", CAMERAS, None) for _ in range(10))

    threads = [Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 20
    assert next_fence(store, "unit1", CAMERAS, None) > max(taken)
