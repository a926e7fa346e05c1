"""What rows a filter leaves: words, `!words` that must not be there, and `field:word`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """One word of a filter. An empty field: anywhere in the row."""

    word: str
    field: str = ""
    inverse: bool = False

    def accepts(self, row: Mapping[str, str]) -> bool:
        """Tell whether a row passes. `site:` takes the beginning of any field's name, whose words begin so."""
        if not self.field:
            found = any(self.word in text.lower() for text in row.values())
        else:
            found = any(self.word in text.lower() for name, text in row.items() if name.startswith(self.field))
        return found != self.inverse


@dataclass(frozen=True)
class Filter:
    """All terms must pass."""

    terms: tuple[Term, ...] = ()
    unknown: tuple[str, ...] = ()  # fields that rows do not have

    def accepts(self, row: Mapping[str, str]) -> bool:
        """Tell whether a row, as plain text by column, is shown."""
        return all(term.accepts(row) for term in self.terms)


def parsed(text: str, fields: frozenset[str]) -> Filter:
    """Read a filter; a field that no row has is taken for a word, and told."""
    terms, unknown = [], []
    for word in text.lower().split():
        inverse = word.startswith("!")
        name, colon, value = word.removeprefix("!").partition(":")
        known = bool(colon) and any(each.startswith(name) for each in fields) and name != ""
        if colon and not known:
            unknown.append(name)
        if known and not value:
            continue  # still being typed
        if (term := value if known else word.removeprefix("!")) != "":
            terms.append(Term(term, name if known else "", inverse))
    return Filter(tuple(terms), tuple(unknown))
