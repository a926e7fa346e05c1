"""What `overlapse fleet show` finds out, and how it is said: each voter is asked by itself, and one for them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.cli.show import table
from core.clock import Clock
from core.coordination import copies
from core.coordination.base import CoordinationError
from core.coordination.credentials import Credentials
from core.coordination.epoch import KEY, epoch_of
from core.coordination.founding import state
from core.coordination.issuing import voters_from
from core.coordination.nats import NatsCoordination
from core.coordination.rights import user_of
from core.coordination.voters import Voter
from core.site.model.file import SiteFile
from core.text import safe
from core.units import show_duration, show_size

PATIENCE = 3.0  # seconds for each voter
FRESH = 2 * 3600  # seconds: two hourly copies
View = Mapping[str, Any]


def look(site: SiteFile, base: Path, login: str, folder: Path, clock: Clock) -> View:
    """Return what is known of a fleet; raise ConfigurationError when the credentials cannot be used."""
    user = user_of(site.site.name, login)
    context = Credentials(base / site.coordination.credentials, user).context()
    fleet = voters_from(site.coordination)
    asked = {voter: NatsCoordination([voter.url], context, user, clock, deadline=PATIENCE) for voter in fleet}
    try:
        return _view(site, asked, folder, clock)
    finally:
        for store in asked.values():
            store.close()


def _view(site: SiteFile, asked: Mapping[Voter, NatsCoordination], folder: Path, clock: Clock) -> View:
    said, known, epoch, silent = "", None, None, {}
    for voter, store in asked.items():
        try:
            held = store.read(KEY)
            known = known or state(store)
            epoch = epoch_of(held)
        except CoordinationError as error:
            silent[voter], said = str(error), str(error)
    rows = [_row(voter, asked[voter], known, silent.get(voter)) for voter in asked]
    stored = (known or {}).get("state", {})
    return {
        "site": site.site.name,
        "works": known is not None and epoch is not None,
        "why": "" if known is not None else said,
        "voters": rows,
        "epoch": epoch,
        "keys": stored.get("messages"),
        "bytes": stored.get("bytes"),
        "revision": stored.get("last_seq"),
        "copies": _copies(folder, site.site.name, clock.now()),
    }


def _row(voter: Voter, store: NatsCoordination, known: View | None, silent: str | None) -> dict[str, Any]:
    cluster = (known or {}).get("cluster", {})
    mine = next((each for each in cluster.get("replicas", ()) if each.get("name") == voter.name), None)
    row: dict[str, Any] = {"name": voter.name, "address": voter.url, "answers": store.connected}
    row["leads"] = cluster.get("leader") == voter.name
    row["lag"] = None if mine is None else mine.get("lag", 0)
    row["current"] = row["leads"] or bool(mine and mine.get("current"))
    row["heard"] = None if mine is None else round(mine.get("active", 0) / 1e9, 1)
    row["why"] = "" if store.connected else safe(silent or "no answer", 200)
    return row


def _copies(folder: Path, site: str, now: datetime) -> dict[str, Any]:
    files = copies.all_in(folder, site)
    age = None
    if files:
        taken = datetime.strptime(copies.taken_at(files[0]), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        age = max(0.0, (now - taken).total_seconds())
    return {"folder": str(folder), "count": len(files), "age": age, "fresh": age is not None and age <= FRESH}


def shown(view: View) -> Iterator[str]:
    """Yield the view as lines."""
    rows = view["voters"]
    answering = sum(row["answers"] for row in rows)
    yield f"{view['site']}: {len(rows)} voter{'s' if len(rows) > 1 else ''}, {answering} answer"
    yield from table(("VOTER", "ADDRESS", "STATE", "BEHIND", "HEARD"), [_cells(row) for row in rows])
    yield ""
    if view["works"]:
        size = show_size(view["bytes"])
        yield f"store   epoch {view['epoch']}, {view['keys']} keys, {size}, revision {view['revision']}"
    else:
        yield f"store   DOWN: nobody changes hands, owners go on; {safe(view['why'] or 'it has no epoch', 300)}"
    yield _of_copies(view["copies"])


def _cells(row: View) -> Sequence[str]:
    told = "leads" if row["leads"] else "follows" if row["current"] else "lags" if row["answers"] else "silent"
    if row["why"]:
        told += f": {row['why']}"
    behind = "-" if row["lag"] is None else str(row["lag"])
    return row["name"], row["address"], told, behind, "-" if row["heard"] is None else f"{row['heard']:g} s ago"


def _of_copies(found: View) -> str:
    where = safe(found["folder"], 200)
    if found["age"] is None:
        return f"copies  none in {where}: let `overlapse fleet copy` run hourly on a machine that is no voter"
    old = "" if found["fresh"] else ": OLD, they should be hourly"
    return f"copies  {found['count']} in {where}, newest {show_duration(found['age'])} old{old}"
