"""What people read when a server fails and when it is back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.notify.words import Handed, Switch, failure, returned

AT = datetime(2026, 11, 21, 7, 50, 47, tzinfo=UTC)
SWITCH = Switch(
    site="harbour",
    zone="Europe/Paris",
    origin="unit1",
    to="fr",
    session="5f3a",
    why="no renewal of its lease for 35 s",
    dark_from=AT - timedelta(seconds=35),
    at=AT,
    cameras=[Handed(camera="gate", lost=3, filled=1), Handed(camera="crane-north", lost=0)],
    after="unit1 gets them back by itself when it has been healthy for 60 s",
)


def test_a_failure_says_from_to_why_how_long_and_what_was_lost() -> None:
    cause = failure(SWITCH)
    assert (cause.key, cause.family) == ("failed.unit1.5f3a", "fr and unit1")
    assert cause.subject == "[harbour] unit1 failed: gate, crane-north from unit1 to fr"
    assert (
        cause.text
        == """\
Server unit1 of site harbour fell silent; fr shoots its 2 cameras now.

From   unit1
To     fr
Why    no renewal of its lease for 35 s
Dark   35 s: 21 Nov 2026 08:50:12 to 08:50:47 (Europe/Paris)

Camera       slots lost  filled since
gate                  3             1
crane-north           0             0
all                   3             1

Next: unit1 gets them back by itself when it has been healthy for 60 s"""
    )


def test_a_return_is_another_cause_of_the_same_family() -> None:
    back = returned(replace(SWITCH, origin="fr", to="unit1", session="77", dark_from=AT + timedelta(seconds=1)))
    assert (back.key, back.family) == ("returned.unit1.77", failure(SWITCH).family)
    assert back.subject == "[harbour] unit1 is back: gate, crane-north from fr to unit1"
    assert "Dark   not at all" in back.text


def test_many_cameras_are_listed_and_counted_in_the_subject() -> None:
    many = [Handed(camera=f"c{n}", lost=n) for n in range(40)]
    cause = failure(replace(SWITCH, cameras=many, dark_from=AT - timedelta(hours=30)))
    assert "c0, c1, c2 and 37 more" in cause.subject
    assert all(f"\nc{n} " in cause.text for n in range(40))
    assert "20 Nov 2026 02:50:47 to 21 Nov 08:50:47" in cause.text


def test_each_failure_has_a_mail_of_its_own() -> None:
    assert failure(SWITCH).key != failure(replace(SWITCH, session="5f3b")).key
