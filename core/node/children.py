"""The threads that feed the children: one for each lane of each worker, alive as long as the node."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue

from core.child import Child, Process
from core.errors import ChildDied, ChildTimeout, OverlapseError
from core.node.jobs import Asked, Done, Failed, Job, Json, Report, Said, Setting, Worker

log = logging.getLogger(__name__)

STAT = 4096  # bytes that hold all of /proc/PID/stat, proc(5)
TICKS = os.sysconf("SC_CLK_TCK")
END = 10.0  # seconds that all feeders together have to let go of their children


def resident(pid: int) -> int:
    """Return how many bytes of memory a process holds; 0 when it is gone."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def spent(pid: int | None) -> float:
    """Return how many seconds of processor a process has taken, its ended children among them; 0 when it is gone."""
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY)  # asked twice a job: pathlib would be four times as dear
    except OSError:
        return 0.0
    try:
        fields = os.read(file, STAT).rpartition(b")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    except (OSError, ValueError):
        return 0.0
    finally:
        os.close(file)


class Feeder:
    """Feeds one worker: starts its process when there is work, ends it when there is none.

    A thread for each lane takes jobs from one queue, in order; the lanes share the process, and what ends it fails
    the jobs of all.
    """

    def __init__(self, worker: Worker, setting: Setting, report: Callable[[Report], None]) -> None:
        self.worker = worker
        self._setting = setting
        self._report = report
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._child = Child(worker.kind)
        self._opened: Process | None = None  # the process that `open` was asked of
        self._done = 0
        self._standing = False  # the job in hand does not end by itself
        self._renew = threading.Event()
        self._closing = threading.Event()
        self._free = threading.Condition()  # held while the process is started, opened and ended
        self._busy = 0  # lanes that use the process
        self._used_at = 0.0  # monotonic
        self._counting = threading.Lock()  # never held for long: the deciding thread takes it
        self._given = 0  # jobs that were given and are not reported yet
        self._lanes: list[threading.Thread] = []
        self._ended = 0  # of them
        self._add_lane()

    def equip(self, setting: Setting) -> None:
        """Use `setting` from the next job on."""
        if setting != self._setting:
            self._setting = setting
            self.renew()

    def give(self, job: Job) -> None:
        """Queue `job`."""
        with self._counting:
            self._given += 1
            if len(self._lanes) < min(self._given, self._setting.lanes):
                self._add_lane()
        self._jobs.put(job)

    def ready(self) -> None:
        """Start and open the process, so that the next job finds it waiting."""
        self._jobs.put(None)

    def renew(self) -> None:
        """Start the next job in a new process."""
        self._renew.set()
        self._end_standing()

    def close(self) -> None:
        """Let the jobs in hand finish, then end."""
        self._closing.set()
        for _ in self._lanes:
            self._jobs.put(None)
        self._end_standing()

    def _end_standing(self) -> None:
        """End the process if its job would not end by itself; whoever waits for it sees it die."""
        pid = self.pid
        if self._standing and pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def join(self, seconds: float) -> bool:
        """Wait for the end of all lanes; return whether they have ended."""
        end = time.monotonic() + seconds
        for lane in self._lanes:
            lane.join(max(0.0, end - time.monotonic()))
        return not any(lane.is_alive() for lane in self._lanes)

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._child.kill()

    @property
    def stuck(self) -> str | None:
        """Why its process has not ended although it was killed, while that is so."""
        return self._child.stuck

    @property
    def pid(self) -> int | None:
        """The process id of the worker while it runs."""
        return self._child.pid

    def _add_lane(self) -> None:
        lane = len(self._lanes)
        name = f"{self.worker.kind}:{self.worker.name}:{lane}"
        self._lanes.append(threading.Thread(target=self._run, args=(lane,), name=name, daemon=True))
        self._lanes[-1].start()

    def _run(self, lane: int) -> None:
        while not self._closing.is_set():
            try:
                job = self._jobs.get(timeout=self._setting.idle if self._child.alive else None)
            except Empty:
                self._rest()
                continue
            if job is not None:
                report = self._do(job, lane)
                with self._counting:
                    self._given -= 1
                self._report(report)
            elif not self._closing.is_set():
                self._open_early()
        self._leave()

    def _rest(self) -> None:
        """End the process if no lane had work for a while."""
        with self._free:
            idle = self._setting.idle
            if not self._busy and idle is not None and time.monotonic() - self._used_at >= idle:
                self._child.close()

    def _leave(self) -> None:
        """End the process with the last lane."""
        with self._counting:
            self._ended += 1
            last = self._ended == len(self._lanes)
        if last:
            self._child.close()

    def _open_early(self) -> None:
        try:
            self._take(opened=True)
        except OverlapseError as error:
            log.info("not ready: worker=%s error=%s", self.worker, error)
        except Exception:  # the thread must outlive it: jobs that nobody does are never reported
            log.exception("not ready: worker=%s", self.worker)
        else:
            self._give_back()

    def _do(self, job: Job, lane: int) -> Done | Failed:
        began, opening, before = time.monotonic(), not job.cold, 0.0
        try:
            process = self._take(opened=not job.cold)
            opening, before = False, spent(self.pid)
            try:
                result = self._ask(process, job, lane)
            finally:
                self._give_back()
        except OverlapseError as error:
            return Failed(job, error, time.monotonic() - began, opening)
        except Exception as error:
            log.exception("job failed: worker=%s op=%s", self.worker, job.op)
            wrapped = OverlapseError(f"{type(error).__name__}: {error}")
            return Failed(job, wrapped, time.monotonic() - began, opening)
        taken = max(0.0, spent(self.pid) - before) / len(self._lanes)  # lanes share the process
        return Done(job, result, time.monotonic() - began, taken)

    def _take(self, opened: bool) -> Process:
        """Return the running process, `opened` if that is wanted, to be given back."""
        with self._free:
            process = self._start()
            if opened:
                self._open(process)
            self._busy += 1
            return process

    def _give_back(self) -> None:
        with self._free:
            self._busy -= 1
            self._used_at = time.monotonic()
            self._free.notify_all()

    def _start(self) -> Process:
        """Have a running process; one that is worn, or is to be another one, is ended first, when no lane needs it."""
        while self._renew.is_set() or self._worn():
            if not self._busy:
                self._renew.clear()
                self._child.close()
                break
            self._free.wait()
        if not self._child.alive:
            self._opened, self._done = None, 0
            self._child.environment = self._setting.environment
        self._done += 1
        return self._child.start()

    def _open(self, process: Process) -> None:
        setting = self._setting
        if self._opened is process or setting.opening is None:
            return
        try:
            process.ask("open", setting.opening, setting.opening_deadline)
        except BaseException:
            self._child.close()
            raise
        self._opened = process

    def _worn(self) -> bool:
        lives, memory = self._setting.lives, self._setting.memory
        if lives is not None and self._done >= lives:
            return True
        return memory is not None and self.pid is not None and resident(self.pid) > memory

    def _ask(self, process: Process, job: Job, lane: int) -> Json:
        self._standing = job.standing
        try:
            if job.standing and (self._renew.is_set() or self._closing.is_set()):  # it came before it could be seen
                raise ChildDied(f"{self.worker.kind}: to be started anew")
            return process.ask(
                job.op,
                job.args,
                job.deadline,
                job.quiet,
                lambda q: self._answer(job, q),
                lambda n: self._report(Said(job, n)),
                lane,
            )
        finally:
            self._standing = False

    def _answer(self, job: Job, question: Json) -> Json:
        """Have the deciding thread answer; when the node ends meanwhile, the worker is told to stop."""
        replies: SimpleQueue[Json] = SimpleQueue()
        self._report(Asked(job, question, replies.put))
        while not self._closing.is_set():
            try:
                return replies.get(timeout=0.5)
            except Empty:
                continue
        raise ChildTimeout("the node is stopping")


class Children:
    """All real workers of a node's site; reports go to `report`, which only queues."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._feeders: dict[Worker, Feeder] = {}
        self._settings: dict[Worker, Setting] = {}

    def equip(self, worker: Worker, setting: Setting) -> None:
        self._settings[worker] = setting
        if worker in self._feeders:
            self._feeders[worker].equip(setting)

    def give(self, job: Job) -> None:
        self._feeder(job.worker).give(job)

    def ready(self, worker: Worker) -> None:
        self._feeder(worker).ready()

    def renew(self, worker: Worker) -> None:
        if worker in self._feeders:
            self._feeders[worker].renew()

    def _feeder(self, worker: Worker) -> Feeder:
        if worker not in self._feeders:
            setting = self._settings.get(worker, Setting())
            self._feeders[worker] = Feeder(worker, setting, self._report)
        return self._feeders[worker]

    def running(self) -> Mapping[Worker, int]:
        return {worker: feeder.pid for worker, feeder in self._feeders.items() if feeder.pid is not None}

    def stuck(self) -> Mapping[Worker, str]:
        return {worker: feeder.stuck for worker, feeder in self._feeders.items() if feeder.stuck is not None}

    def close(self) -> None:
        for feeder in self._feeders.values():
            feeder.close()
        end = time.monotonic() + END
        for feeder in self._feeders.values():
            if not feeder.join(max(0.0, end - time.monotonic())):
                feeder.kill()
