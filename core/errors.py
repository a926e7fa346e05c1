"""Every error that Overlapse raises on purpose.

    OverlapseError
    ├── ConfigurationError      the operator must edit a file; carries every problem found
    ├── CameraError
    │   ├── CameraGone          nothing answers at its address or serial
    │   ├── CameraBusy          (transient) it answers, and says later
    │   ├── CameraTimeout       (transient) it stopped answering in the middle
    │   ├── CameraClaimed       (transient) another program holds it
    │   ├── CardFull            no room on the camera's card
    │   ├── FocusFailed         it would not shoot because it found no focus
    │   ├── MirrorUp            a setting on the body prevents the shot
    │   ├── CameraRefused       wrong user, password or right
    │   └── CameraTransferCut   (transient) a picture came over in part: open the camera anew
    ├── ChildError
    │   ├── ChildTimeout        (transient) no answer within the deadline; the child was killed
    │   └── ChildDied           (transient) the child ended by itself or by a signal
    ├── DestinationError
    │   ├── DestinationUnreachable (transient)
    │   ├── DestinationFull     (transient)
    │   ├── DestinationRefused  wrong key, password or right: a person is needed
    │   ├── HostKeyMismatch     the other end is not the one that the configuration pins
    │   ├── ObjectNotFound
    │   ├── ObjectDiffers       (transient) what lies there is not what we sent
    │   │   └── NameConflict    something else has our name there, and we did not put it there
    │   └── OriginalLost        our own file is gone or altered: nothing to send
    ├── ProbeError              a device beside us (router, NAS, firewall) was not read
    │   ├── ProbeUnanswered     (transient) nothing answers, or not in time
    │   ├── ProbeRefused        wrong community, user, passphrase or right: a person is needed
    │   ├── ProbeGarbled        what it answers is not what the protocol allows
    │   └── NoSuchReading       it answers, and has nothing of that name
    ├── MailError               the mail server did not take a message
    │   ├── MailUnreachable     (transient) nothing answers, or the line broke
    │   ├── MailDeferred        (transient) it says later
    │   └── MailRefused         certificate, user, password, sender: a person is needed
    ├── MonitorUnreachable      (transient) Nagios or Icinga 2 cannot be told now
    ├── MonitorRefused          Icinga 2 does not want what it was told, or who tells it
    ├── StorageError
    │   ├── DiskFull            (transient)
    │   ├── NotDurable          (transient) an fsync failed: those bytes are not to be trusted
    │   └── NameTaken           the final name exists and holds something else
    ├── CatalogueError
    │   ├── CatalogueLocked     (transient)
    │   └── CatalogueCorrupt    rebuild it from the day books
    ├── FenceRefused            a newer owner has written; ours is stale
    ├── PictureBroken           an image cannot be decoded whole
    ├── AlreadyRunning          another node holds this data folder
    ├── NodeUnreachable         nobody answers on the control socket
    ├── AssignmentRefused       a backup or a switch cannot be had; every reason is told
    ├── Forbidden               this person may not do that
    ├── BadRequest              a request that the node does not understand
    └── NoSuchThing             an unknown camera, destination, picture...

The coordination room has its own branch (core/coordination/base.py). Retry code asks `error.transient` and nothing
else. Errors cross from a child process to its parent by class name (`to_wire`, `from_wire`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class OverlapseError(Exception):
    """Root: a command prints it on one line, without a traceback."""

    transient: ClassVar[bool] = False  # may the same call succeed later with no one touching anything?
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__))


class ConfigurationError(OverlapseError):
    """The configuration is wrong; `problems` lists all that was found, one line each."""

    exit_status = 2

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class CameraError(OverlapseError):
    """The camera did not do what was asked."""


class CameraGone(CameraError):
    """Nothing answers at the camera's address or serial."""


class CameraBusy(CameraError):
    """The camera answers, and says later."""

    transient = True


class CameraTimeout(CameraError):
    """The camera stopped answering in the middle of an operation."""

    transient = True


class CameraClaimed(CameraError):
    """Another program holds the camera."""

    transient = True


class CardFull(CameraError):
    """There is no room left on the camera's card."""


class FocusFailed(CameraError):
    """The camera would not shoot because it found no focus."""


class MirrorUp(CameraError):
    """A setting on the camera's body prevents the shot."""


