"""The page before an act: what it does, what it comes to with the figures at hand, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from secrets import token_hex
from typing import Any

from console.acts.intended import HANDING, Intended
from console.feed.snapshot import Json, Snapshot, named
from console.pages import deliveries, fleet, redundancy, say
from console.pages.recovery import WORDS
from console.pages.staged import brief
from console.widgets.confirm import Act, Outcome
from core.control.verbs import VERBS
from core.errors import NodeUnreachable, OverlapseError
from core.text import safe
from core.units import show_duration, show_size

TITLES = {
    "capture": "Take one shot of {} now",
    "recover": "Do the next rung of the recovery of {} now",
    "pause": "Pause {}",
    "resume": "Have {} shoot on schedule again",
    "retry": "Try what waits for {} again now",
    "prioritise": "Send delivery {} before its turn, or behind it",
    "destination-pause": "Send nothing to {} for a while",
    "destination-resume": "Send to {} again",
    "audit": "Look at all copies at {} now",
    "link-rung": "Set the rung of {}",
    "link-release": "Let {} go by its ladder again",
    "restart": "Restart {}",
    "acknowledge": "Acknowledge {}",
    "redundancy-handover": "Hand {} over to its backup",
    "redundancy-handback": "Hand {} back to its primary",
    "redundancy-rehearse": "Rehearse the failover of {}",
    "redundancy-apply": "Apply all that is staged",
    "redundancy-drop": "Forget all that is staged",
}
UNDO = {
    "capture": "none is needed: the shot is an extra and is kept",
    "recover": "none is needed: three good shots lead back to the bottom of the ladder",
    "pause": "resume it: u on the camera's screen, or `overlapse ledger --resume`",
    "resume": "pause it again",
    "retry": "none is needed: what fails waits again as before",
    "prioritise": "prioritise it as the class that it had",
    "destination-pause": "u on the destination's screen; it ends by itself",
    "destination-resume": "pause it again",
    "link-rung": "L on the destination's screen; it ends by itself",
    "link-release": "set the rung again",
    "restart": "none: it starts again by itself",
    "acknowledge": "none: it ends when the problem does, or at the end that you say",
    "redundancy-handover": "hand it back: B on the redundancy screen",
    "redundancy-handback": "hand it over: h on the redundancy screen",
    "redundancy-rehearse": "none is needed: it is given back by itself after two slots",
    "redundancy-apply": "stage what was before, and apply that",
    "redundancy-drop": "stage it again",
}
MOST_SAID = 300  # characters of a dry run: the page does not scroll
Ask = Callable[[str, str, Mapping[str, Any], str], Json]
Rule = Callable[[Intended, Json, Snapshot], str]


def act_page(one: Intended, snapshot: Snapshot, rehearsal: str = "") -> Act:
    """Return the sentences of the page; `rehearsal`: what a dry run found."""
    document = snapshot.document(one.site, one.about) or {}
    thing = one.target.partition(" of ")[0]
    way = "an order: it is done when that node checks in; see the screen Orders" if one.order else ""
    effect = " ".join(part for part in (VERBS[one.verb].does, _figures(one, document, snapshot), way) if part)
    return Act(
        title=TITLES.get(one.verb, one.verb.replace("-", " ").capitalize() + ": {}").format(thing),
        verb=one.verb.replace("-", " ").capitalize(),
        target=f"{one.target}{_words(one.args, snapshot.at)}",
        state=_state(one, document, snapshot),
        effect=effect,
        undo=UNDO.get(one.verb, "none is needed"),
        rehearsal=rehearsal,
    )


def takes_dry_run(one: Intended) -> bool:
    """Tell whether our own node can say first what it would do."""
    return not one.order and "dry_run" in VERBS[one.verb].takes


def rehearsed(one: Intended, ask: Ask) -> tuple[Intended, str]:
    """Return what a dry run says, in a sentence, and the act bound to just that; raise OverlapseError."""
    verb, args = one.asked
    said = ask(one.site, verb, {**args, "dry_run": True}, token_hex(16))
    if "digest" in said:
        one = replace(one, args={**one.args, "digest": said["digest"]})
    if "dropped" in said:
        return one, f"{len(said['dropped'])} changes"
    return one, safe(said["effect"], MOST_SAID) if "effect" in said else brief(said, MOST_SAID)


def _words(args: Mapping[str, Any], now: datetime) -> str:
    """Return what was said beside the name."""
    said = [f"{key} {value}" for key, value in args.items() if key in ("rung", "class", "reason")]
    if "until" in args:
        end = datetime.fromisoformat(args["until"])
        said.insert(0, f"until {end:%Y-%m-%d %H:%M}Z, in {show_duration(end - now)}")
    return "".join(f", {one}" for one in said)


def _state(one: Intended, document: Json, snapshot: Snapshot) -> str:
    """Return how it is now; "": nobody tells."""
    if one.verb in HANDING:
        return _held(one, snapshot)
    at = document.get("at")
    age = "" if at is None else f", as of {say.clock(at, snapshot.at)}Z, {say.age(snapshot.at.timestamp() - at)} ago"
    for of, key in (("cameras", "camera"), ("destinations", "destination"), ("links", "link")):
        if key in one.args:
            row = named(document, of, one.args[key])
            said = row.get("rung") if of == "links" else row.get("state")
            return f"{said}{age}" if row else ""
    return f"{document.get('kind', 'node')}{age}" if document else ""


def _held(one: Intended, snapshot: Snapshot) -> str:
    found = (each for each in redundancy.held(snapshot) if each.key == f"{one.site}/{one.args['camera']}")
    held = next(found, None)
    if held is None:
        return ""
    since = f" since {say.clock(held.row['since'], snapshot.at)}Z" if held.row.get("since") else ""
    return f"{held.said}, with {held.row.get('owner') or 'nobody'}{since}"


def _figures(one: Intended, document: Json, snapshot: Snapshot) -> str:
    """Return what it comes to, reckoned from what is known."""
    rule = RULES.get(one.verb)
    return rule(one, document, snapshot) if rule is not None else ""


def _slots(one: Intended, document: Json, snapshot: Snapshot) -> str:
    row = named(document, "cameras", one.args["camera"])
    seconds = (datetime.fromisoformat(one.args["until"]) - snapshot.at).total_seconds()
    if not row.get("interval"):
        return "How many slots that are is not known here."
    return f"At most {int(seconds // row['interval']) + 1} slots end as excused; their pictures are never taken."


def _waiting(one: Intended, document: Json, snapshot: Snapshot) -> str:
    row = named(document, "destinations", one.args["destination"])
    buffer = say.days((document.get("buffer") or {}).get("days"))
    waits = f"{row.get('waiting', 0)} deliveries wait there, {show_size(row.get('bytes', 0))}"
    return f"{waits}; the buffer holds {buffer} days with all links down."


def _rung(one: Intended, document: Json, snapshot: Snapshot) -> str:
    answers = (each for question, each in snapshot.answers.items() if question.verb == "queue")
    answer = next((each for each in answers if each.said), None)
    rows = named({} if answer is None else answer.said, "links", one.args["link"]).get("what_if", [])
    row = next((each for each in rows if each["rung"] == one.args["rung"]), None)
    if row is None:
        return "What that rung comes to is shown on the destination's screen of that node."
    return (
        f"It needs {show_size(row['needs'])}/s, all is sent {deliveries.eta(row.get('eta'))}, "
        f"the month ends at {show_size(row['month'])}."
    )


def _next_rung(one: Intended, document: Json, snapshot: Snapshot) -> str:
    answer = snapshot.answer(one.site, "camera", camera=one.args["camera"])
    rung = WORDS.get(str(answer.said.get("next"))) if answer is not None else None
    return f"That is: {rung}." if rung else ""


RULES: Mapping[str, Rule] = {
    "recover": _next_rung,
    "pause": _slots,
    "retry": _waiting,
    "destination-pause": _waiting,
    "destination-resume": _waiting,
    "link-rung": _rung,
}


def too_old(one: Intended, snapshot: Snapshot, stale: bool) -> str:
    """Say why what is shown is too old to act on; "": it is fresh. A silent node may still be given an order."""
    if stale:
        return f"what is shown is too old to act on: {snapshot.trouble or 'nothing newer has come'}"
    document, view = snapshot.document(one.site, one.node), snapshot.site(one.site)
    if document is None or view is None:
        return "nothing is known of that node any more"
    silent = fleet.how_silent(view, one.node, document, snapshot.at.timestamp())
    return "" if silent is None or one.order else f"nothing was heard of {one.node} for {say.age(silent)}"


def done(one: Intended, ask: Ask, key: str) -> Outcome:
    """Have it done and return what came of it; never raises."""
    verb, args = one.asked
    try:
        answer = ask(one.site, verb, args, key)
    except NodeUnreachable as error:
        return Outcome(safe(error), again=True)
    except OverlapseError as error:
        return Outcome(safe(error))
    if one.order:
        return Outcome(
            f"asked of {one.node} as order {safe(str(answer.get('order', ''))[:8])}", done=True, audit=key[:8]
        )
    if "effect" in answer or "applied" in answer:
        told = safe(answer["effect"], MOST_SAID) if "effect" in answer else brief(answer, MOST_SAID)
        return Outcome(f"{one.verb}: {told}", done=True, audit=key[:8])
    told = ", ".join(f"{name} {safe(value, 60)}" for name, value in answer.items())
    return Outcome(f"{one.verb}: {told or 'done'}", done=True, audit=key[:8])
