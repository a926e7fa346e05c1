from __future__ import annotations

import base64
import hashlib
import http.client
import inspect
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
import urllib3
from conformance.destination import LARGE, SMALL, flipped, put, send, sha256
from peers.cutter import cutting
from peers.hostile_web import FINE, Answer, Hostile, endless, head, hostile, silence
from peers.web import free_port

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
    ObjectDiffers,
    ObjectNotFound,
)
from core.transfer.base import Level, Upload
from core.transfer.web.dav import DavDestination
from core.transfer.web.faults import SPOKEN, refusal, told
from core.transfer.web.line import Patience
from core.transfer.web.plain import PlainDestination
from core.transfer.web.session import Server

QUICK = Patience(connect=0.3, answer=0.3, unacknowledged=1, slowest=1000)
MULTI = "Content-Type: application/xml"


@contextmanager
def plain(**answers: Answer | list[Answer]) -> Iterator[tuple[PlainDestination, Hostile]]:
    """Open a plain destination on a server that answers so; the first HEAD is for its folder."""
    asked = answers.pop("HEAD", FINE)
    with hostile(False, HEAD=[FINE, *(asked if isinstance(asked, list) else [asked])], **answers) as server:
        destination = PlainDestination(Server(server.url), QUICK)
        yield destination, server
        destination.close()


def listing(*entries: str) -> bytes:
    return head(207, MULTI, body=f'<?xml version="1.0"?><m xmlns="DAV:">{"".join(entries)}</m>'.encode())


def entry(href: str, prop: str) -> str:
    status = "<status>HTTP/1.1 200 OK</status>"
    return f"<response><href>{href}</href><propstat><prop>{prop}</prop>{status}</propstat></response>"


FOLDER = entry("/", "<resourcetype><collection/></resourcetype>")


def outcome(act: Callable[[], object]) -> str:
    """Return the words of the error of ours that `act` ends with; any other error is the test's failure."""
    try:
        act()
    except DestinationError as error:
        return str(error)
    return "done"


def write_on(upload: Upload, data: bytes, times: int) -> None:
    for _ in range(times):
        upload.write(data)


def exceptions_of(*modules: object) -> dict[str, type[Exception]]:
    return {
        f"{kind.__module__}.{name}": kind
        for module in modules
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    }


