"""What the keys hold: read strictly, since any node of the fleet may have written it, and written compactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.coordination.base import MAX_VALUE, CoordinationError, check_key
from core.text import safe
from core.values import Fence, parse_name

EPOCH = "epoch"
ST_MOST = 300  # bytes of vitals in a session
_WORD = 64  # characters of a session's id or of a reason
_LIST = 256  # entries of a list in a record

Why = Literal["start", "restart", "failure", "back", "handover", "resume", "moved"]
ProfileName = Literal["normal", "cellular"]


class RecordError(CoordinationError):
    """A key holds something that is not what this key must hold."""


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """`cfg.cam.CAMERA`: who is to shoot it. `version` (g) grows with each change."""

    version: int
    primary: str
    backup: str | None = None
    exclusive: bool = False
    reach: tuple[str, ...] = ()
    slot: int = 600  # seconds between two slots
    priority: int = 0

    @property
    def candidates(self) -> tuple[str, ...]:
        """The nodes that may own it, the primary first."""
        return (self.primary,) if self.backup is None else (self.primary, self.backup)


@dataclass(frozen=True, slots=True)
class NodePlan:
    """`cfg.node.NODE`: the switches of the seed. `fast` as a primary, `constant` and `mail` as a backup."""

    version: int = 0
    fast: bool = False
    constant: bool = False
    mail: bool = False
    profile: ProfileName = "normal"
    autoback: bool = True
    hold: int | None = None  # seconds; None: that of its profile
    cap: int | None = None  # max_cameras


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """`sess.NODE`: one run of a node, renewed again and again.

    `ill`: cameras that it cannot reach now; `own`: those that it came to own lately, so that nobody covers them longer.
    """

    sid: str
    n: int  # of the attempt to renew
    renew: float
    deadline: float
    dead: str | None = None  # the node that ended it
    ill: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    st: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """`own.CAMERA`: the session that owns it, under which fence, and how it came to it.

    `at`, `switched` and `hold` are seconds: of the wall clock now and when it last came from another node, and for how
    long the primary must be healthy before it comes back. `case`: the failure or return that brought it here, as
    NODE.SESSION; `untold`: earlier ones that nobody was seen to tell.
    """

    node: str
    sid: str
    fence: Fence
    why: Why
    at: int = 0
    switched: int = 0
    hold: int = 0
    case: str = ""
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """`note.NODE.SESSION.WHAT`: who mails of a failure or return, and when it was sent."""

    by: str
    sent: int | None = None


def camera_key(camera: str) -> str:
    """Return where the plan of a camera is."""
    return f"cfg.cam.{camera}"


def node_key(node: str) -> str:
    """Return where the switches of a node are."""
    return f"cfg.node.{node}"


def session_key(node: str) -> str:
    """Return where the session of a node is."""
    return f"sess.{node}"


def owner_key(camera: str) -> str:
    """Return where the owner of a camera is."""
    return f"own.{camera}"


def note_key(case: str) -> str:
    """Return where the claim to mail of a case is."""
    return f"note.{case}"


def encode(record: CameraPlan | NodePlan | SessionRecord | Owner | Note | int) -> bytes:
    """Return the value of a key that holds `record`; a number is an epoch."""
    return json.dumps(_fields(record), separators=(",", ":"), ensure_ascii=True).encode()


def _fields(record: object) -> dict[str, Any]:
    match record:
        case SessionRecord(sid, n, renew, deadline, dead, ill, own, st):
            body = {"sid": sid, "n": n, "R": renew, "T": deadline, "dead": None if dead is None else {"by": dead}}
            body |= {"ill": [*ill]} if ill else {}
            return body | ({"own": [*own]} if own else {}) | ({"st": st} if st else {})
        case Owner(node, sid, fence, why, at, switched, hold, case, untold):
            body = {"node": node, "sid": sid, "e": fence.epoch, "tok": fence.token, "why": why, "at": at}
            body |= {"sw": switched, "hold": hold} | ({"case": case} if case else {})
            return body | ({"untold": [*untold]} if untold else {})
        case CameraPlan(version, primary, backup, exclusive, reach, slot, priority):
            body = {"g": version, "primary": primary, "backup": backup, "excl": exclusive, "reach": [*reach]}
            return body | {"slot_s": slot, "prio": priority}
        case NodePlan(version, fast, constant, mail, profile, autoback, hold, cap):
            body = {"g": version, "fast": fast, "constant": constant, "mail": mail, "profile": profile}
            return body | {"autoback": autoback, "H": hold, "cap": cap}
        case Note(by, sent):
            return {"by": by, "sent": sent}
        case _:
            return {"e": record}


class _Body:
    """The fields of one record, each asked for with what it must be."""

    def __init__(self, key: str, value: bytes) -> None:
        self._key = key
        try:
            if len(value) > MAX_VALUE:
                raise ValueError(f"more than {MAX_VALUE} bytes")
            body = json.loads(value, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise RecordError(f"{safe(key)}: not JSON: {safe(error, 80)}") from error
        if not isinstance(body, dict):
            raise RecordError(f"{safe(key)}: not a JSON object")
        self._body: dict[str, object] = body

    def wrong(self, field: str, wanted: str) -> RecordError:
        return RecordError(f"{safe(self._key)}: {field}: {wanted}, not {safe(repr(self._body.get(field)), 60)}")

    def whole(self, field: str, least: int = 0, most: int = 2**53, default: int | None = None) -> int:
        value = self._body.get(field, default)
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(field, f"a whole number from {least} to {most}")
        return value

    def perhaps(self, field: str, least: int, most: int) -> int | None:
        return None if self._body.get(field) is None else self.whole(field, least, most)

    def seconds(self, field: str, least: float, most: float) -> float:
        value = self._body.get(field)
        if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
            raise self.wrong(field, f"seconds from {least:g} to {most:g}")
        return float(value)  # type: ignore[arg-type]

    def flag(self, field: str, default: bool) -> bool:
        value = self._body.get(field, default)
        if not isinstance(value, bool):
            raise self.wrong(field, "true or false")
        return value

    def name(self, field: str) -> str:
        try:
            return parse_name(self._body.get(field))
        except ValueError as error:
            raise self.wrong(field, "a name") from error

    def perhaps_name(self, field: str) -> str | None:
        return None if self._body.get(field) is None else self.name(field)

    def word(self, field: str, most: int = _WORD, default: str | None = None, words: bool = True) -> str:
        """Return a short text; `words`: only what a key may hold."""
        value = self._body.get(field, default)
        if not isinstance(value, str) or len(value) > most or (words and not _is_word(value)):
            raise self.wrong(field, f"a word of at most {most} letters, digits, '-' and '.'")
        return value

    def words(self, field: str) -> tuple[str, ...]:
        value = self._body.get(field, [])
        if not isinstance(value, list) or len(value) > _LIST:
            raise self.wrong(field, f"a list of at most {_LIST}")
        if not all(isinstance(one, str) and len(one) <= _LIST and _is_word(one) for one in value):
            raise self.wrong(field, "a list of words")
        return tuple(value)

    def choice(self, field: str, choices: tuple[str, ...], default: str | None = None) -> Any:
        value = self._body.get(field, default)
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(field, f"one of {', '.join(choices)}")
        return value

    def inner(self, field: str) -> Mapping[str, object] | None:
        value = self._body.get(field)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(field, "null or an object")
        return value


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no number")


def _is_word(text: str) -> bool:
    try:
        return text == check_key(text)
    except ValueError:
        return not text


def parse_epoch(key: str, value: bytes) -> int:
    """Return the epoch of the store; raise RecordError."""
    return _Body(key, value).whole("e", 0, 999_999_999)


def parse_camera(key: str, value: bytes) -> CameraPlan:
    """Return the plan of a camera; raise RecordError."""
    body = _Body(key, value)
    plan = CameraPlan(
        version=body.whole("g"),
        primary=body.name("primary"),
        backup=body.perhaps_name("backup"),
        exclusive=body.flag("excl", False),
        reach=body.words("reach"),
        slot=body.whole("slot_s", 1, 31_536_000, 600),
        priority=body.whole("prio", -1_000_000, 1_000_000, 0),
    )
    if plan.backup == plan.primary:
        raise body.wrong("backup", "another node than the primary")
    return plan


def parse_node(key: str, value: bytes) -> NodePlan:
    """Return the switches of a node; raise RecordError."""
    body = _Body(key, value)
    return NodePlan(
        version=body.whole("g"),
        fast=body.flag("fast", False),
        constant=body.flag("constant", False),
        mail=body.flag("mail", False),
        profile=body.choice("profile", get_args(ProfileName), "normal"),
        autoback=body.flag("autoback", True),
        hold=body.perhaps("H", 1, 86_400),
        cap=body.perhaps("cap", 0, 100_000),
    )


def parse_session(key: str, value: bytes) -> SessionRecord:
    """Return the session of a node; raise RecordError."""
    body = _Body(key, value)
    dead = body.inner("dead")
    by = None
    if dead is not None:
        try:
            by = parse_name(dead.get("by"))
        except ValueError as error:
            raise body.wrong("dead", 'null or {"by": NODE}') from error
    renew = body.seconds("R", 0.1, 3600)
    deadline = body.seconds("T", 0.1, 14_400)
    if deadline < 2 * renew:
        raise body.wrong("T", "at least twice R")
    st = body.word("st", ST_MOST * 6, "", words=False)  # six characters for a byte that is escaped
    lists = body.words("ill"), body.words("own")
    return SessionRecord(body.word("sid"), body.whole("n"), renew, deadline, by, *lists, st)


def parse_owner(key: str, value: bytes) -> Owner:
    """Return who owns a camera; raise RecordError. What a node alone wrote (`fence.py`) is one, too."""
    body = _Body(key, value)
    return Owner(
        node=body.name("node"),
        sid=body.word("sid", default=""),
        fence=Fence(body.whole("e", 0, 999_999_999), body.whole("tok", 0, 999_999_999_999)),
        why=body.choice("why", get_args(Why), "start"),
        at=body.whole("at", 0, default=0),
        switched=body.whole("sw", 0, default=0),
        hold=body.whole("hold", 0, 86_400, 0),
        case=body.word("case", 160, ""),
        untold=body.words("untold"),
    )


def parse_note(key: str, value: bytes) -> Note:
    """Return a claim to mail; raise RecordError."""
    body = _Body(key, value)
    return Note(body.name("by"), body.perhaps("sent", 0, 2**53))