class CameraRefused(CameraError):
    """The camera refused user, password or right."""


class CameraTransferCut(CameraError):
    """A picture came over from the camera only in part."""

    transient = True


class ChildError(OverlapseError):
    """A worker process failed."""

    transient = True


class ChildTimeout(ChildError):
    """A worker process gave no answer within its deadline and was killed."""


class ChildDied(ChildError):
    """A worker process ended without an answer."""


class DestinationError(OverlapseError):
    """A destination did not take, prove or give what was asked."""


class DestinationUnreachable(DestinationError):
    """The destination does not answer, or the way to it broke."""

    transient = True


class DestinationFull(DestinationError):
    """The destination has no room."""

    transient = True


class DestinationRefused(DestinationError):
    """The destination refused user, key, password or right."""


class HostKeyMismatch(DestinationRefused):
    """The other end is not the one that the configuration pins."""


class ObjectNotFound(DestinationError):
    """The destination has no object of this name."""


class ObjectDiffers(DestinationError):
    """What lies at the destination is not what was sent."""

    transient = True


class NameConflict(ObjectDiffers):
    """The destination holds something else under this name, which we did not put there."""


class OriginalLost(DestinationError):
    """Our own file is gone or was altered: there is nothing to send."""


class ProbeError(OverlapseError):
    """A device beside us was not read."""


class ProbeUnanswered(ProbeError):
    """Nothing answers at the device's address, or not in time."""

    transient = True


class ProbeRefused(ProbeError):
    """The device refuses community, user, passphrase or right."""


class ProbeGarbled(ProbeError):
    """What the device answers is not what the protocol allows."""


class NoSuchReading(ProbeError):
    """The device answers, and has nothing of that name."""


class MailError(OverlapseError):
    """The mail server did not take a message."""


class MailUnreachable(MailError):
    """The mail server does not answer, or the line to it broke."""


class MonitorUnreachable(OverlapseError):
    """Nagios or Icinga 2 cannot be told now."""

    transient = True


class MailDeferred(MailError):
    """The mail server says: later."""

    transient = True


class MailRefused(MailError):
    """The mail server refused user, password or sender, or is not to be trusted."""


class MonitorRefused(OverlapseError):
    """Icinga 2 does not want what it was told, or who tells it."""


class StorageError(OverlapseError):
    """The node's own disk did not keep what it was given."""


class DiskFull(StorageError):
    """The node's own disk is full."""

    transient = True


class NotDurable(StorageError):
    """An fsync failed: what was written to that file is not to be trusted."""

    transient = True


class NameTaken(StorageError):
    """The final name exists already and holds something else."""


class CatalogueError(OverlapseError):
    """The catalogue cannot be used."""


class CatalogueLocked(CatalogueError):
    """Another process is writing to the catalogue."""

    transient = True


class CatalogueCorrupt(CatalogueError):
    """The catalogue is damaged; `overlapse rebuild` makes it anew from the day books."""


class FenceRefused(OverlapseError):
    """A newer owner has written here; this node's fence is stale."""


class PictureBroken(OverlapseError):
    """An image cannot be decoded whole."""


class AlreadyRunning(OverlapseError):
    """Another node runs on this data folder."""


class NodeUnreachable(OverlapseError):
    """Nobody answers on the node's control socket."""


class AssignmentRefused(OverlapseError):
    """A backup or a switch of a node cannot be had as it was asked for; every reason is told."""


class Forbidden(OverlapseError):
    """The person who asks may not do that."""


class BadRequest(OverlapseError):
    """The request is not one that the node understands."""

    exit_status = 2


class NoSuchThing(OverlapseError):
    """The configuration or the catalogue has nothing of that name."""

    exit_status = 2


def _tree(root: type[OverlapseError]) -> dict[str, type[OverlapseError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


def to_wire(error: OverlapseError) -> dict[str, str]:
    """Return `error` as the JSON object that a worker process sends."""
    return {"error": type(error).__name__, "message": str(error)}


def from_wire(message: dict[str, str]) -> OverlapseError:
    """Return the error that `to_wire` described; an unknown class becomes a ChildError."""
    kind = _tree(OverlapseError).get(message["error"])
    if kind is None:
        return ChildError(f"{message['error']}: {message['message']}")
    return kind(message["message"])
