"""Everything that can be asked of a running node, who may ask it, and what it does: one table, deny by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from core.control.arguments import (
    CAMERA,
    DESTINATION,
    LINK,
    NODE,
    REASON,
    UNTIL,
    Argument,
    optional,
    parse_arguments,
    parse_bytes,
    parse_class,
    parse_colours,
    parse_count,
    parse_delivery,
    parse_flag,
    parse_instant,
    parse_layout,
    parse_message,
    parse_names,
    parse_object,
    parse_path,
    parse_picture,
    parse_pictures,
    parse_plan,
    parse_rows,
    parse_rung,
    parse_seconds,
    parse_service,
    parse_side,
    parse_staged,
    parse_text,
    parse_verb,
    parse_zone,
)
from core.errors import BadRequest, Forbidden, NoSuchThing
from core.text import safe


class Role(IntEnum):
    """What a person may do; each role may do all that those below it may."""

    VIEW = 1
    OPERATE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The role as site.toml and people call it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be asked. `dangerous`: a person confirms it after reading what it `does`.

    `here_only`: another node cannot order it.
    """

    name: str
    role: Role
    does: str
    takes: Mapping[str, Argument] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()  # exactly one of these arguments is given
    dangerous: bool = False
    here_only: bool = False

    def parse(self, args: Mapping[str, object]) -> dict[str, Any]:
        """Return the arguments as values; raise BadRequest with every problem in one sentence."""
        values = parse_arguments(self.takes, args)
        if self.one_of and sum(key in values for key in self.one_of) != 1:
            raise BadRequest(f"{self.name} takes exactly one of {', '.join(self.one_of)}")
        return values


_ROWS = Argument(parse_rows, required=False)
_FLAG = Argument(parse_flag, required=False)
_SINCE = Argument(parse_instant, required=False)

_MESSAGE = Argument(parse_message)

