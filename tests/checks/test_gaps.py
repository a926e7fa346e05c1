"""What nagiosplugin leaves open, each gap by its name: what ours does instead."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nagiosplugin
import pytest
from nagiosplugin import CheckError, Metric, Resource
from peers.guidelines import perfdata, violations
from peers.plugin import begun, imported, of_module, program
from peers.statuses import well, write

from checks.base.finding import CRITICAL, OK, UNKNOWN, WARNING, Finding
from checks.base.judge import Expired, When, found, judge
from checks.base.limits import Limit, Scale
from checks.base.redact import keep_secret
from checks.base.run import encoded, run
from checks.base.verdict import Verdict

NOW = 1_795_262_400.0
WHEN = When(NOW, 12 * 3600)
Given = Metric | Finding | BaseException


class Scripted(Resource):
    """A resource that yields, or raises, what it was given."""

    def __init__(self, *given: Any) -> None:
        self.given = given

    def probe(self) -> Iterator[Any]:
        for one in self.given:
            if isinstance(one, BaseException):
                raise one
            yield found(one) if isinstance(one, Finding) else one


def of(*resources: Resource, contexts: tuple[Scale, ...] = ()) -> Verdict:
    verdict = judge("sample", "", resources, WHEN, contexts)
    assert violations(verdict.state, verdict.text().encode("utf-8", "backslashreplace")) == []
    return verdict


def of_value(value: Any, warning: str | None = None, critical: str | None = None) -> Verdict:
    return of(Scripted(Metric("x", value)), contexts=(Scale("x", warning, critical),))


def test_without_a_threshold_no_value_is_outside() -> None:
    assert of_value(-5).state == OK


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), "12"])
def test_what_is_no_number_is_unknown_and_not_determined(value: Any) -> None:
    verdict = of_value(value, "10")
    assert (verdict.state, verdict.performance) == (UNKNOWN, "x=U;10")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1e-7, "0"), (0.1 + 0.2, "0.3"), (1e22, "10000000000000000000000"), (True, "1"), (-0.0001, "0"), (-2.50, "-2.5")],
)
def test_performance_data_are_fixed_point(value: Any, shown: str) -> None:
    assert of_value(value).performance == f"x={shown}"


@pytest.mark.parametrize("spec", ["1e3", "90%", "10GB", "~", "10:5", "1:2:3", ":", "-", "@", "1.2.3", "nan", "inf:"])
def test_a_range_that_is_none_is_refused_with_what_to_write(spec: str) -> None:
    with pytest.raises(ValueError, match="write a range such as"):
        Limit(spec)


def some_range(chance: random.Random) -> str:
    low, high = sorted(round(chance.uniform(-100, 100), chance.randrange(3)) for _ in range(2))
    return chance.choice(["@", ""]) + chance.choice([f"{low}:{high}", f"~:{high}", f"{low}:", f"{abs(high)}"])


def test_ranges_agree_with_plain_nagiosplugin_wherever_that_takes_them() -> None:
    chance = random.Random(20261121)
    for _ in range(20_000):
        spec, value = some_range(chance), round(chance.uniform(-120, 120), 2)
        assert Limit(spec).match(value) == nagiosplugin.Range(spec).match(value), (spec, value)
        assert Limit(str(Limit(spec))).match(value) == Limit(spec).match(value), (spec, str(Limit(spec)))


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--help"], b"usage:"), (["-V"], b"check_camera"), (["-h"], b"usage:")]
)
def test_help_and_version_exit_with_3_on_standard_output(arguments: list[str], said: bytes) -> None:
    ended = program("check_camera", *arguments)
    assert (ended.code, ended.out.startswith(said), ended.err) == (3, True, b"")


@pytest.mark.parametrize(
    "arguments",
    [["--bogus"], ["-x"], ["camera"], ["--status"], ["-w", "5:1"], ["-t", "0"], ["-t", "soon"], ["-w", "nix=1"]],
)
def test_bad_arguments_exit_with_3_on_standard_output(arguments: list[str]) -> None:
    ended = program("check_camera", *arguments, *([] if arguments[-1] == "--status" else ["--status", "/nowhere"]))
    assert violations(ended.code, ended.out, ended.err) == []
    assert ended.code == UNKNOWN
    assert b"usage: check_camera" in ended.out


@pytest.mark.parametrize("code", ["import nix_da", 'raise SystemExit("text")', "1 / 0", "import os; os.abort()"])
def test_a_module_that_is_missing_or_fails_at_import_is_unknown(code: str, tmp_path: Path) -> None:
    ended = of_module(code, tmp_path)
    assert violations(ended.code, ended.out, ended.err) == []
    assert ended.code == UNKNOWN


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_answered(number: signal.Signals, tmp_path: Path) -> None:
    with begun(SLOW, tmp_path) as process:
        while not (tmp_path / "began").exists():
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert violations(process.returncode, out, err) == []
    assert number.name in out.decode()


SLOW = """
import pathlib, time
from checks.camera import *
def check(values):
    pathlib.Path("began").touch()
    time.sleep(60)
