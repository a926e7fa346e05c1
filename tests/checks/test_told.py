"""What a hub tells arrives: in a real Nagios Core 4, read from status.dat, and in a real Icinga 2, read by its API."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import icinga, nagios4
from peers.hub import NAGIOS, Hub, made, status
from peers.icinga import Icinga
from peers.nagios4 import Nagios
from peers.statuses import HOUR, Change, Document, put, write

from checks.base.finding import OK, WARNING
from checks.gateway import pipe
from checks.gateway.feeds import Feed, IcingaFeed, NagiosFeed, feeds
from checks.gateway.results import Result
from core.errors import MonitorUnreachable

pytestmark = pytest.mark.peer
CAMERA = ("harbour_unit1", "camera north")
ALL = len(made().hosts) + len(made().services)
NAS = ("harbour_nas_box", "transfer of unit1")
DATA = "age=300s;;;0", "free=1B"
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


# Beside what is told, one service of each that is asked: by a plugin, of a document that is a file.
ASKED = """
define command {{
    command_name  ask
    command_line  {command}
}}
define host {{
    host_name           asked
    max_check_attempts  1
    check_period        overlapse_always
    contact_groups      overlapse_office
}}
define service {{
    host_name            asked
    service_description  camera
    check_command        ask
    max_check_attempts   1
    check_interval       600
    retry_interval       600
    check_period         overlapse_always
    contact_groups       overlapse_office
}}
"""
ASKED2 = """
object CheckCommand "ask" {{ command = [ {words} ] }}
object Host "asked" {{ check_command = "dummy"; enable_active_checks = false }}
object Service "camera" {{ host_name = "asked"; check_command = "ask"; check_interval = 10m; max_check_attempts = 1 }}
"""


def asking(document: Path) -> list[str]:
    program = str(Path(sys.executable).with_name("check_camera"))
    return [program, "--status", str(document), "--camera", "north"]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for a status document."""
    return tmp_path_factory.mktemp("node") / "status.json"


@pytest.fixture(scope="module")
def nagios(tmp_path_factory: pytest.TempPathFactory, document: Path) -> Iterator[Nagios]:
    own = ASKED.format(command=" ".join(asking(document)))
    with nagios4.running(tmp_path_factory.mktemp("nagios"), [NAGIOS / "core"], own) as peer:
        yield peer


@pytest.fixture(scope="module")
def icinga2(tmp_path_factory: pytest.TempPathFactory, document: Path) -> Iterator[Icinga]:
    own = ASKED2.format(words=", ".join(f'"{word}"' for word in asking(document)))
    with icinga.running(tmp_path_factory.mktemp("icinga"), [NAGIOS / "icinga2"], own) as peer:
        yield peer


OPENED: list[Feed] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def of_nagios(peer: Nagios) -> NagiosFeed:
    feed = feeds(made(), {"nagios": {"commands": str(peer.commands), "status": str(peer.status)}})["nagios"]
    assert isinstance(feed, NagiosFeed)
    return feed


def of_icinga(peer: Icinga, **more: Any) -> IcingaFeed:
    opening = {"url": peer.url, "user": "overlapse", "password": icinga.PASSWORD, "ca_file": str(peer.ca), **more}
    feed = feeds(made(), {"icinga": opening})["icinga"]
    assert isinstance(feed, IcingaFeed)
    OPENED.append(feed)
    return feed


def every_service(state: int, at: float) -> list[Result]:
    """Return this state of every service of the example site."""
    line = f"{WORDS[state]}: Straße; \\ naïve"
    return [
        Result(one.host, one.name, state, line, at, "second\nthird; line", DATA, one.node, one.check)
        for one in made().services
    ]  # fmt: skip


def well(now: float) -> list[Document]:
    return [status(node, now) for node in ("fr", "unit1", "unit2")]


def changed(now: float, state: int, first: int, *more: int) -> list[dict[str, Any]]:
    """Return changes of the camera's verdict, an hour each before `now`, ending in `state`."""
    states = [*more, state]
    return [
        {"n": first + n, "at": now - (len(states) - n) * HOUR, "check": "camera", "subject": "north",
         "state": one, "line": f"CAMERA {WORDS[one]}: north, change {first + n}"}
        for n, one in enumerate(states)
    ]  # fmt: skip


