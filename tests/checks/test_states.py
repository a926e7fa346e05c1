"""What each check says of what is wrong: the state by the time to loss, and the first line."""

from __future__ import annotations

import pytest
from peers.guidelines import violations
from peers.statuses import DAY, HOUR, NOW, Change, camera, put, redundant, with_

from checks.base.finding import CRITICAL, OK, UNKNOWN, WARNING
from checks.base.verdict import Verdict
from checks.evaluate import evaluate
from core.status.fleet import silent_for


def judged(*changes: Change, service: str, **words: object) -> Verdict:
    """Return the verdict of one service; every other one is checked against the guidelines, too."""
    found = evaluate(with_(*changes), NOW, **words)  # type: ignore[arg-type]
    for one in found:
        assert violations(one.state, one.text().encode()) == []
    return next(one for one in found if one.service == service)


def missed(number: int, cause: str = "camera gone") -> Change:
    def change(document: dict[str, object]) -> None:
        for path, value in (
            ("cameras.0.row", {"missed": number, "since": NOW - 600 * number}),
            ("cameras.0.last", {"slot": NOW - 300, "outcome": "missed", "cause": cause}),
            ("cameras.0.picture", {"slot": NOW - 600 * number - 300}),
        ):
            put(path, value)(document)

    return change


def failing(*destinations: int, word: str = "DestinationUnreachable") -> Change:
    def change(document: dict[str, object]) -> None:
        for number in destinations:
            error = {"class": word, "text": "connection timed out", "since": NOW - 2 * HOUR}
            put(f"destinations.{number}.error", error)(document)
            put(f"destinations.{number}.waiting", 12)(document)
            put(f"destinations.{number}.oldest", NOW - 2 * HOUR)(document)

    return change


ALL = ("camera gate", "camera north", "transfer fr", "transfer nas", "link sim", "storage", "node")


def test_of_a_node_that_is_well_every_service_says_so() -> None:
    found = evaluate(with_(), NOW)
    assert tuple(one.service for one in found) == ALL
    assert {one.state for one in found} == {OK}
    assert [violations(one.state, one.text().encode()) for one in found] == [[]] * len(ALL)


