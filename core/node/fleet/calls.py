"""The calls of the lease protocol, as the shared store does them."""

from __future__ import annotations

from core.coordination.base import Conflict, Coordination, CoordinationError, Unknown
from core.coordination.protocol.messages import Call, Done, Found, Listed, Result


def do(store: Coordination, call: Call) -> Result:
    """Do a call; raise CoordinationError when it was not done, or is not known to be."""
    try:
        if call.op == "read":
            return Found(store.read(call.key))
        if call.op == "list":
            return Listed(store.list(call.key))
        return Done(store.cas(call.key, call.rev, call.value))
    except Conflict:
        return "conflict"


def result_of(answer: Result | CoordinationError) -> Result:
    """Return what the protocol makes of an answer."""
    if isinstance(answer, Unknown):
        return "unknown"
    return "unavailable" if isinstance(answer, CoordinationError) else answer
