from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from conformance.destination import LARGE, SMALL, Behind, DestinationContract, FolderBehind, flipped, put, send, sha256
from peers.cutter import cutting
from peers.sshd import Sshd, free_port
from peers.sshd import running as sshd_running

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
    ObjectDiffers,
)
from core.transfer.base import Destination, Level, Upload
from core.transfer.sftp.connection import Login, Patience
from core.transfer.sftp.destination import SftpDestination

pytestmark = pytest.mark.peer
RAW = LARGE * 5  # 12.8 MB
SHORT = Patience(connect=1, login=1, answer=1, hash=1, unacknowledged=1)
Open = Callable[..., SftpDestination]


def login_to(server: Sshd) -> Login:
    return Login(server.host, server.user, server.fingerprint, server.port, str(server.key_file))


def write_and_commit(upload: Upload, data: bytes) -> None:
    """Send all: with writes on their way a failure may show at either."""
    upload.write(data)
    upload.commit()


class SftpContract(DestinationContract):
    @pytest.fixture
    def server(self) -> Sshd:
        raise NotImplementedError

    @pytest.fixture
    def connect(self, server: Sshd, root: Path) -> Callable[[], Destination]:
        return lambda: SftpDestination(login_to(server), str(root))

    @pytest.fixture
    def behind(self, root: Path) -> Behind:
        return FolderBehind(root)


class TestSftpOnly(SftpContract):
    @pytest.fixture
    def server(self, sftp_only: Sshd) -> Sshd:
        return sftp_only


class TestSftpAndShell(SftpContract):
    @pytest.fixture
    def server(self, sftp_and_shell: Sshd) -> Sshd:
        return sftp_and_shell


class TestSftpWithoutExtensions(SftpContract):
    @pytest.fixture
    def server(self, sftp_plain: Sshd) -> Sshd:
        return sftp_plain


@pytest.fixture
def reach(sftp_only: Sshd, root: Path) -> Iterator[Open]:
    """Open a destination on the server, with something of its log-in changed; all are closed at the end."""
    opened: list[SftpDestination] = []

    def connect(folder: Path = root, patience: Patience | None = None, **changed: object) -> SftpDestination:
        login = replace(login_to(sftp_only), **changed)  # type: ignore[arg-type]
        opened.append(SftpDestination(login, str(folder), patience))
        return opened[-1]

    yield connect
    for destination in opened:
        destination.close()


def test_what_the_server_can_do_is_found_out_when_connecting(
    sftp_only: Sshd, sftp_and_shell: Sshd, sftp_plain: Sshd, root: Path
) -> None:
    found = []
    for server in (sftp_only, sftp_and_shell, sftp_plain):
        with closing(SftpDestination(login_to(server), str(root))) as destination:
            destination.connect()
            found.append((destination.features.server_hash, destination.features.atomic_replace))
    assert found == [(False, True), (True, True), (False, False)]


def test_the_hash_is_the_servers_own_where_it_allows_a_shell(sftp_and_shell: Sshd, root: Path) -> None:
    with closing(SftpDestination(login_to(sftp_and_shell), str(root))) as destination:
        for name in ("it's a.jpg", "-x/$(id)`id`.jpg", "été#.jpg"):
            put(destination, name, SMALL)
            assert destination.prove(name, len(SMALL), sha256(SMALL), Level.HASH) == Level.HASH


def test_the_host_key_may_be_pinned_by_any_of_the_servers_keys(sftp_only: Sshd, reach: Open) -> None:
    for pinned in (sftp_only.fingerprint, sftp_only.rsa_fingerprint, sftp_only.fingerprint + "="):
        put(reach(host_key=pinned), "a.jpg", SMALL)


def test_a_server_with_another_host_key_gets_nothing_but_our_version(reach: Open, sftp_only: Sshd) -> None:
    with cutting(sftp_only.port) as proxy:
        destination = reach(host_key="SHA256:" + "A" * 43, port=proxy.port)
        with pytest.raises(HostKeyMismatch, match=sftp_only.fingerprint.replace("+", "[+]")):
            put(destination, "a.jpg", SMALL)
        assert not HostKeyMismatch.transient
        assert proxy.up < 10_000  # three key exchanges; no log-in and no picture


