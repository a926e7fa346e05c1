"""One mail for each failure and one for each return, whoever is able to send it; none in constant mode."""

from __future__ import annotations

from dataclasses import replace

from peers.leases import FAST, GATE, Fleet

from core.coordination.protocol.messages import Withdraw
from core.coordination.protocol.records import CameraPlan, note_key, parse_note

TWO = {"gate": GATE, "yard": CameraPlan(1, "unit", "cloud")}


def fail(fleet: Fleet) -> None:
    fleet["unit"].crash()
    fleet.until(lambda: fleet.owner().node == "cloud", 60)


def come_back(fleet: Fleet) -> None:
    fleet["unit"].start()
    fleet.until(lambda: fleet.owner().node == "unit", 2000)


def test_a_failure_and_a_return_are_one_mail_each_for_all_cameras_together() -> None:
    fleet = Fleet(TWO).start().wait(20)
    fail(fleet)
    fleet.wait(60)
    come_back(fleet)
    fleet.wait(300)
    told = [(node, mail.what, mail.node, mail.cameras) for node, mail in fleet.mails()]
    assert told == [("cloud", "down", "unit", ("gate", "yard")), ("cloud", "back", "unit", ("gate", "yard"))]
    notes = [parse_note(key, held.value) for key, held in fleet.engine.keys.items() if key.startswith("note.")]
    assert [(one.by, one.sent is not None) for one in notes] == [("cloud", True), ("cloud", True)]


def test_a_claim_that_is_not_sent_is_another_nodes_after_two_minutes_under_the_same_name() -> None:
    cameras = TWO | {"desk": CameraPlan(1, "cloud", "office")}
    fleet = Fleet(cameras).start().wait(20)
    fleet["cloud"].sends_mail = False
    fail(fleet)
    fleet.wait(300)
    (first, claimed), (second, taken_over) = fleet.mails()
    assert (first, second, claimed.overdue, taken_over.overdue) == ("cloud", "office", False, True)
    assert claimed.case == taken_over.case
    assert parse_note("k", fleet.engine.keys[note_key(claimed.case)].value).by == "office"
    assert fleet.of(Withdraw, "cloud") == [Withdraw(claimed.case)]


def test_when_the_backup_dies_before_it_claimed_another_node_tells() -> None:
    fleet = Fleet(TWO).start().wait(20)
    fail(fleet)
    fleet.wait(2)["cloud"].crash()
    fleet.wait(300)
    assert {(node, mail.what, mail.node) for node, mail in fleet.mails()} >= {("office", "down", "unit")}


def test_nothing_is_mailed_in_constant_mode_nor_where_the_backup_does_not_want_it() -> None:
    for plan in (replace(FAST, constant=True), replace(FAST, mail=False)):
        fleet = Fleet(TWO, {"cloud": plan}).start().wait(20)
        fail(fleet)
        come_back(fleet)
        fleet.wait(900)
        assert fleet.mails() == []


def test_flapping_is_told_once_when_it_is_over() -> None:
    fleet = Fleet(TWO).start().wait(20)
    for _ in range(5):
        fail(fleet)
        come_back(fleet)
    fleet.wait(1500)
    cases = [mail.case for _, mail in fleet.mails()]
    folded = [case for _, mail in fleet.mails() for case in mail.folded]
    assert len(cases) < 10
    assert len({*cases, *folded}) == 10
    assert len(cases) + len(folded) == 10
