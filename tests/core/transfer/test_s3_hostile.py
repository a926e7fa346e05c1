"""What a server may say that no S3 server should."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conformance.destination import LARGE, SMALL, flipped, put, send, sha256
from peers.cutter import cutting
from peers.scripted import Asked, answer, scripted

from core.errors import (
    DestinationError,
    DestinationRefused,
    DestinationUnreachable,
    NameConflict,
    ObjectDiffers,
    ObjectNotFound,
)
from core.transfer.base import Level
from core.transfer.delivery import Delivery, deliver
from core.transfer.s3.body import FRAME, Body
from core.transfer.s3.destination import S3Destination
from core.transfer.s3.line import LONGEST, Endpoint, Patience
from core.transfer.s3.session import Login

SHORT = Patience(connect=0.3, answer=0.3, whole=0.3, unacknowledged=1)
RAW = LARGE * 5
VERBS: dict[str, Callable[[S3Destination], object]] = {
    "put": lambda destination: put(destination, "a.jpg", SMALL),
    "put-in-parts": lambda destination: put(destination, "a.raw", RAW),
    "stat": lambda destination: destination.stat("a.jpg"),
    "prove": lambda destination: destination.prove("a.jpg", len(SMALL), sha256(SMALL), Level.HASH),
    "read": lambda destination: list(destination.read("a.jpg")),
    "list": lambda destination: list(destination.list()),
    "delete": lambda destination: destination.delete("a.jpg"),
    "free": lambda destination: destination.free(),
}
LISTING = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</ListBucketResult>'
GARBAGE = {
    "nonsense": b"nonsense\r\n\r\n",
    "nothing": b"Connection: close",
    "binary": bytes(range(256)) * 20,
    "no-such-status": b"HTTP/1.1 999999 X\r\n\r\n",
    "a-thousand-headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000 + b"\r\n",
    "an-endless-header": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    "cut-in-the-head": b"HTTP/1.1 500 Int",
    "cut-in-the-body": b"HTTP/1.1 400 X\r\nContent-Length: 500\r\n\r\n<Error>",
    "no-xml": b"HTTP/1.1 400 X\r\nContent-Length: 7\r\nConnection: close\r\n\r\n<Err\x00\xff>",
    "half-xml": b"HTTP/1.1 403 X\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<Error><Code>",
    "another-xml": b"HTTP/1.1 409 X\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<a/>",
    "a-redirect": b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.2:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "another-region": b"HTTP/1.1 301 X\r\nx-amz-bucket-region: eu-west-3\r\nContent-Length: 0\r\n\r\n",
    "a-page-to-log-in": b"HTTP/1.1 302 X\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


def reach(port: int, patience: Patience | None = SHORT, **more: Any) -> S3Destination:
    return S3Destination(Login(Endpoint("127.0.0.1", port, False), "bucket", "KEY", "secret"), "", patience, **more)


def says(pieces: Iterable[bytes]) -> Callable[[Asked], Iterator[bytes]]:
    return lambda asked: iter(pieces)


@pytest.mark.parametrize("verb", VERBS)
def test_garbage_is_an_error_of_ours_and_never_a_hang(verb: str) -> None:
    for name, said in GARBAGE.items():
        with scripted(says([said]), heedless=True) as server, closing(reach(server.port)) as destination:
            shown = refusal(VERBS[verb], destination)
            assert shown, f"{name}: taken for an answer"
            assert "secret" not in shown, name
            assert len(shown) < 500, name


def refusal(verb: Callable[[S3Destination], object], destination: S3Destination) -> str:
    try:
        verb(destination)
    except DestinationError as error:
        return str(error)
    return ""


def test_a_bucket_in_another_region_is_told_and_not_followed() -> None:
    with scripted(says([GARBAGE["another-region"]])) as server, closing(reach(server.port)) as destination:
        with pytest.raises(DestinationRefused, match="another region"):
            destination.stat("a.jpg")
        assert len(server.asked) == 1


@pytest.mark.parametrize("size", [1, FRAME - 1, FRAME, FRAME + 1, 5 * FRAME])
def test_the_last_bytes_of_an_object_wait_for_the_commit(size: int) -> None:
    sent = bytearray()

    class Recorder:
        def send(self, data: bytes) -> None:
            sent.extend(data)

        def finish(self) -> dict[str, str]:
            return {}

    body = Body(size, Recorder)  # type: ignore[arg-type]
    body.take(LARGE[:size])
    assert size - FRAME <= len(sent) < size
    body.finish()
    assert sent == LARGE[:size]


@pytest.mark.parametrize("verb", ["put", "put-in-parts", "list", "delete", "free"])
def test_an_answer_of_gigabytes_is_cut_off(verb: str) -> None:
    def endless(asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
        while True:
            yield bytes(1 << 20)

    with scripted(endless) as server, closing(reach(server.port, Patience())) as destination:
        with pytest.raises(DestinationUnreachable, match=f"more than {LONGEST}"):
            VERBS[verb](destination)


@pytest.mark.parametrize("verb", VERBS)
def test_a_server_that_drips_is_given_up_in_time(verb: str) -> None:
    def drip(asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        for _ in range(200):
            time.sleep(0.05)
            yield b"x"

    with scripted(drip, heedless=True) as server, closing(reach(server.port)) as destination:
        begun = time.monotonic()
        with pytest.raises(DestinationUnreachable):
            VERBS[verb](destination)
        assert time.monotonic() - begun < 3


def test_a_black_hole_is_given_up_in_time() -> None:
    with cutting(9, hold=True) as proxy, closing(reach(proxy.port)) as destination:
        for verb in ("put", "put-in-parts", "stat", "list"):
            with pytest.raises(DestinationUnreachable):
                VERBS[verb](destination)


def test_nobody_listening_and_a_host_that_does_not_exist_are_unreachable() -> None:
    with cutting(9) as proxy:
        gone = proxy.port
    for endpoint in (Endpoint("127.0.0.1", gone, False), Endpoint("no-such-host.invalid", 443, True)):
        with closing(S3Destination(Login(endpoint, "bucket", "KEY", "secret"))) as destination:
            with pytest.raises(DestinationUnreachable):
                destination.free()


class Pretender:
    """A server that keeps objects as S3 does, and lies where a test tells it to. Underscored: its state."""

    def __init__(self, **lies: Any) -> None:
        self.lies = lies
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, bytes] = {}

    def __call__(self, asked: Asked) -> list[bytes]:
        path, _, query = asked.target.partition("?")
        act = getattr(self, f"{asked.method.lower()}_{'upload' if query else 'object'}")
        told: list[bytes] = act(path, query, asked)
        return told

    def put_object(self, path: str, query: str, asked: Asked) -> list[bytes]:
        if "if-none-match" in asked.headers and self.lies.get("no_conditions"):
            return answer(501, b"<Error><Code>NotImplemented</Code><Message>If-None-Match</Message></Error>")
        self.objects[path] = self.lies.get("keeps", asked.body)
        if self.lies.get("forgets"):
            self.objects.clear()
        return answer(ETag=etag(asked.body))

    def head_object(self, path: str, query: str, asked: Asked) -> list[bytes]:
        if path not in self.objects:
            return answer(404)
        kept = self.objects[path]
        size = self.lies.get("size", len(kept))
        said = self.lies.get("sha256", hashlib.sha256(kept).digest())
        return answer(Content_Length=str(size), x_amz_checksum_sha256=base64.b64encode(said).decode(), ETag='"x"')

    def get_object(self, path: str, query: str, asked: Asked) -> list[bytes]:
        return answer(200, self.objects[path])

    def post_upload(self, path: str, query: str, asked: Asked) -> list[bytes]:
        if query == "uploads":
            return answer(200, b"<R><UploadId>id</UploadId></R>")
        self.objects[path] = b"".join(self.parts.values())
        return answer(200, b"<R><ETag>x-1</ETag></R>")

    def put_upload(self, path: str, query: str, asked: Asked) -> list[bytes]:
        if "x-amz-trailer" in asked.headers and self.lies.get("no_trailers"):
            return answer(501, b"<Error><Code>NotImplemented</Code></Error>")
        self.parts[query] = asked.body
        return answer(ETag=etag(asked.body[: self.lies.get("hears", None)]))

    def get_upload(self, path: str, query: str, asked: Asked) -> list[bytes]:
        return answer(404, b"<Error><Code>NoSuchUpload</Code></Error>")

    def delete_upload(self, path: str, query: str, asked: Asked) -> list[bytes]:
        return answer(204)


def etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'  # noqa: S324 - the protocol's own


def prove(destination: S3Destination, level: Level = Level.HASH) -> Level:
    return destination.prove("a.jpg", len(SMALL), sha256(SMALL), level)


@pytest.mark.parametrize(
    ("lies", "error"),
    [
        pytest.param({"forgets": True}, ObjectNotFound, id="it-forgets"),
        pytest.param({"keeps": SMALL[:-1]}, ObjectDiffers, id="it-truncates"),
        pytest.param({"size": len(SMALL) + 1}, ObjectDiffers, id="it-says-another-size"),
        pytest.param({"keeps": flipped(SMALL)}, ObjectDiffers, id="it-flips-a-bit"),
        pytest.param({"keeps": flipped(SMALL), "sha256": bytes(32)}, ObjectDiffers, id="it-flips-and-says-nonsense"),
    ],
)
def test_a_server_that_lies_about_what_it_keeps_is_found_out(lies: dict[str, Any], error: type[Exception]) -> None:
    with scripted(Pretender(**lies)) as server, closing(reach(server.port)) as destination:
        put(destination, "a.jpg", SMALL)
        with pytest.raises(error):
            prove(destination)


def test_a_server_that_lies_about_the_hash_too_is_found_out_by_reading_back() -> None:
    lying = Pretender(keeps=flipped(SMALL), sha256=hashlib.sha256(SMALL).digest())
    with scripted(lying) as server, closing(reach(server.port)) as destination:
        put(destination, "a.jpg", SMALL)
        assert prove(destination) == Level.HASH
        with pytest.raises(ObjectDiffers):
            prove(destination, Level.READ_BACK)


def test_a_hash_of_the_servers_that_is_another_one_disproves_nothing() -> None:
    with scripted(Pretender(sha256=bytes(32))) as server, closing(reach(server.port)) as destination:
        put(destination, "a.jpg", SMALL)
        assert prove(destination) == Level.READ_BACK


def test_a_part_that_the_server_does_not_confirm_is_never_joined() -> None:
    with scripted(Pretender(hears=100)) as server, closing(reach(server.port)) as destination:
        for _ in range(2):
            with pytest.raises(ObjectDiffers, match="neither its SHA-256 nor its MD5"):
                put(destination, "a.raw", RAW)
        assert [asked.method for asked in server.asked] == ["POST", "PUT"] * 2


def test_a_server_that_takes_no_hash_behind_a_body_confirms_by_md5() -> None:
    told = Pretender(no_trailers=True)
    with scripted(told) as server, closing(reach(server.port)) as destination:
        with pytest.raises(DestinationUnreachable, match="next attempt does without"):
            put(destination, "a.raw", RAW)
        put(destination, "a.raw", RAW)
    assert told.objects == {"/bucket/a.raw": RAW}


def test_a_server_without_conditions_gets_none_from_the_second_attempt_on() -> None:
    told = Pretender(no_conditions=True)
    with scripted(told) as server, closing(reach(server.port)) as destination:
        for error in (DestinationUnreachable, None):
            with pytest.raises(ObjectNotFound):
                destination.stat("a.jpg")
            if error is None:
                put(destination, "a.jpg", SMALL)
            else:
                with pytest.raises(error, match="next attempt does without"):
                    put(destination, "a.jpg", SMALL)
    assert told.objects == {"/bucket/a.jpg": SMALL}


def test_a_refusal_in_the_middle_of_the_body_is_told_as_one() -> None:
    denied = answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", Connection="close")
    with scripted(says(denied), heedless=True) as server, closing(reach(server.port)) as destination:
        with pytest.raises((DestinationRefused, DestinationUnreachable)):
            put(destination, "a.jpg", LARGE)


def test_a_picture_costs_three_requests_on_one_connection(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(SMALL)
    job = Delivery(name="a.jpg", path=picture, size=len(SMALL), sha256=sha256(SMALL), level=Level.HASH)
    with scripted(Pretender()) as server, closing(reach(server.port)) as destination:
        receipt = deliver(destination, job, lambda wanted, offset, resume: wanted)
        assert receipt["level"] == "hash"
        assert [asked.method for asked in server.asked] == ["HEAD", "PUT", "HEAD"]
        assert server.connections == 1
        assert "expect" not in server.asked[1].headers


def test_names_in_a_listing_that_climb_or_are_not_plain_are_left_out() -> None:
    names = ["good.jpg", "../out.jpg", "/etc/passwd", "a//b", "folder/", "line%0Afeed", "%1B[2J", "elsewhere/x"]
    page = LISTING.format(
        "<EncodingType>url</EncodingType>"
        + "".join(f"<Contents><Key>{name}</Key><Size>3</Size></Contents>" for name in names)
    )
    with scripted(says(answer(200, page.encode()))) as server, closing(reach(server.port)) as destination:
        assert [found.name for found in destination.list()] == ["good.jpg", "elsewhere/x"]
        assert [found.name for found in destination.list("good")] == ["good.jpg"]


@pytest.mark.parametrize("contents", ["<Contents><Key>a</Key><Size>3</Size></Contents>", ""])
def test_a_listing_without_end_is_given_up(contents: str) -> None:
    page = LISTING.format(f"<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>{contents}")
    with scripted(says(answer(200, page.encode()))) as server, closing(reach(server.port)) as destination:
        with pytest.raises(DestinationUnreachable, match="no end"):
            list(destination.list())


@pytest.mark.parametrize("size", ["-3", "many", "9" * 5000])
def test_a_listing_with_sizes_that_are_none_is_an_error_of_ours(size: str) -> None:
    page = LISTING.format(f"<Contents><Key>a</Key><Size>{size}</Size></Contents>")
    with scripted(says(answer(200, page.encode()))) as server, closing(reach(server.port)) as destination:
        with pytest.raises(DestinationError):
            list(destination.list())


def test_entities_that_grow_without_end_are_an_error_of_ours() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>' + LISTING.format("<Prefix>&e11;</Prefix>")
    with scripted(says(answer(200, bomb.encode()))) as server, closing(reach(server.port)) as destination:
        with pytest.raises(DestinationError):
            list(destination.list())


def test_a_server_that_cannot_read_from_the_middle_is_told_as_such() -> None:
    told = Pretender()
    with scripted(told) as server, closing(reach(server.port)) as destination:
        put(destination, "a.jpg", SMALL)
        with pytest.raises(DestinationRefused, match="from the middle"):
            list(destination.read("a.jpg", 5))


def test_a_name_taken_meanwhile_is_a_conflict_that_may_be_looked_at_again() -> None:
    taken = answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
    with scripted(lambda asked: answer(404) if asked.method == "HEAD" else taken) as server:
        with closing(reach(server.port)) as destination:
            with pytest.raises(ObjectNotFound):
                destination.stat("a.jpg")
            upload = send(destination, "a.jpg", SMALL)
            with pytest.raises(NameConflict):
                upload.commit()
            assert server.asked[-1].headers["if-none-match"] == "*"