def test_every_exception_of_the_libraries_has_a_class_of_ours() -> None:
    found = exceptions_of(requests.exceptions, urllib3.exceptions, http.client, ssl)
    assert len(found) > 60
    ours = {"requests.exceptions.InvalidURL", "requests.exceptions.InvalidHeader", "http.client.InvalidURL"}
    for name, kind in found.items():
        assert issubclass(kind, SPOKEN), name
        raised = type("Raised", (kind,), {"__init__": lambda self: None, "__str__": lambda self: "secret"})()
        error = told(raised, "a.jpg")
        assert isinstance(error, DestinationError), name
        assert "secret" not in str(error), name
        if name in ours:
            assert type(error) is DestinationRefused, name


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(302, DestinationRefused, id="elsewhere"),
        pytest.param(401, DestinationRefused, id="user-or-password"),
        pytest.param(403, DestinationRefused, id="not-allowed"),
        pytest.param(404, ObjectNotFound, id="no-such-object"),
        pytest.param(409, DestinationRefused, id="in-the-way"),
        pytest.param(413, DestinationRefused, id="too-large-for-it"),
        pytest.param(423, DestinationUnreachable, id="locked"),
        pytest.param(429, DestinationUnreachable, id="too-many"),
        pytest.param(500, DestinationUnreachable, id="broken"),
        pytest.param(503, DestinationUnreachable, id="busy"),
        pytest.param(507, DestinationFull, id="full"),
        pytest.param(999, DestinationUnreachable, id="unheard-of"),
    ],
)
def test_a_status_has_its_error_and_the_servers_words_are_sanitised(
    status: int, expected: type[DestinationError]
) -> None:
    error = refusal(status, "No\x1b[2J\u202e", "a.jpg")
    assert type(error) is expected
    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\xff garbage \x1b[2J\r\n\r\n", id="garbage"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another-protocol"),
        pytest.param(b"HTTP/1.1 200\r\nContent-Length: -5\r\n\r\n", id="a-negative-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", id="a-length-of-digits"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", id="packed"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="no-status"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 60_000 + b"\r\n"), id="headers-without-end"),
        pytest.param(endless(b"HTTP/1.1 200 ", b"z" * 60_000), id="a-line-without-end"),
        pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), id="continue-without-end"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nX: ", b"y", 0.02), id="a-drip"),
        pytest.param(silence, id="silence"),
        pytest.param(head(302, "Location: http://[::1", body=b"x"), id="elsewhere-and-no-address"),
        pytest.param(head(302, "Location: http://localhost:1/", length=10**12), id="elsewhere-with-gigabytes"),
        pytest.param(endless(head(404, length=10**12), bytes(60_000)), id="not-there-with-gigabytes"),
        pytest.param(head(401, "WWW-Authenticate: Digest"), id="asks-who-we-are"),
    ],
)
def test_whatever_a_server_answers_is_one_of_our_errors_in_time(answer: Answer) -> None:
    for verb in ("HEAD", "GET", "DELETE", "PUT"):
        with plain(**{verb: answer}) as (destination, server):
            acts = {
                "HEAD": lambda d=destination: d.stat("a.jpg"),
                "GET": lambda d=destination: list(d.read("a.jpg")),
                "DELETE": lambda d=destination: d.delete("a.jpg"),
                "PUT": lambda d=destination: put(d, "a.jpg", SMALL),
            }
            begun = time.monotonic()
            assert "\x1b" not in outcome(acts[verb])
            assert time.monotonic() - begun < 3
            assert len(server.asked) <= 4


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a-page"),
        pytest.param(b'<!DOCTYPE x [<!ENTITY a "aaa">]><m xmlns="DAV:">&a;</m>', id="a-document-type"),
        pytest.param(b"<a>" * 100_000, id="elements-in-elements"),
        pytest.param(b'<m xmlns="DAV:"><response><href>' + b"h" * 20_000, id="a-value-without-end"),
        pytest.param(b"\xff\xfe\x00", id="no-text"),
    ],
)
def test_a_listing_that_is_none_is_refused(body: bytes) -> None:
    with hostile(PROPFIND=[listing(FOLDER), head(207, body=body)]) as server:
        destination = DavDestination(Server(server.url), QUICK)
        with pytest.raises(DestinationError):
            list(destination.list())
        destination.close()
    with plain(GET=head(body=body)) as (other, _):
        with pytest.raises(DestinationRefused, match="autoindex_format json"):
            list(other.list())


@pytest.mark.parametrize("pause", [0, 0.01], ids=["gigabytes", "a-drip"])
def test_a_listing_without_end_is_given_up(pause: float) -> None:
    more = entry("/x.jpg", "").encode() * (500 if not pause else 0) + b" "
    begin = b'HTTP/1.1 207 M\r\nConnection: close\r\n\r\n<?xml version="1.0"?><m xmlns="DAV:">'
    with hostile(PROPFIND=[listing(FOLDER), endless(begin, more, pause)]) as server:
        destination = DavDestination(Server(server.url), QUICK)
        with pytest.raises(DestinationError):
            list(destination.list())
        destination.close()


def test_a_listing_cannot_make_us_climb_or_go_round_for_ever() -> None:
    names = "".join(entry(f"/{one}", "<getcontentlength>1</getcontentlength>") for one in ("..", "%2e%2e", "a%0ab"))
    good = entry("/a/../good.jpg", "<getcontentlength>7</getcontentlength>")
    with hostile(PROPFIND=listing(FOLDER, names, good)) as server:
        destination = DavDestination(Server(server.url), QUICK)
        assert [(found.name, found.size) for found in destination.list()] == [("good.jpg", 7)]
        destination.close()
    with hostile(PROPFIND=listing(FOLDER)) as server:
        destination = DavDestination(Server(server.url), QUICK)
        server.answers["PROPFIND"] = [
            listing(FOLDER),
            *(listing(entry(f"/x{n}/", "<resourcetype><collection/></resourcetype>")) for n in range(50)),
        ]
        with pytest.raises(DestinationError, match="without end"):
            list(destination.list())
        destination.close()


