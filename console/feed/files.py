"""What a node that does not run left in its catalogue: ledger, queue, events, orders, telemetry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from console.feed.snapshot import Json
from core.catalogue import states
from core.catalogue.store import Catalogue
from core.control.auditpage import audit_page
from core.errors import NoSuchThing
from core.site.place import Place
from core.status.pictures import picture_rows
from core.status.views import event_rows, ledger_page, queue_rows

DAY = timedelta(days=1)


def left(place: Place, verb: str, args: Json) -> Json:
    """Return what the node would have answered; raise NoSuchThing for what only it knows, CatalogueError."""
    catalogue = Catalogue.read(place.folders.catalogue)
    try:
        return _found(catalogue, place, verb, args)
    finally:
        catalogue.close()


def _found(catalogue: Catalogue, place: Place, verb: str, args: Json) -> Json:
    limit: Any = args.get("limit", 200)
    if verb == "ledger":
        now = datetime.now(UTC)
        begin = datetime.fromisoformat(args["since"]) if "since" in args else now - DAY
        return ledger_page(catalogue, args.get("camera"), begin, now, limit)
    if verb == "queue":
        return {"deliveries": queue_rows(catalogue, args.get("destination"), limit)}
    if verb == "events":
        return {"events": event_rows(catalogue, limit)}
    if verb == "pictures":
        return {"pictures": picture_rows(catalogue, args["camera"], limit)}
    if verb == "audit-log":
        return audit_page(place.folders.audit, limit, args.get("before"))
    if verb == "telemetry":
        from core.node.cameras.measuring import telemetry_key

        return {"cameras": {args["camera"]: states.get(catalogue, telemetry_key(args["camera"]))}}
    if verb == "orders":
        from core.node.orders.kept import Memory

        return {"node": place.node} | {side: Memory(catalogue, side).rows() for side in ("given", "received")}
    raise NoSuchThing(f"only the running node knows {verb}")
