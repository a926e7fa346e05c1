"""What the keys hold is read strictly: whatever any node wrote there is a record or an error, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.coordination.base import check_key
from core.coordination.protocol.records import (
    CameraPlan,
    NodePlan,
    Note,
    Owner,
    RecordError,
    SessionRecord,
    camera_key,
    encode,
    node_key,
    note_key,
    owner_key,
    parse_camera,
    parse_epoch,
    parse_node,
    parse_note,
    parse_owner,
    parse_session,
    session_key,
)
from core.values import Fence

OWNER = Owner("cloud", "ab-1", Fence(2, 7), "failure", 5, 5, 60, "unit.ab-1.down", ("unit.cd-1.down",))
SESSION = SessionRecord("ab-1", 7, 10.0, 30.0, "cloud", ("gate",), ("yard",), '{"x":1}')
PARSERS: list[Callable[[str, bytes], object]] = [
    parse_camera,
    parse_epoch,
    parse_node,
    parse_note,
    parse_owner,
    parse_session,
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_WORDS = "sid n R T dead ill own st node e tok why at sw hold case untold by sent g primary backup excl prio cap"
FIELDS = _WORDS.split()


@pytest.mark.parametrize(
    ("record", "parse"),
    [
        (OWNER, parse_owner),
        (SESSION, parse_session),
        (SessionRecord("ab-1", 0, 3.0, 9.0), parse_session),
        (CameraPlan(3, "unit", "cloud", True, ("office",), 60, -1), parse_camera),
        (CameraPlan(3, "unit"), parse_camera),
        (NodePlan(3, True, True, True, "cellular", False, 90, 0), parse_node),
        (NodePlan(), parse_node),
        (Note("cloud"), parse_note),
        (Note("cloud", 12), parse_note),
        (7, parse_epoch),
    ],
)
def test_what_is_written_is_read_again(record: object, parse: Callable[[str, bytes], object]) -> None:
    value = encode(record)  # type: ignore[arg-type]
    assert parse("k", value) == record
    assert b" " not in value.replace(b'{\\"x\\":1}', b"")


def test_a_renewal_is_small() -> None:
    assert len(encode(SessionRecord("0123456789abcdef-12", 123456, 30.0, 90.0))) <= 90


def test_keys_are_keys_of_the_engine() -> None:
    for key in (camera_key("gate"), node_key("a"), session_key("a"), owner_key("gate"), note_key(OWNER.case)):
        assert check_key(key) == key


def test_what_a_node_alone_wrote_is_an_owner_without_a_session() -> None:
    assert parse_owner("k", b'{"node":"unit","e":1,"tok":4}') == Owner("unit", "", Fence(1, 4), "start")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param(b"\xff", "not JSON", id="no text"),
        pytest.param(b"[" * 60_000, "not JSON", id="nested without end"),
        pytest.param(b"1" * 70_000, "more than", id="too large"),
        pytest.param(b"[]", "not a JSON object", id="a list"),
        pytest.param(b'{"sid":"a","n":1,"R":NaN,"T":9}', "NaN is no number", id="nan"),
        pytest.param(b'{"sid":"a","n":true,"R":3,"T":9}', "n: a whole number", id="true is no number"),
        pytest.param(b'{"sid":"a","n":1,"R":3,"T":5}', "T: at least twice R", id="a deadline that is too short"),
        pytest.param(b'{"sid":"a","n":1,"R":0,"T":9}', "R: seconds from", id="no pace"),
        pytest.param(b'{"sid":"a","n":1,"R":3,"T":1e9}', "T: seconds from", id="never suspected"),
        pytest.param(b'{"sid":"a b","n":1,"R":3,"T":9}', "sid: a word", id="no word"),
        pytest.param(b'{"sid":"a","n":1,"R":3,"T":9,"dead":{"by":"A"}}', "dead: null or", id="buried by nobody"),
        pytest.param(b'{"sid":"\\u001b[2J","n":1,"R":3,"T":9}', r"\x1b[2J", id="an escape sequence is shown harmless"),
    ],
)
def test_what_is_wrong_is_said_with_its_key_and_field(value: bytes, told: str) -> None:
    with pytest.raises(RecordError) as error:
        parse_session("sess.unit", value)
    assert str(error.value).startswith("sess.unit: ")
    assert told in str(error.value)
    assert "\x1b" not in str(error.value)


def test_a_backup_is_another_node_than_the_primary() -> None:
    with pytest.raises(RecordError, match="another node"):
        parse_camera("k", encode(CameraPlan(1, "unit", "unit")))


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=64) | st.dictionaries(st.sampled_from(FIELDS), anything).map(lambda d: json.dumps(d).encode())
)
@example(b'{"e":1e400}')
def test_hostile_values_are_records_or_errors_and_never_anything_else(value: bytes) -> None:
    for parse in PARSERS:
        try:
            parse("k", value)
        except RecordError:
            continue
