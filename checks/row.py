"""One row of a status document by its name, as a resource: a camera, a destination, a link."""

from __future__ import annotations

from nagiosplugin.resource import Resource

from checks.base.finding import Finding
from checks.base.judge import found
from checks.base.say import short
from checks.document import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from checks.document import Document


class Row(Resource):
    """Finds the row, and says so when there is none, or when the document says nothing of now."""

    KIND = ""  # what it is called

    def __init__(self, document: Document, name: str) -> None:
        self.document = document
        self.subject = name
        self.short = short(name)

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows of its kind."""
        raise NotImplementedError

    def judged(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """Yield numbers, then findings, of the row; raise CheckError."""
        raise NotImplementedError

    def probe(self) -> Iterator[Any]:
        """Yield numbers, then findings; raise CheckError."""
        rows = self.rows()
        row = next((one for one in rows if named(one) == self.subject), None)
        if row is None:
            known = ", ".join(named(one) for one in rows) or "none"
            yield found(Finding(f"no {self.KIND} {self.short}", unknown=True, step=f"name one of: {known}"))
        elif (why := self.document.why_not) is not None:
            yield found(Finding(f"{self.short}: {why}", unknown=True, step="check_node pages for it"))
        else:
            yield from self.judged(row)
