"""Real worker processes, fed by threads: deadlines, crashes, idleness."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest
from peers.vsftpd import free_port

from core.capture.wire import camera_to_json
from core.child import Child
from core.errors import CameraGone, ChildDied, ChildError, ChildTimeout
from core.node.children import Children
from core.node.jobs import Done, Failed, Job, Report, Said, Setting, Worker
from core.site.model.cameras import Camera, FolderSource

HOOK = Worker("hook", "relay")
CAMERA = Worker("camera", "north")


def running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def command(*argv: str, deadline: float = 10.0, about: object = None) -> Job:
    return Job(HOOK, "run", {"argv": list(argv), "seconds": 30}, deadline, about=about)


def camera_at(folder: Path) -> Setting:
    """How the child of a camera is opened that is there only if the folder is."""
    camera = Camera(name="north", source=FolderSource(kind="folder", path=str(folder)))
    return Setting(opening={"camera": camera_to_json(camera), "spool": str(folder)}, idle=None)


def kill_and_wait(pid: int) -> None:
    """Kill a process as the kernel does for want of memory; return when it has ended, whoever its parent is."""
    descriptor = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    ended, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    assert ended


TRACER = """
import ctypes, sys
libc, SEIZE = ctypes.CDLL(None, use_errno=True), 0x4206
print(libc.ptrace(SEIZE, int(sys.argv[1]), None, None), flush=True)
sys.stdin.read()
"""


@contextmanager
def held(pid: int) -> Iterator[None]:
    """Keep a process from ending for its parent, as the kernel does that waits for a dead mount: a tracer holds it."""
    tracer = subprocess.Popen(
        [sys.executable, "-I", "-c", TRACER, str(pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with tracer:
        assert tracer.stdout is not None
        if tracer.stdout.readline().strip() != "0":
            pytest.skip("only root, or a kernel that lets neighbours trace each other, can hold a killed process")
        yield


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


def test_a_job_is_told_with_the_processor_time_that_it_took(children: Children, reports: SimpleQueue[Report]) -> None:
    children.give(command(sys.executable, "-c", "while __import__('time').process_time() < 0.3: pass"))
    done = reports.get(timeout=20)
    assert isinstance(done, Done)
    assert 0.2 <= done.cpu <= 5.0


def test_one_worker_that_hangs_does_not_delay_another(children: Children, reports: SimpleQueue[Report]) -> None:
    children.give(command("sleep", "60", deadline=2.0))
    children.give(Job(Worker("hook", "other"), "run", {"argv": ["true"], "seconds": 5}, 10.0))
    first = reports.get(timeout=10)
    assert isinstance(first, Done)
    assert first.job.worker.name == "other"
    second = reports.get(timeout=10)
    assert isinstance(second, Failed)
    assert isinstance(second.error, ChildTimeout)


def rendezvous(place: Path) -> tuple[Job, Job]:
    """Return two jobs of which each ends only beside the other."""
    os.mkfifo(place)
    return command("cat", str(place), about="reads"), command("sh", "-c", f"echo met > {place}", about="writes")


def test_the_lanes_of_a_worker_work_at_once_in_one_process(
    children: Children, reports: SimpleQueue[Report], tmp_path: Path
) -> None:
    children.equip(HOOK, Setting(idle=None, lanes=2))
    for job in rendezvous(tmp_path / "fifo"):
        children.give(job)
    ended = [reports.get(timeout=10) for _ in range(2)]
    assert {report.job.about: type(report) for report in ended} == {"reads": Done, "writes": Done}
    assert len(children.running()) == 1


def test_a_deadline_that_passes_in_one_lane_ends_the_jobs_of_all_and_the_next_ones_are_done(
    children: Children, reports: SimpleQueue[Report]
) -> None:
    children.equip(HOOK, Setting(idle=None, lanes=2))
    children.give(command("sleep", "3", deadline=0.5, about="late"))
    children.give(command("sleep", "3", about="beside"))
    ended = {report.job.about: report for report in (reports.get(timeout=10) for _ in range(2))}
    late, beside = ended["late"], ended["beside"]
    assert isinstance(late, Failed)
    assert isinstance(beside, Failed)
    assert (type(late.error), type(beside.error)) == (ChildTimeout, ChildDied)
    assert beside.error.transient
    children.give(command("true", about="next"))
    assert isinstance(reports.get(timeout=10), Done)


def test_a_worker_with_lanes_is_renewed_when_none_of_them_needs_it(
    children: Children, reports: SimpleQueue[Report], tmp_path: Path
) -> None:
    children.equip(HOOK, Setting(idle=None, lanes=3))
    reads, writes = rendezvous(tmp_path / "fifo")
    children.give(reads)
    while HOOK not in children.running():
        time.sleep(0.01)
    first = children.running()[HOOK]
    children.renew(HOOK)
    children.give(command("true", about="new"))
    (tmp_path / "fifo").write_text("met")
    ended = [reports.get(timeout=10) for _ in range(2)]
    assert [(report.job.about, type(report)) for report in ended] == [("reads", Done), ("new", Done)]
    assert children.running()[HOOK] != first
    del writes


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


# --- when a worker cannot be started, is gone, or cannot be opened

SHORT_OF_DESCRIPTORS = """
import os, resource, sys
from core.child import Child
from core.errors import ChildError

