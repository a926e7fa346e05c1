"""What lies in a folder of a web server: WebDAV's PROPFIND, or the JSON index of nginx."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

from core.errors import DestinationRefused, DestinationUnreachable
from core.text import safe

LONGEST = 16 << 20  # bytes of one folder's listing: some 25 000 objects
DEPTH = 32  # folders below each other, and elements in the answer
_TEXT = 16 << 10  # bytes of one value
PROPERTIES = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/></prop></propfind>'
QUOTA = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><quota-available-bytes/></prop></propfind>'


@dataclass(frozen=True, slots=True)
class Entry:
    """What one folder holds. `path`: of the URL, unquoted."""

    path: str
    is_folder: bool
    size: int | None
    quota: int | None = None  # bytes that still fit

    @property
    def base(self) -> str:
        """The last part of its path."""
        return self.path.rstrip("/").rpartition("/")[2]


def bounded(blocks: Iterable[bytes], what: str) -> Iterator[bytes]:
    """Yield the blocks of an answer; raise DestinationRefused when they never end."""
    came = 0
    for block in blocks:
        came += len(block)
        if came > LONGEST:
            raise DestinationRefused(f"{safe(what)}: the listing has more than {LONGEST} bytes")
        yield block


def of_index(blocks: Iterable[bytes], what: str) -> list[Entry]:
    """Return what nginx' `autoindex_format json` lists; raise DestinationRefused for anything else."""
    try:
        found = json.loads(b"".join(bounded(blocks, what)))
        return [Entry(one["name"], one["type"] == "directory", one.get("size")) for one in found]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DestinationRefused(f"{safe(what)}: no listing; the server needs autoindex_format json") from error


def of_multistatus(blocks: Iterable[bytes], what: str) -> list[Entry]:
    """Return what a 207 answer lists, the folder itself among it; raise DestinationUnreachable for anything else."""
    reading = _Multistatus()
    try:
        for block in bounded(blocks, what):
            reading.feed(block)
        reading.feed(b"", last=True)
    except (expat.ExpatError, ValueError) as error:
        raise DestinationUnreachable(f"{safe(what)}: what came is no listing ({safe(error, 80)})") from error
    return reading.found


class _Multistatus:
    """Collects the entries of a 207 answer while it comes; what it is not interested in is not kept."""

    def __init__(self) -> None:
        self.found: list[Entry] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = _no_doctype
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._path: list[str] = []
        self._words: dict[str, str] = {}
        self._good: dict[str, str] = {}

    def feed(self, data: bytes, last: bool = False) -> None:
        """Take the next bytes of the answer."""
        self._parser.Parse(data, last)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > DEPTH:
            raise ValueError("elements inside elements without end")
        if name == "DAV: response":
            self._words, self._good = {}, {}
        elif name == "DAV: propstat":
            self._words = {key: text for key, text in self._words.items() if key == "href"}
        elif name == "DAV: collection":
            self._words["collection"] = "yes"

    def _text(self, data: str) -> None:
        name = self._path[-1].removeprefix("DAV: ") if self._path else ""
        if name in ("href", "getcontentlength", "status", "quota-available-bytes"):
            whole = self._words.get(name, "") + data
            if len(whole) > _TEXT:
                raise ValueError("a value without end")
            self._words[name] = whole

    def _end(self, name: str) -> None:
        self._path.pop()
        if name == "DAV: propstat" and " 200" in self._words.get("status", ""):
            self._good |= self._words
        elif name == "DAV: response" and "href" in self._words:
            self.found.append(_entry(self._good | {"href": self._words["href"]}))


def _entry(words: dict[str, str]) -> Entry:
    href = words["href"].strip()
    path = unquote(href if href.startswith("/") else urlsplit(href).path, errors="surrogateescape")
    size, quota = words.get("getcontentlength"), words.get("quota-available-bytes")
    return Entry(path, "collection" in words, _number(size), _number(quota))


def _number(text: str | None) -> int | None:
    """Return a number of bytes; None for what is none, as the -3 with which some servers say "unlimited"."""
    plain = (text or "").strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 20 else None


def _no_doctype(*_: object) -> None:
    raise ValueError("a document type is declared in it")
