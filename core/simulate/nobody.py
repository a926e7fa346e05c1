"""The other end between two nodes where nobody simulates the other node: see handover.hand_on for one that is."""

from __future__ import annotations

import base64
from collections.abc import Container
from datetime import datetime

from core.node.jobs import Job, Json, Worker
from core.simulate.world import Course


def unheard(job: Job, store: Container[str]) -> Json:
    """Return what comes of a `settle` or `collect`: batches are taken, and no word comes back."""
    if job.op == "settle":
        return {"sent": sum(len(base64.b64decode(one["data"])) for one in job.args["put"])}
    missing = [name for name in job.args.get("stat", ()) if name not in store]
    return {"objects": [], "listed": [], "missing": missing, "there": [], "received": 0}


class EmptyDrop:
    """Stands for a place in which nobody leaves anything."""

    def do(self, job: Job, now: datetime) -> Course:
        yield 0.1
        return {"found": [], "more": False, "back": [], "tidied": []} if job.op == "look" else unheard(job, ())

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""
