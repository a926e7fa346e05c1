"""Delivery over FTP and FTPS against a real vsftpd."""

from __future__ import annotations

import random
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ftplib import FTP
from pathlib import Path

import pytest
from conformance.destination import LARGE, SMALL, Behind, DestinationContract, FolderBehind, flipped, put, send, sha256
from peers import vsftpd
from peers.certificates import Certificate, certificate
from peers.rudeftp import Relay, relaying
from peers.vsftpd import Vsftpd, free_port, free_ports

from core.clock import SystemClock
from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    ObjectDiffers,
)
from core.transfer.base import Destination, Level
from core.transfer.delivery import Delivery, deliver
from core.transfer.ftp.control import Patience
from core.transfer.ftp.destination import FtpDestination, FtpsDestination
from core.transfer.ftp.session import Login
from core.transfer.names import partial_of

pytestmark = [pytest.mark.peer, pytest.mark.skipif(vsftpd.VSFTPD is None, reason=vsftpd.MISSING)]
SHORT = Patience(connect=1, login=2, answer=1, begin=0.3, stored=2, hash=1, unacknowledged=1)
Open = Callable[..., FtpDestination]


@pytest.fixture(scope="session")
def in_clear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vsftpd]:
    with vsftpd.running(tmp_path_factory.mktemp("ftp")) as server:
        yield server


@pytest.fixture(scope="session")
def under_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vsftpd]:
    folder = tmp_path_factory.mktemp("ftps")
    with vsftpd.running(folder / "server", certificate(folder)) as server:
        yield server


def login_to(server: Vsftpd) -> Login:
    found = server.certificate
    authority = None if found is None else str(found.authority)
    return Login(server.host, server.user, server.password, server.port, found is not None, authority)


class FtpContract(DestinationContract):
    @pytest.fixture
    def behind(self, root: Path) -> Behind:
        return FolderBehind(root)


class TestFtp(FtpContract):
    @pytest.fixture
    def connect(self, in_clear: Vsftpd, root: Path) -> Callable[[], Destination]:
        return lambda: FtpDestination(login_to(in_clear), str(root))


class TestFtps(FtpContract):
    @pytest.fixture
    def connect(self, under_tls: Vsftpd, root: Path) -> Callable[[], Destination]:
        return lambda: FtpsDestination(login_to(under_tls), str(root))


