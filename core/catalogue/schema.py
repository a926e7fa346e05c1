"""The tables of the catalogue, their indexes, and the triggers that keep the tallies.

Instants in names, slots and `at` of a picture are whole seconds since the epoch, all others milliseconds. A picture's
name is its columns (camera, at, node, epoch, token, nth, extension). `sum` is a checksum of the columns in SEALED:
those that never change, or change only through the one function that seals the row again. What the triggers
derive is not sealed; `check.py` counts it anew. The id of a delivery is never given twice: a worker may still report
on one that was withdrawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

VERSION = 3  # of this schema: the number of steps in migrations.py

PICTURE_COLUMNS = """camera, at, node, epoch, token, nth, extension, slot, idx, kind, size, sha256, shutter,
    source_name, source_time, trusted, taken_in"""

SEALED: Mapping[str, str] = {
    "picture": PICTURE_COLUMNS,
    "view": "picture, verdict, why, stats",
    "deletion": "picture, at, why, copies",
    "slot": "camera, slot, node, idx, outcome, partial, cause, shutter, epoch, token, filled",
    "delivery": "picture, rendition, destination, remote, priority, at, required, level",
    "receipt": "delivery, level, size, sha256, at",
    "override": "camera, at, what, who, until, why",
    "event": "id, at, kind, subject, text, data",
    "state": "key, value",
}

# A picture is proven when at least one delivery is required and none of those is pending.
PROVEN = "gone = 0 AND required > 0 AND pending = 0"
UNPROVEN = "gone = 0 AND (required = 0 OR pending > 0)"

TABLES = (
    """CREATE TABLE picture (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    at INTEGER NOT NULL,
    node TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    token INTEGER NOT NULL,
    nth INTEGER NOT NULL,
    extension TEXT NOT NULL,
    slot INTEGER CHECK (slot = at),
    idx INTEGER,
    kind TEXT NOT NULL CHECK (kind IN ('raw', 'jpeg')),
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    shutter INTEGER,
    source_name TEXT NOT NULL,
    source_time INTEGER,
    trusted INTEGER NOT NULL,
    taken_in INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,
    required INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0,
    UNIQUE (camera, at, node, epoch, token, nth, extension)
) STRICT""",
    """CREATE TABLE view (
    picture INTEGER PRIMARY KEY REFERENCES picture (id),
    verdict TEXT NOT NULL,
    why TEXT NOT NULL,
    stats TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE deletion (
    picture INTEGER PRIMARY KEY REFERENCES picture (id),
    at INTEGER NOT NULL,
    why TEXT NOT NULL,
    copies TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE slot (
    camera TEXT NOT NULL,
    slot INTEGER NOT NULL,
    node TEXT NOT NULL,
    idx INTEGER,
    outcome TEXT NOT NULL CHECK (outcome IN ('captured', 'late', 'missed', 'excused')),
    partial INTEGER NOT NULL,
    cause TEXT NOT NULL,
    shutter INTEGER,
    epoch INTEGER,
    token INTEGER,
    filled TEXT,
    sum INTEGER NOT NULL,
    PRIMARY KEY (camera, slot, node)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    picture INTEGER NOT NULL REFERENCES picture (id),
    rendition TEXT NOT NULL,
    destination TEXT NOT NULL,
    remote TEXT NOT NULL,
    priority INTEGER NOT NULL,
    at INTEGER NOT NULL,
    required INTEGER NOT NULL,
    level INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'proven', 'refused')),
    size INTEGER,
    sha256 BLOB,
    path TEXT,
    offset INTEGER NOT NULL DEFAULT 0,
    resume BLOB,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    message TEXT,
    transient INTEGER,
    UNIQUE (picture, rendition, destination, remote)
) STRICT""",
    """CREATE TABLE receipt (
    delivery INTEGER PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    level INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE override (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    who TEXT NOT NULL,
    until INTEGER,
    why TEXT NOT NULL,
    sum INTEGER NOT NULL,
    UNIQUE (camera, at, what)
) STRICT""",
    """CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    data TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE fence (
    camera TEXT NOT NULL,
    node TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    token INTEGER NOT NULL,
    PRIMARY KEY (camera, node)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE picture_tally (
    camera TEXT NOT NULL,
    kind TEXT NOT NULL,
    present INTEGER NOT NULL,
    present_bytes INTEGER NOT NULL,
    proven INTEGER NOT NULL,
    proven_bytes INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    gone_bytes INTEGER NOT NULL,
    PRIMARY KEY (camera, kind)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE delivery_tally (
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    n INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (destination, state)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE outcome_tally (
    camera TEXT NOT NULL,
    day INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (camera, day, outcome)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE view_tally (
    verdict TEXT PRIMARY KEY,
    n INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE deletion_tally (
    why TEXT PRIMARY KEY,
    n INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
)

INDEXES = (
    "CREATE INDEX picture_hash ON picture (substr(sha256, 1, 8))",
    f"CREATE INDEX picture_proven ON picture (kind, at) WHERE {PROVEN}",
    f"CREATE INDEX picture_unproven ON picture (kind, at) WHERE {UNPROVEN}",
    """CREATE INDEX delivery_ready ON delivery (destination, priority, at)
    WHERE state = 'queued' AND next_try = 0 AND size IS NOT NULL""",
    "CREATE INDEX delivery_waiting ON delivery (destination, next_try) WHERE state = 'queued' AND next_try > 0",
    "CREATE INDEX delivery_unmade ON delivery (priority, at) WHERE state = 'queued' AND size IS NULL",
    "CREATE INDEX delivery_open ON delivery (destination, at) WHERE state <> 'proven'",
    "CREATE INDEX delivery_live ON delivery (destination, remote, at) WHERE priority = 1",
    "CREATE INDEX deletion_at ON deletion (at)",
    "CREATE INDEX event_subject ON event (subject, id)",
)

TRIGGERS = (
    """CREATE TRIGGER picture_new AFTER INSERT ON picture BEGIN
    INSERT INTO picture_tally VALUES (NEW.camera, NEW.kind, 1, NEW.size, 0, 0, 0, 0)
        ON CONFLICT DO UPDATE SET present = present + 1, present_bytes = present_bytes + NEW.size;
    INSERT INTO fence VALUES (NEW.camera, NEW.node, NEW.epoch, NEW.token)
        ON CONFLICT DO UPDATE SET epoch = NEW.epoch, token = NEW.token WHERE (NEW.epoch, NEW.token) > (epoch, token);
END""",
    """CREATE TRIGGER picture_gone AFTER UPDATE OF gone ON picture WHEN OLD.gone = 0 AND NEW.gone <> 0 BEGIN
    UPDATE picture_tally SET present = present - 1, present_bytes = present_bytes - NEW.size,
        gone = gone + 1, gone_bytes = gone_bytes + NEW.size WHERE camera = NEW.camera AND kind = NEW.kind;
END""",
    """CREATE TRIGGER picture_proof AFTER UPDATE OF gone, required, pending ON picture
    WHEN (OLD.gone = 0 AND OLD.required > 0 AND OLD.pending = 0)
        <> (NEW.gone = 0 AND NEW.required > 0 AND NEW.pending = 0) BEGIN
    UPDATE picture_tally SET
        proven = proven + iif(NEW.gone = 0 AND NEW.required > 0 AND NEW.pending = 0, 1, -1),
        proven_bytes = proven_bytes + iif(NEW.gone = 0 AND NEW.required > 0 AND NEW.pending = 0, NEW.size, -NEW.size)
        WHERE camera = NEW.camera AND kind = NEW.kind;
END""",
    """CREATE TRIGGER delivery_new AFTER INSERT ON delivery BEGIN
    INSERT INTO delivery_tally VALUES (NEW.destination, NEW.state, 1, ifnull(NEW.size, 0))
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + ifnull(NEW.size, 0);
    UPDATE picture SET required = required + 1, pending = pending + (NEW.state <> 'proven')
        WHERE id = NEW.picture AND NEW.required;
END""",
    """CREATE TRIGGER delivery_changed AFTER UPDATE OF state, required, size ON delivery
    WHEN OLD.state <> NEW.state OR OLD.required <> NEW.required OR OLD.size IS NOT NEW.size BEGIN
    UPDATE delivery_tally SET n = n - 1, bytes = bytes - ifnull(OLD.size, 0)
        WHERE destination = OLD.destination AND state = OLD.state;
    INSERT INTO delivery_tally VALUES (NEW.destination, NEW.state, 1, ifnull(NEW.size, 0))
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + ifnull(NEW.size, 0);
    UPDATE picture SET required = required - OLD.required + NEW.required,
        pending = pending - (OLD.required AND OLD.state <> 'proven') + (NEW.required AND NEW.state <> 'proven')
        WHERE id = NEW.picture AND (OLD.required OR NEW.required);
END""",
    """CREATE TRIGGER delivery_dropped AFTER DELETE ON delivery BEGIN
    UPDATE delivery_tally SET n = n - 1, bytes = bytes - ifnull(OLD.size, 0)
        WHERE destination = OLD.destination AND state = OLD.state;
    UPDATE picture SET required = required - 1, pending = pending - (OLD.state <> 'proven')
        WHERE id = OLD.picture AND OLD.required;
END""",
    """CREATE TRIGGER slot_new AFTER INSERT ON slot BEGIN
    INSERT INTO outcome_tally VALUES (NEW.camera, NEW.slot / 86400, NEW.outcome, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO fence SELECT NEW.camera, NEW.node, NEW.epoch, NEW.token WHERE NEW.epoch IS NOT NULL
        ON CONFLICT DO UPDATE SET epoch = NEW.epoch, token = NEW.token WHERE (NEW.epoch, NEW.token) > (epoch, token);
END""",
    """CREATE TRIGGER view_new AFTER INSERT ON view BEGIN
    INSERT INTO view_tally VALUES (NEW.verdict, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END""",
    """CREATE TRIGGER view_changed AFTER UPDATE OF verdict ON view BEGIN
    UPDATE view_tally SET n = n - 1 WHERE verdict = OLD.verdict;
    INSERT INTO view_tally VALUES (NEW.verdict, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END""",
    """CREATE TRIGGER deletion_new AFTER INSERT ON deletion BEGIN
    INSERT INTO deletion_tally SELECT NEW.why, 1, size FROM picture WHERE id = NEW.picture
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END""",
)

FIRST = TABLES + INDEXES + TRIGGERS  # of version 1

# Whose turn it is to leave the buffer: what is proven, else every other slot of a kind: the greatest power of two that
# divides the slot's index in its day, 0 where none does. Those that left have no turn.
STEP = "ifnull(idx & -idx, 0)"
TURN = "CASE WHEN gone <> 0 THEN '' WHEN required > 0 AND pending = 0 THEN 'proven' ELSE kind END"


def _of(row: str, expression: str) -> str:
    """Return an expression on columns of `picture` for the OLD or NEW row of a trigger."""
    return re.sub(r"\b(gone|required|pending|kind|idx|at|size)\b", rf"{row}.\1", expression)


_STEP_OF_TURN = f"iif(required > 0 AND pending = 0, 0, {STEP})"
_KEY = f"{TURN}, {_STEP_OF_TURN}, at / 86400"

# Version 2. `stock` counts, by UTC day, what may leave in each turn, so that a plan need not read it to know how much
# it is; `unneeded` names files of renditions that nothing waits for any more.
SECOND = (
    """CREATE TABLE stock (
    turn TEXT NOT NULL,
    step INTEGER NOT NULL,
    day INTEGER NOT NULL,
    n INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (turn, step, day)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE unneeded (
    path TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID""",
    f"CREATE INDEX picture_turn ON picture (kind, {STEP}, at) WHERE {UNPROVEN}",
    "CREATE INDEX delivery_sending ON delivery (destination) WHERE state = 'sending'",
    "CREATE INDEX delivery_refused ON delivery (destination) WHERE state = 'refused'",
    f"""CREATE TRIGGER picture_stocked AFTER INSERT ON picture WHEN NEW.gone = 0 BEGIN
    INSERT INTO stock VALUES ({_of("NEW", _KEY)}, 1, NEW.size)
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END""",  # noqa: S608 - constants of this file
    f"""CREATE TRIGGER picture_turned AFTER UPDATE OF gone, required, pending ON picture
    WHEN {_of("OLD", TURN)} <> {_of("NEW", TURN)} BEGIN
    UPDATE stock SET n = n - 1, bytes = bytes - OLD.size WHERE (turn, step, day) = ({_of("OLD", _KEY)});
    DELETE FROM stock WHERE (turn, step, day) = ({_of("OLD", _KEY)}) AND n = 0;
    INSERT INTO stock SELECT {_of("NEW", _KEY)}, 1, NEW.size WHERE NEW.gone = 0
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END""",  # noqa: S608 - constants of this file
    """CREATE TRIGGER rendition_proven AFTER UPDATE OF state ON delivery
    WHEN NEW.state = 'proven' AND OLD.state <> 'proven' AND NEW.rendition <> '' AND NEW.path IS NOT NULL BEGIN
    INSERT OR IGNORE INTO unneeded SELECT NEW.path WHERE NOT EXISTS (SELECT 1 FROM delivery
        WHERE picture = NEW.picture AND rendition = NEW.rendition AND state <> 'proven');
END""",
    """CREATE TRIGGER rendition_dropped AFTER DELETE ON delivery
    WHEN OLD.state <> 'proven' AND OLD.rendition <> '' AND OLD.path IS NOT NULL BEGIN
    INSERT OR IGNORE INTO unneeded SELECT OLD.path WHERE NOT EXISTS (SELECT 1 FROM delivery
        WHERE picture = OLD.picture AND rendition = OLD.rendition AND state <> 'proven');
END""",
)

_WAITS = "state IN ('queued', 'sending')"
_WAITED, _STILL_WAITS = (_WAITS.replace("state", f"{row}.state") for row in ("OLD", "NEW"))

# Version 3. `alternative`: for deliveries that are not proven yet, the destinations (separated by spaces) that may
# take them when their own does not answer, and the one that they stand in for. `backlog` counts what waits by class.
# `copy` holds what counts as proven at a destination and when it was last looked at (milliseconds), which is the time
# of its receipt until then. Live names are replaced by the next picture, and nobody relies on them.
COPIES = """INSERT INTO copy SELECT d.id, d.destination, r.at FROM delivery d JOIN receipt r ON r.delivery = d.id
    WHERE d.state = 'proven' AND d.priority <> 1"""
THIRD = (
    """CREATE TABLE alternative (
    delivery INTEGER PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    instead TEXT NOT NULL,
    stands_for TEXT NOT NULL
) STRICT""",
    """CREATE TRIGGER alternative_over AFTER UPDATE OF state ON delivery WHEN NEW.state = 'proven' BEGIN
    DELETE FROM alternative WHERE delivery = NEW.id;
END""",
    """CREATE TABLE backlog (
    destination TEXT NOT NULL,
    priority INTEGER NOT NULL,
    n INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (destination, priority)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TRIGGER backlog_new AFTER INSERT ON delivery WHEN {_STILL_WAITS} BEGIN
    INSERT INTO backlog VALUES (NEW.destination, NEW.priority, 1, ifnull(NEW.size, 0))
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END""",  # noqa: S608 - constants of this file
    f"""CREATE TRIGGER backlog_changed AFTER UPDATE OF state, size, priority ON delivery
    WHEN ({_WAITED}) <> ({_STILL_WAITS}) OR OLD.size IS NOT NEW.size OR OLD.priority <> NEW.priority BEGIN
    UPDATE backlog SET n = n - 1, bytes = bytes - ifnull(OLD.size, 0)
        WHERE {_WAITED} AND destination = OLD.destination AND priority = OLD.priority;
    INSERT INTO backlog SELECT NEW.destination, NEW.priority, 1, ifnull(NEW.size, 0) WHERE {_STILL_WAITS}
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END""",  # noqa: S608 - constants of this file
    f"""CREATE TRIGGER backlog_dropped AFTER DELETE ON delivery WHEN {_WAITED} BEGIN
    UPDATE backlog SET n = n - 1, bytes = bytes - ifnull(OLD.size, 0)
        WHERE destination = OLD.destination AND priority = OLD.priority;
END""",  # noqa: S608 - constants of this file
    """CREATE TABLE copy (
    delivery INTEGER PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    destination TEXT NOT NULL,
    looked INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX copy_looked ON copy (destination, looked)",
    f"""CREATE TRIGGER delivery_relied AFTER UPDATE OF state ON delivery
    WHEN NEW.state = 'proven' AND OLD.state <> 'proven' BEGIN
    {COPIES} AND d.id = NEW.id;
END""",
    """CREATE TRIGGER delivery_doubted AFTER UPDATE OF state ON delivery
    WHEN OLD.state = 'proven' AND NEW.state <> 'proven' BEGIN
    DELETE FROM copy WHERE delivery = NEW.id;
END""",
)

STATEMENTS = FIRST + SECOND + THIRD

# What each derived table must hold, counted anew from the rows it is derived from.
COUNTED: Mapping[str, str] = {
    "picture_tally": f"""SELECT camera, kind, sum(gone = 0), sum(iif(gone = 0, size, 0)), sum({PROVEN}),
        sum(iif({PROVEN}, size, 0)), sum(gone <> 0), sum(iif(gone <> 0, size, 0)) FROM picture GROUP BY camera, kind""",  # noqa: S608 - constants of this file
    "delivery_tally": """SELECT destination, state, count(*), sum(ifnull(size, 0)) FROM delivery
        GROUP BY destination, state""",
    "outcome_tally": "SELECT camera, slot / 86400, outcome, count(*) FROM slot GROUP BY camera, slot / 86400, outcome",
    "view_tally": "SELECT verdict, count(*) FROM view GROUP BY verdict",
    "deletion_tally": """SELECT why, count(*), sum(size) FROM deletion JOIN picture ON picture.id = deletion.picture
        GROUP BY why""",
    "backlog": f"""SELECT destination, priority, count(*), sum(ifnull(size, 0)) FROM delivery WHERE {_WAITS}
        GROUP BY destination, priority""",  # noqa: S608 - constants of this file
    "stock": f"SELECT {_KEY}, count(*), sum(size) FROM picture WHERE gone = 0 GROUP BY 1, 2, 3",  # noqa: S608
    "fence": """SELECT camera, node, epoch, token FROM (
        SELECT camera, node, epoch, token, row_number() OVER
            (PARTITION BY camera, node ORDER BY epoch DESC, token DESC) AS nth FROM
            (SELECT DISTINCT camera, node, epoch, token FROM picture UNION
             SELECT DISTINCT camera, node, epoch, token FROM slot WHERE epoch IS NOT NULL)) WHERE nth = 1""",
}