CASES = [
    pytest.param(
        [missed(3)], "camera gate", CRITICAL, "no picture for 35 min (camera gone) - losing 6/h", id="lost-now"
    ),
    pytest.param(
        [missed(2)], "camera gate", WARNING, "missed 2 (camera gone) - can wait until Sat 12:05Z", id="two-missed"
    ),
    pytest.param(
        [missed(3), put("cameras.0.next", NOW + 11 * HOUR)],
        "camera gate",
        CRITICAL,
        "act before Sat 23:00Z",
        id="lost-tonight",
    ),
    pytest.param(
        [missed(3), put("cameras.0.next", NOW + 20 * HOUR)],
        "camera gate",
        WARNING,
        "can wait until Sat 20:00Z",
        id="lost-tomorrow",
    ),
    pytest.param(
        [missed(1), put("cameras.0.interval", DAY), put("cameras.0.next", NOW + 6 * HOUR)],
        "camera gate",
        CRITICAL,
        "losing 0.042/h",
        id="a-picture-a-day-is-missed-once",
    ),
    pytest.param([missed(9, "disk full")], "camera gate", WARNING, "losing 6/h", id="storage-pages-for-a-full-disk"),
    pytest.param(
        [put("cameras.0.paused", {"until": NOW + HOUR, "by": "ana", "text": "paused by ana: crane"}), missed(9)],
        "camera gate",
        OK,
        "gate paused until Sat 13:00Z by ana",
        id="paused",
    ),
    pytest.param([put("cameras.0.telemetry.battery", 19)], "camera gate", WARNING, "battery 19 %", id="battery"),
    pytest.param([put("cameras.0.telemetry", {"battery": 1, "mains": True})], "camera gate", OK, "gate", id="on-mains"),
    pytest.param([put("cameras.0.telemetry.clock_drift", -61)], "camera gate", WARNING, "drift -61 s", id="its-clock"),
    pytest.param([put("cameras.0.rung", 4)], "camera gate", WARNING, "rung 4", id="recovering"),
    pytest.param([put("cameras.0.unaccounted", 3)], "camera gate", WARNING, "3 slots unaccounted", id="sequence-gap"),
    pytest.param(
        [put("cameras.0.day", {"captured": 120, "missed": 24})],
        "camera gate",
        WARNING,
        "missed 24 of 144",
        id="now-and-then",
    ),
    pytest.param(
        [put("cameras.0.drift", {"iso": {"wanted": "100", "found": "1600"}})],
        "camera gate",
        WARNING,
        "settings drifted: iso",
        id="settings",
    ),
    pytest.param(
        [put("cameras.0.view", {"verdict": "black", "pictures": 5, "since": NOW - HOUR})],
        "camera gate",
        CRITICAL,
        "gate black since Sat 11:00Z - losing 6/h",
        id="black-in-daylight",
    ),
    pytest.param(
        [put("cameras.0.view", {"verdict": "moved", "pictures": 5, "since": NOW - HOUR})],
        "camera gate",
        WARNING,
        "gate moved since Sat 11:00Z",
        id="moved",
    ),
    pytest.param([put("cameras.0.view", {"verdict": "not analysed"})], "camera gate", OK, "gate", id="not-analysed"),
    pytest.param(
        [failing(1)],
        "transfer nas",
        WARNING,
        "nas fails since Sat 10:00Z - can wait until 20 Jan 2027",
        id="nas-is-down",
    ),
    pytest.param(
        [failing(1), put("buffer.dies", NOW + 10 * HOUR)],
        "transfer nas",
        CRITICAL,
        "nas fails since Sat 10:00Z - act before Sat 22:00Z",
        id="down-and-the-buffer-ends",
    ),
    pytest.param(
        [failing(1), put("buffer.dies", NOW + 10 * HOUR)],
        "storage",
        WARNING,
        "buffer full in 10 h",
        id="the-transfer-pages",
    ),
    pytest.param(
        [put("buffer.dies", NOW + 10 * HOUR)],
        "storage",
        CRITICAL,
        "buffer full in 10 h - act before Sat 22:00Z",
        id="full",
    ),
    pytest.param([put("buffer.dies", NOW + 5 * DAY)], "storage", WARNING, "can wait until Thu 00:00Z", id="full-later"),
    pytest.param(
        [put("destinations.0.eta", "never"), put("destinations.0.waiting", 9)],
        "transfer fr",
        CRITICAL,
        "fr never catches up - act before 21 Jan 2027",
        id="never",
    ),
    pytest.param(
        [put("destinations.0.eta", "never"), put("destinations.0.required", False)],
        "transfer fr",
        OK,
        "fr",
        id="not-required",
    ),
    pytest.param([put("destinations.0.oldest", NOW - 25 * HOUR)], "transfer fr", WARNING, "oldest 90000 s", id="old"),
    pytest.param([put("destinations.0.refused", 2)], "transfer fr", WARNING, "fr refused 2", id="refused"),
    pytest.param(
        [put("destinations.0.state", "paused"), failing(0)],
        "transfer fr",
        OK,
        "fr paused by an operator",
        id="held-back",
    ),
    pytest.param(
        [put("links.0.month.at_end", 18e9)], "link sim", WARNING, "sim budget is spent by Thu 12:00Z", id="budget"
    ),
    pytest.param([put("links.0.month.used", 12e9)], "link sim", WARNING, "sim has used its 12 GB", id="spent"),
    pytest.param([put("storage", "No space left on device")], "storage", CRITICAL, "losing 12/h", id="disk-fails"),
    pytest.param([put("buffer.stopped", True)], "storage", CRITICAL, "capture is stopped", id="stopped"),
    pytest.param([put("buffer.thinned", 40)], "storage", CRITICAL, "losing 40/h", id="thinned"),
    pytest.param([put("buffer.days", 2)], "storage", WARNING, "buffer_days 2", id="few-days"),
    pytest.param([put("buffer.inodes_free", 3)], "storage", WARNING, "inodes_percent 0 %", id="inodes"),
    pytest.param(
        [put("buffer.refused", "would delete half")], "storage", WARNING, "deletions are held back", id="held"
    ),
    pytest.param([put("clock", {"trusted": False, "why": "no witness"})], "node", WARNING, "not trusted", id="clock"),
    pytest.param(
        [put("stuck", [{"name": "destination nas", "why": "D"}])],
        "node",
        WARNING,
        "destination nas is stuck",
        id="stuck",
    ),
    pytest.param([put("host", {"temperature": 84})], "node", WARNING, "temperature 84", id="hot"),
    pytest.param([put("host", {"undervoltage": True})], "node", WARNING, "supply voltage", id="undervoltage"),
    pytest.param([put("links.0.quality.loss", 24.0)], "link sim", WARNING, "lost 24 %", id="link-that-loses"),
    pytest.param([put("links.0.quality.trip", 4.5)], "link sim", WARNING, "round_trip 4.5 s", id="link-that-is-slow"),
    pytest.param([put("links.0.quality", None)], "link sim", OK, "6 GB of 12 GB", id="link-without-traffic"),
    pytest.param([put("redundancy", redundant())], "redundancy", OK, "2 cameras: unit1 2", id="standing-by"),
    pytest.param(
        [put("redundancy", redundant()), put("redundancy.cameras.0.ready", False)],
        "redundancy",
        WARNING,
        "gate backup fr is not ready",
        id="no-backup",
    ),
    pytest.param(
        [put("redundancy", redundant()), put("redundancy.cameras.0.owner", "fr")],
        "redundancy",
        WARNING,
        "gate failed over to fr",
        id="failed-over",
    ),
    pytest.param(
        [put("redundancy", redundant()), put("redundancy.cameras.0.owner", None), put("node", "fr")],
        "redundancy",
        CRITICAL,
        "gate has no owner",
        id="no-owner-as-its-backup-says",
    ),
    pytest.param(
        [put("redundancy", redundant()), put("redundancy.cameras.0.owner", None)],
        "redundancy",
        WARNING,
        "gate has no owner",
        id="no-owner-as-others-say",
    ),
    pytest.param(
        [put("redundancy", redundant()), put("cameras", [camera("north", NOW)]), put("node", "fr")],
        "camera gate",
        OK,
        "gate is shot by unit1",
        id="shot-by-the-other-node",
    ),
    pytest.param(
        [
            put("redundancy", redundant()),
            put("redundancy.cameras.0.owner", None),
            put("cameras", [camera("north", NOW)]),
        ],
        "camera gate",
        WARNING,
        "gate has no owner",
        id="shot-by-nobody",
    ),
    *(
        pytest.param(
            [
                put("redundancy", redundant()),
                put("redundancy.engine", {"state": engine, "since": NOW - HOUR}),
                put("cameras", [camera("north", NOW)]),
            ],
            "camera gate",
            state,
            "gate is not shot",
            id=f"let-go-by-its-owner-{engine}",
        )
        for engine, state in (("unreachable", CRITICAL), ("refused", CRITICAL), ("ok", WARNING))
    ),
    pytest.param(
        [put("redundancy", redundant()), put("redundancy.engine", {"state": "unreachable", "since": NOW - HOUR})],
        "redundancy",
        WARNING,
        "coordination unreachable",
        id="no-engine",
    ),
    pytest.param(
        [put("redundancy", redundant()), put("redundancy.cameras.1.diverging", 4)],
        "redundancy",
        WARNING,
        "north copies differ in 4 slots",
        id="diverging",
    ),
    pytest.param(
        [put("redundancy", redundant()), put("redundancy.differ", ["fr"])],
        "redundancy",
        WARNING,
        "site.toml differs on fr",
        id="another-site-file",
    ),
]


