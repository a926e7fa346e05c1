"""Whether a camera may be assigned, and a switch be set: every reason against it, and the seed's warnings, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.coordination.protocol.records import CameraPlan, NodePlan
from core.text import safe

_NO_SMTP = "{name} is to tell by mail, and [notifications.smtp] is missing: write host, from and to there"
_NO_CAMERA = "{name} may serve no camera (max_cameras = 0); a node that is only a backup needs at least one"
_FALSE_ALARMS = "fast mode: even short disconnections between servers give false alarms"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a node that is to be a backup.

    `reported`: the fleet has heard of it; `version`: "MAJOR.MINOR.PATCH"; `reaches`: what its own probe of the camera
    said, None: it was not probed there; `served`: the most cameras that it would serve in the worst single failure,
    this one included, and `problems`: what it could not carry then (core.planner.load).
    """

    name: str
    fleet: str | None = None
    reported: bool = False
    version: str | None = None
    reaches: bool | None = None
    cap: int | None = None
    served: int = 1
    problems: tuple[str, ...] = ()
    constant: bool = False
    mail: bool = False
    mail_is_set_up: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an assignment is refused, and what is to be known of one that is not."""

    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_assignment(
    camera: str, plan: CameraPlan, backup: Candidate | None, fleet: str, version: str, fast: bool, cellular: bool
) -> Verdict:
    """Return every reason to refuse a camera's new plan, and the seed's warnings, in words.

    `fleet` and `version` are those of the asking node; `fast` and `cellular` are of the primary node.
    """
    if plan.backup is None or backup is None:
        return Verdict(warnings=(f"{camera} has no backup: when {plan.primary} fails, nobody shoots it",))
    return Verdict(
        tuple(_reasons(camera, plan, backup, fleet, version)), tuple(_warnings(camera, plan, backup, fast, cellular))
    )


def _reasons(camera: str, plan: CameraPlan, backup: Candidate, fleet: str, version: str) -> Iterator[str]:
    name = backup.name
    if name == plan.primary:
        yield f"{name} is the primary of {camera}; a backup is another node"
    if backup.fleet is not None and backup.fleet != fleet:
        yield f"{name} is not in the same fleet"
    elif not backup.reported:
        yield f"{name} has not reported; it must run once before it can stand by"
    if backup.reaches is False:
        yield f"{name} does not reach {camera}, as it found itself"
    elif backup.reaches is None:
        yield f"{name} has not tried whether it reaches {camera}"
    if backup.version is not None and _major(backup.version) != _major(version):
        yield f"{name} runs version {safe(backup.version, 20)}, this node {version}: the major version must be the same"
    if backup.cap == 0:
        yield _NO_CAMERA.format(name=name)
    elif backup.cap is not None and backup.served > backup.cap:
        yield f"{name} would serve {backup.served} cameras in the worst single failure; max_cameras is {backup.cap}"
    yield from (problem for problem in backup.problems if "max_cameras" not in problem)
    if plan.exclusive and backup.constant:
        yield f"{camera} takes one connection at a time, and {name} shoots all it reserves all the time (constant)"
    if backup.mail and not backup.mail_is_set_up:
        yield _NO_SMTP.format(name=name)


def _warnings(camera: str, plan: CameraPlan, backup: Candidate, fast: bool, cellular: bool) -> Iterator[str]:
    if backup.constant and not plan.exclusive:
        yield f"{camera} will have two connections, from {plan.primary} and from {backup.name}: twice the bandwidth"
        if backup.mail:
            yield f"{backup.name} shoots all the time (constant): no mail tells of {camera}, whatever `mail` says"
    if fast:
        on_air = f"; {plan.primary} is on a cellular link, where that is the rule" if cellular else ""
        yield _FALSE_ALARMS + on_air


def _major(version: str) -> str:
    return version.partition(".")[0]


def check_switches(name: str, plan: NodePlan, mail_is_set_up: bool, stands_by: bool, force: bool = False) -> Verdict:
    """Return every reason to refuse a node's switches; `stands_by`: it is a backup, `force`: fast on any link."""
    refused, warnings = [], []
    if plan.mail and not mail_is_set_up:
        refused.append(_NO_SMTP.format(name=name))
    if stands_by and plan.cap == 0:
        refused.append(_NO_CAMERA.format(name=name))
    if plan.fast and plan.profile == "cellular" and not force:
        refused.append(f"{name} is on a cellular link: fast mode would give false alarms there; say --force to set it")
    elif plan.fast:
        warnings.append(_FALSE_ALARMS)
    if plan.constant:
        warnings.append(
            f"{name} opens every camera that it reserves all the time: two connections, twice the bandwidth"
        )
        if plan.mail:
            warnings.append(
                f"{name} shoots all the time (constant): no mail tells of its cameras, whatever `mail` says"
            )
    return Verdict(tuple(refused), tuple(warnings))
