"""What our documents tell an operator to write, word by word: tests run just that."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of one language on a page, in order."""
    text = (DOCS / page).read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no {language}"
    return [str(one) for one in found]


def lines(page: str, pattern: str) -> str:
    """Return the lines of a page that begin with what matches, without their comments."""
    found = [line.partition("#")[0] for line in (DOCS / page).read_text().splitlines() if re.match(pattern, line)]
    assert found, f"{page} has no line like {pattern}"
    return "\n".join(found)
