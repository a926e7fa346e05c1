"""What the node has the child of a failing camera do, on simulated time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from peers.simulation import BEGIN, CALM, site_toml

from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import VERBS, Role
from core.errors import CameraRefused, CameraTimeout, ChildDied, OverlapseError
from core.node.jobs import Failed, Hands, Job, Report, Setting, Worker
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World

CAMERA = Worker("camera", "north")
Answer = Callable[[Job, bool], OverlapseError | None]  # of a job, and whether the camera was opened plainly


@dataclass
class Failing:
    """The hands of a simulation, for a camera that fails as it is told to; what it is asked is noted."""

    hands: Hands
    world: World
    answer: Answer
    report: Callable[[Report], None]
    asked: list[Job] = field(default_factory=list)
    openings: list[dict[str, object]] = field(default_factory=list)

    def equip(self, worker: Worker, setting: Setting) -> None:
        if worker == CAMERA and setting.opening is not None:
            self.openings.append(setting.opening)
        self.hands.equip(worker, setting)

    def give(self, job: Job) -> None:
        error = None
        if job.worker == CAMERA:
            self.asked.append(job)
            error = self.answer(job, bool(self.openings[-1]["plain"]))
        if error is None:
            self.hands.give(job)
        else:
            failed = Failed(job, error, 0.1, opening=isinstance(error, ChildDied))
            self.world.after(0.1, lambda: self.report(failed))

    def ready(self, worker: Worker) -> None:
        self.hands.ready(worker)

    def renew(self, worker: Worker) -> None:
        self.hands.renew(worker)

    def stuck(self) -> Mapping[Worker, str]:
        return {}

    def running(self) -> Mapping[Worker, int]:
        return self.hands.running()

    def close(self) -> None:
        self.hands.close()


class Site(SimulatedSite):
    """A site whose camera fails as `answer` says."""

    def __init__(self, world: World, text: str, answer: Answer) -> None:
        self.answer = answer
        super().__init__(world, text, pace=CALM)

    def _hands(self, report: Callable[[Report], None]) -> Failing:
        self.failing = Failing(super()._hands(report), self.world, self.answer, report)
        return self.failing


def run(answer: Answer, text: str, minutes: float) -> Site:
    world = World(BEGIN)
    site = Site(world, text, answer)
    node = SimulatedNode(world, [site])
    node.run(timedelta(minutes=minutes))
    return site


def crashes_over_its_settings(job: Job, plain: bool) -> OverlapseError | None:
    return ChildDied("camera: the worker ended by signal 11") if job.op == "shoot" and not plain else None


def test_a_camera_that_crashes_over_its_settings_shoots_without_them_and_that_is_told() -> None:
    site = run(crashes_over_its_settings, site_toml(camera='settings = { iso = "100" }'), 30)
    assert [opening["plain"] for opening in site.failing.openings][-2:] == [False, True]
    assert any("settings are not written from now on" in text for text in site.told("recovery"))
    assert site.told("shot")
    assert not site.told("shot failed"), "the third attempt of the first slot was good"


def test_settings_that_were_changed_are_written_again() -> None:
    site = run(crashes_over_its_settings, site_toml(camera='settings = { iso = "100" }'), 30)
    site.reload(site_toml(camera='settings = { iso = "200" }'))
    assert site.failing.openings[-1]["plain"] is False


def stays_silent(job: Job, plain: bool) -> OverlapseError | None:
    if job.op == "reset":
        return CameraRefused("no right to reset it")
    return CameraTimeout("no picture came") if job.op == "shoot" else None


def test_a_usb_reset_names_its_device_needs_no_open_camera_and_tells_when_it_fails() -> None:
    text = site_toml(every="1m").replace('kind = "gphoto2"', 'kind = "gphoto2"\nserial = "4711"')
    site = run(stays_silent, text, 60)
    resets = [job for job in site.failing.asked if job.op == "reset"]
    assert resets
    assert all(job.cold and job.args == {"serial": "4711"} for job in resets)
    assert all(job.cold for job in site.failing.asked if job.op == "close")
    assert site.told("recovery").count("the USB reset failed: no right to reset it") == len(resets)


def test_the_child_is_told_under_which_fence_it_may_tidy_up() -> None:
    site = run(lambda job, plain: None, site_toml(), 1)
    assert [opening["fence"] for opening in site.failing.openings] == [str(site.fence)] * len(site.failing.openings)


def asked(site: Site, verb: str, **args: object) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    site.ask(Request(verb, VERBS[verb].parse(args), Who(1000, "anna", Role.OPERATE, 1), said.append))
    return said[0]


def test_no_camera_is_recovered_by_a_node_that_stops() -> None:
    site = run(lambda job, plain: None, site_toml(every="1h"), 10)
    site.running.stop()
    assert asked(site, "recover", camera="north")["message"] == "the node is stopping"
    assert site.running.finished(), "a shot that nobody begins would hold up the stop"


def test_the_next_rung_is_done_when_somebody_orders_it_and_a_shot_follows() -> None:
    hook = 'recovery = { hook = ["power", "cycle"], usb_reset = false }'
    world = World(BEGIN)
    site = Site(world, site_toml(every="1h", camera=hook), lambda job, plain: None)
    node = SimulatedNode(world, [site])
    node.run(timedelta(minutes=5))
    assert asked(site, "recover", camera="north")["error"] == "CameraBusy", "its slot is just shot"
    node.run(timedelta(minutes=5))
    shown = asked(site, "camera", camera="north")["done"]
    assert (shown["rung"], shown["means"], shown["next"], shown["history"]) == (0, "retry", "reopen", [])
    done = [asked(site, "recover", camera="north")["done"]["action"]]
    for _ in range(2):
        node.run(timedelta(minutes=2))
        done.append(asked(site, "recover", camera="north")["done"]["action"])
    assert done == ["reopen", "respawn", "hook"]
    assert site.told("shot")[-1].startswith("extra:")
    node.run(timedelta(minutes=2))
    assert asked(site, "recover", camera="north")["error"] == "Forbidden"
    shown = asked(site, "camera", camera="north")["done"]
    assert shown["history"][-2][1] == "rung 4 hook, ordered by anna"
    assert shown["helped"]["hook"] == 1
    assert asked(site, "camera", camera="south")["error"] == "NoSuchThing"
