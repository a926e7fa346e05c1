"""Bytes from the terminal as Textual's messages."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import constants
from textual._parser import ParseEOF, ParseError
from textual._xterm_parser import XTermParser

if TYPE_CHECKING:
    from textual.message import Message

ESCAPE_DELAY = constants.ESCAPE_DELAY + 0.01  # seconds after which an escape is a key of its own


class Typed:
    """Reads UTF-8 and escape sequences that may come in pieces; what is no UTF-8 becomes U+FFFD."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield what these bytes complete."""
        if text := self._decode(data):
            yield from self._parser.feed(text)

    def tick(self) -> Iterator[Message]:
        """Yield the key Escape when nothing has followed it for ESCAPE_DELAY."""
        yield from self._parser.tick()

    def close(self) -> None:
        """End the parser."""
        with suppress(EOFError, ParseError, ParseEOF):
            list(self._parser.feed(""))
