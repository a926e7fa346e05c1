from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.site.lines import Lines, Path, parse_path, show
from core.site.model.file import SiteFile
from core.site.shape import Shape, keys, placeholder

EXAMPLE = """\
version = 1            # line 1
site = { name = "a # not a comment", data = 'C:\\' }

[[camera]]             # line 4
name = \"\"\"
several ] lines
\"\"\"
"quoted.key" = 1
source.kind = "http"
schedule = [           # line 10
    { every = "10m", at = ["1", [
        2]] },         # line 12
    # a comment, with [brackets] and "quotes
    { every = "1h" },
]
[camera.settings]      # line 16
iso = '''x'''''
[[camera.event]]
from = 1979-05-27 07:32:00
[[camera]]
[camera . settings]    # line 21
'focus' = "manual \\" ] }"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("version", 1),
        ("site", 2),
        ("site.name", 2),
        ("site.data", 2),
        ("camera", 4),
        ("camera[0]", 4),
        ("camera[0].name", 5),
        ('camera[0]."quoted.key"', 8),
        ("camera[0].source", 9),
        ("camera[0].source.kind", 9),
        ("camera[0].schedule", 10),
        ("camera[0].schedule[0].every", 11),
        ("camera[0].schedule[0].at[1][0]", 12),
        ("camera[0].schedule[1].every", 14),
        ("camera[0].settings", 16),
        ("camera[0].settings.iso", 17),
        ("camera[0].event[0].from", 19),
        ("camera[1]", 20),
        ("camera[1].settings", 21),
        ("camera[1].settings.focus", 22),
    ],
)
def test_a_key_path_leads_to_its_line(path: str, line: int) -> None:
    assert Lines(EXAMPLE).found[parse_path(path)] == line
    assert show(parse_path(path)) == path


def test_what_is_not_there_has_the_line_of_the_table_around_it() -> None:
    lines = Lines(EXAMPLE)
    assert lines.of(("camera", 0, "schedule", 1, "evry")) == 14
    assert lines.of(("camera", 1, "source")) == 20
    assert lines.of(("route", 0)) == 1


def test_windows_line_ends_count_once() -> None:
    assert Lines("a = 1\r\n\r\nb = 2\r\n").found == {("a",): 1, ("b",): 3}


def paths_of(tree: Any, at: Path = ()) -> Iterator[Path]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from paths_of(value, (*at, key))


class Writer:
    """Writes a tree as TOML in any of its styles and notes the line of every key."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.text = ""
        self.noted: dict[Path, int] = {}

    def note(self, path: Path) -> None:
        self.noted.setdefault(path, self.text.count("\n") + 1)

    def table(self, tree: dict[str, Any], at: Path, header: str) -> None:
        later = []
        for word, value in tree.items():
            tables = isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict))
            if tables and self.random.random() < 0.6:
                later.append((word, value))
            else:
                self.note((*at, word))
                self.text += f"{self.word(word)} = "
                self.value(value, (*at, word))
                self.text += self.random.choice(["\n", " # [note] = {\n", "\n\n"])
        for word, value in later:
            self.below(word, value, (*at, word), f"{header}.{self.word(word)}" if header else self.word(word))

    def below(self, word: str, value: Any, at: Path, header: str) -> None:
        self.note(at)
        if isinstance(value, dict):
            self.text += f"[{header}]\n"
            self.table(value, at, header)
            return
        for index, each in enumerate(value):
            self.note((*at, index))
            self.text += f"[[{header}]]\n"
            self.table(each, (*at, index), header)

    def value(self, value: Any, at: Path) -> None:
        if isinstance(value, dict):
            self.inline(value, at)
        elif isinstance(value, list):
            self.text += "["
            for index, each in enumerate(value):
                self.text += self.random.choice(["", " ", "\n    ", "\n  # ] note\n"])
                self.note((*at, index))
                self.value(each, (*at, index))
                self.text += ","
            self.text += self.random.choice(["]", "\n]"])
        else:
            self.text += self.scalar(value)

    def inline(self, tree: dict[str, Any], at: Path) -> None:
        self.text += "{ "
        for index, (word, each) in enumerate(tree.items()):
            self.text += ", " if index else ""
            self.note((*at, word))
            self.text += f"{self.word(word)} = "
            self.value(each, (*at, word))
        self.text += " }"

    def word(self, word: str) -> str:
        return self.random.choice([word, f'"{word}"', f"'{word}'"])

    def scalar(self, value: Any) -> str:
        if isinstance(value, str):
            return self.random.choice([f'"{value}"', f"'{value}'", f'"""\n{value}"""', f"'''{value}'''"])
        return str(value).lower()


def everything(shape: Shape) -> Any:
    """Return a tree that has every key of the model, and two elements in every list."""
    if shape.choices is not None:
        return {
            word: everything(field.shape) for table in shape.choices.values() for word, field in keys(table).items()
        }
    if shape.table is not None:
        return {word: everything(field.shape) for word, field in keys(shape.table).items()}
    if shape.item is not None:
        return [everything(shape.item), everything(shape.item)]
    return placeholder(shape)


@given(st.integers(0, 2**32))
def test_every_key_path_of_the_model_has_its_line_in_whatever_style_it_is_written(seed: int) -> None:
    tree = everything(Shape(table=SiteFile))
    writer = Writer(seed)
    writer.table(tree, (), "")
    assert set(paths_of(tomllib.loads(writer.text))) == set(paths_of(tree))
    found = Lines(writer.text).found
    assert {path: found.get(path) for path in paths_of(tree)} == {path: writer.noted[path] for path in paths_of(tree)}


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=6), st.integers(0, 3))
def test_no_text_in_keys_or_values_confuses_the_lines(tree: dict[str, str], style: int) -> None:
    def quoted(text: str) -> str:
        escaped = "".join(f"\\U{ord(character):08X}" if style < 2 else _toml(character) for character in text)
        return f'"{escaped}"'

    text = "\n".join(f"{quoted(word)} = {quoted(value)}" for word, value in tree.items())
    assert Lines(text).found == {(word,): n for n, word in enumerate(tomllib.loads(text), start=1)}


def _toml(character: str) -> str:
    safe = character.isprintable() and character not in '"\\'
    return character if safe else f"\\U{ord(character):08X}"


@given(st.lists(st.one_of(st.integers(0, 99), st.text(min_size=1, max_size=6)), max_size=6))
def test_a_path_is_read_back_as_it_was_shown(parts: list[str | int]) -> None:
    path = ("root", *parts)
    assert parse_path(show(path)) == path