@pytest.mark.parametrize(
    ("headers", "body", "level"),
    [
        pytest.param(("Repr-Digest: sha-256=:{}:",), SMALL, Level.HASH, id="hashed-by-the-server"),
        pytest.param(("Digest: MD5=abc,SHA-256={}",), SMALL, Level.HASH, id="hashed-as-it-was-done-before"),
        pytest.param(('ETag: "{}"',), SMALL, Level.READ_BACK, id="an-etag-is-no-hash"),
        pytest.param(('ETag: "{}"',), flipped(SMALL), None, id="an-etag-that-lies"),
        pytest.param(("Repr-Digest: sha-256=:" + "A" * 43 + "=:",), SMALL, Level.READ_BACK, id="a-wrong-hash"),
        pytest.param((), flipped(SMALL), None, id="one-flipped-bit"),
        pytest.param((), SMALL[:-1], None, id="short"),
        pytest.param((), SMALL + b"x", None, id="long"),
    ],
)
def test_a_proof_is_only_what_hashes_the_content(headers: tuple[str, ...], body: bytes, level: Level | None) -> None:
    digest = base64.b64encode(hashlib.sha256(SMALL).digest()).decode()
    lines = [line.format(digest) for line in headers]
    with plain(HEAD=head(200, *lines, length=len(SMALL)), GET=head(body=body), PUT=head(201)) as (destination, server):
        put(destination, "a.jpg", SMALL)
        if level is None:
            with pytest.raises(ObjectDiffers):
                destination.prove("a.jpg", len(SMALL), sha256(SMALL), Level.HASH)
        else:
            assert destination.prove("a.jpg", len(SMALL), sha256(SMALL), Level.HASH) == level
            assert destination.features.server_hash == ("igest" in "".join(headers))
        assert ("GET" in server.methods) == (level is not Level.HASH)


def test_a_server_that_lies_about_having_it_is_found_out() -> None:
    with plain(HEAD=head(404), PUT=head(201)) as (destination, _):
        put(destination, "a.jpg", SMALL)
        with pytest.raises(ObjectNotFound):
            destination.prove("a.jpg", len(SMALL), sha256(SMALL), Level.SIZE)
    with plain(HEAD=head(200, length=5), PUT=head(201)) as (destination, _):
        put(destination, "a.jpg", SMALL)
        with pytest.raises(ObjectDiffers):
            destination.prove("a.jpg", len(SMALL), sha256(SMALL), Level.SIZE)


def test_a_short_object_never_gets_its_final_name_over_webdav() -> None:
    with hostile(PROPFIND=listing(FOLDER), PUT=head(201), HEAD=head(200, length=5), MOVE=head(201)) as server:
        destination = DavDestination(Server(server.url), QUICK)
        with pytest.raises(ObjectDiffers):
            put(destination, "a.jpg", SMALL)
        destination.close()
        assert "MOVE" not in server.methods


def test_a_read_that_ends_early_is_told() -> None:
    with plain(GET=[head(body=SMALL, length=len(SMALL) + 1), silence]) as (destination, _):
        with pytest.raises(DestinationUnreachable):
            list(destination.read("a.jpg"))


def test_an_object_without_end_is_read_no_further_than_its_size() -> None:
    with plain(GET=endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(60_000))) as (destination, _):
        with pytest.raises(ObjectDiffers):
            destination.prove("a.jpg", len(LARGE), sha256(LARGE), Level.READ_BACK)


def test_a_refusal_stops_the_sending_at_once_and_keeps_its_words() -> None:
    with hostile(True, HEAD=FINE, PUT=head(413)) as server:
        destination = PlainDestination(Server(server.url), QUICK)
        upload = destination.begin("a.raw", 10 * len(LARGE), sha256(LARGE))
        with pytest.raises(DestinationRefused, match="413"):
            write_on(upload, SMALL, 1000)
        upload.abandon()
        destination.close()


def test_a_redirect_is_never_followed() -> None:
    with plain(GET=FINE) as (_, other):
        with plain(PUT=head(307, f"Location: {other.url}/stolen")) as (destination, server):
            with pytest.raises(DestinationRefused, match="elsewhere"):
                put(destination, "a.jpg", SMALL)
        assert other.asked == []
        assert server.methods == ["HEAD", "PUT"]


