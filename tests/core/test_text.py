"""Text that we did not write."""

import pytest

from core.text import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Canon EOS 5D", "Canon EOS 5D"),
        ("cam\x1b]52;c;AAAA\x07", "cam\\x1b]52;c;AAAA\\x07"),
        ("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"),
        ("\x9b2J", "\\x9b2J"),
        ("evil\u202egnp.exe", "evil\\u{202e}gnp.exe"),
        ("zero\u200bwidth", "zero\\u{200b}width"),
        ("café Ω 日本", "café Ω 日本"),
        (b"bytes", "b'bytes'"),
    ],
)
def test_controls_become_visible_and_words_stay(text: object, shown: str) -> None:
    assert safe(text) == shown


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert len(safe("x" * 10_000, 50)) == 50
    assert safe("x" * 51, 50).endswith("…")
    assert safe("x" * 50, 50) == "x" * 50


def test_a_short_text_of_controls_cannot_grow_past_the_limit() -> None:
    assert len(safe("\x1b" * 50, 50)) == 50