def test_a_key_that_the_server_does_not_know_is_refused(reach: Open, sftp_only: Sshd) -> None:
    with pytest.raises(DestinationRefused, match=r"refuses user .* or the key"):
        reach(key_file=str(sftp_only.other_key)).free()


def test_a_wrong_password_is_refused_and_not_repeated_in_the_message(reach: Open) -> None:
    with pytest.raises(DestinationRefused, match="or the password") as refusal:
        reach(key_file=None, password="open sesame").free()
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_key_file_that_is_missing_or_no_key_is_told_by_its_name(
    reach: Open, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "id"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DestinationRefused, match=f"key file {path}"):
        reach(key_file=str(path)).free()


def test_nobody_listening_is_unreachable(reach: Open) -> None:
    with pytest.raises(DestinationUnreachable):
        reach(port=free_port()).free()


def test_a_host_that_does_not_exist_is_unreachable(reach: Open) -> None:
    with pytest.raises(DestinationUnreachable):
        reach(host="no-such-host.invalid").free()


def test_a_folder_that_is_not_on_the_server_is_never_made(reach: Open, tmp_path: Path) -> None:
    destination = reach(tmp_path / "unmounted")
    with pytest.raises(DestinationUnreachable, match="make it, or mount"):
        put(destination, "a/b.jpg", SMALL)
    with pytest.raises(DestinationUnreachable, match="make it, or mount"):
        destination.free()
    assert not (tmp_path / "unmounted").exists()


def test_a_server_that_says_nothing_is_given_up_in_time(reach: Open, sftp_only: Sshd) -> None:
    with cutting(sftp_only.port, hold=True) as proxy:
        with pytest.raises(DestinationUnreachable):
            reach(port=proxy.port, patience=SHORT).free()


@pytest.mark.parametrize("after", [30, 1_200, 2_200, 2_600, 2_900])
def test_a_server_that_falls_silent_anywhere_in_the_log_in_is_given_up_in_time(
    reach: Open, sftp_only: Sshd, after: int
) -> None:
    with cutting(sftp_only.port, mute_at=after) as proxy:
        with pytest.raises(DestinationUnreachable):
            reach(port=proxy.port, patience=replace(SHORT, login=0.4, answer=0.4)).stat("a.jpg")


def test_a_server_that_drips_cannot_stretch_the_log_in(reach: Open, sftp_only: Sshd) -> None:
    with cutting(sftp_only.port, drip=0.02) as proxy:
        with pytest.raises(DestinationUnreachable):
            reach(port=proxy.port, patience=SHORT).free()


def test_after_a_cut_the_next_call_connects_anew(reach: Open, sftp_only: Sshd) -> None:
    with cutting(sftp_only.port) as proxy:
        destination = reach(port=proxy.port)
        put(destination, "a.jpg", SMALL)
        proxy.cut_at = proxy.up + 100_000
        with pytest.raises(DestinationUnreachable):
            put(destination, "b.jpg", LARGE)
        put(destination, "b.jpg", SMALL)
        assert destination.stat("b.jpg").size == len(SMALL)
        destination.close()


def test_a_connection_that_broke_and_does_not_know_it_yet_is_made_anew(reach: Open, sftp_only: Sshd) -> None:
    with cutting(sftp_only.port) as proxy:
        destination = reach(port=proxy.port)
        destination.connect()
        for _ in range(12):
            proxy.reset()
            with closing(destination.lane()) as lane:
                lane.free()
        destination.close()


