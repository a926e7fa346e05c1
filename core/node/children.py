"""The threads that feed the children: one for each worker, alive as long as the node."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, Queue

from core.child import Child
from core.errors import ChildTimeout, OverlapseError
from core.node.jobs import Asked, Done, Failed, Job, Json, Report, Said, Setting, Worker

log = logging.getLogger(__name__)

END = 10.0  # seconds that all feeders together have to let go of their children


def resident(pid: int) -> int:
    """Return how many bytes of memory a process holds; 0 when it is gone."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Feeder:
    """Feeds one worker: starts its process when there is work, ends it when there is none."""

    def __init__(self, worker: Worker, setting: Setting, report: Callable[[Report], None]) -> None:
        self.worker = worker
        self._setting = setting
        self._report = report
        self._jobs: Queue[Job | None] = Queue()
        self._child = Child(worker.kind)
        self._opened = False
        self._done = 0
        self._renew = threading.Event()
        self._closing = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"{worker.kind}:{worker.name}", daemon=True)
        self.thread.start()

    def equip(self, setting: Setting) -> None:
        """Use `setting` from the next job on."""
        if setting != self._setting:
            self._setting = setting
            self._renew.set()

    def give(self, job: Job) -> None:
        """Queue `job`."""
        self._jobs.put(job)

    def ready(self) -> None:
        """Start and open the process, so that the next job finds it waiting."""
        self._jobs.put(None)

    def renew(self) -> None:
        """Start the next job in a new process."""
        self._renew.set()

    def close(self) -> None:
        """Let the job in hand finish, then end."""
        self._closing.set()
        self._jobs.put(None)

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._child.kill()

    @property
    def pid(self) -> int | None:
        """The process id of the worker while it runs."""
        return self._child.pid

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                job = self._jobs.get(timeout=self._setting.idle if self._child.alive else None)
            except Empty:
                self._child.close()
                continue
            if job is not None:
                self._report(self._do(job))
            elif not self._closing.is_set():
                self._open_early()
        self._child.close()

    def _open_early(self) -> None:
        try:
            self._ready()
        except OverlapseError as error:
            log.info("not ready: worker=%s error=%s", self.worker, error)
        except Exception:  # the thread must outlive it: jobs that nobody does are never reported
            log.exception("not ready: worker=%s", self.worker)

    def _do(self, job: Job) -> Done | Failed:
        began, opening = time.monotonic(), not job.cold
        try:
            if job.cold:
                self._start()
            else:
                self._ready()
            opening = False
            result = self._ask(job)
        except OverlapseError as error:
            return Failed(job, error, time.monotonic() - began, opening)
        except Exception as error:
            log.exception("job failed: worker=%s op=%s", self.worker, job.op)
            wrapped = OverlapseError(f"{type(error).__name__}: {error}")
            return Failed(job, wrapped, time.monotonic() - began, opening)
        return Done(job, result, time.monotonic() - began)

    def _start(self) -> None:
        """Have a running child; one that is worn, or is to be another one, is ended first."""
        if self._renew.is_set() or self._worn():
            self._renew.clear()
            self._child.close()
        if not self._child.alive:
            self._opened, self._done = False, 0
            self._child.environment = self._setting.environment
            self._child.start()
        self._done += 1

    def _ready(self) -> None:
        """Have a running child that has been opened."""
        self._start()
        setting = self._setting
        if self._opened or setting.opening is None:
            return
        try:
            self._child.ask("open", setting.opening, setting.opening_deadline)
        except BaseException:
            self._child.close()
            raise
        self._opened = True

    def _worn(self) -> bool:
        lives, memory = self._setting.lives, self._setting.memory
        if lives is not None and self._done >= lives:
            return True
        return memory is not None and self.pid is not None and resident(self.pid) > memory

    def _ask(self, job: Job) -> Json:
        return self._child.ask(
            job.op,
            job.args,
            job.deadline,
            job.quiet,
            lambda q: self._answer(job, q),
            lambda n: self._report(Said(job, n)),
        )

    def _answer(self, job: Job, question: Json) -> Json:
        """Have the deciding thread answer; when the node ends meanwhile, the worker is told to stop."""
        replies: Queue[Json] = Queue()
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

    def close(self) -> None:
        for feeder in self._feeders.values():
            feeder.close()
        end = time.monotonic() + END
        for feeder in self._feeders.values():
            feeder.thread.join(max(0.0, end - time.monotonic()))
            if feeder.thread.is_alive():
                feeder.kill()
