from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from core.clock import SystemClock
from core.control.audit import GENESIS, Audit, verify
from core.control.peer import Who
from core.control.verbs import Role
from core.errors import NoSuchThing, StorageError


class FixedClock(SystemClock):
    def now(self) -> datetime:
        return datetime(2026, 11, 21, 8, 50, tzinfo=UTC)


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit.log", FixedClock())


def write(audit: Audit, me: Who, lines: int = 5) -> None:
    for n in range(lines):
        audit.record(me, "pause", {"camera": "north", "reason": f"reason {n}"}, "done")


def lines_of(audit: Audit) -> list[dict[str, Any]]:
    return [json.loads(line) for line in audit.path.read_text().splitlines()]


def test_a_line_says_when_who_what_and_with_what_result(audit: Audit) -> None:
    audit.record(Who(1000, "anna", Role.OPERATE, 7, "SHA256:x"), "capture", {"camera": "north"}, "done")
    (line,) = lines_of(audit)
    assert {key: line[key] for key in ("at", "who", "verb", "args", "result", "previous")} == {
        "at": "2026-11-21T08:50:00.000Z",
        "who": {"uid": 1000, "user": "anna", "role": "operate", "key": "SHA256:x"},
        "verb": "capture",
        "args": {"camera": "north"},
        "result": "done",
        "previous": GENESIS,
    }


def test_each_line_carries_the_hash_of_the_one_before_and_of_itself(audit: Audit, me: Who) -> None:
    write(audit, me)
    previous = GENESIS
    for raw in audit.path.read_text().splitlines():
        line = json.loads(raw)
        body = raw[: raw.index(',"hash":')] + "}"
        assert line["previous"] == previous
        assert line["hash"] == hashlib.sha256((previous + body).encode()).hexdigest()
        previous = line["hash"]
    assert verify(audit.path) is None


def test_text_that_others_wrote_is_made_safe(audit: Audit, me: Who) -> None:
    audit.record(me, "capture", {}, "CameraError: \x1b]0;owned\x07\nfake line")
    assert audit.path.read_text().count("\n") == 1
    assert "\\x1b" in lines_of(audit)[0]["result"]


def test_a_changed_bit_is_found_at_its_line_wherever_it_is(audit: Audit, me: Who) -> None:
    write(audit, me, 3)
    good = audit.path.read_bytes()
    starts = [0, good.index(b"\n") + 1, good.rindex(b"\n", 0, -1) + 1]
    for place in range(0, len(good) - 1, 3):  # the very last line end may be lost without harm
        changed = bytearray(good)
        changed[place] ^= 1 << place % 7
        audit.path.write_bytes(changed)
        expected = sum(start <= place for start in starts)
        assert verify(audit.path) == expected, f"bit changed at {place}"


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        pytest.param(lambda lines: lines[:1] + lines[2:], 2, id="a-line-removed"),
        pytest.param(lambda lines: lines[1:], 1, id="the-first-line-removed"),
        pytest.param(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2, id="two-lines-exchanged"),
        pytest.param(lambda lines: [*lines[:2], lines[1], *lines[2:]], 3, id="a-line-doubled"),
        pytest.param(lambda lines: [*lines[:2], b"", *lines[2:]], 3, id="an-empty-line"),
        pytest.param(lambda lines: [*lines[:2], lines[1][:40], *lines[2:]], 3, id="a-cut-line-that-nobody-marked"),
        pytest.param(lambda lines: [*lines[:4], b"{}"], 5, id="the-last-line-replaced"),
        pytest.param(lambda lines: [*lines[:2], b"[" * 90_000, *lines[2:]], 3, id="a-line-too-deep-to-read"),
    ],
)
def test_tampering_is_found_at_the_first_broken_line(audit: Audit, me: Who, tamper: Any, found: int) -> None:
    write(audit, me)
    audit.path.write_bytes(b"\n".join(tamper(audit.path.read_bytes().splitlines())) + b"\n")
    assert verify(audit.path) == found
    write(audit, me, 1)  # writing on heals nothing
    assert verify(audit.path) == found


def test_an_altered_last_line_does_not_pass_for_a_torn_one(audit: Audit, me: Who) -> None:
    write(audit, me, 3)
    audit.path.write_bytes(audit.path.read_bytes().replace(b"reason 2", b"reason 9")[:-1])
    write(audit, me, 2)
    assert verify(audit.path) == 3


def test_a_forger_who_makes_a_line_anew_breaks_the_next_one(audit: Audit, me: Who, tmp_path: Path) -> None:
    write(audit, me)
    other = Audit(tmp_path / "other.log", FixedClock())
    write(other, me, 1)
    other.record(me, "stop", {}, "done")
    lines = audit.path.read_bytes().splitlines()
    lines[1] = other.path.read_bytes().splitlines()[1]
    audit.path.write_bytes(b"\n".join(lines) + b"\n")
    assert verify(audit.path) == 3