@pytest.mark.parametrize(("changes", "service", "state", "said"), CASES)
def test_what_is_wrong_is_told_by_its_time_to_loss(changes: list[Change], service: str, state: int, said: str) -> None:
    verdict = judged(*changes, service=service)
    assert said in verdict.line
    assert verdict.state == state


@pytest.mark.parametrize(
    ("age", "state", "said"),
    [
        pytest.param(0, OK, "unit1 runs", id="fresh"),
        pytest.param(110, OK, "unit1 runs", id="a-little-late"),
        pytest.param(125, WARNING, "unit1 silent since Sat 11:57Z - can wait until Sat 23:57Z", id="overdue"),
        pytest.param(11.9 * HOUR, WARNING, "can wait until Sat 12:06Z", id="long"),
        pytest.param(12.1 * HOUR, CRITICAL, "act before 20 Jan 2027", id="too-long"),
        pytest.param(70 * DAY, CRITICAL, "losing 12/h", id="longer-than-its-buffer"),
        pytest.param(-61, UNKNOWN, "ahead", id="from-the-future"),
    ],
)
def test_only_the_node_pages_for_silence(age: float, state: int, said: str) -> None:
    found = evaluate(with_(put("at", NOW - age), put("next", NOW - age + 60)), NOW)
    node = next(one for one in found if one.check == "node")
    assert (node.state, said in node.line) == (state, True), node.line
    others = {one.state for one in found if one.check != "node"}
    assert others == ({OK} if state == OK else {UNKNOWN})


