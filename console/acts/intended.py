"""From words to an intention: which verb of which node, with which arguments; or why it is none. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from console.feed.snapshot import SiteView, Snapshot
from core.units import parse_duration

REASON = "from the console"
SWITCHES = ("constant", "fast", "mail", "autoback")
LONGEST = timedelta(days=366)


class NotUnderstood(Exception):
    """The words are no command that can be carried out; the text says what to write."""


THINGS = ("delivery", "camera", "destination", "link", "cameras", "of", "service")
HANDING = ("redundancy-handover", "redundancy-handback", "redundancy-rehearse")  # of a camera, whichever node has it


@dataclass(frozen=True)
class Intended:
    """Something to be done. `order`: another node is to do it, when it checks in."""

    site: str
    node: str
    verb: str
    args: Mapping[str, Any]
    order: bool = False

    @property
    def about(self) -> str:
        """Return the node that it is about, which need not be the one that does it."""
        return str(self.args.get("node", self.node))

    @property
    def target(self) -> str:
        """Return what it is done to."""
        thing = next((_listed(self.args[key]) for key in THINGS if key in self.args), "")
        if self.verb in HANDING:
            return f"{thing} of site {self.site}"
        return f"{thing} of {self.about}, site {self.site}" if thing else f"node {self.about}, site {self.site}"

    @property
    def asked(self) -> tuple[str, dict[str, Any]]:
        """Return the verb and arguments to ask our own node for."""
        if not self.order:
            return self.verb, dict(self.args)
        return "order", {"node": self.node, "verb": self.verb, "args": dict(self.args)}


Arguments = Callable[[str, Sequence[str], datetime], dict[str, Any]]


@dataclass(frozen=True)
class Command:
    """How the words behind a verb are read. `of`: the list of a document in which the first word is looked up.

    `here`: our own node does it, whichever node the words are about; the first word is NAME or SITE/NAME, and SITE
    alone where `of` is "site".
    """

    usage: str
    of: str  # "cameras", "destinations", "links", or "" for the node itself
    arguments: Arguments
    here: bool = False


def _listed(value: object) -> str:
    """Return one name, or the first of many."""
    if not isinstance(value, list):
        return str(value)
    return ", ".join(value[:5]) + (f" and {len(value) - 5} more" if len(value) > 5 else "")


def _only(key: str) -> Arguments:
    return lambda name, words, now: {key: name} | _none_left(words)


def _none_left(words: Sequence[str]) -> dict[str, Any]:
    if words:
        raise NotUnderstood(f"too much: {' '.join(words)}")
    return {}


def _pause(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    return {"camera": name, "until": _until(words, now), "reason": _reason(words[1:])}


def _destination_pause(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    return {"destination": name, "until": _until(words, now), "reason": _reason(words[1:])}


def _prioritise(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    if len(words) != 2 or not words[0].isdecimal():
        raise NotUnderstood("which delivery, and as what? its ID in the queue, and thumbnail, jpeg or raw")
    return {"delivery": int(words[0]), "class": words[1]}


def _link_rung(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    if not words:
        raise NotUnderstood("which rung? everything, jpeg, reduced or status, or one between such as jpeg/2")
    return {"link": name, "rung": words[0], "until": _until(words[1:], now), "reason": _reason(words[2:])}


def _assign(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    if not words:
        raise NotUnderstood("for which cameras? CAMERA ..., or: of NODE, for all that it is primary of")
    backup = {"without": True} if name == "none" else {"backup": name}
    if words[0] == "of" and len(words) == 2:
        return {"of": words[1], **backup}
    return {"cameras": [*words], **backup}


def _switched(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    rest = [word.removeprefix("--") for word in words]
    force = {"force": True} if "force" in rest else {}
    rest = [word for word in rest if word != "force"]
    pairs = dict(zip(rest[::2], rest[1::2], strict=False))
    if not rest or len(rest) % 2 or not pairs.keys() <= {*SWITCHES} or not {*pairs.values()} <= {"on", "off"}:
        raise NotUnderstood(f"which switch, on or off? {', '.join(SWITCHES)}")
    return {"node": name, **{key: word == "on" for key, word in pairs.items()}, **force}


def _acknowledge(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    service, _, node = name.rpartition("@")
    if not service:
        raise NotUnderstood(f"{name} is no alert: write it as its screen does, such as camera:north@unit1")
    if not words:
        raise NotUnderstood("until when? such as 2h, 18:00 (UTC), 2026-11-22T06:00Z, or over: until it is over")
    end = {} if words[0] == "over" else {"until": _until(words, now)}
    return {"service": service.replace(":", " "), "node": node, **end, "reason": _reason(words[1:])}


def _because(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    return {"reason": _reason(words)}


def _nothing(name: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    return _none_left(words)


def _reason(words: Sequence[str]) -> str:
    return " ".join(words) or REASON


def _until(words: Sequence[str], now: datetime) -> str:
    if not words:
        raise NotUnderstood("until when? such as 2h, 18:00 (UTC) or 2026-11-22T06:00Z")
    return until(words[0], now).isoformat()


def until(word: str, now: datetime) -> datetime:
    """Return the end that a word says: a duration from now, a time of day in UTC, or an instant.

    Raise NotUnderstood; also for an end that is past, or further away than a year.
    """
    end = _instant(word, now)
    if not now < end <= now + LONGEST:
        raise NotUnderstood(f"{word} is past, or more than a year away")
    return end


def _instant(word: str, now: datetime) -> datetime:
    try:
        return now.replace(microsecond=0) + parse_duration(word)
    except ValueError:
        pass
    try:
        if len(word) <= 5:
            hour, minute = word.split(":")
            today = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)
        found = datetime.fromisoformat(word)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotUnderstood(f"{word} is no end: write 2h, 18:00 (UTC) or 2026-11-22T06:00Z") from None


COMMANDS: Mapping[str, Command] = {
    "capture": Command("CAMERA", "cameras", _only("camera")),
    "recover": Command("CAMERA", "cameras", _only("camera")),
    "pause": Command("CAMERA END [REASON]", "cameras", _pause),
    "resume": Command("CAMERA", "cameras", _only("camera")),
    "retry": Command("DESTINATION", "destinations", _only("destination")),
    "prioritise": Command("NODE DELIVERY CLASS", "", _prioritise),
    "destination-pause": Command("DESTINATION END [REASON]", "destinations", _destination_pause),
    "destination-resume": Command("DESTINATION", "destinations", _only("destination")),
    "audit": Command("DESTINATION", "destinations", _only("destination")),
    "link-rung": Command("LINK RUNG END [REASON]", "links", _link_rung),
    "link-release": Command("LINK", "links", _only("link")),
    "acknowledge": Command("CHECK:NAME@NODE END|over [REASON]", "nodes", _acknowledge, here=True),
    "acknowledge-announce": Command("NODE [REASON]", "", _because),
    "mail-test": Command("NODE", "", _nothing),
    "mail-retry": Command("NODE", "", _nothing),
    "restart": Command("NODE [REASON]", "", _because),
    "redundancy-handover": Command("CAMERA", "cameras", _only("camera"), here=True),
    "redundancy-handback": Command("CAMERA", "cameras", _only("camera"), here=True),
    "redundancy-rehearse": Command("CAMERA", "cameras", _only("camera"), here=True),
    "redundancy-assign": Command("BACKUP|none CAMERA ...", "nodes", _assign, here=True),
    "redundancy-mode": Command("NODE SWITCH on|off [force]", "nodes", _switched, here=True),
    "redundancy-apply": Command("SITE", "site", _nothing, here=True),
    "redundancy-drop": Command("SITE", "site", _nothing, here=True),
}
STAGING = ("redundancy-assign", "redundancy-mode")  # change nothing that counts: they are seen whole before they do


def intended(words: Sequence[str], snapshot: Snapshot) -> Intended:
    """Return what the words of a command come to; raise NotUnderstood.

    A thing is named as the screens name it: NAME@NODE, SITE/NAME@NODE, or NAME alone where there is one of it.
    """
    command = COMMANDS[words[0]]
    if len(words) < 2:
        raise NotUnderstood(f"{words[0]} {command.usage}")
    if command.here:
        site, node, name = _here(words[1], command.of, snapshot)
    else:
        site, node, name = _found(words[1], command.of, snapshot)
    args = command.arguments(name, words[2:], snapshot.at)
    made = Intended(site.site, node, words[0], args, order=node != site.node)
    if (why := refusal(made, site)) != "":
        raise NotUnderstood(why)
    return made


def refusal(one: Intended, site: SiteView) -> str:
    """Say why this person may not do that, as the node has it; "": nothing speaks against it."""
    if not site.live:
        return f"the node of {site.site} does not answer: nothing can be done from here"
    wanted = {one.verb, "order"} if one.order else {one.verb}
    missing = sorted(wanted - site.verbs)
    return f"your role here is {site.role}: it may not {missing[0]}" if missing else ""


def _here(word: str, of: str, snapshot: Snapshot) -> tuple[SiteView, str, str]:
    """Return whose node is asked; it says itself what it does not know."""
    place, _, name = (word, "", "") if of == "site" else word.rpartition("/")
    sites = [site for site in snapshot.sites if place in ("", site.site)]
    if len(sites) > 1:
        sites = [site for site in sites if any(_is_of(name, document) for document in site.documents.values())]
    if len(sites) != 1:
        names = ", ".join(f"{site.site}/{name}" for site in (sites or snapshot.sites)[:4])
        raise NotUnderstood(f"of which site? {names}")
    return sites[0], sites[0].node, name


def _is_of(name: str, document: Mapping[str, Any]) -> bool:
    """Tell whether a node, or a camera that it tells of, has this name."""
    rows = [*document.get("cameras", ()), *(document.get("redundancy") or {}).get("cameras", ())]
    return name.rpartition("@")[2] == document.get("node") or any(row.get("name") == name for row in rows)


def _found(word: str, of: str, snapshot: Snapshot) -> tuple[SiteView, str, str]:
    place, _, thing = word.rpartition("/")
    name, _, node = thing.partition("@")
    if not of:
        name, node = "", node or name
    fits = [
        (site, each)
        for site, each, document in snapshot.nodes()
        if place in ("", site.site)
        and node in ("", each)
        and (not of or any(row.get("name") == name for row in document.get(of, ())))
    ]
    if not fits:
        raise NotUnderstood(f"nothing here is called {word}")
    if len(fits) > 1:
        raise NotUnderstood(f"which one? {', '.join(sorted(f'{site.site}/{name}@{each}' for site, each in fits)[:4])}")
    return fits[0][0], fits[0][1], name
