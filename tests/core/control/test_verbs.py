from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.control.verbs import VERBS, Role, permitted
from core.errors import BadRequest, Forbidden, NoSuchThing

UNTIL = "2026-11-21T08:00:00Z"
PICTURE = "north_20261121T080000Z_unit1_1-1.jpg"
# Every verb, who may use it, whether it is dangerous, and arguments that are right: written out here a second time, so
# that a change of the table is seen twice.
TABLE: list[tuple[str, Role, bool, dict[str, Any]]] = [
    ("who", Role.VIEW, False, {}),
    ("status", Role.VIEW, False, {}),
    ("ledger", Role.VIEW, False, {"camera": "north", "since": UNTIL, "until": UNTIL, "limit": 100}),
    ("queue", Role.VIEW, False, {"destination": "nas", "limit": 1}),
    ("events", Role.VIEW, False, {"limit": 1000}),
    ("fleet", Role.VIEW, False, {"node": "unit1", "since": 1}),
    ("errand", Role.VIEW, False, {}),
    ("mail", Role.VIEW, False, {}),
    ("orders", Role.VIEW, False, {}),
    ("redundancy", Role.VIEW, False, {}),
    ("redundancy-load", Role.VIEW, False, {}),
    ("redundancy-candidates", Role.VIEW, False, {"cameras": ["north"]}),
    ("redundancy-export", Role.VIEW, False, {}),
    ("redundancy-handover", Role.OPERATE, False, {"camera": "north"}),
    ("redundancy-handback", Role.OPERATE, False, {"camera": "north", "dry_run": True}),
    ("redundancy-rehearse", Role.OPERATE, False, {"camera": "north"}),
    ("redundancy-assign", Role.ADMIN, False, {"cameras": ["north"], "backup": "fr"}),
    ("redundancy-assign", Role.ADMIN, False, {"of": "unit1", "without": True}),
    ("redundancy-mode", Role.ADMIN, False, {"node": "fr", "constant": True}),
    ("redundancy-import", Role.ADMIN, False, {"text": "{}"}),
    ("redundancy-drop", Role.ADMIN, False, {}),
    ("redundancy-apply", Role.ADMIN, True, {"dry_run": True, "digest": "0123456789abcdef"}),
    ("telemetry", Role.VIEW, False, {"camera": "north"}),
    ("camera", Role.VIEW, False, {"camera": "north"}),
    ("pictures", Role.VIEW, False, {"camera": "north", "limit": 24}),
    ("recover", Role.OPERATE, False, {"camera": "north"}),
    ("preview", Role.VIEW, False, {"camera": "north", "columns": 60, "rows": 20, "colours": 8, "most": 9000}),
    ("retention-plan", Role.VIEW, False, {}),
    ("capture", Role.OPERATE, False, {"camera": "north"}),
    ("pause", Role.OPERATE, False, {"camera": "north", "until": UNTIL, "reason": "the lens is cleaned"}),
    ("resume", Role.OPERATE, False, {"camera": "north"}),
    ("retry", Role.OPERATE, False, {"destination": "nas"}),
    ("prioritise", Role.OPERATE, False, {"delivery": 4711, "class": "thumbnail"}),
    ("deliver-again", Role.OPERATE, False, {"destination": "nas", "pictures": [PICTURE], "reason": "missing"}),
    ("charge", Role.OPERATE, False, {"destination": "nas", "bytes": 1_000_000}),
    ("audit", Role.OPERATE, False, {"destination": "nas"}),
    ("destination-pause", Role.OPERATE, False, {"destination": "nas", "reason": "new disks"}),
    ("destination-resume", Role.OPERATE, False, {"destination": "nas"}),
    (
        "link-rung",
        Role.OPERATE,
        False,
        {"link": "sim", "rung": "jpeg/2", "until": UNTIL, "reason": "the customer presents"},
    ),
    ("link-release", Role.OPERATE, False, {"link": "sim"}),
    ("order", Role.OPERATE, False, {"node": "unit7", "verb": "capture", "args": {"camera": "north"}, "lasts": 3600}),
    ("mail-test", Role.OPERATE, False, {}),
    ("mail-retry", Role.OPERATE, False, {"message": "0123abcd"}),
    ("mail-drop", Role.OPERATE, False, {"message": "0123abcd"}),
    (
        "acknowledge",
        Role.OPERATE,
        False,
        {"service": "camera north", "node": "unit1", "until": UNTIL, "reason": "on my way"},
    ),
    ("acknowledge-announce", Role.OPERATE, False, {}),
    ("audit-log", Role.VIEW, False, {"before": 4096, "limit": 100}),
    ("errand-stop", Role.OPERATE, False, {}),
    ("reload", Role.ADMIN, True, {}),
    ("retention-apply", Role.ADMIN, True, {"plan": "0123456789abcdef"}),
    ("thin-allow", Role.ADMIN, True, {"until": UNTIL, "reason": "the link is down for a month"}),
    ("import", Role.ADMIN, True, {"path": "/media/card", "camera": "north", "layout": "auto", "zone": "Europe/Paris"}),
    ("import", Role.ADMIN, True, {"path": "/media/card", "at_most": 7, "remove": True, "dry_run": False}),
    ("restore", Role.ADMIN, True, {"from": "nas", "camera": "north", "since": 0, "until": 1_800_000_000}),
    ("restart", Role.ADMIN, True, {}),
    ("stop", Role.ADMIN, True, {}),
]