def count():
    return len(os.listdir("/proc/self/fd"))

child, before, failed = Child("hook"), count(), 0
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
spare = [os.open("/dev/null", os.O_RDONLY) for _ in range(12)]
lowest = min(spare)
for descriptor in spare:
    os.close(descriptor)
for free in range(12):
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + free, hard))
    try:
        child.start()
    except ChildError as error:
        assert "cannot be started" in str(error), error
        failed += 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if child.alive:
        break
    assert count() == before, (free, count(), before)
assert failed > 2, failed
assert child.ask("run", {"argv": ["true"], "seconds": 5}, 10)["status"] == 0
child.close()
print("good")
"""

SHORT_WHILE_OPENED_EARLY = """
import logging, os, resource, threading
from queue import Empty, SimpleQueue
from core.node.children import Children
from core.node.jobs import Job, Worker

told = threading.Event()

class Ear(logging.Handler):
    def emit(self, record):
        told.set()

logging.getLogger("core.node.children").addHandler(Ear())
logging.getLogger("core.node.children").setLevel("INFO")
reports, worker = SimpleQueue(), Worker("hook", "relay")
children = Children(reports.put)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
lowest = os.open("/dev/null", os.O_RDONLY)
os.close(lowest)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
children.ready(worker)
told.wait(5)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
children.give(Job(worker, "run", {"argv": ["true"], "seconds": 5}, 10.0))
print(type(reports.get(timeout=10)).__name__)
children.close()
"""


def said_by(code: str) -> str:
    """Run a program that may spoil its own process; return what it said."""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert out.returncode == 0, out.stderr
    return out.stdout.strip()


def test_a_worker_that_cannot_be_started_is_our_own_error_wherever_the_descriptors_end() -> None:
    assert said_by(SHORT_OF_DESCRIPTORS) == "good"


def test_a_machine_short_of_descriptors_for_a_moment_costs_no_later_job() -> None:
    assert said_by(SHORT_WHILE_OPENED_EARLY) == "Done"


def test_a_worker_that_was_killed_unseen_is_told_and_not_silently_replaced(child: Child) -> None:
    child.start()
    assert child.alive
    assert child.pid is not None
    kill_and_wait(child.pid)
    assert not child.alive
    with pytest.raises(ChildDied, match="signal 9"):
        child.ask("run", {"argv": ["true"], "seconds": 5}, 10)


def test_a_worker_killed_while_idle_is_opened_again_for_the_next_job(
    children: Children, reports: SimpleQueue[Report], tmp_path: Path
) -> None:
    children.equip(CAMERA, camera_at(tmp_path))
    for _ in range(2):
        children.give(Job(CAMERA, "telemetry", {}, 10.0))
        report = reports.get(timeout=10)
        assert isinstance(report, Done), report
        kill_and_wait(children.running()[CAMERA])
    assert children.running() == {}


def test_a_cold_job_is_done_where_the_camera_cannot_be_opened_and_the_next_job_opens_it(
    children: Children, reports: SimpleQueue[Report], tmp_path: Path
) -> None:
    children.equip(CAMERA, camera_at(tmp_path / "absent"))
    children.give(Job(CAMERA, "close", {}, 10.0, cold=True))
    assert isinstance(reports.get(timeout=10), Done)
    (tmp_path / "absent").mkdir()
    children.give(Job(CAMERA, "telemetry", {}, 10.0))
    assert isinstance(reports.get(timeout=10), Done)


def test_the_usb_device_of_a_camera_that_cannot_be_opened_is_looked_for_all_the_same(
    children: Children, reports: SimpleQueue[Report], tmp_path: Path
) -> None:
    children.equip(CAMERA, camera_at(tmp_path / "absent"))
    children.give(Job(CAMERA, "reset", {"serial": "no camera has this one"}, 30.0, cold=True))
    report = reports.get(timeout=10)
    assert isinstance(report, Failed)
    assert (str(report.error), report.opening) == ("no such camera on USB: nothing to reset", False)


def test_a_failure_says_whether_the_worker_was_only_being_opened(
    children: Children, reports: SimpleQueue[Report], tmp_path: Path
) -> None:
    children.equip(CAMERA, camera_at(tmp_path / "absent"))
    children.give(Job(CAMERA, "telemetry", {}, 10.0))
    children.give(Job(HOOK, "run", {"argv": ["/no/such/program"], "seconds": 5}, 10.0))
    failed = {report.job.worker: report for report in (reports.get(timeout=10) for _ in range(2))}
    opened, begun = failed[CAMERA], failed[HOOK]
    assert isinstance(opened, Failed)
    assert isinstance(begun, Failed)
    assert isinstance(opened.error, CameraGone)
    assert (opened.opening, begun.opening) == (True, False)


def test_a_worker_that_cannot_be_killed_is_told_once_and_no_other_is_started_beside_it(
    children: Children, reports: SimpleQueue[Report], caplog: pytest.LogCaptureFixture
) -> None:
    children.equip(HOOK, Setting(idle=None))
    children.give(command("true"))
    assert isinstance(reports.get(timeout=10), Done)
    pid = children.running()[HOOK]
    with held(pid):
        os.kill(pid, signal.SIGSTOP)
        children.give(command("true", deadline=0.2))
        hung = reports.get(timeout=10)
        assert isinstance(hung, Failed)
        assert isinstance(hung.error, ChildTimeout)
        for _ in range(3):
            children.give(command("true"))
            refused = reports.get(timeout=10)
            assert isinstance(refused, Failed)
            assert type(refused.error) is ChildError
            assert f"process {pid} is stuck in the kernel" in str(refused.error)
            assert children.running() == {}
    assert [record.levelname for record in caplog.records if "cannot be killed" in record.message] == ["ERROR"]
    children.give(command("true"))
    assert isinstance(reports.get(timeout=10), Done), "it ended at last"


def test_an_opening_that_fails_in_a_way_nobody_thought_of_is_reported_and_leaves_no_process(
    children: Children, reports: SimpleQueue[Report]
) -> None:
    children.equip(CAMERA, Setting(opening={"camera": object()}, idle=None))  # it cannot even be put into words
    children.ready(CAMERA)
    children.give(Job(CAMERA, "telemetry", {}, 10.0))
    report = reports.get(timeout=10)
    assert isinstance(report, Failed)
    assert report.opening
    assert children.running() == {}


FTPD = Worker("ftpd")


def served(port: int) -> Setting:
    """How an FTP server is opened that nobody may log in to."""
    opening = {"listen": f"127.0.0.1:{port}", "passive_ports": "50000-50001", "floor": 0, "accounts": []}
    return Setting(opening=opening, idle=None)


@contextmanager
def standing(port: int | None = None) -> Iterator[tuple[Children, SimpleQueue[Report], Job]]:
    """Have a worker do a job that does not end by itself."""
    reports: SimpleQueue[Report] = SimpleQueue()
    children = Children(reports.put)
    job = Job(FTPD, "serve", {}, float("inf"), 60.0, standing=True)
    children.equip(FTPD, served(port or free_port()))
    children.give(job)
    try:
        said = reports.get(timeout=20)
        assert isinstance(said, Said)
        assert "listening" in said.news
        yield children, reports, job
    finally:
        children.close()


@pytest.mark.parametrize("how", ["equip", "renew", "close"])
def test_a_standing_job_ends_when_its_worker_is_to_be_another_one(how: str) -> None:
    with standing() as (children, reports, job):
        pid = children.running()[FTPD]
        if how == "equip":
            children.equip(FTPD, served(free_port()))
        elif how == "renew":
            children.renew(FTPD)
        else:
            children.close()
        ended = reports.get(timeout=5)
        assert isinstance(ended, Failed)
        assert (ended.job, type(ended.error)) == (job, ChildDied)
        assert not running(pid)
        if how != "close":
            children.give(job)
            assert isinstance(reports.get(timeout=20), Said)


def test_equipping_a_worker_as_it_is_does_not_end_its_standing_job() -> None:
    port = free_port()
    with standing(port) as (children, reports, _):
        pid = children.running()[FTPD]
        children.equip(FTPD, served(port))
        with pytest.raises(Empty):
            reports.get(timeout=0.3)
        assert children.running()[FTPD] == pid