@pytest.mark.parametrize("cut_at", [6_000, 700_000, 5_000_000, 12_500_000])
def test_a_cut_at_any_byte_resumes_and_sends_hardly_more_than_the_picture(
    reach: Open, sftp_only: Sshd, root: Path, cut_at: int
) -> None:
    with cutting(sftp_only.port) as proxy:
        destination = reach(port=proxy.port)
        destination.connect()
        proxy.cut_at = proxy.up + cut_at
        state: bytes | None = None
        attempts = 0
        while not (root / "a.raw").exists():
            attempts += 1
            try:
                upload = destination.begin("a.raw", len(RAW), sha256(RAW), state)
                state = upload.resume_state()
                upload.write(RAW[upload.offset :])
                upload.commit()
            except DestinationUnreachable:
                upload.abandon()
                proxy.settle()
        assert attempts == 2
        assert (root / "a.raw").read_bytes() == RAW
        assert proxy.up <= 1.1 * len(RAW)
        destination.close()


def test_a_full_server_is_told_before_anything_is_sent(reach: Open, small_disk: Path) -> None:
    with pytest.raises(DestinationFull):
        reach(small_disk).begin("big.raw", len(LARGE), sha256(LARGE))


@pytest.mark.parametrize("size", [350_000, 1_040_000], ids=["a-dozen-writes", "fewer-than-a-hundred-writes"])
def test_a_disk_that_fills_up_on_the_way_is_never_a_short_file(reach: Open, small_disk: Path, size: int) -> None:
    data = LARGE[:size]
    (small_disk / "other").write_bytes(b"x" * 800_000)
    destination = reach(small_disk)
    upload = destination.begin("a.jpg", len(data), sha256(data))
    with pytest.raises(DestinationFull):
        write_and_commit(upload, data)
    upload.abandon()
    assert [found.name for found in destination.list()] == ["other"]
    partial = next(small_disk.glob(".a.jpg*"))
    assert data.startswith(partial.read_bytes())  # no hole behind the write that failed


def test_a_hole_in_a_file_of_the_right_size_is_never_committed(reach: Open, small_disk: Path) -> None:
    data = LARGE[:800_000]
    (small_disk / "other").write_bytes(bytes(1_000_000))
    destination = reach(small_disk)
    upload = destination.begin("a.jpg", len(data), sha256(data))

    def send_while_room_comes_back() -> None:
        upload.write(data[:400_000])
        destination.stat("other")  # the server has answered every write before this
        (small_disk / "other").unlink()
        write_and_commit(upload, data[400_000:])

    with pytest.raises(DestinationFull):
        send_while_room_comes_back()
    upload.abandon()
    assert not (small_disk / "a.jpg").exists()


def test_a_delivery_goes_on_when_the_full_server_has_room_again(reach: Open, small_disk: Path) -> None:
    data = LARGE[:900_000]
    (small_disk / "other").write_bytes(b"x" * 700_000)
    destination = reach(small_disk)
    upload = destination.begin("a.jpg", len(data), sha256(data))
    with pytest.raises(DestinationFull):
        write_and_commit(upload, data)
    upload.abandon()
    (small_disk / "other").unlink()
    resumed = send(destination, "a.jpg", data, upload.resume_state())
    assert resumed.offset > 0
    resumed.commit()
    assert (small_disk / "a.jpg").read_bytes() == data


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(reach: Open, root: Path) -> None:
    root.chmod(0o500)
    with pytest.raises(DestinationRefused):
        put(reach(), "a.jpg", SMALL)


def test_a_folder_in_the_place_of_an_object_is_refused(reach: Open, root: Path) -> None:
    (root / "a.jpg").mkdir()
    with pytest.raises(DestinationRefused):
        put(reach(), "a.jpg", SMALL)
    with pytest.raises(DestinationRefused):
        reach().stat("a.jpg")


def test_a_partial_that_was_altered_is_found_by_the_proof(reach: Open, root: Path) -> None:
    destination = reach()
    upload = destination.begin("a.raw", len(LARGE), sha256(LARGE))
    upload.write(LARGE[:1_000_000])
    upload.abandon()
    destination.close()
    partial = next(root.glob(".a.raw*"))
    partial.write_bytes(flipped(partial.read_bytes()))
    send(destination, "a.raw", LARGE, upload.resume_state()).commit()
    with pytest.raises(ObjectDiffers):
        destination.prove("a.raw", len(LARGE), sha256(LARGE), Level.HASH)


