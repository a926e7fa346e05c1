"""A difference of documents gives the newer one exactly, or none is given."""

from __future__ import annotations

import random
from typing import Any

import pytest

from core.status.changed import applied, as_sent, difference, named


@pytest.mark.parametrize(
    ("base", "document", "changes"),
    [
        pytest.param({"at": 1}, {"at": 1}, {}, id="nothing"),
        pytest.param({"at": 1, "node": "unit1"}, {"at": 2, "node": "unit1"}, {"at": 2}, id="a-value"),
        pytest.param({}, {"error": {"text": "x"}}, {"error": {"text": "x"}}, id="a-table-that-is-new"),
        pytest.param({"error": {"text": "x"}, "at": 1}, {"at": 1}, {"-": ["error"]}, id="a-table-that-is-gone"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}, id="a-value-in-a-table"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, {"a": {"-": ["b"]}}, id="a-table-that-is-empty-now"),
        pytest.param({"a": 1}, {"a": None}, {"a": None}, id="none-is-a-value"),
        pytest.param(
            {"cameras": [{"name": "n", "next": 1}, {"name": "s", "next": 2}]},
            {"cameras": [{"name": "n", "next": 1}, {"name": "s", "next": 3}]},
            {"cameras": {"1": {"next": 3}}},
            id="one-of-several",
        ),
        pytest.param({"l": [1, 2]}, {"l": [1, 2, 3]}, {"l": [1, 2, 3]}, id="a-longer-list-is-told-whole"),
        pytest.param({"a": 1, "b": 0.0}, {"a": True, "b": 0}, {"a": True, "b": 0}, id="equal-and-written-otherwise"),
        pytest.param({"l": [1]}, {"l": 7}, {"l": 7}, id="another-kind"),
        pytest.param({"l": [{"a": 1}]}, {"l": {"0": {"a": 2}}}, None, id="a-table-in-the-place-of-a-list"),
        pytest.param({"a": 1}, {"a": 1, "-": 2}, None, id="a-key-that-means-something-else"),
    ],
)
def test_what_changed(base: dict[str, Any], document: dict[str, Any], changes: dict[str, Any] | None) -> None:
    assert difference(base, document) == changes
    if changes is not None:
        assert applied(base, changes) == document


def anything(dice: random.Random, depth: int = 4) -> Any:
    """Return what JSON can say."""
    kind = dice.randrange(6 if depth else 3)
    if kind > 3:
        return {
            dice.choice(["a", "b", "c", "-", "0", "1"]): anything(dice, depth - 1) for _ in range(dice.randrange(4))
        }
    if kind == 3:
        return [anything(dice, depth - 1) for _ in range(dice.randrange(3))]
    return dice.choice([None, True, False, 0, 1, 1.5, "", "x", "-"])


def test_no_difference_ever_makes_another_document() -> None:
    dice, told = random.Random(5), 0
    for _ in range(5000):
        base, document = ({"a": anything(dice), "b": anything(dice)} for _ in range(2))
        changes = difference(base, document)
        told += changes is not None
        assert changes is None or named(applied(base, as_sent(changes))) == named(document)
    assert told > 2500


def test_changes_of_another_document_are_refused_or_found_by_its_name() -> None:
    base, document = {"l": [{"a": 1}, {"a": 2}]}, {"l": [{"a": 1}, {"a": 3}]}
    changes = difference(base, document)
    with pytest.raises(ValueError, match="another list"):
        applied({"l": [{"a": 1}]}, changes)
    with pytest.raises(ValueError, match="no changes"):
        applied(base, 7)
    assert named(applied({"l": [{"b": 1}, {"b": 2}]}, changes)) != named(document)


def test_a_name_is_of_what_arrives() -> None:
    sent = {"at": 1795312957.734, "text": "é", "list": (1, 2)}
    assert named(as_sent(sent)) == named(sent)
    assert named({"b": 1, "a": 2}) == named({"a": 2, "b": 1})