class AnHourOn(SystemClock):
    """The clock of a node that has waited for a lock long enough."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def reach(in_clear: Vsftpd, root: Path) -> Iterator[Open]:
    """Open a destination on a server, with something of its log-in changed; all are closed at the end."""
    opened: list[FtpDestination] = []

    def connect(
        server: Vsftpd = in_clear,
        folder: Path = root,
        patience: Patience | None = None,
        clock: SystemClock | None = None,
        **changed: object,
    ) -> FtpDestination:
        login = replace(login_to(server), **changed)  # type: ignore[arg-type]
        opened.append(FtpDestination(login, str(folder), patience, clock))
        return opened[-1]

    yield connect
    for destination in opened:
        destination.close()


def job(
    path: Path, data: bytes, name: str = "a.raw", level: Level = Level.SIZE, resume: bytes | None = None
) -> Delivery:
    path.write_bytes(data)
    return Delivery(name=name, path=path, size=len(data), sha256=sha256(data), level=level, resume=resume)


def everything(wanted: int, offset: int, resume: bytes) -> int:
    return wanted


def test_what_the_server_can_do_is_found_out_when_connecting(reach: Open) -> None:
    destination = reach()
    destination.connect()
    found = destination.features
    assert (found.atomic_replace, found.resumes, found.server_hash) == (True, True, False)


def test_one_log_in_serves_file_after_file_with_few_commands_for_each(tmp_path: Path, root: Path) -> None:
    with vsftpd.running(tmp_path / "own") as server:
        with closing(FtpDestination(login_to(server), str(root))) as destination:
            for number in range(5):
                deliver(destination, job(tmp_path / "picture", SMALL, f"n/2026/{number}.jpg"), everything)
        asked = [command.partition(" ")[0] for command in server.commands()]
        assert asked.count("USER") == 1
        assert asked.count("MKD") == 2  # folders are made once and remembered
        assert asked[-8:] == ["SIZE", "DELE", "STOR", "SIZE", "EPSV", "RNFR", "RNTO", "SIZE"]


def test_a_wrong_password_is_refused_and_not_repeated_in_the_message(reach: Open) -> None:
    with pytest.raises(DestinationRefused, match="refuses the user or the password") as refusal:
        reach(password="open sesame").free()
    assert "sesame" not in str(refusal.value)


def test_a_password_with_an_end_of_line_commands_nothing(reach: Open, root: Path) -> None:
    (root / "a.jpg").write_bytes(SMALL)
    with pytest.raises(DestinationRefused, match="end of line"):
        reach(password=f"x\r\nDELE {root}/a.jpg").free()
    assert (root / "a.jpg").exists()


def test_nobody_listening_is_unreachable(reach: Open) -> None:
    with pytest.raises(DestinationUnreachable):
        reach(port=free_port()).free()


def test_a_host_that_does_not_exist_is_unreachable(reach: Open) -> None:
    with pytest.raises(DestinationUnreachable):
        reach(host="no-such-host.invalid").free()


@pytest.mark.parametrize(
    ("made", "says"),
    [
        pytest.param(lambda folder: certificate(folder, days=-1), "certificate has expired", id="expired"),
        pytest.param(lambda folder: certificate(folder, address="127.0.0.9"), "not valid for", id="other-host"),
        pytest.param(lambda folder: certificate(folder, authority=False), "self-signed", id="self-signed"),
    ],
)
def test_a_server_that_cannot_prove_who_it_is_gets_neither_user_nor_password(
    tmp_path: Path, reach: Open, made: Callable[[Path], Certificate], says: str
) -> None:
    with vsftpd.running(tmp_path / "own", made(tmp_path)) as server:
        with pytest.raises(DestinationRefused, match=says):
            reach(server).free()
        assert "USER" not in server.log.read_text()


def test_without_a_ca_file_only_the_systems_authorities_vouch(under_tls: Vsftpd, reach: Open) -> None:
    with pytest.raises(DestinationRefused, match="certificate"):
        reach(under_tls, ca_file=None).free()


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_ca_file_that_is_missing_or_none_is_told_by_its_name(
    under_tls: Vsftpd, reach: Open, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DestinationRefused, match=f"ca_file {path}"):
        reach(under_tls, ca_file=str(path)).free()


def test_a_server_without_tls_is_never_spoken_to_in_clear_instead(in_clear: Vsftpd, reach: Open) -> None:
    with pytest.raises(DestinationRefused, match="offers no TLS"):
        reach(tls=True).free()


def test_a_server_that_wants_tls_refuses_us_in_clear(under_tls: Vsftpd, reach: Open) -> None:
    with pytest.raises(DestinationRefused):
        reach(under_tls, tls=False).free()


def test_a_folder_that_is_not_on_the_server_is_never_made(reach: Open, tmp_path: Path) -> None:
    destination = reach(folder=tmp_path / "unmounted")
    for verb in (lambda: put(destination, "a/b.jpg", SMALL), destination.free):
        with pytest.raises(DestinationUnreachable, match="make it, or mount"):
            verb()
    assert not (tmp_path / "unmounted").exists()


def test_a_folder_in_the_place_of_an_object_is_refused(reach: Open, root: Path) -> None:
    (root / "a.jpg").mkdir()
    with pytest.raises(DestinationRefused):
        put(reach(), "a.jpg", SMALL)


def test_a_folder_that_is_taken_away_between_two_files_is_made_again(reach: Open, root: Path) -> None:
    destination = reach()
    put(destination, "day/a.jpg", SMALL)
    for data in (SMALL, LARGE):
        shutil.rmtree(root / "day")
        with pytest.raises(DestinationUnreachable, match="taken away"):
            put(destination, "day/b.jpg", data)
        put(destination, "day/b.jpg", data)
        assert (root / "day/b.jpg").read_bytes() == data


def test_a_session_that_the_server_ended_meanwhile_is_replaced_without_a_word(tmp_path: Path, root: Path) -> None:
    with vsftpd.running(tmp_path / "own", idle_session_timeout="1") as server:
        with closing(FtpDestination(login_to(server), str(root))) as destination:
            put(destination, "a.jpg", SMALL)
            idle = destination._idle
            assert idle is not None
            idle.control.sock.settimeout(10)
            idle.control.sock.recv(1, socket.MSG_PEEK)  # its farewell has come
            put(destination, "b.jpg", SMALL)


def test_a_partial_that_was_altered_is_found_by_the_proof(reach: Open, root: Path) -> None:
    destination = reach()
    upload = destination.begin("a.raw", len(LARGE), sha256(LARGE))
    upload.write(LARGE[:1_000_000])
    upload.abandon()
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


def test_the_commands_that_our_page_has_the_server_allow_are_all_that_is_needed(tmp_path: Path, root: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/destinations/ftp.md").read_text()
    allowed = next(line.partition("=")[2] for line in page.splitlines() if line.startswith("cmds_allowed="))
    found = certificate(tmp_path)
    with vsftpd.running(tmp_path / "own", found, cmds_allowed=allowed) as server:
        with closing(FtpsDestination(login_to(server), str(root))) as destination:
            upload = destination.begin("day/a.raw", len(LARGE), sha256(LARGE))
            upload.write(LARGE[:1_000_000])
            upload.abandon()
            assert send(destination, "day/a.raw", LARGE, upload.resume_state()).offset == 1_000_000
            put(destination, "day/a.raw", LARGE)
            assert destination.prove("day/a.raw", len(LARGE), sha256(LARGE), Level.HASH) == Level.READ_BACK
            assert [one.name for one in destination.list()] == ["day/a.raw"]
            destination.delete("day/a.raw")
            destination.free()
        assert "550 Permission denied" not in server.log.read_text()


def test_what_cannot_be_deleted_is_told(tmp_path: Path, root: Path) -> None:
    with vsftpd.running(tmp_path / "own", cmds_denied="DELE") as server:
        with closing(FtpDestination(login_to(server), str(root))) as destination:
            put(destination, "a.jpg", SMALL)
            with pytest.raises(DestinationRefused):
                destination.delete("a.jpg")
            destination.delete("never-was.jpg")


# ---- a full disk ----


def test_a_disk_that_fills_up_on_the_way_is_never_a_short_file_and_the_delivery_goes_on_when_there_is_room(
    reach: Open, small_disk: Path
) -> None:
    data = LARGE[:900_000]
    (small_disk / "other").write_bytes(b"x" * 700_000)
    destination = reach(folder=small_disk)
    upload = destination.begin("a.jpg", len(data), sha256(data))
    with pytest.raises(DestinationFull):
        write_and_commit(upload, data)
    upload.abandon()
    assert [found.name for found in destination.list()] == ["other"]
    assert data.startswith(next(small_disk.glob(".a.jpg*")).read_bytes())
    (small_disk / "other").unlink()
    resumed = send(destination, "a.jpg", data, upload.resume_state())
    assert resumed.offset > 0
    resumed.commit()
    assert (small_disk / "a.jpg").read_bytes() == data


def write_and_commit(upload: object, data: bytes) -> None:
    """Send all: a failure may show at either."""
    upload.write(data)  # type: ignore[attr-defined]
    upload.commit()  # type: ignore[attr-defined]


# ---- a session that was cut and still holds its lock ----


@contextmanager
def dead_session(server: Vsftpd, path: str, data: bytes) -> Iterator[None]:
    """Have another session of the server in the middle of a file, as one is whose client vanished."""
    ftp = FTP()
    ftp.connect(server.host, server.port, 10)
    ftp.login(server.user, server.password)
    ftp.voidcmd("TYPE I")
    line = ftp.transfercmd(f"STOR {path}")
    line.sendall(data)
    while not (Path(path).exists() and Path(path).stat().st_size == len(data)):
        ftp.sock.settimeout(0.01)  # type: ignore[union-attr]
        with pytest.raises(TimeoutError):
            ftp.sock.recv(1)  # type: ignore[union-attr]
    try:
        yield
    finally:
        line.close()
        ftp.sock.settimeout(10)  # type: ignore[union-attr]
        ftp.voidresp()
        ftp.close()


def partial_at(root: Path, data: bytes) -> str:
    return str(root / partial_of("a.raw", sha256(data)))


def test_a_small_partial_that_is_locked_is_sent_anew_at_once_under_another_name(
    in_clear: Vsftpd, reach: Open, root: Path
) -> None:
    partial = partial_at(root, LARGE)
    with dead_session(in_clear, partial, LARGE[:500_000]):
        upload = send(reach(patience=SHORT), "a.raw", LARGE, Path(partial).name.encode())
        upload.commit()
        assert (root / "a.raw").read_bytes() == LARGE
        assert [path.name for path in root.iterdir()] == ["a.raw"]  # the held one is tidied up
    assert (root / "a.raw").read_bytes() == LARGE  # what the dead session had is gone with it


def test_a_large_partial_that_is_locked_waits_alone_and_resumes_at_the_byte(
    in_clear: Vsftpd, reach: Open, root: Path
) -> None:
    partial, destination = partial_at(root, LARGE), reach(patience=SHORT)
    state = Path(partial).name.encode()
    with dead_session(in_clear, partial, LARGE[:2_000_000]):
        with pytest.raises(ObjectDiffers, match="first 2000000 bytes locked") as error:
            destination.begin("a.raw", len(LARGE), sha256(LARGE), state)
        assert error.value.transient
        put(destination, "b.jpg", SMALL)  # nobody else waits
    upload = send(destination, "a.raw", LARGE, state)
    assert upload.offset == 2_000_000
    upload.commit()
    assert (root / "a.raw").read_bytes() == LARGE


def test_no_lock_is_waited_for_for_ever(in_clear: Vsftpd, reach: Open, root: Path) -> None:
    partial = partial_at(root, LARGE)
    with dead_session(in_clear, partial, LARGE[:2_000_000]):
        upload = send(reach(patience=SHORT, clock=AnHourOn()), "a.raw", LARGE, Path(partial).name.encode())
        upload.commit()
    assert (root / "a.raw").read_bytes() == LARGE


def test_a_new_beginning_never_waits_for_a_lock(in_clear: Vsftpd, reach: Open, root: Path) -> None:
    with dead_session(in_clear, partial_at(root, LARGE), LARGE[:2_000_000]):
        put(reach(patience=SHORT), "a.raw", LARGE)
    assert (root / "a.raw").read_bytes() == LARGE


# ---- links that break ----


def passive(ports: list[int]) -> dict[str, str]:
    return {"pasv_min_port": str(ports[0]), "pasv_max_port": str(ports[-1])}


@pytest.fixture(params=[False, True], ids=["ftp", "ftps"])
def cuttable(request: pytest.FixtureRequest, tmp_path: Path, root: Path) -> Iterator[tuple[Relay, FtpDestination]]:
    """A destination behind a relay that passes both of its connections on."""
    found = certificate(tmp_path / "ca", address="127.0.0.2") if request.param else None
    ports = free_ports(8)
    with vsftpd.running(tmp_path / "own", found, **passive(ports)) as server:
        with relaying(server.port, ports) as relay:
            login = replace(login_to(server), host=relay.host, port=relay.port)
            with closing(FtpDestination(login, str(root), replace(SHORT, begin=1))) as destination:
                yield relay, destination


def delivered(relay: Relay, destination: FtpDestination, path: Path, data: bytes, name: str) -> int:
    """Deliver as a node does, again after each failure; return the number of attempts."""
    state: list[bytes | None] = [None]

    def grant(wanted: int, offset: int, resume: bytes) -> int:
        state[0] = resume
        return wanted

    for attempt in range(1, 20):
        try:
            deliver(destination, job(path, data, name, Level.SIZE, state[0]), grant)
            return attempt
        except DestinationError as error:
            if not error.transient:
                raise
            if not relay.vanish:
                relay.settle()
    raise AssertionError(f"{name} never arrived")


@pytest.mark.parametrize("cut_at", [700_000, 2_500_000, 2_565_000])
def test_a_cut_resumes_and_sends_hardly_more_than_the_picture(
    cuttable: tuple[Relay, FtpDestination], root: Path, tmp_path: Path, cut_at: int
) -> None:
    relay, destination = cuttable
    destination.connect()
    relay.cut_at = relay.up + cut_at
    delivered(relay, destination, tmp_path / "picture", LARGE, "a.raw")
    assert (root / "a.raw").read_bytes() == LARGE
    assert relay.up <= 1.07 * len(LARGE)


def test_a_hundred_cuts_at_any_byte_hang_nothing_and_lose_nothing(
    cuttable: tuple[Relay, FtpDestination], root: Path, tmp_path: Path
) -> None:
    relay, destination = cuttable
    chance = random.Random(3)
    data = LARGE[:60_000]
    for number in range(50):
        relay.cut_at = relay.up + chance.choice([chance.randrange(1_500), chance.randrange(len(data) + 1_500)])
        delivered(relay, destination, tmp_path / "picture", data, f"{number}.jpg")
        assert (root / f"{number}.jpg").read_bytes() == data
    assert not [path for path in root.iterdir() if path.name.startswith(".")]


def test_a_client_that_vanishes_in_the_middle_and_comes_back_delivers_past_the_servers_default_time_out(
    tmp_path: Path, root: Path
) -> None:
    ports = free_ports(8)
    with vsftpd.running(tmp_path / "own", None, None, **passive(ports)) as server:
        with relaying(server.port, ports) as relay:
            login = replace(login_to(server), host=relay.host, port=relay.port)
            with closing(FtpDestination(login, str(root), SHORT)) as destination:
                relay.vanish, relay.cut_at = True, 500_000
                assert delivered(relay, destination, tmp_path / "picture", LARGE, "a.raw") == 2
    assert (root / "a.raw").read_bytes() == LARGE
