"""Incidents planted in sites of their own, told to a real Nagios: each is 0 or 1 page, as docs/checks/pages.md says."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from peers import icinga, nagios4
from peers.hub import NAGIOS, Hub, made, status
from peers.statuses import DAY, HOUR, Change, Document, camera, put

from checks.configuration import icinga2, nagios
from checks.gateway.feeds import Feed, IcingaFeed, NagiosFeed
from checks.gateway.icinga import Icinga
from core.cli.sites import site_checks
from core.site.load import load
from core.site.monitored import Monitored, monitored

PAGE = Path(__file__).parent.parent.parent / "docs" / "checks" / "pages.md"
Changes = Callable[[float], tuple[Change, ...]]  # of the time


class Incident(NamedTuple):
    """What is wrong with unit1, for how many seconds nodes are silent, and what is wrong with other nodes."""

    name: str
    changes: Changes = lambda now: ()
    silent: Mapping[str, float] = {}
    others: Mapping[str, Changes] = {}


def missed(count: int, cause: str, since: float) -> Changes:
    return lambda now: (
        put("cameras.0.row", {"missed": count, "since": now - since}),
        put("cameras.0.last", {"slot": now - 300, "outcome": "missed", "cause": cause}),
        put("cameras.0.picture", {"slot": now - since - 600}),
    )


def down(place: int) -> Changes:
    name = f"destinations.{place}"
    error = {"class": "DestinationUnreachable", "text": "no route to host"}
    return lambda now: (
        put(f"{name}.error", error | {"since": now - 7200}),
        put(f"{name}.waiting", 12),
        put(f"{name}.bytes", 72_000_000),
        put(f"{name}.oldest", now - 7200),
    )


def view(verdict: str) -> Changes:
    return lambda now: (put("cameras.0.view", {"verdict": verdict, "pictures": 5, "since": now - 3300, "text": ""}),)


def just(path: str, value: object) -> Changes:
    return lambda now: (put(path, value),)


def together(*several: Changes) -> Changes:
    return lambda now: tuple(change for one in several for change in one(now))


def dies(now: float) -> tuple[Change, ...]:
    return (put("buffer.dies", now + 7 * HOUR),)


def unanswered(watch: int, *parts: str, since: float = 13 * HOUR) -> Changes:
    """Return that a device answers nothing of what it is asked."""
    return lambda now: tuple(
        put(f"watch.{watch}.{one}", {"error": "no answer, asked 4 times", "since": now - since}) for one in parts
    )


def hole(now: float) -> tuple[Change, ...]:
    flow = {"to": "10.1.0.5:445", "vantage": "", "expect": "blocked", "control": "10.1.0.5:80", "outcome": "open"}
    told = {"total": 2, "violated": 1, "not_proven": 0, "at": now - HOUR}
    return (put("watch.1.flows", told | {"wrong": [flow | {"verdict": "violated", "why": "it is open"}]}),)


def vanished(now: float) -> tuple[Change, ...]:
    return (lambda document: document["watch"][0]["snmp"]["disks"].pop(),)


def paused(now: float) -> tuple[Change, ...]:
    return (put("cameras.0.paused", {"until": now + HOUR, "by": "ana"}),)


def failed_over(now: float) -> tuple[Change, ...]:
    return put("redundancy.cameras.0.owner", "fr"), put("cameras", [camera("gate", now)])


def ahead(now: float) -> tuple[Change, ...]:
    return put("at", now + DAY), put("heard", now + DAY)


NEVER_DRAINS = together(just("destinations.0.waiting", 900), just("destinations.0.eta", "never"))
BROKEN_DISK = together(just("storage", "pictures: Input/output error"), missed(4, "disk error", 2100))
FULL = together(just("buffer.stopped", True), missed(4, "disk full", 2100))
NOBODY_VOUCHES = just("clock", {"trusted": False, "why": "not synchronised"})
STUCK = just("stuck", [{"name": "destination nas", "why": "dead mount"}])
BOTH = {"unit1": 13 * HOUR, "unit2": 13 * HOUR}
SILENT_NAS = together(down(1), unanswered(0, "snmp", "place"))
UNREAD = together(SILENT_NAS, unanswered(1, "snmp"), dies)
NO_OWNER = just("redundancy.cameras.0.owner", None)
INCIDENTS = (
    Incident("nothing is wrong"),
    Incident("a camera is gone", missed(4, "camera gone", 2100)),
    Incident("a camera missed one slot", missed(1, "camera busy", 300)),
    Incident("pictures are black", view("black")),
    Incident("pictures are blurred", view("blurred")),
    Incident("a camera's battery is low", just("cameras.0.telemetry.battery", 9)),
    Incident("a camera is paused", paused),
    Incident("the NAS is down, and the buffer lasts", down(1)),
    Incident("the NAS is down, and the buffer ends", together(down(1), dies)),
    Incident("the NAS is dead, and the buffer lasts", SILENT_NAS),
    Incident(
        "the NAS is dead, and the buffers end", together(SILENT_NAS, dies), others={"unit2": together(down(1), dies)}
    ),
    Incident("a disk of the NAS vanished", vanished),
    Incident("the firewall answers nothing, and what is behind it is heard", unanswered(1, "snmp")),
    Incident("the firewall has a hole", hole),
    Incident("the firewall beside the hub is dead", others={"fr": unanswered(0, "opnsense")}),
    Incident("a camera fails over, since its node is silent", silent={"unit2": HOUR}, others={"fr": failed_over}),
    Incident("a camera has no owner", others={"unit2": NO_OWNER, "fr": NO_OWNER}),
    Incident("the server at home is down, and the buffer ends", together(down(0), dies)),
    Incident("more is made than the link carries", NEVER_DRAINS),
    Incident("the month's budget will not last", just("links.0.month.at_end", 18_000_000_000)),
    Incident("the disk fails, and no camera can store", BROKEN_DISK),
    Incident("the buffer is full, and capture stops", FULL),
    Incident("nobody vouches for the clock", NOBODY_VOUCHES),
    Incident("a worker is stuck", STUCK),
    Incident("the unit is too hot", just("host", {"temperature": 91, "undervoltage": True})),
    Incident("the unit runs another version", just("overlapse", "0.0.9")),
    Incident("a unit's clock is a day ahead", ahead),
    Incident("both units are silent for an hour", silent={"unit1": HOUR, "unit2": HOUR}),
    Incident("the link is dead: both units are silent for longer than act_hours", silent=BOTH),
    Incident("the firewall is dead: all behind it is silent for longer than act_hours", UNREAD, silent=BOTH),
    Incident("one unit is dead: silent for longer than act_hours", silent={"unit1": 13 * HOUR}),
)
ENDED = "the hub's Overlapse has ended"


def sites() -> list[Monitored]:
    """Return the example site once for each incident, under a name of its own."""
    site = load(NAGIOS / "site.toml", site_checks(secrets=False), secrets=False).site
    return [
        monitored(replace(site, site=replace(site.site, name=f"i{n}")), site.monitoring[0])
        for n in range(len(INCIDENTS))
    ]


def documents(incident: Incident, now: float) -> list[Document]:
    """Return what the hub has when an incident has happened."""
    changes = {"unit1": incident.changes, **incident.others}
    found = [status(node, now, *changes[node](now) if node in changes else ()) for node in ("fr", "unit1", "unit2")]
    for body in found:
        if (since := incident.silent.get(str(body["node"]))) is not None:
            body["at"] = body["heard"] = now - since
    return found


def told(name: str) -> list[str]:
    """Return what the page says of an incident: what pages, nothing where nobody is woken."""
    row = re.search(rf"^\| {re.escape(name)} \| (\d) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert row is not None, f"docs/checks/pages.md does not tell of: {name}"
    pages = re.findall(r"`([^`]+)`", row[2]) if row[1] != "0" else []
    assert len(pages) == int(row[1])
    return pages


def write(made: dict[str, str], folder: Path) -> Path:
    """Write generated configuration, and return where."""
    folder.mkdir()
    for name, text in made.items():
        (folder / name).write_text(text)
    return folder


def told_to(feed: Callable[[Monitored], Feed]) -> None:
    """Tell of every incident."""
    now = time.time()
    for site, incident in zip(sites(), INCIDENTS, strict=True):
        one = feed(site)
        Hub({"one": one}, of=site).tell(now, *documents(incident, now))
        one.close()


def by_incident(paged: list[str]) -> dict[str, list[str]]:
    """Return the pages of each incident."""
    return {
        one.name: sorted(page.removeprefix(f"i{n}_") for page in paged if page.startswith(f"i{n}_"))
        for n, one in enumerate(INCIDENTS)
    }


LAST = f"i{len(INCIDENTS) - 1}_unit2", "storage"
EXPECTED = {one.name: sorted(told(one.name)) for one in INCIDENTS}


def test_no_incident_is_more_than_one_page() -> None:
    assert max(len(pages) for pages in EXPECTED.values()) == 1
    assert len(INCIDENTS) + 1 >= 20


@pytest.mark.peer
def test_every_incident_wakes_somebody_once_or_not_at_all_by_nagios(tmp_path: Path) -> None:
    configured = write({**nagios.files(sites()), **nagios.kept()}, tmp_path / "objects")
    with nagios4.running(tmp_path / "nagios", [configured]) as peer:
        told_to(lambda site: NagiosFeed(site, str(peer.commands), None))
        peer.until(lambda: peer.rows()[LAST]["has_been_checked"] == "1", "the last result")
        paged = peer.pages()
    assert by_incident(paged) == EXPECTED


@pytest.mark.peer
def test_every_incident_wakes_somebody_once_or_not_at_all_by_icinga(tmp_path: Path) -> None:
    made = {**icinga2.files(sites()), **icinga2.kept()}
    active = "enable_active_checks = true"  # those of what is stale, which run once at the start: no incident
    assert active in made["overlapse.conf"]
    made["overlapse.conf"] = made["overlapse.conf"].replace(active, active.replace("true", "false"))
    configured = write(made, tmp_path / "objects")
    with icinga.running(tmp_path / "icinga", [configured]) as peer:

        def feed(site: Monitored) -> IcingaFeed:
            return IcingaFeed(site, Icinga(peer.url, "overlapse", icinga.PASSWORD, str(peer.ca)), False)

        told_to(feed)
        expected = sum(map(len, EXPECTED.values()))
        peer.until(lambda: len(peer.pages()) >= expected, "the last page")
        paged = peer.pages()
    assert by_incident(paged) == EXPECTED


@pytest.mark.peer
def test_a_hub_that_ends_is_one_page_and_all_it_told_of_is_stale(tmp_path: Path) -> None:
    configured = tmp_path / "objects"
    shutil.copytree(NAGIOS / "core", configured)
    file = configured / "site-harbour.cfg"
    text = re.sub(r"(freshness_threshold +)660", r"\g<1>2", file.read_text())
    file.write_text(re.sub(r"(freshness_threshold +)780", r"\g<1>4", text))
    with nagios4.running(tmp_path / "nagios", [configured]) as peer:
        hub, now = Hub({"nagios": NagiosFeed(made(), str(peer.commands), None)}), time.time()
        hub.tell(now, *(status(node, now) for node in ("fr", "unit1", "unit2")))
        services = {(one.host, one.name) for one in made().services} - {("harbour_fr", "node")}
        peer.until(lambda: {peer.states()[key] for key in services} == {0}, "all are OK")
        peer.until(lambda: {peer.states()[key] for key in services} == {3}, "all are stale")
        assert peer.pages() == [f"harbour_{page}" for page in told(ENDED)]