def test_every_service_reaches_every_state_in_nagios(nagios: Nagios) -> None:
    keys = {(one.host, one.name) for one in made().services}
    for state in (0, 1, 2, 3, 0):
        of_nagios(nagios).tell(every_service(state, time.time()))
        nagios.until(lambda: {nagios.states()[key] for key in keys} == {state}, f"all {WORDS[state]}")  # noqa: B023
    row = nagios.rows()[CAMERA]
    assert row["plugin_output"] == "OK: Straße: \\ naïve"  # in a first line Nagios writes a colon for a semicolon
    assert row["long_plugin_output"] == "second\\nthird; line"
    assert row["performance_data"] == "age=300s;;;0 free=1B"


def test_every_service_reaches_every_state_in_icinga(icinga2: Icinga) -> None:
    keys = {(one.host, one.name) for one in made().services}
    for state in (0, 1, 2, 3, 0):
        feed = of_icinga(icinga2)

        def arrived() -> bool:  # once after its start Icinga 2 runs the check of what is stale, which repeats the state
            assert set(feed.tell(every_service(state, time.time()))) == keys  # noqa: B023
            found = icinga2.states()
            return {found[key] for key in keys} == {state}  # noqa: B023

        icinga2.until(arrived, f"all {WORDS[state]}")
    last = icinga2.service(*CAMERA)["last_check_result"]
    assert last["output"] == "OK: Straße; \\ naïve\nsecond\nthird; line"
    assert (last["performance_data"], last["ttl"]) == (
        ["age=300s;;;0", "free=1B"],
        made().stale_after("unit1", "camera"),
    )


BAD = put("cameras.0.telemetry.battery", 9), put("cameras.0.telemetry.clock_drift", -75.5)
DATA_OF = {
    OK: "missed=1;;;0;144 battery=80%;20: drift=0.4s;-60:60 shutter=41200c",
    WARNING: "missed=1;;;0;144 battery=9%;20: drift=-75.5s;-60:60 shutter=41200c",
}


@pytest.mark.parametrize("state", DATA_OF)
def test_what_a_plugin_prints_is_read_whole_by_nagios(state: int, nagios: Nagios, document: Path) -> None:
    now = time.time()
    write(document, status("unit1", now, *(BAD if state else ()), put("heard", None)))
    pipe.write(str(nagios.commands), [f"[{now:.0f}] SCHEDULE_FORCED_SVC_CHECK;asked;camera;{now:.0f}"])
    key = "asked", "camera"
    nagios.until(lambda: nagios.rows()[key]["performance_data"].endswith(DATA_OF[state]), "the performance data")
    row = nagios.rows()[key]
    assert (int(row["current_state"]), row["performance_data"].split("=")[0]) == (state, "age")
    assert row["plugin_output"].startswith(f"CAMERA {WORDS[state]}: ")
    assert "\\n" in row["long_plugin_output"]


@pytest.mark.parametrize("state", DATA_OF)
def test_what_a_plugin_prints_is_read_whole_by_icinga(state: int, icinga2: Icinga, document: Path) -> None:
    now = time.time()
    write(document, status("unit1", now, *(BAD if state else ()), put("heard", None)))
    ask = {"type": "Service", "service": "asked!camera", "force": True}

    def last() -> dict[str, Any]:
        return icinga2.service("asked", "camera").get("last_check_result") or {}

    def arrived() -> bool:
        icinga2.ask("POST", "/v1/actions/reschedule-check", ask)
        return bool(last().get("performance_data", [])[1:] == DATA_OF[state].split())

    icinga2.until(arrived, "the performance data")
    found = last()
    assert (found["state"], found["exit_status"], found["performance_data"][0].split("=")[0]) == (state, state, "age")
    assert found["output"].startswith(f"CAMERA {WORDS[state]}: ")


def test_what_is_not_told_again_is_stale_in_icinga(icinga2: Icinga) -> None:
    one = Result(*CAMERA, 0, "CAMERA OK: all is well", time.time(), node="unit1", check="camera")
    feed = of_icinga(icinga2)
    service = f"/v1/objects/services/{CAMERA[0]}!{CAMERA[1].replace(' ', '%20')}"
    icinga2.ask("POST", service, {"attrs": {"vars.overlapse_stale": "1"}})
    try:
        feed._line.tell(one, 2, "fr")
        assert icinga2.states()[CAMERA] == 0
        icinga2.until(lambda: icinga2.states()[CAMERA] == 3, "stale")
        assert "stale" in icinga2.service(*CAMERA)["last_check_result"]["output"]
    finally:
        icinga2.ask("POST", service, {"attrs": {"vars.overlapse_stale": "775"}})
        feed.tell([one])


