"""Delivery over FTP against a server that lies, chatters, falls silent or hangs up."""

from __future__ import annotations

import ftplib
import ssl
from collections.abc import Callable
from contextlib import closing

import pytest
from conformance.destination import LARGE, SMALL, flipped, put, send, sha256
from peers.rudeftp import FEATURES, HANG_UP, SILENCE, RudeFtp, Talk, Words, rude

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    ObjectDiffers,
    ObjectNotFound,
)
from core.transfer.base import Level
from core.transfer.ftp import listing
from core.transfer.ftp.control import Patience
from core.transfer.ftp.destination import FtpDestination
from core.transfer.ftp.faults import SPOKEN, Reply, refusal, told
from core.transfer.ftp.session import Login

SHORT = Patience(connect=0.5, login=0.4, answer=0.1, begin=0.1, stored=0.2, hash=0.1, unacknowledged=0.5)
PASSWORD = "s3cret-of-unit1"
DIGEST = sha256(SMALL)


def reach(server: RudeFtp, password: str = PASSWORD) -> closing[FtpDestination]:
    return closing(FtpDestination(Login("127.0.0.1", "unit1", password, server.port), "/", SHORT))


def all_verbs(destination: FtpDestination) -> None:
    """Do all that a delivery and an audit do."""
    destination.free()
    put(destination, "day/a.jpg", SMALL)
    upload = destination.begin("day/b.jpg", len(SMALL), DIGEST)
    upload.write(SMALL[:5000])
    upload.abandon()
    send(destination, "day/b.jpg", SMALL, upload.resume_state()).commit()
    for level in Level:
        destination.prove("day/a.jpg", len(SMALL), DIGEST, level)


def test_a_server_that_behaves_takes_and_proves_all() -> None:
    with rude() as server, reach(server) as destination:
        all_verbs(destination)
        assert destination.features.server_hash
        assert server.files == {"/day/a.jpg": SMALL, "/day/b.jpg": SMALL}


VERBS = [
    "",
    "USER",
    "PASS",
    "FEAT",
    "TYPE",
    "EPSV",
    "CWD",
    "DELE",
    "STOR",
    "SIZE",
    "RNFR",
    "RNTO",
    "REST",
    "HASH",
    "RETR",
]
WORDS: dict[str, Words] = {
    "hangs-up": HANG_UP,
    "falls-silent": SILENCE,
    "garbage": b"\x00\xff\xfe!!\r\n" * 20,
    "no-number": b"2x6 well\r\n",
    "too-large": b"213 99999999999999999999999999999999\r\n",
    "no-end-of-line": b"2" * 200_000,
    "no-last-line": b"226-" + b"more\r\n" * 50_000,
    "other-number": b"999 what\r\n",
    "later": b"421 too many\r\n",
    "no": b"550 \x1b]0;owned\x07 no\r\n",
    "full": b"452 no room\r\n",
    "empty": b"\r\n",
}


@pytest.mark.parametrize("verb", VERBS, ids=[verb or "greeting" for verb in VERBS])
def test_whatever_a_server_says_to_any_command_no_call_hangs_and_only_errors_of_ours_come_out(verb: str) -> None:
    for how, words in WORDS.items():
        with rude({verb: words}) as server, reach(server) as destination:
            said = outcome(destination)
            assert "\x1b" not in said, how
            if not said:
                assert server.files == {"/day/a.jpg": SMALL, "/day/b.jpg": SMALL}, how


def outcome(destination: FtpDestination) -> str:
    """Return what went wrong, nothing when all was claimed to be done."""
    try:
        all_verbs(destination)
    except DestinationError as error:
        return str(error)
    return ""


def test_a_server_that_drips_cannot_stretch_the_log_in() -> None:
    with rude(drip=0.02) as server, reach(server) as destination:
        with pytest.raises(DestinationUnreachable):
            destination.free()


@pytest.mark.parametrize("piece", [b"2" * 65_536, b"220-more\r\n" * 6_000], ids=["one-line", "many-lines"])
def test_an_answer_of_gigabytes_is_not_listened_to(piece: bytes) -> None:
    taken = [0]

    def flood(talk: Talk, argument: str) -> None:
        while not talk.server.over.is_set():
            talk.line.sendall(piece)
            taken[0] += len(piece)

    with rude({"": flood}) as server:
        login = Login("127.0.0.1", "unit1", PASSWORD, server.port)
        with closing(FtpDestination(login, "/", Patience(answer=2))) as destination:
            with pytest.raises(DestinationUnreachable, match="without an end"):
                destination.free()
    assert taken[0] < 20_000_000  # what the sockets hold


def test_a_password_that_the_server_repeats_is_not_in_the_message() -> None:
    with rude({"PASS": b"530 wrong password s3cret-of-unit1 for unit1\r\n"}) as server, reach(server) as destination:
        with pytest.raises(DestinationRefused) as refused:
            destination.free()
        assert PASSWORD not in str(refused.value)
        assert "***" in str(refused.value)


