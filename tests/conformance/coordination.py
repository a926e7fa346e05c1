"""What every engine of coordination must do; each one inherits these tests and brings its own sessions."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from core.coordination.base import MAX_VALUE, Conflict, Coordination, Held

Session = Callable[[], Coordination]


class CoordinationContract:
    @pytest.fixture
    def session(self) -> Session:
        """Give a new session on one and the same store at each call."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, session: Session) -> Coordination:
        return session()

    def test_a_key_that_nobody_wrote_holds_nothing(self, store: Coordination) -> None:
        assert store.read("own.north") is None

    def test_what_is_written_is_read_back_with_its_revision(self, store: Coordination) -> None:
        rev = store.cas("own.north", 0, b"\x00one\xff")
        assert rev > 0
        assert store.read("own.north") == Held(rev, b"\x00one\xff")

    def test_a_revision_grows_with_each_change(self, store: Coordination) -> None:
        first = store.cas("own.north", 0, b"one")
        second = store.cas("own.north", first, b"two")
        assert second > first
        assert store.read("own.north") == Held(second, b"two")

    def test_writing_the_same_value_again_is_a_change_too(self, store: Coordination) -> None:
        first = store.cas("sess.unit1", 0, b"same")
        assert store.cas("sess.unit1", first, b"same") > first

    @pytest.mark.parametrize("wrong", [pytest.param(-1, id="older"), pytest.param(1, id="not-yet-given")])
    def test_a_change_that_names_another_revision_is_refused_and_changes_nothing(
        self, store: Coordination, wrong: int
    ) -> None:
        rev = store.cas("own.north", store.cas("own.north", 0, b"one"), b"two")
        with pytest.raises(Conflict):
            store.cas("own.north", rev + wrong, b"three")
        assert store.read("own.north") == Held(rev, b"two")

    def test_a_key_that_exists_is_not_created_again(self, store: Coordination) -> None:
        rev = store.cas("note.north.1.2", 0, b"unit1")
        with pytest.raises(Conflict):
            store.cas("note.north.1.2", 0, b"unit2")
        assert store.read("note.north.1.2") == Held(rev, b"unit1")

    def test_a_key_that_does_not_exist_is_not_changed(self, store: Coordination) -> None:
        with pytest.raises(Conflict):
            store.cas("own.north", 7, b"one")
        assert store.read("own.north") is None

    def test_a_key_does_not_take_the_revision_of_another(self, store: Coordination) -> None:
        other = store.cas("own.south", 0, b"one")
        with pytest.raises(Conflict):
            store.cas("own.north", other, b"two")

    def test_every_session_sees_what_another_wrote(self, session: Session) -> None:
        one, two = session(), session()
        rev = one.cas("own.north", 0, b"one")
        assert two.read("own.north") == Held(rev, b"one")
        newer = two.cas("own.north", rev, b"two")
        with pytest.raises(Conflict):
            one.cas("own.north", rev, b"three")
        assert one.read("own.north") == Held(newer, b"two")

    def test_a_list_holds_the_keys_of_its_prefix_and_no_others(self, store: Coordination) -> None:
        revs = {key: store.cas(key, 0, key.encode()) for key in ("own.north", "own.south", "owner", "sess.unit1")}
        assert store.list("own.") == {key: Held(revs[key], key.encode()) for key in ("own.north", "own.south")}
        assert set(store.list("")) == set(revs)
        assert store.list("own.north.") == {}

    def test_a_prefix_is_taken_by_the_letter(self, store: Coordination) -> None:
        store.cas("own.north", 0, b"one")
        for pattern in ("own%", "o_n", "OWN.", "own.*"):
            assert store.list(pattern) == {}

    def test_a_value_of_the_largest_size_is_kept_whole_and_a_larger_one_refused(self, store: Coordination) -> None:
        largest = bytes(itertools.islice(itertools.cycle(range(256)), MAX_VALUE))
        rev = store.cas("sess.unit1", 0, largest)
        assert store.read("sess.unit1") == Held(rev, largest)
        with pytest.raises(ValueError, match=f"at most {MAX_VALUE} bytes"):
            store.cas("sess.unit1", rev, largest + b"x")

    @pytest.mark.parametrize(
        "key",
        ["", ".", "own.", ".own", "own..north", "own north", "own/north", "own.*", "own.>", "é", "x" * 201, "a\n"],
    )
    def test_a_key_that_not_every_engine_can_keep_is_refused(self, store: Coordination, key: str) -> None:
        with pytest.raises(ValueError, match="a key is words"):
            store.cas(key, 0, b"one")
        with pytest.raises(ValueError, match="a key is words"):
            store.read(key)
        assert store.list("") == {}

    def test_a_hint_names_only_keys_of_its_prefix_that_changed(self, store: Coordination) -> None:
        heard: list[str] = []
        store.hint("own.", heard.append)
        store.cas("own.north", 0, b"one")
        store.cas("sess.unit1", 0, b"one")
        assert set(heard) <= {"own.north", "own."}  # a hint may be lost; the prefix itself tells of a new connection

    def test_a_hint_that_was_ended_is_heard_no_more(self, store: Coordination) -> None:
        heard: list[str] = []
        end = store.hint("own.", heard.append)
        end()
        end()
        heard.clear()  # a connection that was made before may have told of itself
        store.cas("own.north", 0, b"one")
        assert heard == []

    def test_its_clock_never_goes_back(self, store: Coordination) -> None:
        readings = [store.now() for _ in range(100)]
        assert readings == sorted(readings)