def test_the_table_holds_these_verbs_and_no_others() -> None:
    assert {name: (verb.role, verb.dangerous) for name, verb in VERBS.items()} == {
        name: (role, dangerous) for name, role, dangerous, _ in TABLE
    }


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_every_verb_says_in_a_sentence_what_it_does(verb: Any) -> None:
    assert verb.does[0].isupper()
    assert verb.does.endswith(".")
    assert "\n" not in verb.does


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.word if role else "stranger")
def test_every_verb_is_for_its_role_and_those_above_and_for_nobody_else(
    make_node_for: Callable[[Role | None], Any], role: Role | None
) -> None:
    node = make_node_for(role)
    for name, least, _, args in TABLE:
        if role is not None and role >= least:
            assert node.ask(name, **args)["verb"] == name
        else:
            with pytest.raises(Forbidden):
                node.ask(name, **args)
    allowed = [name for name, least, _, _ in TABLE if role is not None and role >= least]
    assert [request.verb for request in node.requests] == allowed  # nothing else reached whoever decides


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.word)
@pytest.mark.parametrize("name", ["", "Status", "status ", "delete", "__class__", "\x1b]0;x\x07", "é" * 1000])
def test_an_unknown_verb_is_refused_for_every_role(name: str, role: Role) -> None:
    with pytest.raises(NoSuchThing, match="there is no verb") as caught:
        permitted(name, role)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 900


LONG = "x" * 201
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("capture", {}, "camera is missing"),
    ("capture", {"camera": "../etc"}, "camera: a name is"),
    ("capture", {"camera": "North"}, "camera: a name is"),
    ("capture", {"camera": "x" * 33}, "camera: a name is"),
    ("capture", {"camera": ["north"]}, "camera: a name is"),
    ("capture", {"camera": None}, "camera: a name is"),
    ("capture", {"camera": "north\n"}, "camera: a name is"),
    ("capture", {"camera": "north", "force": True}, "unknown argument 'force'"),
    ("status", {"\x1b[2J": 1}, r"unknown argument '\\x1b\[2J'"),
    ("ledger", {"limit": 0}, "limit: a whole number from 1 to 1000"),
    ("ledger", {"limit": 1001}, "limit: a whole number from 1 to 1000"),
    ("ledger", {"limit": True}, "limit: a whole number from 1 to 1000"),
    ("ledger", {"limit": 1.0}, "limit: a whole number from 1 to 1000"),
    ("ledger", {"limit": "1"}, "limit: a whole number from 1 to 1000"),
    ("ledger", {"since": "yesterday"}, "since: an instant is written"),
    ("ledger", {"since": "2026-11-21T08:00:00"}, "since: an instant is written"),
    ("ledger", {"since": "9999-12-31T23:59:59-12:00"}, "since: an instant is written"),
    ("ledger", {"since": 1}, "since: an instant is written"),
    ("pause", {"camera": "north", "until": UNTIL, "reason": ""}, "reason: a reason is a text of 1 to 200"),
    ("pause", {"camera": "north", "until": UNTIL, "reason": "  "}, "reason: a reason is a text of 1 to 200"),
    ("pause", {"camera": "north", "until": UNTIL, "reason": LONG}, "reason: a reason is a text of 1 to 200"),
    ("pause", {"camera": "north", "until": UNTIL, "reason": "a\x1b[2Jb"}, "reason: a reason has no line ends"),
    ("pause", {"camera": "north", "until": UNTIL, "reason": "a\nb"}, "reason: a reason has no line ends"),
    ("pause", {"camera": "north", "until": UNTIL, "reason": "a\ud800"}, "reason: a reason has no line ends"),
    ("pause", {"reason": "x"}, "camera is missing; until is missing"),
    ("deliver-again", {"destination": "fr", "reason": "x", "pictures": []}, "a list of 1 to 1000 names"),
    ("deliver-again", {"destination": "fr", "reason": "x", "pictures": ["../x.jpg"]}, "not the name of a picture"),
    ("retry", {}, "retry takes exactly one of destination, delivery"),
    ("retry", {"destination": "nas", "delivery": 1}, "retry takes exactly one of destination, delivery"),
    ("retry", {"delivery": 0}, "delivery: a delivery is the whole number"),
    ("retry", {"delivery": 1 << 63}, "delivery: a delivery is the whole number"),
    ("retry", {"delivery": True}, "delivery: a delivery is the whole number"),
    ("retention-apply", {"plan": "0123456"}, "plan: a plan is the 8 to 64 hexadecimal digits"),
    ("retention-apply", {"plan": "../../etc"}, "plan: a plan is the 8 to 64 hexadecimal digits"),
    ("thin-allow", {}, "until is missing; reason is missing"),
]


@pytest.mark.parametrize(("name", "args", "sentence"), WRONG)
def test_arguments_that_are_not_exactly_right_are_refused_with_a_sentence(
    name: str, args: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadRequest, match=sentence):
        VERBS[name].parse(args)


def test_arguments_reach_the_one_who_decides_as_values(node: Any) -> None:
    node.ask("pause", camera="north", until="2026-11-21T09:30:00+01:00", reason="the lens is cleaned")
    node.ask("retry", delivery=7)
    pause, retry = node.requests
    assert pause.args["until"].isoformat() == "2026-11-21T08:30:00+00:00"
    assert pause.args["camera"] == "north"
    assert pause.args["reason"] == "the lens is cleaned"
    assert retry.args == {"delivery": 7}