def shortened(talk: Talk, path: str) -> None:
    talk.store(path, lambda data: data[:-1])


def altered(talk: Talk, path: str) -> None:
    talk.store(path, flipped)


def disk_full(talk: Talk, path: str) -> None:
    talk.store(path, lambda data: data[:100], b"451 Failure writing to local file.\r\n")


def nothing_kept(talk: Talk, path: str) -> None:
    talk.store(path, lambda data: data)
    del talk.server.files[path]


@pytest.mark.parametrize(
    ("stores", "error"),
    [(shortened, ObjectDiffers), (disk_full, DestinationFull), (nothing_kept, ObjectDiffers)],
)
def test_what_was_not_stored_whole_never_gets_its_final_name(
    stores: Callable[[Talk, str], None], error: type[DestinationError]
) -> None:
    with rude({"STOR": stores}) as server, reach(server) as destination:
        with pytest.raises(error):
            put(destination, "a.jpg", SMALL)
        assert "/a.jpg" not in server.files
        assert "RNTO" not in server.asked


def test_a_server_that_alters_a_bit_is_found_out_by_its_own_hash_and_by_reading_back() -> None:
    with rude({"STOR": altered}) as server, reach(server) as destination:
        put(destination, "a.jpg", SMALL)
        for level in (Level.HASH, Level.READ_BACK):
            with pytest.raises(ObjectDiffers):
                destination.prove("a.jpg", len(SMALL), DIGEST, level)


def test_a_server_that_lies_about_the_hash_is_found_out_by_reading_back() -> None:
    says: dict[str, Words] = {"STOR": altered, "HASH": f"213 SHA-256 0-9 {DIGEST} a.jpg\r\n".encode()}
    with rude(says) as server, reach(server) as destination:
        put(destination, "a.jpg", SMALL)
        with pytest.raises(ObjectDiffers):
            destination.prove("a.jpg", len(SMALL), DIGEST, Level.READ_BACK)


def test_a_wrong_hash_of_a_right_file_is_settled_by_reading_it() -> None:
    with rude({"HASH": b"213 SHA-256 0-9 " + b"0" * 64 + b" a.jpg\r\n"}) as server, reach(server) as destination:
        put(destination, "a.jpg", SMALL)
        assert destination.prove("a.jpg", len(SMALL), DIGEST, Level.HASH) == Level.READ_BACK


def test_a_server_that_forgets_the_file_after_the_rename_is_found_out_by_every_proof() -> None:
    with rude() as server, reach(server) as destination:
        put(destination, "a.jpg", SMALL)
        server.files.clear()
        for level in Level:
            with pytest.raises(ObjectNotFound):
                destination.prove("a.jpg", len(SMALL), DIGEST, level)


def endless(talk: Talk, path: str) -> None:
    with talk.data() as line:
        while not talk.server.over.is_set():
            line.sendall(bytes(1 << 16))


def test_a_file_without_an_end_is_read_no_further_than_what_was_sent() -> None:
    with rude({"RETR": endless}) as server, reach(server) as destination:
        put(destination, "a.jpg", SMALL)
        with pytest.raises(ObjectDiffers, match="more than"):
            destination.prove("a.jpg", len(SMALL), DIGEST, Level.READ_BACK)


def listed(*lines: bytes) -> Callable[[Talk, str], None]:
    def answer(talk: Talk, argument: str) -> None:
        with talk.data() as line:
            line.sendall(b"".join(line + b"\r\n" for line in lines))
        talk.say(b"226 done\r\n")

    return answer


def test_names_that_climb_or_are_not_plain_do_not_come_out_of_a_listing() -> None:
    unix = b"-rw-r--r--    1 0        0              %d Nov 21 10:00 %s"
    names = [
        b"../up.jpg",
        b"..",
        b"/etc/passwd",
        b"x/y",
        b"e\x1bsc",
        b"\xff.jpg",
        b".a.0123456789abcdef.part",
        b" a  b ",
    ]
    lines = [unix % (number, name) for number, name in enumerate(names)]
    with rude({"LIST": listed(b"total 8", *lines)}) as server, reach(server) as destination:
        assert [(found.name, found.size) for found in destination.list()] == [(" a  b ", len(names) - 1)]


def test_a_server_with_machine_readable_listings_is_asked_for_those() -> None:
    lines = [b"type=cdir; .", b"type=file;size=7; a b.jpg", b"Size=9;Type=FILE; c.jpg", b"type=OS.unix=slink; l", b"x"]
    says: dict[str, Words] = {"FEAT": FEATURES.replace(b" SIZE", b" MLST size*;type*;"), "MLSD": listed(*lines)}
    with rude(says) as server, reach(server) as destination:
        assert [(found.name, found.size) for found in destination.list()] == [("a b.jpg", 7), ("c.jpg", 9)]


