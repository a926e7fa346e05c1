"""Lines that are too long for a screen, broken at blanks; what goes on is indented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.widgets.looks import Text, parts_of

INDENT = 2


def wrapped(lines: Sequence[Text], width: int) -> list[Text]:
    """Return the lines, each at most `width` columns where a word fits."""
    return [piece for line in lines for piece in _pieces(line, max(width, INDENT + 1))]


def _pieces(line: Text, width: int) -> Iterator[Text]:
    words = [(word, look) for text, look in parts_of(line) for word in _words(text)]
    piece: list[tuple[str, str]] = []
    length = 0
    for word, look in words:
        if piece and length + len(word.rstrip()) > width and word.strip():
            yield [*piece[:-1], (piece[-1][0].rstrip(), piece[-1][1])]
            piece, length = [(" " * INDENT, "plain")], INDENT
        piece.append((word, look))
        length += len(word)
    yield piece if piece else ""


def _words(text: str) -> Iterator[str]:
    """Yield words with the blanks behind them."""
    at = 0
    while at < len(text):
        end = text.find(" ", at)
        end = len(text) if end < 0 else end
        while end < len(text) and text[end] == " ":
            end += 1
        yield text[at:end]
        at = end
