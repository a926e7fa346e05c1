"""The destination's worker as the node has it: a real child process, asked over its line."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conformance.destination import LARGE, SMALL, sha256
from peers.cutter import cutting
from peers.sshd import Sshd

from core.child import Child
from core.errors import (
    ChildError,
    ChildTimeout,
    DestinationRefused,
    DestinationUnreachable,
    DiskFull,
    HostKeyMismatch,
    NotDurable,
    ObjectNotFound,
    OriginalLost,
)

Json = dict[str, Any]
DEADLINE = 20.0


@pytest.fixture
def worker() -> Iterator[Child]:
    child = Child("destination")
    yield child
    child.close()


@pytest.fixture
def nas(worker: Child, root: Path) -> Child:
    worker.ask("open", {"destination": {"name": "nas", "address": f"folder:{root}"}, "secrets": {}}, DEADLINE)
    return worker


@pytest.fixture
def picture(tmp_path: Path) -> Json:
    path = tmp_path / "a.raw"
    path.write_bytes(LARGE)
    return {
        "name": "north/a.raw",
        "path": str(path),
        "size": len(LARGE),
        "sha256": sha256(LARGE),
        "resume": None,
        "level": "hash",
        "chunk": 1_000_000,
    }


def all_of_it(question: Json) -> Json:
    return {"granted": question["grant"]}


def site_of(server: Sshd, root: Path, **changed: object) -> Json:
    port = changed.pop("port", server.port)
    destination = {
        "name": "fr",
        "address": f"sftp://{server.user}@{server.host}:{port}{root}",
        "key_file": str(server.key_file),
        "host_key": server.fingerprint,
        "link": None,
        "probe": True,
    }
    return {"destination": {**destination, **changed}, "secrets": {}}


def test_a_folder_is_opened_and_says_what_it_can(worker: Child, root: Path) -> None:
    opened = worker.ask("open", {"destination": {"name": "nas", "address": f"folder:{root}"}}, DEADLINE)
    assert opened == {
        "scheme": "folder",
        "features": {"atomic_replace": True, "resumes": True, "server_hash": False, "commit_proves_size": False},
    }


def test_a_picture_is_delivered_by_grants_and_comes_back_whole(nas: Child, picture: Json, tmp_path: Path) -> None:
    questions: list[Json] = []

    def grant(question: Json) -> Json:
        questions.append(question)
        return {"granted": question["grant"]}

    receipt = nas.ask("deliver", picture, DEADLINE, answer=grant)
    assert receipt == {
        "name": "north/a.raw",
        "size": len(LARGE),
        "sha256": sha256(LARGE),
        "level": "read-back",
        "sent": len(LARGE),
        "already": False,
    }
    wanted = [question["grant"] for question in questions]
    assert [question["offset"] for question in questions] == [sum(wanted[:nth]) for nth in range(len(wanted))]
    assert (sum(wanted), max(wanted)) == (len(LARGE), 1_000_000), "quick ones grow to a chunk"
    assert wanted[:-1] == sorted(wanted[:-1])
    assert base64.b64decode(questions[0]["resume"]).startswith(b".a.raw.")
    into = tmp_path / "back.part"
    assert nas.ask("read", {"name": "north/a.raw", "into": str(into)}, DEADLINE) == {
        "size": len(LARGE),
        "sha256": sha256(LARGE),
    }
    assert into.read_bytes() == LARGE


def test_a_delivery_without_a_grant_pauses_and_resumes(nas: Child, picture: Json) -> None:
    def one(question: Json) -> Json:
        return {"granted": question["grant"] if question["offset"] == 0 else 0}

    picture["chunk"] = 50_000
    paused = nas.ask("deliver", picture, DEADLINE, answer=one)
    assert (paused["paused"], paused["offset"]) == (True, 50_000)
    receipt = nas.ask("deliver", {**picture, "resume": paused["resume"]}, DEADLINE, answer=all_of_it)
    assert receipt["sent"] == len(LARGE) - 50_000


def test_a_crash_between_commit_and_receipt_sends_nothing_again(nas: Child, picture: Json) -> None:
    nas.ask("deliver", picture, DEADLINE, answer=all_of_it)
    again = nas.ask("deliver", picture, DEADLINE, answer=lambda _: {"granted": 0})
    assert (again["already"], again["sent"]) == (True, 0)


def test_a_live_name_is_replaced_when_that_is_said(nas: Child, picture: Json, tmp_path: Path, root: Path) -> None:
    nas.ask("deliver", picture, DEADLINE, answer=all_of_it)
    newer = tmp_path / "newer.jpg"
    newer.write_bytes(SMALL)
    args = {**picture, "path": str(newer), "size": len(SMALL), "sha256": sha256(SMALL), "replace": True}
    nas.ask("deliver", args, DEADLINE, answer=all_of_it)
    assert (root / "north/a.raw").read_bytes() == SMALL


def test_proof_stat_list_delete_and_free_cross_the_line(nas: Child, picture: Json) -> None:
    nas.ask("deliver", picture, DEADLINE, answer=all_of_it)
    proof = {key: picture[key] for key in ("name", "size", "sha256")}
    said: list[Json] = []
    assert nas.ask("prove", {**proof, "level": "size"}, DEADLINE) == {"level": "size"}
    assert nas.ask("prove", {**proof, "level": "hash"}, DEADLINE, hear=said.append) == {"level": "read-back"}
    assert said
    assert nas.ask("stat", {"name": "north/a.raw"}, DEADLINE) == {"name": "north/a.raw", "size": len(LARGE)}
    assert nas.ask("free", {}, DEADLINE)["free"] > 0
    assert nas.ask("delete", {"name": "north/a.raw"}, DEADLINE) == {}
    with pytest.raises(ObjectNotFound):
        nas.ask("stat", {"name": "north/a.raw"}, DEADLINE)
    assert nas.ask("close", {}, DEADLINE) == {}


def test_a_long_listing_comes_in_batches(nas: Child, root: Path) -> None:
    for number in range(1200):
        (root / f"{number:04}.jpg").touch()
    batches: list[Json] = []
    assert nas.ask("list", {"prefix": ""}, DEADLINE, hear=batches.append) == {"count": 1200}
    assert [len(batch["objects"]) for batch in batches] == [500, 500, 200]
    assert batches[0]["objects"][0] == {"name": "0000.jpg", "size": 0}


def test_what_goes_wrong_crosses_the_line_by_its_class(nas: Child, picture: Json, tmp_path: Path) -> None:
    with pytest.raises(OriginalLost):
        nas.ask("deliver", {**picture, "path": str(tmp_path / "gone.raw")}, DEADLINE, answer=all_of_it)
    with pytest.raises(DestinationRefused):
        nas.ask("stat", {"name": "../etc/passwd"}, DEADLINE)
    nas.ask("deliver", picture, DEADLINE, answer=all_of_it)
    with pytest.raises(NotDurable):
        nas.ask("read", {"name": "north/a.raw", "into": str(tmp_path / "no" / "such.part")}, DEADLINE)
    with pytest.raises(ChildError, match="cannot dance"):
        nas.ask("dance", {}, DEADLINE)


def test_a_node_without_room_for_what_it_reads_back_says_so(nas: Child, picture: Json, small_disk: Path) -> None:
    nas.ask("deliver", picture, DEADLINE, answer=all_of_it)
    with pytest.raises(DiskFull):
        nas.ask("read", {"name": "north/a.raw", "into": str(small_disk / "back.part")}, DEADLINE)


def test_a_folder_that_is_not_there_is_unreachable_at_once(worker: Child, tmp_path: Path) -> None:
    args = {"destination": {"name": "nas", "address": f"folder:{tmp_path}/unmounted"}}
    with pytest.raises(DestinationUnreachable):
        worker.ask("open", args, DEADLINE)


def test_nothing_is_done_before_a_destination_is_open(worker: Child) -> None:
    with pytest.raises(ChildError, match="no destination is open"):
        worker.ask("free", {}, DEADLINE)


@pytest.mark.peer
def test_a_picture_goes_to_an_sftp_server_and_is_proven_by_its_hash(
    worker: Child, sftp_and_shell: Sshd, root: Path, picture: Json
) -> None:
    opened = worker.ask("open", site_of(sftp_and_shell, root), DEADLINE)
    assert opened["features"]["server_hash"] is True
    receipt = worker.ask("deliver", picture, DEADLINE, answer=all_of_it)
    assert (receipt["level"], receipt["sent"]) == ("hash", len(LARGE))
    assert (root / "north/a.raw").read_bytes() == LARGE


@pytest.mark.peer
def test_lanes_send_at_once_over_one_connection(
    worker: Child, sftp_only: Sshd, root: Path, picture: Json, tmp_path: Path
) -> None:
    (tmp_path / "b.jpg").write_bytes(SMALL)
    small = {**picture, "name": "north/b.jpg", "path": str(tmp_path / "b.jpg"), "size": len(SMALL)}
    small["sha256"], small["level"] = sha256(SMALL), "size"
    overtaken = threading.Event()

    def hold(question: Json) -> Json:
        assert question["offset"] == 0 or overtaken.is_set()
        assert overtaken.wait(DEADLINE)
        return {"granted": question["grant"]}

    with cutting(sftp_only.port) as proxy, ThreadPoolExecutor(1) as pool:
        worker.ask("open", site_of(sftp_only, root, port=proxy.port), DEADLINE)
        large = pool.submit(worker.ask, "deliver", {**picture, "level": "size"}, DEADLINE, answer=hold)
        assert worker.ask("deliver", small, DEADLINE, answer=all_of_it, lane=1)["sent"] == len(SMALL)
        overtaken.set()
        assert large.result(DEADLINE)["sent"] == len(LARGE)
        assert proxy.connections == 1
    assert (root / "north/a.raw").read_bytes() == LARGE


@pytest.mark.peer
def test_a_wrong_host_key_is_told_when_opening(worker: Child, sftp_only: Sshd, root: Path) -> None:
    with pytest.raises(HostKeyMismatch):
        worker.ask("open", site_of(sftp_only, root, host_key="SHA256:" + "A" * 43), DEADLINE)


@pytest.mark.peer
def test_a_cut_in_a_delivery_costs_hardly_more_than_the_picture(
    worker: Child, sftp_only: Sshd, root: Path, picture: Json
) -> None:
    states: list[str | None] = [None]
    with cutting(sftp_only.port) as proxy:
        worker.ask("open", site_of(sftp_only, root, port=proxy.port), DEADLINE)
        proxy.cut_at = proxy.up + 1_500_000

        def grant(question: Json) -> Json:
            states.append(question["resume"])
            return {"granted": question["grant"]}

        small_steps = {**picture, "chunk": 100_000}
        with pytest.raises(DestinationUnreachable):
            worker.ask("deliver", small_steps, DEADLINE, answer=grant)
        proxy.settle()
        receipt = worker.ask("deliver", {**small_steps, "resume": states[-1]}, DEADLINE, answer=grant)
        assert 0 < receipt["sent"] < len(LARGE)
        worker.close()
    assert (root / "north/a.raw").read_bytes() == LARGE


@pytest.mark.peer
@pytest.mark.parametrize("fault", [{"hold": True}, {"drip": 0.05}], ids=["black-hole", "drip"])
def test_a_destination_that_is_stuck_is_ended_at_the_deadline(
    worker: Child, sftp_only: Sshd, root: Path, fault: dict[str, Any]
) -> None:
    with cutting(sftp_only.port, **fault) as proxy:
        with pytest.raises(ChildTimeout):
            worker.ask("open", site_of(sftp_only, root, port=proxy.port), 1.0)
        assert worker.pid is None


def test_a_worker_pays_for_no_table_of_the_site_but_its_own() -> None:
    code = "import sys, core.transfer.serve; print(*sorted(one for one in sys.modules if 'site.model.' in one))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["core.site.model.places", "core.site.model.words"]