def test_folders_without_an_end_are_not_followed_for_ever() -> None:
    nested = listed(b"drwxr-xr-x    2 0        0            4096 Nov 21 10:00 a")
    with rude({"LIST": nested}) as server, reach(server) as destination:
        assert list(destination.list()) == []
        assert server.asked.count("LIST") <= listing.DEEPEST + 1


def test_a_listing_that_we_cannot_read_is_told() -> None:
    with rude({"LIST": listed(b"10-21-26  09:14AM   5 a.jpg")}) as server, reach(server) as destination:
        with pytest.raises(DestinationRefused, match="cannot read"):
            list(destination.list())


def no_replace(talk: Talk, path: str) -> None:
    if path in talk.server.files:
        talk.say(b"553 exists\r\n")
    else:
        talk.do_rnto(path)


def test_a_server_that_never_renames_over_a_file_gets_it_deleted_first_and_is_known_for_it() -> None:
    with rude({"RNTO": no_replace}) as server, reach(server) as destination:
        put(destination, "live.jpg", SMALL)
        assert destination.features.atomic_replace
        put(destination, "live.jpg", LARGE)
        assert server.files == {"/live.jpg": LARGE}
        assert not destination.features.atomic_replace


def test_a_server_that_cannot_restart_begins_anew_and_says_so() -> None:
    with rude({"FEAT": b"211-Features:\r\n EPSV\r\n SIZE\r\n211 End\r\n"}) as server, reach(server) as destination:
        upload = destination.begin("a.jpg", len(SMALL), DIGEST)
        upload.write(SMALL[:5000])
        upload.abandon()
        resumed = send(destination, "a.jpg", SMALL, upload.resume_state())
        assert resumed.offset == 0
        resumed.commit()
        assert server.files == {"/a.jpg": SMALL}
        assert not destination.features.resumes


def test_a_server_without_epsv_is_asked_by_pasv_and_its_address_is_not_believed() -> None:
    def passive(talk: Talk, argument: str) -> None:
        said: list[bytes] = []
        talk.say = said.append  # type: ignore[method-assign, assignment]
        talk.do_epsv(argument)
        del talk.say
        port = int(said[0].partition(b"|||")[2].partition(b"|")[0])
        talk.say(b"227 Passive (192,0,2,1,%d,%d)\r\n" % divmod(port, 256))

    with rude({"EPSV": b"500 what\r\n", "PASV": passive}) as server, reach(server) as destination:
        all_verbs(destination)
        assert server.asked.count("EPSV") == 1


def test_a_full_server_that_says_so_is_told_before_anything_is_sent() -> None:
    for says in ({"ALLO": b"552 no room\r\n"}, {"FEAT": FEATURES.replace(b"SIZE", b"AVBL"), "AVBL": b"213 1000\r\n"}):
        with rude(says) as server, reach(server) as destination:
            with pytest.raises(DestinationFull):
                destination.begin("a.raw", len(LARGE), sha256(LARGE))
            assert "STOR" not in server.asked


def test_a_small_file_takes_at_most_five_flights_of_commands_from_the_look_before_to_the_proof() -> None:
    with rude() as server, reach(server) as destination:
        put(destination, "a.jpg", SMALL)
        before = server.flights
        with pytest.raises(ObjectNotFound):
            destination.stat("b.jpg")
        put(destination, "b.jpg", SMALL)
        destination.prove("b.jpg", len(SMALL), DIGEST, Level.SIZE)
        assert server.flights - before <= 5  # look, store, size, rename, proof
        assert server.log_ins == 1


def exceptions_below(root: type[BaseException]) -> set[type[BaseException]]:
    return {root}.union(*(exceptions_below(child) for child in root.__subclasses__()))


def test_every_exception_of_ftplib_and_tls_has_a_class_of_ours() -> None:
    refused = {ftplib.error_perm, ssl.SSLCertVerificationError}
    for kind in exceptions_below(ftplib.Error) | exceptions_below(ssl.SSLError) | {EOFError, TimeoutError, OSError}:
        assert issubclass(kind, SPOKEN), kind
        raised = kind("said")
        if kind is ssl.SSLCertVerificationError:
            raised.verify_message = "certificate has expired"  # type: ignore[attr-defined]
        expected = DestinationRefused if kind in refused else DestinationUnreachable
        assert type(told(raised, "a.jpg")) is expected, kind


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (421, "too many connections", DestinationUnreachable),
        (425, "no data connection", DestinationUnreachable),
        (450, "busy", DestinationUnreachable),
        (452, "no space", DestinationFull),
        (552, "quota", DestinationFull),
        (530, "log in first", DestinationRefused),
        (550, "No such file", ObjectNotFound),
        (550, "Permission denied", DestinationRefused),
        (553, "not that name", DestinationRefused),
        (200, "that is no answer to this", DestinationUnreachable),
    ],
)
def test_each_answer_has_the_class_that_retrying_asks_for(
    code: int, said: str, expected: type[DestinationError]
) -> None:
    assert type(refusal(Reply(code, said), "a.jpg", missing=True)) is expected