@pytest.mark.parametrize("peer", ["nagios", "icinga2"])
def test_a_replay_and_a_duplicate_change_nothing(peer: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(peer)
    feed: Feed = of_nagios(server) if peer == "nagios" else of_icinga(server)
    hub, now = Hub({peer: feed}), time.time()
    old = status("unit1", now - 600, put("cameras.0.telemetry.battery", 3))
    hub.tell(now, *well(now))
    assert hub.tell(now + 1, old)["told"] == 0
    assert hub.tell(now + 1, status("unit1", now))["told"] == 0


def test_what_was_over_before_it_could_be_told_wakes_nobody_and_stands_with_its_own_time_in_nagios(
    nagios: Nagios,
) -> None:
    hub, now = Hub({"nagios": of_nagios(nagios)}), time.time()
    hub.tell(now, *well(now), status("unit1", now + 1, put("changes", changed(now, 0, 1))))
    before = len(nagios.pages())
    body = status("unit1", now + 2, put("changes", changed(now, 0, 2, 2)))
    hub.tell(now + 2, body)
    told = "CAMERA CRITICAL: north, change 2"
    nagios.until(lambda: told in nagios.log, "the late result")
    nagios.until(lambda: nagios.states()[CAMERA] == 0, "what is so now")
    assert f"[{now - 2 * HOUR:.0f}] PROCESS" not in nagios.log  # the log has the command, and not its stamp
    assert any(";CRITICAL;" in line and told in line for line in nagios.log.splitlines())
    assert len(nagios.pages()) == before
    assert nagios.rows()[CAMERA]["notifications_enabled"] == "1"
    assert hub.tell(now + 3, body | {"at": now + 3})["told"] == 0  # the same changes again are no news


def test_a_gap_in_the_numbers_is_told(nagios: Nagios) -> None:
    hub, now = Hub({"nagios": of_nagios(nagios)}), time.time()
    hub.tell(now, status("unit1", now, put("changes", changed(now, 0, 4))))
    result = hub.tell(now + 1, status("unit1", now + 1, put("changes", changed(now, 0, 9))))
    assert (result["gaps"], result["sequences"]) == ({"unit1": 4}, {"unit1": 9})


def test_a_node_that_was_set_up_anew_counts_from_one_again_and_is_heard() -> None:
    hub, now = Hub({}), time.time()
    hub.tell(now, status("unit1", now, put("changes", changed(now, 0, 40))))
    again = hub.tell(now + 1, status("unit1", now + 1, put("changes", changed(now, 0, 1))))
    assert (again["gaps"], again["sequences"]) == ({}, {"unit1": 1})
    result = hub.tell(now + 2, status("unit1", now + 2, put("changes", changed(now, 0, 4))))
    assert (result["gaps"], result["sequences"]) == ({"unit1": 2}, {"unit1": 4})


def test_what_nagios_does_not_know_is_said(nagios: Nagios) -> None:
    now = time.time()
    hub = Hub({"nagios": of_nagios(nagios)})
    result = hub.tell(now, *well(now), status("unit1", now + 1, put("cameras.0.name", "new")))
    assert result["unknown"] == [["nagios", "harbour_unit1", "camera new"]]


def test_a_new_unit_is_made_in_icinga_with_its_parents_and_its_services(tmp_path: Path) -> None:
    with icinga.running(tmp_path, []) as peer:
        now = time.time()
        strict = Hub({"icinga": of_icinga(peer, create=False)})
        assert len(strict.tell(now, *well(now))["unknown"]) == ALL
        result = Hub({"icinga": of_icinga(peer)}).tell(now, *well(now))
        assert (result["told"], result["unknown"]) == (ALL, [])
        assert set(peer.states().values()) == {0}
        parents = peer.ask("GET", "/v1/objects/dependencies")["results"]
        pairs = {(one["attrs"]["child_host_name"], one["attrs"]["parent_host_name"]) for one in parents}
        assert pairs == {(host.name, parent) for host in made().hosts for parent in host.parents}


def test_an_acknowledgement_and_a_pause_pass_to_nagios_and_its_own_come_back(nagios: Nagios) -> None:
    hub, now = Hub({"nagios": of_nagios(nagios)}), time.time()
    pause = {"since": now - 60, "until": now + HOUR, "by": "ana", "text": "paused by ana: crane"}
    note = [{"check": "transfer", "subject": "nas", "by": "ben", "at": now, "until": now + HOUR, "text": "on it; soon"}]
    eta = put("destinations.1.eta", "never"), put("destinations.1.waiting", 900)
    hub.tell(now, *well(now), status("unit1", now + 1, put("cameras.0.paused", pause), put("acknowledged", note), *eta))
    nagios.until(lambda: nagios.rows()[NAS]["problem_has_been_acknowledged"] == "1", "the acknowledgement")
    nagios.until(lambda: nagios.rows()[CAMERA]["scheduled_downtime_depth"] == "1", "the downtime")
    found = Hub({"nagios": of_nagios(nagios)}).tell(now + 2, *well(now + 2))["handled"]
    assert {(one["node"], one["check"], one["subject"], one["kind"], one["by"]) for one in found} >= {
        ("unit1", "transfer", "nas", "acknowledged", "ben"),
        ("unit1", "camera", "north", "downtime", "ana"),
    }
    hub.tell(now + 3, status("unit1", now + 3, *eta))
    nagios.until(lambda: nagios.rows()[NAS]["problem_has_been_acknowledged"] == "0", "the end that was said")
    nagios.until(lambda: nagios.rows()[CAMERA]["scheduled_downtime_depth"] == "0", "the end of the downtime")


def test_an_acknowledgement_and_a_pause_pass_to_icinga_and_its_own_come_back(icinga2: Icinga) -> None:
    hub, now = Hub({"icinga": of_icinga(icinga2)}), time.time()
    pause = {"since": now - 60, "until": now + HOUR, "by": "ana", "text": "paused by ana: crane"}
    note = [{"check": "transfer", "subject": "nas", "by": "ben", "at": now, "until": now + HOUR, "text": "on it; soon"}]
    eta = put("destinations.1.eta", "never"), put("destinations.1.waiting", 900)
    hub.tell(now, *well(now), status("unit1", now + 1, put("cameras.0.paused", pause), put("acknowledged", note), *eta))
    attrs = icinga2.service(*NAS)
    assert attrs["acknowledgement"] > 0
    assert abs(attrs["acknowledgement_expiry"] - now - HOUR) < 1
    icinga2.until(lambda: icinga2.service(*CAMERA)["downtime_depth"] == 1, "the downtime")
    found = Hub({"icinga": of_icinga(icinga2)}).tell(now + 2, *well(now + 2))["handled"]
    assert {(one["node"], one["check"], one["subject"], one["kind"], one["by"]) for one in found} >= {
        ("unit1", "transfer", "nas", "acknowledged", "ben"),
        ("unit1", "camera", "north", "downtime", "ana"),
    }
    hub.tell(now + 3, status("unit1", now + 3))
    icinga2.until(lambda: icinga2.service(*CAMERA)["downtime_depth"] == 0, "the end of the downtime")


def test_a_nagios_that_is_stopped_never_blocks_and_is_told_all_when_it_is_back(tmp_path: Path) -> None:
    fifo = tmp_path / "nagios.cmd"
    os.mkfifo(fifo)
    hub, now = Hub({"nagios": NagiosFeed(made(), str(fifo), None)}), time.time()
    began = time.monotonic()
    result = hub.gateway.tell(well(now), now, {})
    assert time.monotonic() - began < 1.0
    assert "Nagios does not run" in result["errors"]["nagios"]
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert hub.tell(now + 1)["told"] == ALL
        lines = os.read(reader, 1 << 20).decode().splitlines()
        assert len(lines) == ALL
    finally:
        os.close(reader)


class Commands:
    """What is written into a command file, with no Nagios behind it."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "nagios.cmd")
        os.mkfifo(self.path)
        self._reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def acknowledged(self) -> list[str]:
        """Return what was said of acknowledgements since the last look."""
        lines = os.read(self._reader, 1 << 20).decode().splitlines()
        return [word for line in lines if "ACKNOWLEDGE" in (word := line.split("] ")[1].partition(";")[0])]

    def close(self) -> None:
        os.close(self._reader)


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    made = Commands(tmp_path)
    yield made
    made.close()


GIVEN, TAKEN_BACK = "ACKNOWLEDGE_SVC_PROBLEM", "REMOVE_SVC_ACKNOWLEDGEMENT"
STUCK = put("destinations.1.eta", "never"), put("destinations.1.waiting", 900)


def noted(at: float, until: float) -> Change:
    row = {"node": "unit1", "check": "transfer", "subject": "nas", "by": "ben", "text": "on it"}
    return put("acknowledged", [row | {"at": at, "until": until}])


def test_an_acknowledgement_that_is_renewed_stays(commands: Commands) -> None:
    hub, now = Hub({"nagios": NagiosFeed(made(), commands.path, None)}), time.time()
    hub.tell(now, status("unit1", now, *STUCK), status("fr", now, noted(now, now + HOUR)))
    assert commands.acknowledged() == [GIVEN]
    hub.tell(now + 60, status("fr", now + 60, noted(now + 60, now + 2 * HOUR)))
    assert commands.acknowledged() == [GIVEN], "its new end, and nothing else"
    hub.tell(now + 120, status("fr", now + 120))
    assert commands.acknowledged() == [TAKEN_BACK]


def test_an_acknowledgement_whose_end_came_while_nobody_told_is_taken_back(commands: Commands) -> None:
    before, now = Hub({"nagios": NagiosFeed(made(), commands.path, None)}), time.time()
    before.tell(now, status("unit1", now, *STUCK), status("fr", now, noted(now, now + HOUR)))
    assert commands.acknowledged() == [GIVEN]
    hub, now = Hub({"nagios": NagiosFeed(made(), commands.path, None)}), now + 2 * HOUR
    hub.handed = before.handed
    hub.tell(now, status("unit1", now, *STUCK))
    assert commands.acknowledged() == [], "who said it was not heard of yet"
    hub.tell(now + 1, status("fr", now + 1))
    assert commands.acknowledged() == [TAKEN_BACK]
    hub.tell(now + 2, status("fr", now + 2))
    assert commands.acknowledged() == []


def test_an_acknowledgement_that_goes_on_is_passed_on_once_whoever_tells(commands: Commands) -> None:
    before, now = Hub({"nagios": NagiosFeed(made(), commands.path, None)}), time.time()
    both = status("unit1", now, *STUCK), status("fr", now, noted(now, now + HOUR))
    before.tell(now, *both)
    hub = Hub({"nagios": NagiosFeed(made(), commands.path, None)})
    hub.handed = before.handed
    hub.tell(now, *both)
    assert commands.acknowledged() == [GIVEN]


def test_no_write_is_longer_than_what_is_never_mixed_with_others(tmp_path: Path) -> None:
    fifo = tmp_path / "nagios.cmd"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        long = Result(*CAMERA, 2, "CAMERA CRITICAL: x", time.time(), "\n".join(["é" * 99] * 60), ("a=1",))
        assert pipe.write(str(fifo), [pipe.passive(long)]) == 1
        line = os.read(reader, 1 << 20)
        assert len(line) <= pipe.WRITE
        assert line.decode().endswith("é\n")  # cut between two lines of it
    finally:
        os.close(reader)


def test_a_file_in_the_place_of_the_command_file_is_not_written_to(tmp_path: Path) -> None:
    file = tmp_path / "nagios.cmd"
    file.write_text("")
    with pytest.raises(MonitorUnreachable, match="not a command file"):
        pipe.write(str(file), ["[1] X"])
    assert file.read_text() == ""


def test_a_wrong_password_and_a_strange_certificate_are_told(icinga2: Icinga) -> None:
    now = time.time()
    wrong = Hub({"icinga": of_icinga(icinga2, password="wrong")}).gateway.tell(well(now), now, {})
    assert "wrong user, password or right" in wrong["errors"]["icinga"]
    strange = Hub({"icinga": of_icinga(icinga2, ca_file=None)}).gateway.tell(well(now), now, {})
    assert "certificate is not vouched for" in strange["errors"]["icinga"]
    assert icinga.PASSWORD not in str((wrong, strange))


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n\r\nnot json", b"\xff" * 4096], ids=["nothing", "no-json", "noise"]
)
def test_an_icinga_that_answers_nonsense_is_told_as_an_error(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            with server.accept()[0] as line:
                line.recv(4096)
                line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        opening = {"url": f"https://localhost:{port}", "user": "x", "password": "y"}
        now = time.time()
        feed = feeds(made(), {"icinga": opening})["icinga"]
        OPENED.append(feed)
        result = Hub({"icinga": feed}).gateway.tell(well(now), now, {})
        thread.join(10)
    assert list(result["errors"]) == ["icinga"]
