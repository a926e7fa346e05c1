"""What outlives a stop: states, offsets, events and the orders of operators."""

from __future__ import annotations

from core.catalogue import check, events, overrides, states
from core.catalogue.overrides import Override
from core.catalogue.store import Catalogue


def test_a_state_is_what_json_can_say(catalogue: Catalogue) -> None:
    states.put(catalogue, "ladder/north", {"rung": 2, "until": None})
    states.put(catalogue, "ladder/north", {"rung": 3, "tried": [1, 2.5, True]})
    assert states.get(catalogue, "ladder/north") == {"rung": 3, "tried": [1, 2.5, True]}
    assert states.get(catalogue, "nothing", "default") == "default"
    states.forget(catalogue, "ladder/north")
    assert states.get(catalogue, "ladder/north") is None


def test_states_are_listed_by_the_beginning_of_their_key(catalogue: Catalogue) -> None:
    for key in ("ladder/a", "ladder/b", "ladderx", "pause/a"):
        states.put(catalogue, key, 1)
    assert states.keys(catalogue, "ladder/") == ["ladder/a", "ladder/b"]


def test_offsets_are_kept_for_each_day_book(catalogue: Catalogue) -> None:
    states.put(catalogue, "bookmark", 3)
    states.set_offset(catalogue, "north/2026/11/21", 100)
    states.set_offset(catalogue, "north/2026/11/21", 200)
    assert states.offsets(catalogue) == {"north/2026/11/21": 200}
    assert check.damage(catalogue, deep=True) == []


def test_the_journal_keeps_its_end_and_forgets_its_beginning(catalogue: Catalogue) -> None:
    with catalogue.transaction():
        first = events.add(catalogue, 0, "first", "north", "")
        second = events.add(catalogue, 1, "second", "north", "")
        catalogue.run("UPDATE event SET id = ? WHERE id = ?", (first + events.KEEP - 1, second))
        last = events.add(catalogue, 2, "third", "north", "")
    assert [one.kind for one in events.last(catalogue)] == ["second", "third"]
    assert [one.kind for one in events.after(catalogue, last - 1)] == ["third"]


def test_events_are_read_in_order_and_by_subject(catalogue: Catalogue) -> None:
    for at, subject in enumerate(("north", "nas", "north")):
        events.add(catalogue, at, "state", subject, "changed", {"at": at})
    assert [one.at for one in events.last(catalogue, 2)] == [1, 2]
    assert [one.data for one in events.last(catalogue, 9, "north")] == [{"at": 0}, {"at": 2}]


def test_text_of_others_is_made_safe_before_it_is_kept(catalogue: Catalogue) -> None:
    events.add(catalogue, 0, "refused", "nas", "server said \x1b]52;c;bad\x07\nagain", {"banner": "\x1b[2J"})
    (event,) = events.last(catalogue)
    assert event.text == "server said \\x1b]52;c;bad\\x07\\x0aagain"
    assert event.data == {"banner": "\x1b[2J"}


def test_the_last_order_for_a_camera_is_the_one_that_counts(catalogue: Catalogue) -> None:
    pause = Override(camera="north", at=1000, what="pause", who="anna", until=9000, why="cleaning")
    assert overrides.latest(catalogue, "north") is None
    assert overrides.add(catalogue, pause)
    assert not overrides.add(catalogue, pause)
    assert overrides.latest(catalogue, "north") == pause
    resume = Override(camera="north", at=2000, what="resume", who="anna")
    overrides.add(catalogue, resume)
    assert overrides.latest(catalogue, "north") == resume
    assert overrides.all_of(catalogue, "north") == [pause, resume]
