"""Make text that we did not write safe to show, log, name and send."""

from __future__ import annotations

UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: object, limit: int = 200) -> str:
    """Return `text` on one line, without controls, bidi or zero-width characters, at most `limit` long.

    What is unsafe stays visible as `\\xNN` (CWE-150: escape sequences in terminal output).
    """
    given = str(text)
    if len(given) <= limit and given.isascii() and given.isprintable():
        return given
    shown = "".join(_visible(character) for character in given[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _visible(character: str) -> str:
    import unicodedata  # a check that starts every minute seldom needs it

    if unicodedata.category(character) not in UNSAFE_CATEGORIES:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