@pytest.mark.parametrize("left", [1, 20, 150, -2], ids=["one-byte", "a-few", "half", "all-but-two"])
def test_a_torn_last_line_is_told_and_the_chain_goes_on_with_a_mark(
    audit: Audit, me: Who, left: int, caplog: pytest.LogCaptureFixture
) -> None:
    write(audit, me, 3)
    content = audit.path.read_bytes()
    last = content.rindex(b"\n", 0, -1) + 1
    torn = content[last:][:left]
    audit.path.write_bytes(content[:last] + torn)
    assert verify(audit.path) == 3
    with caplog.at_level(logging.WARNING):
        write(audit, me, 2)
    assert "audit log torn" in caplog.text
    assert verify(audit.path) is None
    raw = audit.path.read_bytes().splitlines()
    marked = json.loads(raw[3])
    assert raw[2] == torn
    assert marked["torn"] == hashlib.sha256(torn).hexdigest()
    assert marked["previous"] == json.loads(raw[1])["hash"]
    assert "torn" not in json.loads(raw[4])


def test_a_torn_line_cannot_be_exchanged_or_removed_later(audit: Audit, me: Who) -> None:
    write(audit, me, 2)
    audit.path.write_bytes(audit.path.read_bytes()[:-30])
    write(audit, me, 2)
    raw = audit.path.read_bytes().splitlines()
    for tampered in ([raw[0], raw[1][:-1], *raw[2:]], [raw[0], *raw[2:]]):
        audit.path.write_bytes(b"\n".join(tampered) + b"\n")
        assert verify(audit.path) == 2


def test_a_first_line_that_was_torn_is_no_end_either(audit: Audit, me: Who) -> None:
    audit.path.write_bytes(b'{"at":"2026-11')
    write(audit, me, 2)
    assert verify(audit.path) is None


def test_a_line_that_lost_only_its_end_is_a_good_one(audit: Audit, me: Who) -> None:
    write(audit, me, 2)
    audit.path.write_bytes(audit.path.read_bytes()[:-1])
    assert verify(audit.path) is None
    write(audit, me, 1)
    assert verify(audit.path) is None
    assert len(lines_of(audit)) == 3
    assert all("torn" not in line for line in lines_of(audit))


def test_the_chain_goes_on_behind_more_garbage_than_a_tail(audit: Audit, me: Who) -> None:
    write(audit, me, 2)
    with audit.path.open("ab") as file:
        file.write(b"\0" * 600_000)
    write(audit, me, 2)
    assert verify(audit.path) is None


def test_a_log_that_is_longer_than_the_tail_that_is_read_stays_one_chain(audit: Audit, me: Who) -> None:
    for _ in range(8):
        audit.record(me, "pause", {"reason": "x" * 60_000}, "done")
    assert audit.path.stat().st_size > 400_000
    assert verify(audit.path) is None
    assert len(lines_of(audit)) == 8


def test_an_empty_log_is_whole_and_a_missing_one_is_told(audit: Audit, tmp_path: Path) -> None:
    audit.path.write_bytes(b"")
    assert verify(audit.path) is None
    with pytest.raises(NoSuchThing, match="there is no audit log"):
        verify(tmp_path / "elsewhere.log")
    with pytest.raises(StorageError):
        verify(tmp_path)


def test_lines_of_several_threads_and_processes_make_one_chain(audit: Audit, me: Who) -> None:
    code = "import sys; from pathlib import Path; from core.clock import SystemClock;"
    code += "from core.control.audit import Audit; from core.control.peer import Who;"
    code += "from core.control.verbs import Role; a = Audit(Path(sys.argv[1]), SystemClock());"
    code += "[a.record(Who(0, 'root', Role.ADMIN, 1), 'reload', {}, 'done') for _ in range(20)]"
    process = subprocess.Popen([sys.executable, "-I", "-c", code, str(audit.path)])
    threads = [Thread(target=write, args=(audit, me, 20)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert process.wait(60) == 0
    assert len(lines_of(audit)) == 80
    assert verify(audit.path) is None


def test_a_link_in_its_place_is_not_followed(audit: Audit, me: Who, tmp_path: Path) -> None:
    audit.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        write(audit, me, 1)
    assert not (tmp_path / "elsewhere").exists()


def test_only_its_group_reads_it(audit: Audit, me: Who) -> None:
    write(audit, me, 1)
    assert audit.path.stat().st_mode & 0o137 == 0


LIMITED = """
import resource, signal, sys
from pathlib import Path
from core.clock import SystemClock
from core.control.audit import Audit
from core.control.peer import Who
from core.control.verbs import Role
from core.errors import StorageError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    Audit(Path(sys.argv[1]), SystemClock()).record(Who(0, "root", Role.ADMIN, 1), "reload", {}, "done")
except StorageError as error:
    print(type(error).__name__)
"""


def test_a_line_for_which_there_is_no_room_is_an_error_and_the_next_one_goes_on(audit: Audit, me: Who) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    write(audit, me, 2)
    room = str(audit.path.stat().st_size + 50)
    out = subprocess.run(
        [sys.executable, "-I", "-c", LIMITED, str(audit.path), room], capture_output=True, text=True, check=True
    )
    assert out.stdout == "StorageError\n"
    assert audit.path.stat().st_size == int(room)  # the line is there in part
    write(audit, me, 1)
    assert verify(audit.path) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the device that is always full")
def test_a_full_disk_is_told_as_a_full_disk(me: Who) -> None:
    with pytest.raises(StorageError) as caught:
        Audit(Path("/dev/full"), SystemClock()).record(me, "reload", {}, "done")
    assert os.strerror(errno.ENOSPC) in str(caught.value)
    assert type(caught.value).__name__ == "DiskFull"
