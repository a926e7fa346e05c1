"""`overlapse run`: the real node as a process, on virtual cameras, judged from outside."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest
from peers.node import Site, children_of, is_gone, kind_of, overlapse, running
from peers.ptpip import GREY

from core.errors import ConfigurationError


class SlowSnapshot:
    """An HTTP camera that holds its answer back until `answer` is set."""

    def __init__(self) -> None:
        asked, answer = self.asked, self.answer = Event(), Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.set()
                answer.wait(30)
                body = GREY + os.urandom(16)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        self.source = f'{{ kind = "http", url = "http://127.0.0.1:{self._server.server_port}/snap.jpg" }}'

    def close(self) -> None:
        self.answer.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def slow() -> Iterator[SlowSnapshot]:
    camera = SlowSnapshot()
    yield camera
    camera.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield f"127.0.0.1:{server.getsockname()[1]}"


def with_slow_camera(folder: Path, slow: SlowSnapshot) -> Site:
    site = Site(folder)
    site.destination("nas")
    site.tables["camera gate"] = f'[[camera]]\nname = "gate"\nsource = {slow.source}\nschedule = [{{ every = "2s" }}]'
    site.write()
    return site


def delivered(place: Path) -> list[str]:
    return sorted(path.name for path in place.rglob("*.jpg") if not path.name.startswith("."))


def test_it_shoots_on_schedule_delivers_and_ends_cleanly(quay: Site) -> None:
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 3, "three slots are captured")
        node.until(lambda: len(delivered(quay.folder / "nas")) >= 3, "three pictures are on the NAS")
        node.until(lambda: {kind_of(pid) for pid in node.children()} >= {"camera", "destination"}, "children work")
        slots, children = [slot["slot"] for slot in quay.slots()], node.children()
        assert node.end() == 0
    assert [later - sooner for sooner, later in pairwise(slots)] == [2] * (len(slots) - 1)
    assert all(is_gone(pid) for pid in children)
    assert set(delivered(quay.folder / "nas")) <= {path.name for path in quay.pictures()}
    assert list((quay.data / "spool").iterdir()) == []
    assert not (quay.folder / "run" / "control.sock").exists()


def test_the_shot_in_hand_is_finished_before_the_end(tmp_path: Path, slow: SlowSnapshot) -> None:
    site = with_slow_camera(tmp_path / "quay", slow)
    with running(site) as node:
        node.until(slow.asked.is_set, "the camera is asked")
        node.process.terminate()
        slow.answer.set()
        assert node.process.wait(20) == 0
    [picture] = site.pictures()
    slots = overlapse("ledger", "--site", site.file, "--json").json()["slots"]
    assert [slot["outcome"] for slot in slots] in (["captured"], ["late"])
    assert picture.stat().st_size == len(GREY) + 16


def test_a_camera_that_is_removed_while_it_shoots_still_gives_its_picture(tmp_path: Path, slow: SlowSnapshot) -> None:
    site = with_slow_camera(tmp_path / "quay", slow)
    with running(site) as node:
        node.until(slow.asked.is_set, "the camera is asked")
        del site.tables["camera gate"]
        site.write()
        assert site.ask("reload")["changed"] == ["camera gate: removed"]
        slow.answer.set()
        node.until(lambda: site.captured(), "the shot in hand is kept")
        node.until(lambda: len(delivered(site.folder / "nas")) == 1, "and delivered")
        assert node.end() == 0
    assert len(site.pictures()) == 1


def test_a_valid_change_is_applied_at_the_next_slot(quay: Site) -> None:
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 1, "it shoots")
        quay.camera("north", every="1s")
        quay.camera("south", every="1s")
        quay.destination("web", 'what = ["small"]\nlive = "{camera}.jpg"')
        quay.tables["recipe"] = '[[recipe]]\nname = "small"\nsteps = [{ resize = "4x4" }]'
        quay.write()
        node.signal(signal.SIGHUP)
        [told] = node.until(lambda: quay.events("configuration applied"), "the change is told")
        web = quay.folder / "web"
        node.until(lambda: delivered(web) == ["north.jpg", "south.jpg"], "both live pictures are there")
        node.until(lambda: len(quay.captured("south")) >= 3, "the new camera shoots")
        odd = node.until(lambda: [s for s in quay.captured("north") if s["slot"] % 2], "the new rhythm holds")
        assert node.end() == 0
    for word in ("camera north: changed", "camera south: added", "destination web: added", "recipe small: added"):
        assert word in told["text"]
    assert odd[0]["slot"] > told["at"] / 1000 - 1


def test_another_zone_moves_the_slots_of_cameras_that_did_not_change(quay: Site) -> None:
    quay.camera("north", every="24h", more='exposure = "1s"')
    quay.write()
    with running(quay) as node:
        before = quay.ask("status")["cameras"][0]["next"]
        quay.file.write_text(quay.file.read_text().replace('zone = "UTC"', 'zone = "Asia/Kolkata"'))
        assert quay.ask("reload")["changed"] == ["site.zone: changed"]
        after = node.until(lambda: quay.ask("status")["cameras"][0]["next"], "it knows its next slot")
        assert node.end() == 0
    assert (before % 86400, after % 86400) == (0, (24 - 5.5) * 3600)


def test_an_invalid_change_is_refused_and_told_and_the_old_one_kept(quay: Site) -> None:
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 1, "it shoots")
        quay.file.write_text(quay.file.read_text().replace("[[route]]", "[[rout]]"))
        with pytest.raises(ConfigurationError, match="rout"):
            quay.ask("reload")
        node.signal(signal.SIGHUP)
        node.until(lambda: len(quay.events("configuration refused")) == 2, "both refusals are told")
        shot = len(quay.captured())
        node.until(lambda: len(quay.captured()) >= shot + 2, "it shoots as before")
        node.until(lambda: len(delivered(quay.folder / "nas")) >= shot + 2, "and delivers as before")
        assert "rout" in quay.events("configuration refused")[0]["text"]
        assert quay.events("configuration applied") == []
        assert node.end() == 0


def test_a_change_in_the_middle_of_a_thin_transfer_does_not_stall_it(quay: Site) -> None:
    quay.node = 'link = [{ name = "thin", rate = "1kB/s" }]'
    quay.destination("far", more='link = "thin"\nchunk = "2kB"')
    quay.write()
    with running(quay) as node:
        node.until(lambda: delivered(quay.folder / "far"), "the first picture went over the thin link")
        node.until(lambda: _is_sending(quay, "far"), "the next one is under way")
        quay.node = 'link = [{ name = "thin", rate = "1MB/s" }]'
        quay.write()
        assert "link thin: changed" in quay.ask("reload")["changed"]
        node.until(lambda: len(delivered(quay.folder / "far")) >= 3, "the link carries the others", 10)
        assert node.end() == 0


def _is_sending(site: Site, name: str) -> bool:
    [found] = [one for one in site.ask("status")["destinations"] if one["name"] == name]
    return found.get("sending") is not None


def test_a_destination_that_is_removed_while_it_is_sent_to_works_again_when_it_comes_back(quay: Site) -> None:
    quay.node = 'link = [{ name = "thin", rate = "1kB/s" }]'
    quay.destination("far", more='link = "thin"\nchunk = "2kB"')
    quay.write()
    with running(quay) as node:
        node.until(lambda: _is_sending(quay, "far"), "a picture is under way")
        table, route = quay.tables.pop("destination far"), quay.tables.pop("route far")
        quay.write()
        quay.ask("reload")
        quay.tables |= {"destination far": table.replace('link = "thin"', ""), "route far": route}
        quay.write()
        quay.ask("reload")
        before = len(quay.captured())
        node.until(lambda: len(quay.captured()) >= before + 2, "it shoots")
        node.until(lambda: len(delivered(quay.folder / "far")) >= 2, "the new pictures are sent")
        node.until(lambda: not quay.ask("queue", destination="far")["deliveries"], "nothing is left")
        assert node.end() == 0


def test_three_sites_in_one_process_and_a_broken_one_delays_no_other(tmp_path: Path, silent: str) -> None:
    sites = [Site(tmp_path / name, name=name) for name in ("quay", "dam", "mine")]
    for site in sites:
        site.camera(every="1s")
        site.destination("nas")
    quay, dam, mine = sites
    (tmp_path / "dam" / "key").write_text(PRIVATE_KEY)
    (tmp_path / "dam" / "key").chmod(0o600)
    dam.destination("mute", address=f"sftp://me@{silent}/x", more=f'key_file = "key"\nhost_key = "SHA256:{"A" * 43}"')
    dam.tables["camera gone"] = (
        '[[camera]]\nname = "gone"\nsource = { kind = "folder", path = "/nowhere/at/all", settle = "1s" }\n'
        'schedule = [{ every = "2s" }]'
    )
    for site in sites:
        site.write()
    with running(*sites) as node:
        for site in (quay, mine, dam):
            node.until(lambda site=site: len(site.captured("north")) >= 3, f"{site.name} shoots")  # type: ignore[misc]
        mine.cards["north"].hang()  # from here on its camera's child is stuck in C
        seen = len(quay.captured())
        node.until(lambda: len(quay.captured()) >= seen + 3, "the others go on")
        missed = [slot for slot in dam.slots("gone") if slot["outcome"] == "missed"]
        outcomes = {slot["outcome"] for site in (quay, dam) for slot in site.slots("north")}
        on_time = max(slot["shutter"] / 1000 - slot["slot"] for site in (quay, dam) for slot in site.captured("north"))
        status = dam.ask("status")
        node.signal(signal.SIGTERM)
        children = children_of(node.process.pid)
        hung = [pid for pid in children if kind_of(pid) == "camera"]
        assert hung
        mine.cards["north"].let_go()
        assert node.process.wait(30) == 0
    assert missed
    assert all("gone" in slot["cause"] for slot in missed)
    assert outcomes <= {"captured", "late"}
    assert on_time < 1.5
    assert len(delivered(tmp_path / "dam" / "nas")) >= 3
    [mute] = [one for one in status["destinations"] if one["name"] == "mute"]
    assert mute["proven"] == 0
    assert all(is_gone(pid) for pid in children)


PRIVATE_KEY = "not a key, and nobody gets so far as to ask for it\n"

WAYS = {  # what comes to "remote" and to "nas", beside the shots that are kept
    "everything": ("original", "original"),
    "jpeg": ("original", "original"),
    "reduced": ("web", "original"),
    "monitoring": (None, "original"),
}


@pytest.mark.parametrize("nas", [False, True], ids=["alone", "nas"])
@pytest.mark.parametrize("way", WAYS)
def test_what_init_writes_runs_and_delivers_as_its_comments_say(way: str, nas: bool, tmp_path: Path) -> None:
    folder = tmp_path / "harbour"
    assert overlapse("init", folder, "--way", way, *(["--nas"] if nas else []), "--zone", "UTC").status == 0
    site = Site(folder, name="harbour")
    text = site.file.read_text()
    assert text.count('every = "10m"\n') == 1
    text = text.replace('\nevery = "10m"\n', '\nevery = "1s"\n')
    site.file.write_text(text.replace('\ndata = "data"\n', '\ndata = "data"\nrun = "run"\n'))
    with running(site, ready=False) as node:
        node.until(lambda: "shot: " in node.log(), "it shoots")
        node.until(site.pictures, "a picture is kept")
        picture = min(site.pictures())
        expected = {"remote": WAYS[way][0], "nas": WAYS[way][1] if nas else None}
        for place, what in expected.items():
            if what is not None:
                name = picture.name if what == "original" else f"{picture.stem}.web.jpg"
                node.until(lambda p=folder / place, n=name: n in delivered(p), f"{name} is at {place}")  # type: ignore[misc]
        assert node.end() == 0
    for place, what in expected.items():
        assert (delivered(folder / place) == []) == (what is None)
        for copy in (folder / place).rglob(picture.name):
            assert copy.read_bytes() == picture.read_bytes()


def test_a_second_node_on_the_same_data_folder_refuses(quay: Site) -> None:
    with running(quay) as node:
        second = overlapse("run", "--site", quay.file)
        assert node.end() == 0
    assert second.status == 1
    assert f"another node (process {node.process.pid}) runs on this data folder; stop it first" in second.err
    assert "Traceback" not in second.err


def test_what_cannot_run_is_told_and_exits_2(quay: Site) -> None:
    quay.tables["route nas"] = quay.tables["route nas"].replace('"nas"', '"nsa"')
    quay.write()
    ended = overlapse("run", "--site", quay.file)
    assert ended.status == 2
    assert "nsa" in ended.err
    assert "Traceback" not in ended.err
