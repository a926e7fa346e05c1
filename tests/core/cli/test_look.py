"""`overlapse status`, `ledger`, `queue` and `events`: on a running node, on a stopped one, by other users."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from peers.node import Site, environment, overlapse, running

READ = ("status", "ledger", "queue", "events")


def read_all(site: Site) -> dict[str, Any]:
    return {verb: overlapse(verb, "--site", site.file, "--json").json() for verb in READ}


def test_a_running_node_answers_every_question(quay: Site) -> None:
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 2, "it shoots")
        node.until(lambda: quay.ask("status")["destinations"][0]["proven"], "it delivers")
        told = read_all(quay)
        shown = {verb: overlapse(verb, "--site", quay.file) for verb in READ}
        assert node.end() == 0
    assert [(one.status, one.err) for one in shown.values()] == [(0, "")] * len(READ)
    texts = {verb: one.out for verb, one in shown.items()}
    assert re.search(r"^nas +ok ", texts["queue"], re.MULTILINE)
    status, ledger, queue, events = (told[verb] for verb in READ)
    assert status["cameras"][0]["name"] == "north"
    assert {slot["outcome"] for slot in ledger["slots"]} <= {"captured", "late"}
    assert "deliveries" in queue
    assert "shot" in {event["kind"] for event in events["events"]}
    assert "quay/unit1 running" in texts["status"]
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +north +(captured|late)", texts["ledger"], re.MULTILINE)
    assert "shot" in texts["events"]


def test_a_stopped_node_is_read_from_its_files(quay: Site) -> None:
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 2, "it shoots")
        assert node.end() == 0
    told = read_all(quay)
    status, ledger, queue, events = (told[verb] for verb in READ)
    assert status["running"] is False
    assert len(ledger["slots"]) >= 2
    assert queue == {"deliveries": []} or queue["deliveries"]
    assert "shot" in {event["kind"] for event in events["events"]}
    assert "quay/unit1 STOPPED" in overlapse("status", "--site", quay.file).out


def test_a_node_that_was_killed_is_read_from_its_files(quay: Site) -> None:
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 2, "it shoots")
        node.kill()
    told = read_all(quay)
    assert len(told["ledger"]["slots"]) >= 2
    assert "STOPPED" in overlapse("status", "--site", quay.file).out


def test_a_site_that_never_ran_says_so(quay: Site) -> None:
    for verb in READ:
        ended = overlapse(verb, "--site", quay.file)
        assert ended.status == 1
        assert "run" in ended.err
        assert "Traceback" not in ended.err


AS_NOBODY = """
import os, sys, tomllib, zoneinfo
import core.catalogue.store, core.cli.look, core.control.client, core.control.wire, core.status.read, core.status.views
from core.cli.main import main
os.setgroups([]); os.setgid(65534); os.setuid(65534)  # only now: the interpreter itself may be root's alone
main(sys.argv[1:])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else: run the tests as root")
def test_somebody_else_with_only_the_right_to_read_reads_a_stopped_node(quay: Site, tmp_path: Path) -> None:
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 2, "it shoots")
        assert node.end() == 0
    for folder in [tmp_path, *tmp_path.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o011)  # to pass through
    for path in [quay.folder, *quay.folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for verb in READ:
        command = [sys.executable, "-c", AS_NOBODY, verb, "--site", str(quay.file)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "north" in done.stdout or verb == "queue"
    assert sorted(path.name for path in quay.data.glob("catalogue.db*")) == ["catalogue.db"]


def test_the_queue_is_retried_paused_and_resumed(quay: Site) -> None:
    nas, away = quay.folder / "nas", quay.folder / "away"

    def command(*words: str) -> str:
        return overlapse("queue", "--site", quay.file, *words).out

    with running(quay) as node:
        node.until(lambda: list(nas.rglob("*.jpg")), "it delivers")
        nas.rename(away)
        node.until(lambda: quay.events("destination trouble"), "the outage is told")
        waiting = quay.ask("queue", destination="nas")["deliveries"]
        assert waiting
        away.rename(nas)
        assert re.search(r"^\d+ deliveries to nas are tried now", command("--destination", "nas", "--retry"))
        node.until(lambda: quay.events("destination back"), "it goes on at once", 4)
        assert "nothing is sent to nas" in command("--destination", "nas", "--pause")
        here = node.until(lambda: len(quay.pictures()), "pictures")
        node.until(lambda: len(quay.pictures()) >= here + 2, "it shoots while the destination is paused")
        sent = len(list(nas.rglob("north_*.jpg")))
        assert len(quay.ask("queue", destination="nas")["deliveries"]) >= 1
        assert quay.ask("status")["destinations"][0]["state"] == "paused"
        assert len(list(nas.rglob("north_*.jpg"))) == sent
        command("--destination", "nas", "--resume")
        node.until(lambda: len(list(nas.rglob("north_*.jpg"))) >= sent + 2, "what waited is sent", 4)
        nobody = overlapse("queue", "--site", quay.file, "--destination", "nsa", "--retry")
        assert node.end() == 0
    assert nobody.status == 2
    assert "there is no destination nsa; there are: nas" in nobody.err
    refused = overlapse("queue", "--site", quay.file, "--destination", "nas", "--retry")
    assert refused.status == 1
    assert "the node does not run" in refused.err


def test_a_paused_camera_has_excused_slots_until_it_is_resumed(quay: Site) -> None:
    def ledger(*words: str) -> str:
        ended = overlapse("ledger", "--site", quay.file, *words)
        assert (ended.status, ended.err) == (0, "")
        return ended.out

    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 1, "it shoots")
        dry = ledger("--pause", "north", "--for", "10s", "--reason", "lens is cleaned", "--dry-run")
        assert quay.ask("status")["cameras"][0]["state"] != "paused"
        said = ledger("--pause", "north", "--for", "1h", "--reason", "lens is cleaned")
        node.until(lambda: [slot for slot in quay.slots() if slot["outcome"] == "excused"], "a slot is excused")
        assert quay.ask("status")["cameras"][0]["state"] == "paused"
        resumed = ledger("--resume", "north")
        count = len(quay.captured())
        node.until(lambda: len(quay.captured()) > count, "it shoots again")
        excused = [slot for slot in quay.slots() if slot["outcome"] == "excused"]
        assert node.end() == 0
    assert len(re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", dry, re.MULTILINE)) in (4, 5)
    assert re.search(r"^[45] slots of north would be excused until ", dry, re.MULTILINE)
    assert re.search(
        r"^north is paused until .* 1799 or|^north is paused until .*; (1799|1800) slots", said, re.MULTILINE
    )
    assert "north shoots on schedule again" in resumed
    assert all("lens is cleaned" in slot["cause"] for slot in excused)


def test_a_pause_says_until_when_in_the_sites_own_time(quay: Site) -> None:
    quay.camera(every="1h")
    quay.write()
    quay.file.write_text(quay.file.read_text().replace('zone = "UTC"', 'zone = "Asia/Kolkata"'))
    local = datetime.now(UTC) + timedelta(hours=5.5)
    until = local.replace(hour=14, minute=0, second=0, microsecond=0)
    until += timedelta(days=until <= local)
    words = ["--pause", "north", "--reason", "storm", "--dry-run", "--json"]
    short = overlapse("ledger", "--site", quay.file, *words, "--until", "14:00").json()
    long = overlapse("ledger", "--site", quay.file, *words, "--until", f"{until:%Y-%m-%d %H:%M}").json()
    assert short["until"] == long["until"] == until.strftime("%Y-%m-%dT%H:%M:%S+05:30")
    assert 0 < len(long["slots"]) <= 24
    assert all(slot % 3600 == 1800 for slot in long["slots"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["--pause", "north", "--reason", "x"], "--until TIME or --for DURATION", id="no-end"),
        pytest.param(["--pause", "north", "--for", "1h"], "--reason", id="no-reason"),
        pytest.param(
            ["--pause", "north", "--for", "1h", "--until", "14:00", "--reason", "x"], "not both", id="two-ends"
        ),
        pytest.param(["--pause", "north", "--for", "soon", "--reason", "x"], "not a duration", id="no-duration"),
        pytest.param(["--pause", "north", "--until", "noon", "--reason", "x"], "14:00", id="no-time"),
        pytest.param(["--pause", "north", "--until", "2020-01-01 14:00", "--reason", "x"], "past", id="past"),
        pytest.param(["--pause", "nort", "--for", "1h", "--reason", "x"], "no camera nort", id="no-camera"),
        pytest.param(["--pause", "north", "--resume", "north"], "not both", id="both"),
        pytest.param(["--resume", "nort", "--dry-run"], "no camera nort", id="resume-no-camera"),
        pytest.param(["--dry-run"], "--pause", id="dry-alone"),
    ],
)
def test_an_act_that_is_not_clear_is_refused(quay: Site, words: list[str], told: str) -> None:
    ended = overlapse("ledger", "--site", quay.file, *words)
    assert ended.status == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_a_pause_needs_a_running_node(quay: Site) -> None:
    ended = overlapse("ledger", "--site", quay.file, "--pause", "north", "--for", "1h", "--reason", "x")
    assert ended.status == 1
    assert "the node does not run" in ended.err
