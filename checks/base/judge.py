"""Judge what resources found: each by itself, the worst first, so that no failure hides another's alarm."""

from __future__ import annotations

from nagiosplugin.context import Context
from nagiosplugin.error import CheckError
from nagiosplugin.metric import Metric
from nagiosplugin.result import Result, Results
from nagiosplugin.state import Critical, Ok, Unknown, Warn
from nagiosplugin.summary import Summary

from checks.base.finding import CRITICAL, OK, UNKNOWN, WARNING, Finding
from checks.base.limits import Scale, label
from checks.base.say import DAY
from checks.base.verdict import Verdict, act_before, can_wait, first_line, losing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

STATE = (Ok, Warn, Critical, Unknown)
SEVERITY = {Critical: 0, Warn: 1, Unknown: 2, Ok: 3}  # an alarm is not hidden by what nobody knows
WEEK = 7 * DAY


class Expired(BaseException):
    """The check's time is over, which is `state`. Not an Exception: no probe's `except Exception` swallows it."""

    def __init__(self, why: str, state: int = UNKNOWN) -> None:
        super().__init__(why)
        self.state = state


class When:
    """By which times a check judges: `now`, and what its first line says can wait.

    `act`: seconds within which a loss pages. `horizon`: until when nothing is lost as far as is known. `unknown`:
    until when what is not known can wait, because another check pages by then. All but `act` since the epoch.
    """

    __slots__ = ("act", "horizon", "now", "unknown")

    def __init__(self, now: float, act: float, horizon: float | None = None, unknown: float | None = None) -> None:
        self.now = now
        self.act = act
        self.horizon = now + WEEK if horizon is None else horizon
        self.unknown = now + act if unknown is None else unknown


class Loss(Context):
    """The context of findings: their state is the time to loss."""

    def __init__(self, when: When) -> None:
        super().__init__("loss")
        self._when = when

    def evaluate(self, metric: Any, resource: object) -> Any:
        """Return the state of the finding that the metric holds."""
        finding: Finding = metric.value
        return Result(STATE[finding.state(self._when.now, self._when.act)], finding.text, metric)


class WorstFirst(Summary):
    """Names all that was found, the worst first."""

    def ok(self, results: Any) -> list[str]:
        """Return the texts of what is well."""
        return [result.hint for result in _ordered(results) if result.hint]

    def problem(self, results: Any) -> list[str]:
        """Return the texts of what is not well; what is well only when there is nothing else to tell."""
        return [result.hint for result in _ordered(results) if result.hint and result.state != Ok]


def found(finding: Finding) -> Any:
    """Return a finding as a metric."""
    return Metric("loss", finding, context="loss")


def judge(
    check: str,
    subject: str,
    resources: Sequence[Any],
    when: When,
    contexts: Sequence[Context] = (),
    summary: Summary | None = None,
) -> Verdict:
    """Ask the resources and return what they come to.

    A resource that raises CheckError, or anything else, is UNKNOWN by itself; what it and the others yielded counts.
    Expired ends the asking and is UNKNOWN, too.
    """
    known = {context.name: context for context in (Loss(when), *contexts)}
    results = Results()
    perfdata: list[Any] = []
    for resource in resources:
        if _ask(resource, known, results, perfdata):
            break
    if not len(results):
        results.add(_failed("nothing was found", None))
    return _verdict(check, subject, results, perfdata, when, WorstFirst() if summary is None else summary)


def _ask(resource: Any, contexts: dict[str, Context], results: Any, perfdata: list[Any]) -> bool:
    """Add what a resource yields; return whether the time is over."""
    try:
        for metric in _metrics(resource.probe()):
            context = contexts.get(metric.context) or Scale(metric.context)
            told = Metric(*metric[:6], context, resource)
            results.add(told.evaluate())
            if (data := told.performance()) is not None:
                perfdata.append(data)
    except Expired as error:
        results.add(_failed(str(error), resource, STATE[error.state]))
        return True
    except CheckError as error:
        results.add(_failed(str(error), resource))
    except Exception as error:  # noqa: BLE001 - around a whole check: one line, no traceback
        results.add(_failed(f"{resource.name} failed: {type(error).__name__}", resource))
    return False


def _metrics(metrics: Any) -> Iterator[Any]:
    if isinstance(metrics, Metric):
        return iter([metrics])
    return iter(metrics or ())


def _failed(why: str, resource: object, state: Any = Unknown) -> Any:
    return Result(state, why, found(Finding(why, unknown=True)).replace(resource=resource))


def _ordered(results: Any) -> list[Any]:
    return sorted(results.results, key=lambda result: SEVERITY[result.state])


def _verdict(check: str, subject: str, results: Any, perfdata: list[Any], when: When, summary: Summary) -> Verdict:
    ordered = _ordered(results)
    state = ordered[0].state
    findings = [result.metric.value for result in ordered if isinstance(result.metric.value, Finding)]
    rate = sum(finding.losing for finding in findings)
    loss_at = min((finding.loss_at for finding in findings if finding.loss_at is not None), default=None)
    waits = min((until for finding in findings if (until := finding.waits(when.act)) is not None), default=None)
    texts = summary.ok(results) if state == Ok else summary.problem(results)
    line = first_line(check, state.code, texts, _ending(state.code, rate, loss_at, waits, when))
    return Verdict(check, subject, state.code, line, _details(ordered), perfdata, rate, loss_at)


def _ending(state: int, rate: float, loss_at: float | None, waits: float | None, when: When) -> str:
    if rate > 0:
        return losing(rate)
    if state == CRITICAL and loss_at is None:
        return act_before(when.now + when.act, when.now)
    if loss_at is not None and (state == CRITICAL or (state == WARNING and loss_at - when.now <= when.act)):
        return act_before(loss_at, when.now)  # of a WARNING another service pages for it
    if state == WARNING and waits is not None:
        return can_wait(waits, when.now)
    if state == UNKNOWN:
        return can_wait(when.unknown, when.now)
    return can_wait(when.horizon, when.now)


def _details(ordered: Sequence[Any]) -> list[str]:
    lines: list[str] = []
    for result in ordered:
        if isinstance(result.metric.value, Finding):
            lines += result.metric.value.lines()
        elif result.state.code != OK and result.hint:
            lines.append(result.hint)
    return lines


def merged(check: str, verdicts: Sequence[Verdict], when: When) -> Verdict:
    """Return several services of one check as one, the worst first; performance data carry the subject's name."""
    if len(verdicts) == 1:
        return verdicts[0]
    ordered = sorted(verdicts, key=lambda one: (SEVERITY[STATE[one.state]], one.subject))
    rate, state = sum(one.losing for one in ordered), ordered[0].state
    loss_at = min((one.loss_at for one in ordered if one.loss_at is not None), default=None)
    told = [one for one in ordered if one.state == state]
    texts = [f"{len(told)} {check}s: {', '.join(one.subject for one in told)}" if len(told) > 1 else told[0].details[0]]
    line = first_line(
        check, state, texts, _ending(state, rate, loss_at, None if loss_at is None else loss_at - when.act, when)
    )
    perfdata = [
        data._replace(label=label(f"{number}_{data.label}_{one.subject}"))
        for number, one in enumerate(sorted(verdicts, key=lambda one: one.subject))
        for data in one.perfdata
    ]
    return Verdict(check, "", state, line, [line for one in ordered for line in (one.line, *one.details)], perfdata)
