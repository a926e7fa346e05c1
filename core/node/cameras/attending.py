"""What people see of a camera's recovery, and the next rung of it when they order it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.capture.ladder import RUNGS, limits_of, ordered
from core.errors import CameraBusy, Forbidden, NoSuchThing
from core.node.cameras.post import InHand, Post
from core.node.cameras.shooting import Shooting
from core.node.context import Context
from core.status.document import known

Json = dict[str, Any]


@dataclass
class Attending:
    """Answers what is asked of one camera that this node drives."""

    context: Context
    shooting: Shooting

    def show(self, name: str) -> Json:
        """Return its settings, their drift, its ladder with its transcript, and what the next rung would be.

        Raise NoSuchThing.
        """
        post = self._driven(name)
        ladder, now = post.ladder, self.context.now().timestamp()
        coming = ordered(ladder, now, limits_of(post.camera), "")
        return {
            "camera": name,
            "settings": known(asdict(post.camera.settings)),
            "written": not post.plain,
            "drift": post.drift,
            "error": post.error,
            "rung": ladder.rung,
            "means": RUNGS[ladder.rung],
            "not_before": ladder.not_before if ladder.not_before > now else None,
            "history": [[at, line] for at, line in ladder.history],
            "tried": dict(ladder.tried),
            "helped": dict(ladder.helped),
            "next": None if coming is None else coming[1].action,
        }

    def recover(self, name: str, order: str, by: str) -> Json:
        """Do the next rung now, then shoot, of which an event with the `order` tells; return that and the `action`.

        Raise NoSuchThing, CameraBusy while a shot is under way, Forbidden where nothing stronger may be done,
        FenceRefused where the camera may be another node's before the shot ends, OverlapseError while the node stops.
        """
        post, now = self._driven(name), self.context.now()
        if (error := self.shooting.why_not(post)) is not None:
            raise error
        if post.in_hand is not None and post.in_hand.again_at is None:
            raise CameraBusy(f"{name} is just being shot: wait until that has ended")
        found = ordered(post.ladder, now.timestamp(), limits_of(post.camera), by)
        if found is None:
            raise Forbidden(f"nothing stronger may be done to {name}: [camera.recovery] of site.toml says what may")
        state, decision = found
        if post.in_hand is None:
            post.in_hand = InHand(now.replace(microsecond=0), None, spare=post.is_spare(self.context))
        post.in_hand.order = post.in_hand.order or order
        post.in_hand.again_at = self.context.monotonic()
        self.shooting.climbed(post, state)
        self.shooting.act(post, decision.action, decision.plain)
        return {"action": decision.action, "order": post.in_hand.order}

    def _driven(self, name: str) -> Post:
        if name not in self.shooting.posts:
            here = ", ".join(self.shooting.posts) or "none"
            raise NoSuchThing(f"this node drives no camera {name}; it drives: {here}")
        return self.shooting.posts[name]