def test_a_node_that_has_ended_here_loses_pictures_at_once() -> None:
    changes = put("at", NOW - 200), put("next", NOW - 140)
    assert "losing 12/h" in judged(*changes, service="node", ended=True).line
    assert "can wait until" in judged(*changes, service="node").line


@pytest.mark.parametrize(
    ("changes", "paging"),
    [
        pytest.param([missed(9)], {"camera gate"}, id="a-camera"),
        pytest.param([missed(9, "stopped"), put("buffer.stopped", True)], {"storage"}, id="a-full-buffer"),
        pytest.param(
            [missed(9, "stopped"), put("buffer.stopped", True), failing(1)],
            {"transfer nas"},
            id="full-because-of-the-nas",
        ),
        pytest.param(
            [put("destinations.1.link", "sim"), failing(0, 1), put("buffer.dies", NOW + HOUR)],
            {"link sim"},
            id="a-dead-link",
        ),
        pytest.param([put("at", NOW - DAY), put("next", NOW - DAY), missed(9)], {"node"}, id="a-silent-unit"),
    ],
)
def test_one_cause_is_one_page(changes: list[Change], paging: set[str]) -> None:
    found = evaluate(with_(*changes), NOW)
    assert {one.service for one in found if one.state == CRITICAL} == paging


def test_thresholds_come_from_the_document_and_the_caller_goes_before_it() -> None:
    late = put("buffer.dies", NOW + 20 * HOUR)
    assert judged(late, service="storage").state == WARNING
    assert judged(late, put("thresholds", {"act_hours": 24}), service="storage").state == CRITICAL
    assert (
        judged(late, put("thresholds", {"act_hours": 24}), service="storage", given={"act_hours": 6}).state == WARNING
    )


@pytest.mark.parametrize("age", [0, 100, 659, 661, 5000, 13 * HOUR])
@pytest.mark.parametrize("every", [None, 60.0, 300.0])
def test_of_a_unit_elsewhere_a_check_in_may_get_lost_and_the_console_says_the_same(age: float, every: float) -> None:
    heard = NOW - age
    changes = [put("at", heard - 20), put("next", heard + 40), put("heard", heard), put("check_in", every)]
    document = {key: value for key, value in with_(*changes).items() if value is not None}
    (node,) = [one for one in evaluate(document, NOW) if one.check == "node"]
    assert ("silent" in node.line) == (silent_for(document, NOW) is not None)
    assert (node.state == CRITICAL) == (age > 12 * HOUR)


def test_another_version_is_told() -> None:
    assert "unit1 runs 0.1.0, not 0.2.0" in judged(service="node", version="0.2.0").line