"""


def test_without_a_time_given_there_is_one_and_half_a_second_is_no_zero(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = of_module(SLOW, tmp_path, "-t", "0.5")
    assert time.monotonic() - began < 10
    assert (ended.code, b"no answer within 0.5 s" in ended.out) == (UNKNOWN, True)
    from checks.base.start import TIMEOUT

    assert TIMEOUT == 10


def test_the_time_runs_before_anything_is_imported_or_parsed(tmp_path: Path) -> None:
    ended = of_module("import time; time.sleep(60)", tmp_path, "--timeout=0.5")
    assert violations(ended.code, ended.out, ended.err) == []
    assert b"no answer within 0.5 s" in ended.out


def test_a_probe_that_swallows_every_exception_does_not_swallow_the_time_out() -> None:
    class Careless(Resource):
        def probe(self) -> Iterator[Any]:
            try:
                raise Expired("no answer within 10 s")
            except Exception:  # noqa: BLE001 - that is the point
                yield Metric("x", 1)

    assert of(Careless()).state == UNKNOWN


DEAF = """
import os, pathlib, signal, time
from checks.camera import *
def check(values):
    pathlib.Path("pid").write_text(str(os.getpid()))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    while True:
        time.sleep(1)
"""


def test_a_child_that_hears_no_signal_is_killed_and_answered_for(tmp_path: Path) -> None:
    ended = of_module(DEAF, tmp_path, "-t", "0.5")
    assert violations(ended.code, ended.out, ended.err) == []
    assert b"killed" in ended.out
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists(), "it was left behind"


def test_the_state_of_a_time_out_can_be_chosen(tmp_path: Path) -> None:
    for code in (SLOW, DEAF):
        ended = of_module(code, tmp_path, "-t", "0.5", "--timeout-state", "critical")
        assert violations(ended.code, ended.out, ended.err) == []
        assert ended.code == CRITICAL


def test_what_nobody_knows_does_not_hide_an_alarm() -> None:
    verdict = of(Scripted(CheckError("no answer")), Scripted(Finding("disk fails", losing=6)))
    assert (verdict.state, "disk fails; no answer" in verdict.line) == (CRITICAL, True)


def test_a_resource_that_fails_takes_nothing_from_the_others() -> None:
    verdict = of(Scripted(Metric("x", 9)), Scripted(ZeroDivisionError("boom")), contexts=(Scale("x", None, "5"),))
    assert (verdict.state, verdict.performance) == (CRITICAL, "x=9;;5")
    assert "Scripted failed: ZeroDivisionError" in verdict.details


def test_all_that_is_wrong_is_named_the_worst_first_in_less_than_80_characters() -> None:
    verdict = of(Scripted(Finding("one", impaired=True), Finding("two", losing=1), Finding("three", losing=2)))
    assert verdict.line == "SAMPLE CRITICAL: two; three; one - losing 3/h"
    many = of(Scripted(*(Finding(f"fault number {number}", losing=1) for number in range(20))))
    assert "+" in many.line
    assert [f"fault number {number}" for number in range(20)] == [line for line in many.details if "fault" in line]


@pytest.mark.parametrize("label", ["bob's", "a=b", "with blank", "", "new\nline", "a|b", "é"])
def test_any_label_is_told(label: str) -> None:
    verdict = of(Scripted(Metric(label, 1, context="x")), contexts=(Scale("x"),))
    assert verdict.state == OK


@pytest.mark.parametrize("text", ["two\nlines", "a | b", "bell \x07", "\x1b[31mred", "‮bidi", "x" * 500])
def test_text_of_others_neither_breaks_the_line_nor_begins_performance_data(text: str) -> None:
    verdict = of(Scripted(Finding(text, impaired=True, cause=text)))
    assert verdict.state == WARNING


def test_what_is_no_text_is_written_as_bytes_whatever_the_terminal_takes() -> None:
    assert encoded("Fotos-\udcff-é") == b"Fotos-\\udcff-\xc3\xa9"


def test_a_label_twice_is_found_by_the_checker_of_the_guidelines() -> None:
    assert list(perfdata("a=1 a=2")) != []


@pytest.mark.parametrize(
    "text",
    [
        "http://bob:hunter22@nas/x failed",
        "login failed: password=hunter22",
        "Authorization: Basic hunter22",
        "api_key: 'hunter22'",
        "X-Amz-Signature=hunter22&x=1",
        "the word hunter22 alone",
    ],
)
def test_a_secret_is_never_printed(text: str) -> None:
    if "alone" in text:
        keep_secret("hunter22")
    verdict = of(Scripted(CheckError(text)))
    assert b"hunter22" not in encoded(verdict.text())


def test_nothing_is_kept_between_two_runs_and_nothing_written(tmp_path: Path) -> None:
    ended = of_module("from checks.camera import *", tmp_path, "--status", "/nowhere")
    assert ended.code == UNKNOWN
    assert [path.name for path in tmp_path.iterdir()] == ["sample.py"]


HEAVY = {
    *("nagiosplugin.cookie", "nagiosplugin.logtail", "shutil", "ssl", "zoneinfo", "datetime"),
    *("PIL", "asyncio", "click", "dataclasses", "logging", "paramiko", "pathlib", "pydantic", "requests", "socket"),
    *("sqlite3", "sqlite_utils", "subprocess", "tempfile", "textual", "tomllib", "traceback", "typing", "argparse"),
}


@pytest.mark.parametrize("check", ["camera", "transfer", "storage", "redundancy", "nas", "firewall", "node"])
def test_a_check_imports_nothing_heavy_on_its_common_path(check: str, tmp_path: Path) -> None:
    loaded = imported(check, tmp_path, ["--status", str(write(tmp_path / "status.json", well(time.time())))])
    assert f"checks.{check}" in loaded
    assert loaded & HEAVY == set()


def test_a_run_in_this_process_leaves_no_timer_behind() -> None:
    before = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        state, _ = run("camera", ["--status", "/nowhere"], 5.0, UNKNOWN)
        assert state == UNKNOWN
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGALRM, before[0])
        signal.setitimer(signal.ITIMER_REAL, *before[1])
