"""From a key path to its line in a TOML text that parses."""

from __future__ import annotations

import re
from collections.abc import Sequence

Path = tuple[str | int, ...]  # ("camera", 0, "schedule", 1, "every")

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^\s,\]}#][^,\]}#\n]*")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def show(path: Sequence[str | int]) -> str:
    """Return `path` as people read it: camera[0].schedule[1].every; a key that is not bare stands in quotes."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            word = part if _BARE.fullmatch(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
            shown += f".{word}" if shown else word
    return shown


_PART = re.compile(r'\[(\d+)\]|\.?([A-Za-z0-9_-]+)|\.?"((?:[^"\\]|\\.)*)"')


def parse_path(text: str) -> Path:
    """Return the path that `show` wrote."""
    return tuple(
        int(index) if index else word or re.sub(r"\\(.)", r"\1", quoted) for index, word, quoted in _PART.findall(text)
    )


class Lines:
    """The line (from 1) of every key, table and array element of a TOML text."""

    def __init__(self, text: str) -> None:
        self.found = _Scanner(text).scan()

    def of(self, path: Sequence[str | int]) -> int:
        """Return the line of `path`, else of the nearest table around it, else 1."""
        for length in range(len(path), 0, -1):
            if (line := self.found.get(tuple(path[:length]))) is not None:
                return line
        return 1


class _Scanner:
    """Reads keys and skips values; it trusts that a TOML parser has accepted the text."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._found: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # elements so far of each array of tables

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip():
            if self._peek() == "[":
                table = self._header()
            else:
                self._key_value(table)
        return self._found

    def _header(self) -> Path:
        many = self._text.startswith("[[", self._at)
        line = self._line
        self._advance(2 if many else 1)
        keys = self._keys()
        self._advance(2 if many else 1)
        path: Path = ()
        for key in keys[:-1]:
            path = self._last_of((*path, key), line)
        path = (*path, keys[-1])
        self._found.setdefault(path, line)
        if many:
            self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, self._counts[path] - 1)
        self._found[path] = line
        return path

    def _last_of(self, path: Path, line: int) -> Path:
        self._found.setdefault(path, line)
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _key_value(self, table: Path) -> None:
        path = table
        line = self._line
        for key in self._keys():
            path = (*path, key)
            self._found.setdefault(path, line)
        self._advance(1)  # =
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip()
            keys.append(self._string() if self._peek() in "\"'" else self._match(_BARE))
            self._skip()
            if self._peek() != ".":
                return keys
            self._advance(1)

    def _value(self, path: Path) -> None:
        self._skip()
        first = self._peek()
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            self._string()
        else:
            self._match(_SCALAR)

    def _array(self, path: Path) -> None:
        self._advance(1)
        index = 0
        while self._skip() and self._peek() != "]":
            self._found[(*path, index)] = self._line
            self._value((*path, index))
            index += 1
            self._comma()
        self._advance(1)

    def _inline_table(self, path: Path) -> None:
        self._advance(1)
        while self._skip() and self._peek() != "}":
            self._key_value(path)
            self._comma()
        self._advance(1)

    def _comma(self) -> None:
        if self._skip() and self._peek() == ",":
            self._advance(1)

    def _string(self) -> str:
        quote = self._peek()
        if self._text.startswith(quote * 3, self._at):
            return self._long_string(quote)
        end = self._end_of(quote, self._at + 1)
        raw = self._text[self._at + 1 : end]
        self._advance(end + 1 - self._at)
        return _unescape(raw) if quote == '"' else raw

    def _long_string(self, quote: str) -> str:
        end = self._end_of(quote * 3, self._at + 3)
        while self._text.startswith(quote, end + 3):  # up to two quotes may stand right before the closing three
            end += 1
        raw = self._text[self._at + 3 : end]
        self._advance(end + 3 - self._at)
        return raw

    def _end_of(self, closing: str, start: int) -> int:
        at = start
        while not self._text.startswith(closing, at) and at < len(self._text):
            at += 2 if closing[0] == '"' and self._text[at] == "\\" else 1
        return at

    def _skip(self) -> bool:
        """Pass blanks, newlines and comments; return whether anything follows."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at].isspace():
                self._advance(1)
            else:
                return True
        return False

    def _peek(self) -> str:
        return self._text[self._at]

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        text = found.group() if found else self._text[self._at]
        self._advance(len(text))
        return text

    def _advance(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count


def _unescape(raw: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _ESCAPED.get(match[3], match[3])

    return _ESCAPE.sub(character, raw)
