"""Real worker processes, fed by threads: deadlines, crashes, idleness."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from core.child import Child
from core.errors import ChildDied, ChildError, ChildTimeout
from core.node.children import Children
from core.node.jobs import Done, Failed, Job, Report, Setting, Worker

HOOK = Worker("hook", "relay")


def running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def command(*argv: str, deadline: float = 10.0, about: object = None) -> Job:
    return Job(HOOK, "run", {"argv": list(argv), "seconds": 30}, deadline, about=about)


@pytest.fixture
def reports() -> SimpleQueue[Report]:
    return SimpleQueue()


@pytest.fixture
def children(reports: SimpleQueue[Report]) -> Iterator[Children]:
    them = Children(reports.put)
    yield them
    them.close()


@pytest.fixture
def child() -> Iterator[Child]:
    one = Child("hook")
    yield one
    one.kill()


def test_a_worker_does_what_it_is_asked(child: Child) -> None:
    assert child.ask("run", {"argv": ["echo", "hello"], "seconds": 5}, 10) == {"status": 0, "said": "hello"}


def test_the_error_of_a_worker_arrives_as_its_own_class(child: Child) -> None:
    with pytest.raises(ChildError, match="cannot be started"):
        child.ask("run", {"argv": ["/no/such/program"], "seconds": 5}, 10)
    assert child.ask("run", {"argv": ["true"], "seconds": 5}, 10)["status"] == 0


def test_a_hook_that_hangs_is_killed_and_the_worker_goes_on(child: Child) -> None:
    with pytest.raises(ChildError, match="took longer"):
        child.ask("run", {"argv": ["sleep", "60"], "seconds": 0.2}, 10)
    assert child.ask("run", {"argv": ["true"], "seconds": 5}, 10)["status"] == 0


def test_a_worker_that_hangs_is_killed_at_the_deadline(child: Child) -> None:
    child.start()
    pid = child.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ChildTimeout):
        child.ask("run", {"argv": ["true"], "seconds": 5}, 0.2)
    assert not running(pid)


def test_a_worker_that_crashes_is_told_with_its_signal(child: Child) -> None:
    child.start()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSEGV)
    with pytest.raises(ChildDied, match="signal 11"):
        child.ask("run", {"argv": ["true"], "seconds": 5}, 10)


def test_after_a_crash_the_next_request_has_a_new_process(child: Child) -> None:
    child.start()
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ChildDied):
        child.ask("run", {"argv": ["true"], "seconds": 5}, 10)
    assert child.ask("run", {"argv": ["true"], "seconds": 5}, 10)["status"] == 0
    assert child.pid != first


def test_jobs_of_one_worker_are_done_in_order(children: Children, reports: SimpleQueue[Report]) -> None:
    for number in range(5):
        children.give(command("true", about=number))
    done = [reports.get(timeout=10) for _ in range(5)]
    assert [report.job.about for report in done] == list(range(5))


def test_one_worker_that_hangs_does_not_delay_another(children: Children, reports: SimpleQueue[Report]) -> None:
    children.give(command("sleep", "60", deadline=2.0))
    children.give(Job(Worker("hook", "other"), "run", {"argv": ["true"], "seconds": 5}, 10.0))
    first = reports.get(timeout=10)
    assert isinstance(first, Done)
    assert first.job.worker.name == "other"
    second = reports.get(timeout=10)
    assert isinstance(second, Failed)
    assert isinstance(second.error, ChildTimeout)


def test_an_idle_worker_ends_its_process(children: Children, reports: SimpleQueue[Report]) -> None:
    children.equip(HOOK, Setting(idle=0.0))
    children.give(command("true"))
    assert isinstance(reports.get(timeout=10), Done)
    children.give(command("true"))
    assert isinstance(reports.get(timeout=10), Done)
    children.close()
    assert children.running() == {}


def test_a_worker_is_renewed_after_its_jobs(children: Children, reports: SimpleQueue[Report]) -> None:
    children.equip(HOOK, Setting(idle=None, lives=2))
    seen = []
    for _ in range(4):
        children.give(command("true"))
        assert isinstance(reports.get(timeout=10), Done)
        seen.append(children.running()[HOOK])
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert seen[1] != seen[2]


def test_closing_leaves_no_process_behind(reports: SimpleQueue[Report]) -> None:
    them = Children(reports.put)
    them.equip(HOOK, Setting(idle=None))
    them.give(command("true"))
    assert isinstance(reports.get(timeout=10), Done)
    pids = list(them.running().values())
    them.close()
    assert pids
    assert not any(running(pid) for pid in pids)
