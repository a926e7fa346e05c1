"""Thresholds: nagiosplugin's Range as a Context that refuses what the guidelines do not know."""

from __future__ import annotations

from nagiosplugin.context import Context
from nagiosplugin.performance import Performance
from nagiosplugin.range import Range
from nagiosplugin.result import Result
from nagiosplugin.state import Critical, Ok, Unknown, Warn

from checks.base.say import fixed, is_number

TYPE_CHECKING = False  # typing costs a plugin a tenth of its run; type checkers take this word for true
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Limits = Mapping[str, tuple[str | None, str | None]]  # by metric: warning, critical

HOW = "write a range such as 10, 10:, ~:10, 10:20 or @10:20"
_DIGITS = frozenset("0123456789")


class Limit(Range):
    """A range of the guidelines that prints its bounds in fixed point."""

    def __new__(cls, spec: str) -> Limit:
        """Parse `spec`; raise ValueError with what to write instead."""
        bounds = spec[1:] if spec.startswith("@") else spec
        start, colon, end = bounds.rpartition(":")
        if (not colon and not end) or not _is_bound(start, "~") or not _is_bound(end) or bounds == ":":
            raise ValueError(f"{HOW}, not {spec!r}")
        try:
            made: Limit = super().__new__(cls, spec)
        except ValueError:
            raise ValueError(f"the start of a range is not above its end: {HOW}, not {spec!r}") from None
        return made

    def _format(self, omit_zero_start: bool = True) -> str:
        start = "~:" if self.start == float("-inf") else f"{fixed(self.start)}:"
        if omit_zero_start and self.start == 0 and self.end != float("inf"):
            start = ""
        end = "" if self.end == float("inf") else fixed(self.end)
        return f"{'@' if self.invert else ''}{start}{end}"

    @property
    def violation(self) -> str:
        """Why a value does not match."""
        return f"{'inside' if self.invert else 'outside'} {self._format().removeprefix('@')}"


def _is_bound(text: str, *others: str) -> bool:
    whole, _, fraction = text.removeprefix("-").partition(".")
    return text in ("", *others) or (whole + fraction != "" and _DIGITS.issuperset(whole + fraction))


_limits: dict[str, Limit] = {}  # a node judges by the same few again and again


def limit(spec: str | None) -> Limit | None:
    """Return the range that `spec` says, None where there is none: then no value is outside. Raise ValueError."""
    if not spec:
        return None
    known = _limits.get(spec)
    if known is None:
        known = _limits[spec] = Limit(spec)
    return known


class Scale(Context):
    """The limits of one number. Without limits nothing is outside; NaN and the infinities are UNKNOWN, None is OK."""

    def __init__(
        self,
        name: str,
        warning: str | None = None,
        critical: str | None = None,
        words: Callable[[float], str] | None = None,
    ) -> None:
        """`words` says a value for people; raise ValueError for a range that is none."""
        super().__init__(name)
        self.warning, self.critical = limit(warning), limit(critical)
        self.words = words

    def evaluate(self, metric: Any, resource: object) -> Any:
        """Return the state of the metric's value."""
        value = metric.value
        if value is None:
            return Result(Ok, None, metric)
        if not is_number(value):
            return Result(Unknown, f"{self.name} is not a number", metric)
        for state, bounds in ((Critical, self.critical), (Warn, self.warning)):
            if bounds is not None and not bounds.match(value):
                return Result(state, f"{self.describe(metric)} ({bounds.violation})", metric)
        return Result(Ok, None, metric)

    def describe(self, metric: Any) -> str:
        """Return name and value for people."""
        if self.words is not None:
            return self.words(metric.value)
        unit = f" {metric.uom}" if metric.uom and metric.uom != "c" else ""
        return f"{metric.name} {fixed(metric.value)}{unit}"

    def performance(self, metric: Any, resource: object) -> Any:
        """Return the performance data; what is not determined is `U`."""
        return performance(metric, self.warning, self.critical)


def performance(metric: Any, warning: Limit | None = None, critical: Limit | None = None) -> Any:
    """Return a metric as performance data that any reader of the guidelines takes."""
    known = is_number(metric.value)
    return Performance(
        label(metric.name),
        fixed(metric.value),
        metric.uom if known else "",
        "" if warning is None else str(warning),
        "" if critical is None else str(critical),
        "" if metric.min is None else fixed(metric.min),
        "" if metric.max is None else fixed(metric.max),
    )


def label(name: str) -> str:
    """Return a label without what ends one: quotes, equals signs, controls."""
    if name.isidentifier():
        return name
    return "".join("_" if sign in "'=|" or not sign.isprintable() else sign for sign in name) or "_"


def scales(table: Limits, given: Limits | None = None) -> list[Scale]:
    """Return the contexts of a check's metrics: `table` has their defaults, `given` what the command line says.

    Raise ValueError for a range that is none.
    """
    made = dict(table) | {name: pair for name, pair in (given or {}).items() if name in table}
    return [Scale(name, *pair) for name, pair in made.items()]