def test_a_server_that_once_asked_for_digest_never_gets_the_password_in_clear() -> None:
    digest, basic = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', 'WWW-Authenticate: Basic realm="r"'
    with hostile(HEAD=[head(401, digest), head(401, digest), FINE, head(401, basic)], OPTIONS=FINE) as server:
        destination = PlainDestination(Server(server.url, "unit1", "open sesame"), QUICK)
        destination.free()
        for _ in range(3):
            with pytest.raises(DestinationRefused) as refusal:
                destination.stat("a.jpg")
            assert "sesame" not in str(refusal.value)
        destination.close()
    assert not any("authorization: basic" in one.lower() for one in server.asked)


def test_a_destination_that_says_it_is_full_is_asked_before_anything_is_sent() -> None:
    room = entry("/", "<quota-available-bytes>1000000</quota-available-bytes>")
    with hostile(PROPFIND=listing(room)) as server:
        destination = DavDestination(Server(server.url), QUICK)
        assert destination.free() == 1_000_000
        with pytest.raises(DestinationFull):
            destination.begin("a.raw", len(LARGE), sha256(LARGE))
        destination.close()
        assert set(server.methods) == {"PROPFIND"}


@pytest.mark.parametrize("said", ["-3", "-1", "", "many", "9" * 400])
def test_room_that_is_no_number_is_not_known(said: str) -> None:
    with hostile(PROPFIND=listing(entry("/", f"<quota-available-bytes>{said}</quota-available-bytes>"))) as server:
        destination = DavDestination(Server(server.url), QUICK)
        assert destination.free() is None
        destination.close()


def test_a_server_that_joins_wrongly_is_not_trusted_with_it_again() -> None:
    apache = "Server: Apache"
    sizes: list[Answer] = [head(200, length=600_000), head(200, length=1000)]
    with hostile(
        PROPFIND=head(207, apache, body=listing(FOLDER).partition(b"\r\n\r\n")[2]),
        HEAD=sizes,
        PUT=head(201),
        DELETE=head(204),
        MOVE=head(201),
    ) as server:
        destination = DavDestination(Server(server.url), QUICK)
        with pytest.raises(ObjectDiffers):
            send(destination, "a.raw", LARGE, b"x").commit()
        assert server.methods[-1] == "DELETE"
        assert destination.begin("a.raw", len(LARGE), sha256(LARGE), b"x").offset == 0
        assert not destination.features.resumes
        destination.close()


def test_nobody_listening_and_no_such_host_are_unreachable() -> None:
    for url in (f"http://127.0.0.1:{free_port()}", "http://no-such-host.invalid", f"https://[::1]:{free_port()}"):
        with pytest.raises(DestinationUnreachable):
            PlainDestination(Server(url), QUICK).free()


def test_a_black_hole_is_given_up_in_time_with_and_without_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with cutting(listener.getsockname()[1], hold=True) as proxy:
            for scheme in ("http", "https"):
                begun = time.monotonic()
                with pytest.raises(DestinationUnreachable):
                    PlainDestination(Server(f"{scheme}://127.0.0.1:{proxy.port}"), QUICK).free()
                assert time.monotonic() - begun < 2


def test_a_peer_that_stops_taking_what_we_send_is_given_up_in_time() -> None:
    with hostile(True, HEAD=FINE, PUT=silence) as server:
        destination = PlainDestination(Server(server.url), QUICK)
        upload = destination.begin("a.raw", 40 * len(LARGE), sha256(LARGE))
        begun = time.monotonic()
        with pytest.raises(DestinationUnreachable):
            write_on(upload, LARGE, 39)
        assert time.monotonic() - begun < 5
        upload.abandon()
        destination.close()


def test_a_certificate_that_is_not_trusted_is_told_as_what_it_is() -> None:
    error = ssl.SSLCertVerificationError("x")
    error.verify_message = "self-signed certificate"
    assert type(told(error, "host")) is HostKeyMismatch
    error.verify_message = "certificate has expired"
    assert type(told(error, "host")) is DestinationRefused


def test_a_digest_log_in_that_ran_out_while_sending_is_done_anew_and_is_no_refusal() -> None:
    digest = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    heads: list[Answer] = [head(401, digest), head(401, digest), FINE]
    with hostile(False, HEAD=heads, OPTIONS=FINE, PUT=[head(401, digest), head(201)]) as server:
        destination = PlainDestination(Server(server.url, "unit1", "open sesame"), QUICK)
        with pytest.raises(DestinationUnreachable, match="log in anew"):
            put(destination, "a.jpg", SMALL)
        put(destination, "a.jpg", SMALL)
        destination.close()