_ALL = (
    Verb(
        "who", Role.VIEW, "Say who asks, as the kernel knows it, and which verbs this person may use.", here_only=True
    ),
    Verb("status", Role.VIEW, "Give the status document."),
    Verb(
        "fleet",
        Role.VIEW,
        "Give the status documents of all nodes that this one hears of, as they were heard, and of itself.",
        {"node": optional(NODE), "since": Argument(parse_seconds, required=False)},
    ),
    Verb(
        "ledger",
        Role.VIEW,
        "Give what became of the slots by time, and from where on more follow.",
        {"camera": optional(CAMERA), "since": _SINCE, "until": optional(UNTIL), "limit": _ROWS},
    ),
    Verb(
        "queue",
        Role.VIEW,
        "Give the deliveries that are under way or wait, by destination, the oldest picture first.",
        {"destination": optional(DESTINATION), "limit": _ROWS},
    ),
    Verb("events", Role.VIEW, "Give what happened last, the newest at the end.", {"limit": _ROWS}),
    Verb(
        "audit-log",
        Role.VIEW,
        "Give who asked for what and what came of it, page by page, the newest at the end.",
        {"before": Argument(parse_count, required=False), "limit": _ROWS},
    ),
    Verb("errand", Role.VIEW, "Give what the import or restore that was ordered last plans, and how far it has come."),
    Verb("mail", Role.VIEW, "Give the messages that wait for the mail server, and what became of the last ones."),
    Verb("orders", Role.VIEW, "Give the orders that were given here to other nodes, those that came, and their end."),
    Verb(
        "redundancy",
        Role.VIEW,
        "Give who is to shoot each camera, who does, what is staged, and what each node carries.",
    ),
    Verb("redundancy-load", Role.VIEW, "Give what each node carries normally and in the worst failure of another one."),
    Verb(
        "redundancy-candidates",
        Role.VIEW,
        "Give which nodes may stand by for these cameras, what they would carry then, and why others may not.",
        {"cameras": Argument(parse_names)},
    ),
    Verb("redundancy-export", Role.VIEW, "Give all assignments as text."),
    Verb("telemetry", Role.VIEW, "Give the newest readings of the cameras.", {"camera": optional(CAMERA)}),
    Verb(
        "camera",
        Role.VIEW,
        "Give a camera's settings and their drift, its recovery ladder with its transcript, and what the next rung is.",
        {"camera": CAMERA},
    ),
    Verb(
        "pictures",
        Role.VIEW,
        "Give the last pictures of a camera, the newest first: what their look found, and where they are proven.",
        {"camera": CAMERA, "limit": _ROWS},
    ),
    Verb(
        "preview",
        Role.VIEW,
        "Give the newest picture of a camera, or one of its last, small enough for a terminal, and its price in bytes.",
        {
            "camera": CAMERA,
            "picture": Argument(parse_picture, required=False),
            **dict.fromkeys(("columns", "rows"), Argument(parse_side)),
            "colours": Argument(parse_colours),
            "most": Argument(parse_count),
        },
    ),
    Verb("retention-plan", Role.VIEW, "Give what would be deleted next and why, and delete nothing."),
    Verb("capture", Role.OPERATE, "Take one shot now, without a slot, through the whole path.", {"camera": CAMERA}),
    Verb(
        "recover",
        Role.OPERATE,
        "Do the next rung of a camera's recovery ladder now, up to its power where site.toml names a hook, and shoot.",
        {"camera": CAMERA},
    ),
    Verb(
        "pause",
        Role.OPERATE,
        "Stop shooting on schedule until then; its slots end as excused, with this reason.",
        {"camera": CAMERA, "until": UNTIL, "reason": REASON},
    ),
    Verb("resume", Role.OPERATE, "Shoot on schedule again from the next slot on.", {"camera": CAMERA}),
    Verb(
        "retry",
        Role.OPERATE,
        "Try a delivery, or all that wait for a destination, again now.",
        {"destination": optional(DESTINATION), "delivery": Argument(parse_delivery, required=False)},
        one_of=("destination", "delivery"),
    ),
    Verb(
        "prioritise",
        Role.OPERATE,
        "Have a delivery that waits go among those of another class: thumbnails before JPEG, JPEG before RAW; a "
        "rung and a budget treat it as one of them, too.",
        {"delivery": Argument(parse_delivery), "class": Argument(parse_class)},
    ),
    Verb(
        "deliver-again",
        Role.OPERATE,
        "Take back the receipts of these pictures at a destination, and deliver them there again.",
        {"destination": DESTINATION, "pictures": Argument(parse_pictures), "reason": REASON},
    ),
    Verb(
        "destination-pause",
        Role.OPERATE,
        "Send nothing to this destination until it is resumed; pictures queue.",
        {"destination": DESTINATION, "until": optional(UNTIL), "reason": REASON},
    ),
    Verb("destination-resume", Role.OPERATE, "Send to this destination again.", {"destination": DESTINATION}),
    Verb("errand-stop", Role.OPERATE, "End the import or restore that is under way; what it brought stays."),
    Verb(
        "link-rung",
        Role.OPERATE,
        "Have a link send what this rung of its ladder sends, and no more, until then; the rest waits in the queue.",
        {"link": LINK, "rung": Argument(parse_rung), "until": UNTIL, "reason": REASON},
    ),
    Verb("link-release", Role.OPERATE, "Have a link go by its ladder again.", {"link": LINK}),
    Verb(
        "audit",
        Role.OPERATE,
        "Look now at all copies that a destination has, or at one, which is read back whole; what is not there whole "
        "any more counts as unproven and is delivered again.",
        {"destination": optional(DESTINATION), "delivery": Argument(parse_delivery, required=False)},
        one_of=("destination", "delivery"),
    ),
    Verb(
        "order",
        Role.OPERATE,
        "Have another node do something, when it checks in, if it obeys this one; your own role here is the limit.",
        {
            "node": NODE,
            "verb": Argument(parse_verb),
            "args": Argument(parse_object),
            "lasts": Argument(parse_count, required=False),
            "dry_run": _FLAG,
        },
        here_only=True,
    ),
    Verb("mail-test", Role.OPERATE, "Send one message that says that mail works, and try it once."),
    Verb(
        "mail-retry",
        Role.OPERATE,
        "Try a message, or all that wait, again now, also for those whom the server refused.",
        {"message": optional(_MESSAGE)},
    ),
    Verb("mail-drop", Role.OPERATE, "Take a message out of the queue: it is never sent.", {"message": _MESSAGE}),
    Verb(
        "redundancy-handover",
        Role.OPERATE,
        "Give a camera to its backup at a slot boundary; it stays there until it is handed back.",
        {"camera": CAMERA, "dry_run": _FLAG},
    ),
    Verb(
        "redundancy-handback",
        Role.OPERATE,
        "Give a camera back to its primary now, at a slot boundary.",
        {"camera": CAMERA, "dry_run": _FLAG},
    ),
    Verb(
        "redundancy-rehearse",
        Role.OPERATE,
        "Have the backup of a camera shoot it for two slots and give it back; refused unless the backup is ready.",
        {"camera": CAMERA, "dry_run": _FLAG},
        here_only=True,
    ),
    Verb(
        "redundancy-assign",
        Role.ADMIN,
        "Stage another backup for cameras, or for all of which a node is the primary; without `backup` they have none.",
        {
            "cameras": Argument(parse_names, required=False),
            "of": optional(NODE),
            "backup": optional(NODE),
            "without": _FLAG,
            "dry_run": _FLAG,
        },
        one_of=("backup", "without"),
        here_only=True,
    ),
    Verb(
        "redundancy-mode",
        Role.ADMIN,
        "Stage switches of a node; force: fast mode on a cellular link.",
        {"node": NODE, **dict.fromkeys(("fast", "constant", "mail", "autoback", "force", "dry_run"), _FLAG)},
        here_only=True,
    ),
    Verb(
        "redundancy-import",
        Role.ADMIN,
        "Stage the assignments that an export has.",
        {"text": Argument(parse_text), "force": _FLAG, "dry_run": _FLAG},
        here_only=True,
    ),
    Verb("redundancy-drop", Role.ADMIN, "Forget what is staged.", {"dry_run": _FLAG}, here_only=True),
    Verb(
        "redundancy-apply",
        Role.ADMIN,
        "Apply all that is staged, together; refused when somebody changed the same meanwhile, or staged more.",
        {"digest": Argument(parse_staged, required=False), "dry_run": _FLAG},
        dangerous=True,
        here_only=True,
    ),
    Verb(
        "charge",
        Role.OPERATE,
        "Count bytes that were spent by hand at a destination on its link, as audit.",
        {"destination": DESTINATION, "bytes": Argument(parse_bytes)},
        here_only=True,
    ),
    Verb(
        "acknowledge",
        Role.OPERATE,
        "Note that somebody is at a problem, until then or until it is over; Nagios and Icinga 2 are told, and page no "
        "more for it.",
        {"service": Argument(parse_service), "node": optional(NODE), "until": optional(UNTIL), "reason": REASON},
    ),
    Verb(
        "acknowledge-announce",
        Role.OPERATE,
        "Note that you have read the announcement that unproven pictures will be thinned; it changes no date.",
        {"reason": optional(REASON)},
    ),
    Verb(
        "reload",
        Role.ADMIN,
        "Read site.toml again and apply what changed at the next slot; a file that is not valid is refused whole.",
        dangerous=True,
    ),
    Verb(
        "retention-apply",
        Role.ADMIN,
        "Delete what the retention plan names, now; with a plan's digest, only if that is still the plan.",
        {"plan": Argument(parse_plan, required=False)},
        dangerous=True,
    ),
    Verb(
        "thin-allow",
        Role.ADMIN,
        "Let a full buffer delete unproven pictures before their announced day: they are lost for good.",
        {"until": UNTIL, "reason": REASON},
        dangerous=True,
    ),
    Verb(
        "import",
        Role.ADMIN,
        "Take in the pictures of a folder of this machine, and deliver them as the routes say; with remove, remove "
        "there what is safe here.",
        {
            "path": Argument(parse_path),
            "camera": optional(CAMERA),
            "layout": Argument(parse_layout, required=False),
            "zone": Argument(parse_zone, required=False),
            "at_most": Argument(parse_count, required=False),
            "remove": _FLAG,
            "dry_run": _FLAG,
        },
        dangerous=True,
    ),
    Verb(
        "restore",
        Role.ADMIN,
        "Bring back what a destination holds of this node's pictures and this node does not, newest first.",
        {
            "from": DESTINATION,
            "camera": optional(CAMERA),
            "since": Argument(parse_seconds, required=False),
            "until": Argument(parse_seconds, required=False),
            "dry_run": _FLAG,
        },
        dangerous=True,
    ),
    Verb(
        "restart",
        Role.ADMIN,
        "End the node after the shot in hand and start it again at once, with the site file as it is then.",
        {"reason": optional(REASON)},
        dangerous=True,
    ),
    Verb(
        "stop",
        Role.ADMIN,
        "End the node after the shot in hand; slots are missed until it is started again.",
        {"reason": optional(REASON)},
        dangerous=True,
    ),
)
VERBS: Mapping[str, Verb] = {verb.name: verb for verb in _ALL}


def permitted(name: str, role: Role) -> Verb:
    """Return the verb of that name if `role` may use it; raise NoSuchThing or Forbidden."""
    verb = VERBS.get(name)
    if verb is None:
        raise NoSuchThing(f"there is no verb '{safe(name, 40)}'; there are: {', '.join(VERBS)}")
    if role < verb.role:
        raise Forbidden(f"{verb.name} is for {verb.role.word}; your role is {role.word}")
    return verb
