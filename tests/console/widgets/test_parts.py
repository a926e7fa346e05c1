"""The parts of a screen: what an operator reads, what is left out on a narrow screen, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.thrift.wire import Figures
from console.widgets.confirm import DIGITS, LETTERS, Act, Confirmation, Outcome, new_code, page
from console.widgets.daystrip import day_strip
from console.widgets.filtering import parsed
from console.widgets.looks import fitted, parts_of
from console.widgets.prompts import refusal
from console.widgets.status import Status, cost, rough, size_said, status_text
from console.widgets.table import Column, laid_out

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACT = Act(title="Hand over", verb="Hand over", target="camera north", state="held by unit1", effect="dark", undo="back")


def plain(parts: object) -> str:
    return "".join(text for text, _ in parts_of(parts))  # type: ignore[arg-type]


# Text


@pytest.mark.parametrize(
    "hostile", ["a\x1b[2Jb", "a\x9b31mb", "a\u202eb", "a\nb", "x" * 300, "a\u200bb"], ids=lambda text: repr(text)[:12]
)
def test_a_hostile_name_fits_its_column_without_a_control(hostile: str) -> None:
    shown = plain(fitted(hostile, 12))
    assert len(shown) == 12
    assert shown.isprintable()


def test_what_does_not_fit_is_marked() -> None:
    assert plain(fitted("north-tower", 8)) == "north-t~"
    assert plain(fitted("漢字漢字", 6)) == "漢字 ~"
    assert plain(fitted("12", 4, right=True)) == "  12"
    assert fitted("x", 0) == []


# Table

COLUMNS = (
    Column(key="state", label="STATE", width=8),
    Column(key="name", label="NAME", width=10, grows=True),
    Column(key="strip", label="DAY", width=24, from_width=80),
    Column(key="owner", label="OWNER", width=8, from_width=60),
)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (20, ["state", "name"]),
        (44, ["state", "name"]),
        (79, ["state", "name", "owner"]),
        (160, ["state", "name", "strip", "owner"]),
    ],
)
def test_columns_drop_out_on_a_narrow_screen_and_one_takes_the_rest(width: int, shown: list[str]) -> None:
    layout = laid_out(COLUMNS, width)
    assert [column.key for column, _ in layout] == shown
    assert 1 + sum(size + 1 for _, size in layout) == width


# Day strip


def test_a_day_is_letters_of_which_those_that_look_alike_are_one_run() -> None:
    shown = day_strip("##x+e. ")
    assert plain(shown) == "##x+e. "
    assert ("x", "bad") in shown


def test_the_worst_of_the_hours_that_share_a_letter_is_shown() -> None:
    assert plain(day_strip("##x#" + "#" * 19 + "+", 12)) == "#x#########+"


def test_a_letter_that_is_unknown_says_so() -> None:
    assert plain(day_strip("#\x1b#")) == "#?#"
    with pytest.raises(ValueError, match="at least one"):
        day_strip("#", 0)


# Status


def status(age: float | None, **more: object) -> Status:
    as_of = None if age is None else NOON - timedelta(seconds=age)
    known = {"refresh": timedelta(seconds=5), "stale_after": timedelta(seconds=30)}
    return Status(now=NOON, as_of=as_of, **(known | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        pytest.param(0, "as of 12:00Z", id="fresh"),
        pytest.param(30, "as of 11:59Z", id="at the limit"),
        pytest.param(31, "STALE 30 s", id="one past it"),
        pytest.param(125, "STALE 2 min", id="minutes"),
        pytest.param(9000, "STALE 2 h", id="hours"),
        pytest.param(None, "NOTHING READ YET", id="never"),
        pytest.param(-60, "as of 12:01Z", id="a clock that runs ahead"),
    ],
)
def test_the_status_says_in_words_how_fresh_the_screen_is(age: float | None, words: str) -> None:
    assert words in plain(status_text(status(age), "", 80))
    assert ("STALE" in words or "NOTHING" in words) == status(age).stale


def test_on_a_narrow_screen_freshness_stays_longest() -> None:
    shown = plain(status_text(status(90, note="20 rows"), "3.1 KB sent  RTT 0.31 s", 40))
    assert shown == "[RO] STALE 1 min as of 11:58Z  20 rows"


def test_bytes_and_the_round_trip_stand_in_the_status() -> None:
    figures = Figures(content=3000, on_the_wire=31_400, frames=9, last_minute=0, round_trip=0.312, interval=0.25)
    assert cost(figures) == "31 KB sent  RTT 0.31 s"
    assert cost(None) == ""
    assert [size_said(size) for size in (0, 999, 3140, 2_500_000)] == ["0 B", "999 B", "3.1 KB", "2.5 MB"]
    assert rough(timedelta(days=3)) == "3 days"


# Confirmation


def test_no_code_looks_like_another_or_makes_a_word() -> None:
    codes = {new_code() for _ in range(300)}
    assert len(codes) > 200
    assert all(code[0] in LETTERS and code[1] in DIGITS and code[3] in DIGITS for code in codes)
    assert set("b8g9qil1o0s5uvwz2mn").isdisjoint("".join(codes))


def typed(state: Confirmation, characters: str) -> Confirmation:
    for character in characters:
        state.type(character, "")
    return state


def test_enter_and_y_alone_never_act() -> None:
    state = Confirmation(code="k4t7")
    assert state.enter("") == "leave"
    typed(state, "y")
    assert state.enter("") == "leave"
    state.turn()
    assert state.enter("") == "leave", "the other answer is not to be had yet"


def test_the_four_characters_and_enter_act_once() -> None:
    state = typed(Confirmation(code="k4t7"), "K4T7")
    assert [state.enter("") for _ in range(3)] == ["act", "stay", "stay"]
    state.answered(Outcome("unit2 holds it", done=True, audit="a-7"))
    assert state.enter("") == "leave"
    assert "DONE: unit2 holds it  (audit a-7)" in [plain(line) for line in page(ACT, state)]


def test_a_wrong_character_begins_anew_and_backspace_takes_the_act_back() -> None:
    assert typed(Confirmation(code="k4t7"), "k4x").typed == ""
    state = typed(Confirmation(code="k4t7"), "k4t7")
    state.erase()
    assert (state.typed, state.enter("")) == ("k4t", "leave")


def test_the_safe_answer_can_be_chosen_again_after_the_code() -> None:
    state = typed(Confirmation(code="k4t7"), "k4t7")
    state.turn()
    assert state.enter("") == "leave"


def test_stale_data_refuses_before_and_after_the_code() -> None:
    state = Confirmation(code="k4t7")
    state.type("k", "the data is 3 min old")
    assert (state.typed, state.said) == ("", "refused: the data is 3 min old")
    typed(state, "k4t7")
    assert state.enter("the data is 3 min old") == "stay"
    assert state.enter("") == "leave"


def test_an_act_whose_end_is_not_known_may_be_asked_again_under_the_same_key() -> None:
    state = typed(Confirmation(code="k4t7"), "k4t7")
    key = state.key
    assert state.enter("") == "act"
    state.answered(Outcome("no answer within 5 s", again=True))
    assert "NOT KNOWN" in state.said
    assert (state.enter(""), state.key) == ("act", key)


# Filter and commands

ROW = {"state": "late", "name": "north-07", "site": "quay"}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("north", True),
        ("NORTH late", True),
        ("!north", False),
        ("state:late site:qu", True),
        ("state:miss", False),
        ("!state:late", False),
        ("st:late", True),
        ("state:", True),
        ("!", True),
        ("colour:red", False),
    ],
)
def test_a_filter_takes_words_their_absence_and_fields(text: str, passes: bool) -> None:
    assert parsed(text, frozenset(ROW)).accepts(ROW) == passes


def test_a_field_that_no_row_has_is_told() -> None:
    assert parsed("colour:red", frozenset(ROW)).unknown == ("colour",)


def test_a_word_that_is_no_command_names_the_nearest() -> None:
    assert refusal("statsu", ["status", "queue"]) == "no command 'statsu'; did you mean 'status'?"
    assert refusal("xyz", ["status"]) == "no command 'xyz'; ? lists them"