def test_a_long_proof_gives_signs_of_life(reach: Open) -> None:
    destination, signs = reach(), list[int]()
    put(destination, "a.raw", LARGE)
    destination.prove("a.raw", len(LARGE), sha256(LARGE), Level.READ_BACK, signs.append)
    assert len(signs) >= 5
    assert signs == sorted(signs)


def test_what_a_server_says_reaches_nobody_unsanitised(reach: Open) -> None:
    with pytest.raises(DestinationError) as error:
        reach().stat("no\u2028such.jpg")
    assert "\u2028" not in str(error.value)


def test_an_account_that_may_not_delete_delivers_and_resumes_and_cannot_delete(tmp_path: Path, root: Path) -> None:
    """The server's options are those of docs/destinations/theft.md."""
    page = (Path(__file__).parents[3] / "docs" / "destinations" / "theft.md").read_text()
    options = re.search(r"ForceCommand internal-sftp (.*)", page)
    assert options is not None
    with sshd_running(tmp_path / "sshd", sftp=options[1].split()) as server:
        destination = SftpDestination(login_to(server), str(root))
        try:
            half = destination.begin("a.raw", len(RAW), sha256(RAW))
            half.write(RAW[:1_000_000])
            resume = half.resume_state()
            half.abandon()
            rest = destination.begin("a.raw", len(RAW), sha256(RAW), resume)
            assert rest.offset > 0
            write_and_commit(rest, RAW[rest.offset :])
            assert destination.prove("a.raw", len(RAW), sha256(RAW), Level.READ_BACK) == Level.READ_BACK
            with pytest.raises(DestinationRefused):
                destination.delete("a.raw")
        finally:
            destination.close()
    assert (root / "a.raw").read_bytes() == RAW


def test_lanes_that_need_the_same_new_folders_all_get_them(reach: Open, root: Path) -> None:
    first = reach()
    first.free()
    lanes = [first, *(first.lane() for _ in range(3))]
    with ThreadPoolExecutor(len(lanes)) as pool:
        for day in range(8):
            names = [f"bench/2026/{day}/{n}.jpg" for n in range(len(lanes))]
            list(pool.map(lambda one: put(one[0], one[1], SMALL), zip(lanes, names, strict=True)))
            assert all((root / name).read_bytes() == SMALL for name in names)
    for lane in lanes[1:]:
        lane.close()
    assert first.stat("bench/2026/0/0.jpg").size == len(SMALL), "the others leave the connection to it"


def test_a_lane_that_hangs_up_leaves_the_connection_to_the_others_and_the_last_one_ends_it(
    reach: Open, sftp_only: Sshd, root: Path
) -> None:
    with cutting(sftp_only.port) as proxy, closing(reach(port=proxy.port)) as first:
        first.free()
        other = first.lane()
        upload = other.begin("a.jpg", len(LARGE), sha256(LARGE))
        upload.write(LARGE[:100_000])
        first.hang_up()
        write_and_commit(upload, LARGE[100_000:])
        first.free()
        assert proxy.connections == 1
        first.hang_up()
        other.hang_up()
        first.free()
        assert proxy.connections == 2
    assert (root / "a.jpg").read_bytes() == LARGE


def test_partials_that_nobody_went_on_with_are_removed_by_their_age(reach: Open, root: Path) -> None:
    part = ".north.jpg.0123456789abcdef.part"
    for name in (f"u/quay/{part}", f"v/quay/{part}", f"u/harbour/{part}", "u/quay/whole.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
        os.utime(root / name, (1, 1 if name[0] == "u" else 1000))
    destination = reach()
    assert list(destination.tidy("", 999, lambda name: "/quay/" in name)) == [f"u/quay/{part}"]
    kept = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert kept == {f"v/quay/{part}", f"u/harbour/{part}", "u/quay/whole.jpg"}
