from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conformance.destination import (
    LARGE,
    NAMES,
    SMALL,
    Behind,
    DestinationContract,
    flipped,
    put,
    send,
    sha256,
)
from peers import seaweed, thief
from peers.certificates import Certificate, certificate
from peers.cutter import cutting
from peers.seaweed import KEY_ID, SECRET, UNIT, UNIT_SECRET, Seaweed

from core.errors import (
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
    NameConflict,
    ObjectDiffers,
    ObjectNotFound,
)
from core.site.model import places
from core.transfer.audit import Audit, audit
from core.transfer.base import Destination, Level
from core.transfer.delivery import Delivery, deliver
from core.transfer.registry import make
from core.transfer.s3.destination import S3Destination
from core.transfer.s3.line import Endpoint, Patience
from core.transfer.s3.session import Login
from core.transfer.s3.unfinished import SMALLEST_PART as PART
from core.transfer.theft import lay, rob

pytestmark = [pytest.mark.peer, pytest.mark.skipif(seaweed.WEED is None, reason=seaweed.MISSING)]
RAW = LARGE * 5  # 12.8 MB: two parts and a bit
SHORT = Patience(connect=1, answer=1, whole=1, unacknowledged=1)
Open = Callable[..., S3Destination]


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, certified: Certificate) -> Iterator[Seaweed]:
    with seaweed.running(tmp_path_factory.mktemp("weed") / "w", certified.certificate, certified.key) as running:
        yield running


@pytest.fixture(scope="session")
def login(server: Seaweed) -> Login:
    return Login(Endpoint("127.0.0.1", server.port, secure=False), server.bucket(), KEY_ID, SECRET)


@pytest.fixture
def prefix() -> str:
    """A folder of the bucket for one test: a bucket of its own costs SeaweedFS half a second."""
    return f"units/{uuid.uuid4().hex} 1/"


@pytest.fixture
def reach(login: Login, prefix: str) -> Iterator[Open]:
    """Open a destination on the server, with something of its log-in changed; all are closed at the end."""
    opened: list[S3Destination] = []

    def connect(port: int | None = None, patience: Patience | None = None, **changed: Any) -> S3Destination:
        endpoint = changed.pop("endpoint", login.endpoint)
        mine = replace(login, endpoint=replace(endpoint, port=port or endpoint.port), **changed)
        opened.append(S3Destination(mine, prefix, patience))
        return opened[-1]

    yield connect
    for destination in opened:
        destination.close()


@pytest.fixture
def bucket(server: Seaweed, login: Login, prefix: str) -> Iterator[BucketBehind]:
    with closing(server.client()) as client:
        yield BucketBehind(client, login.bucket, prefix)


class BucketBehind:
    """A bucket, seen by a client that is not ours."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self.client, self.bucket, self.prefix = client, bucket, prefix

    def put(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=data)

    def get(self, name: str) -> bytes:
        with closing(self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"]) as body:
            return bytes(body.read())

    def everything(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix).get("Contents", [])
        unfinished = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix).get("Uploads", [])
        return sorted(one["Key"].removeprefix(self.prefix) for one in [*found, *unfinished])


class S3Contract(DestinationContract):
    large = 8_000_000

    @pytest.fixture
    def connect(self, login: Login, prefix: str) -> Callable[[], Destination]:
        return lambda: S3Destination(login, prefix, large=self.large)

    @pytest.fixture
    def behind(self, bucket: BucketBehind) -> Behind:
        return bucket

    def test_what_was_sent_lies_there_whole_under_its_name(self, destination: Destination, behind: Behind) -> None:
        """As the contract says, but SeaweedFS itself makes a slash of a backslash: it is listed so."""
        for name in NAMES:
            put(destination, name, SMALL)
            assert behind.get(name) == SMALL, name
            assert destination.stat(name).size == len(SMALL), name
            assert b"".join(destination.read(name)) == SMALL, name
            assert destination.prove(name, len(SMALL), sha256(SMALL), Level.HASH) == Level.HASH, name
        assert sorted(found.name for found in destination.list()) == sorted(name.replace("\\", "/") for name in NAMES)


class TestWholeObjects(S3Contract):
    pass


class TestObjectsInParts(S3Contract):
    large = 0


def send_all(destination: S3Destination, name: str, data: bytes, attempts: int) -> None:
    """Deliver through cuts, as the node does; fail when it takes another number of attempts."""
    state: bytes | None = None
    for attempt in range(1, attempts + 1):
        upload = destination.begin(name, len(data), sha256(data), state)
        try:
            for start in range(upload.offset, len(data), 100_000):
                state = upload.resume_state()  # what a grant carries
                upload.write(data[start : start + 100_000])
            upload.commit()
        except DestinationUnreachable:
            upload.abandon()
            assert attempt < attempts
        else:
            assert attempt == attempts
            return


@pytest.mark.parametrize("cut_at", [3_000, 4_000_000, 8_000_000, 12_700_000])
def test_a_cut_at_any_byte_resumes_at_the_part(reach: Open, server: Seaweed, bucket: BucketBehind, cut_at: int) -> None:
    with cutting(server.port, cut_at=cut_at) as proxy:
        destination = reach(proxy.port)
        send_all(destination, "a.raw", RAW, attempts=2)
        assert destination.prove("a.raw", len(RAW), sha256(RAW), Level.HASH) == Level.HASH
        assert proxy.up <= 1.01 * len(RAW) + cut_at % PART + 10_000
    assert bucket.get("a.raw") == RAW
    assert bucket.everything() == ["a.raw"]


def test_nothing_of_a_small_picture_that_was_cut_remains(reach: Open, server: Seaweed, bucket: BucketBehind) -> None:
    with cutting(server.port, cut_at=500_000) as proxy:
        send_all(reach(proxy.port), "a.jpg", LARGE, attempts=2)
    assert bucket.get("a.jpg") == LARGE
    assert bucket.everything() == ["a.jpg"]


def test_another_process_goes_on_where_the_first_one_was_killed(reach: Open, bucket: BucketBehind) -> None:
    first = reach().begin("a.raw", len(RAW), sha256(RAW))
    first.write(RAW[: 2 * PART + 70_000])
    first.abandon()
    second = reach().begin("a.raw", len(RAW), sha256(RAW), first.resume_state())
    assert second.offset == 2 * PART
    second.write(RAW[second.offset :])
    second.commit()
    assert bucket.get("a.raw") == RAW
    assert reach().prove("a.raw", len(RAW), sha256(RAW), Level.HASH) == Level.HASH


def test_an_upload_goes_on_only_behind_what_the_server_really_has(
    reach: Open, server: Seaweed, bucket: BucketBehind, login: Login, prefix: str
) -> None:
    upload = reach().begin("a.raw", len(RAW), sha256(RAW))
    upload.write(RAW[: 2 * PART])
    state, key = upload.resume_state(), f"{prefix}a.raw"
    told = json.loads(state)
    told[5].append(told[5][0])  # as if a third part had arrived
    assert reach().begin("a.raw", len(RAW), sha256(RAW), json.dumps(told).encode()).offset == 2 * PART
    bucket.client.abort_multipart_upload(Bucket=login.bucket, Key=key, UploadId=told[3])
    anew = reach().begin("a.raw", len(RAW), sha256(RAW), state)
    assert anew.offset == 0
    anew.write(RAW)
    anew.commit()
    assert bucket.get("a.raw") == RAW


def test_an_unfinished_upload_of_another_content_is_cleared_away(reach: Open, bucket: BucketBehind) -> None:
    upload = reach().begin("a.raw", len(RAW), sha256(RAW))
    upload.write(RAW[:PART])
    assert bucket.everything() == ["a.raw"]
    other = flipped(RAW)
    again = send(reach(), "a.raw", other, upload.resume_state())
    assert again.offset == 0
    again.commit()
    assert bucket.get("a.raw") == other
    assert bucket.everything() == ["a.raw"]


def test_what_the_server_received_otherwise_is_refused_by_itself(reach: Open, bucket: BucketBehind) -> None:
    destination = reach()
    upload = destination.begin("a.jpg", len(LARGE), sha256(LARGE))
    upload.write(flipped(LARGE))
    with pytest.raises(ObjectDiffers):
        upload.commit()
    assert bucket.everything() == []


def test_a_name_that_somebody_took_meanwhile_is_not_overwritten(reach: Open, bucket: BucketBehind) -> None:
    for data in (SMALL, RAW):
        name, destination = f"{len(data)}.jpg", reach()
        with pytest.raises(ObjectNotFound):
            destination.stat(name)
        upload = send(destination, name, data)
        bucket.put(name, b"of another node")
        with pytest.raises(NameConflict):
            upload.commit()
        assert bucket.get(name) == b"of another node"


def test_an_object_that_was_put_past_us_is_read_back(reach: Open, bucket: BucketBehind) -> None:
    bucket.put("a.jpg", SMALL)
    signs: list[int] = []
    destination = reach()
    assert destination.prove("a.jpg", len(SMALL), sha256(SMALL), Level.HASH, signs.append) == Level.READ_BACK
    bucket.put("b.raw", LARGE)
    destination.prove("b.raw", len(LARGE), sha256(LARGE), Level.READ_BACK, signs.append)
    assert len(signs) >= 5
    assert signs == sorted(signs)


def test_a_listing_goes_over_all_its_pages(login: Login, prefix: str, bucket: BucketBehind) -> None:
    names = [f"many/{number}" for number in range(7)]
    for name in names:
        bucket.put(name, b"x")
    with closing(S3Destination(login, prefix, page=3)) as destination:
        assert [found.name for found in destination.list("many/")] == names


def test_a_hundred_cuts_hang_nothing_and_lose_nothing(reach: Open, server: Seaweed, bucket: BucketBehind) -> None:
    picture = LARGE[:200_000]
    with cutting(server.port) as proxy:
        destination = reach(proxy.port)
        for turn in range(100):
            proxy.cut_at = proxy.up + 100 + turn * 2_000
            send_all(destination, f"{turn % 10}.jpg", picture, attempts=2)
        assert proxy.up <= 100 * (1.6 * len(picture))
    assert {len(bucket.get(f"{turn}.jpg")) for turn in range(10)} == {len(picture)}


def test_a_bucket_without_a_prefix_is_a_destination_too(login: Login, bucket: BucketBehind) -> None:
    with closing(S3Destination(login)) as destination:
        put(destination, "top/a.jpg", SMALL)
        assert [found.name for found in destination.list("top/")] == ["top/a.jpg"]


def test_a_stolen_key_deletes_nothing_and_alters_nothing_that_has_arrived(
    reach: Open, server: Seaweed, login: Login, prefix: str
) -> None:
    name = server.bucket()
    with closing(server.client()) as owner:
        owner.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        owner.put_bucket_policy(Bucket=name, Policy=json.dumps(seaweed.policy(name)))
        destination = reach(bucket=name, key_id=UNIT, secret=UNIT_SECRET)
        for data, attempts in ((SMALL, 1), (RAW, 2)):  # with a policy SeaweedFS takes no hash behind a body
            send_all(destination, f"{len(data)}.jpg", data, attempts)
            assert destination.prove(f"{len(data)}.jpg", len(data), sha256(data), Level.HASH) == Level.HASH
        with pytest.raises(DestinationRefused):
            destination.delete(f"{len(SMALL)}.jpg")
        put(destination, f"{len(SMALL)}.jpg", b"of the thief")
        versions = owner.list_object_versions(Bucket=name, Prefix=f"{prefix}{len(SMALL)}.jpg")["Versions"]
        assert sorted(one["Size"] for one in versions) == [len(b"of the thief"), len(SMALL)]
        with closing(destination.session) as thief:
            for one in versions:
                with pytest.raises(Exception, match="AccessDenied"):
                    thief.call("delete_object", Key=one["Key"], VersionId=one["VersionId"])


def test_with_a_stolen_key_every_way_leaves_the_first_version_and_the_thiefs_object_is_found_out(
    reach: Open, server: Seaweed, prefix: str, tmp_path: Path
) -> None:
    bucket, picture, name = server.bucket(), tmp_path / "a.jpg", "north/a.jpg"
    picture.write_bytes(SMALL)
    job = Delivery(name=name, path=picture, size=len(SMALL), sha256=sha256(SMALL), level=Level.HASH, protected=True)
    with closing(server.client()) as owner, closing(server.client(*seaweed.AS_UNIT)) as stolen:
        owner.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(seaweed.policy(bucket)))
        unit = reach(bucket=bucket, key_id=UNIT, secret=UNIT_SECRET)
        deliver(unit, job, lambda wanted, offset, resume: wanted)
        at = {"Bucket": bucket, "Key": f"{prefix}{name}"}
        first = owner.head_object(**at)["VersionId"]
        for what, way in thief.by_s3(stolen, **at).items():
            thief.attempt(way)
            assert owner.get_object(**at, VersionId=first)["Body"].read() == SMALL, what
        assert owner.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        assert owner.get_object(**at)["Body"].read() == thief.LOOT, "a thief can add"
        with pytest.raises(ObjectDiffers):
            audit(unit, Audit(name, len(SMALL), sha256(SMALL)), lambda wanted: wanted)
        with pytest.raises(NameConflict):
            deliver(unit, replace(job, resume=b""), lambda wanted, offset, resume: wanted)
        lay(unit, "bait.txt")
        assert rob(unit, "bait.txt") == {"overwritten": True, "deleted": False}
        owner.delete_bucket_policy(Bucket=bucket)
        thief.attempt(thief.by_s3(owner, **at)["delete the versions"])
        assert "Versions" not in owner.list_object_versions(Bucket=bucket, Prefix=at["Key"]), "that way does harm"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"key_id": "NOBODY"}, "does not know this key id", id="unknown-key"),
        pytest.param({"secret": "open sesame"}, "secret access key is not that", id="wrong-secret"),
        pytest.param({"bucket": "no-such-bucket"}, "no such bucket", id="no-bucket"),
    ],
)
def test_a_log_in_that_is_wrong_is_refused_in_words(reach: Open, changed: dict[str, str], words: str) -> None:
    destination = reach(**changed)
    with pytest.raises(DestinationRefused, match=words) as refusal:
        put(destination, "a.jpg", SMALL)
    assert "sesame" not in str(refusal.value)
    assert SECRET not in repr(destination.session._login)


def test_the_server_is_looked_up_when_it_is_opened_and_says_nothing_of_its_room(reach: Open) -> None:
    assert reach().free() is None
    with pytest.raises(DestinationRefused):
        reach(secret="wrong").free()


def test_a_key_that_may_only_read_is_refused(reach: Open) -> None:
    with pytest.raises(DestinationRefused, match="policy does not let"):
        put(reach(key_id=UNIT, secret=UNIT_SECRET), "a.jpg", LARGE)


def test_over_tls_the_certificate_must_be_vouched_for(
    reach: Open, server: Seaweed, certified: Certificate, bucket: BucketBehind
) -> None:
    assert server.tls_port is not None
    secure = Endpoint("127.0.0.1", server.tls_port, secure=True, ca_file=str(certified.authority))
    destination = reach(endpoint=secure)
    for name, data in (("a.jpg", SMALL), ("a.raw", RAW)):
        put(destination, name, data)
        assert destination.prove(name, len(data), sha256(data), Level.HASH) == Level.HASH
        assert bucket.get(name) == data
    with pytest.raises(HostKeyMismatch, match="not trusted"):
        reach(endpoint=replace(secure, ca_file=None)).free()
    with pytest.raises(HostKeyMismatch, match="not trusted"):
        reach(endpoint=replace(secure, host="localhost")).free()
    with pytest.raises(DestinationRefused, match="no certificates in it"):
        reach(endpoint=replace(secure, ca_file=str(certified.key))).free()
    with pytest.raises(DestinationUnreachable, match="TLS"):
        reach(endpoint=replace(secure, port=server.port)).free()


def test_after_a_cut_the_next_call_connects_anew(reach: Open, server: Seaweed) -> None:
    with cutting(server.port) as proxy:
        destination = reach(proxy.port)
        put(destination, "a.jpg", SMALL)
        assert proxy.connections == 1
        proxy.reset()
        proxy.settle()
        assert destination.stat("a.jpg").size == len(SMALL)
        assert proxy.connections == 2


def test_site_toml_names_bucket_prefix_and_secret(
    server: Seaweed, login: Login, prefix: str, bucket: BucketBehind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-somebody-else")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    address = f"s3+http://{KEY_ID}@127.0.0.1:{server.port}/{login.bucket}/{prefix}"
    with closing(make(places.Destination(name="cloud", address=address), {"password": SECRET})) as destination:
        put(destination, "a.jpg", SMALL)
    assert bucket.get("a.jpg") == SMALL
    with pytest.raises(DestinationRefused):
        make(places.Destination(name="cloud", address=f"s3://{KEY_ID}@127.0.0.1/"), {"password": SECRET})


def test_uploads_in_parts_that_nobody_went_on_with_are_ended_by_their_age(reach: Open, bucket: BucketBehind) -> None:
    destination = reach()
    for name in ("u/quay/a.raw", "u/harbour/b.raw"):
        upload = destination.begin(name, len(RAW), sha256(RAW))
        upload.write(RAW[: PART + 1])
        upload.abandon()
    bucket.put("u/quay/whole.jpg", SMALL)
    assert list(destination.tidy("", time.time() - 600, lambda name: True)) == [], "they are young"
    assert list(destination.tidy("", time.time() + 600, lambda name: "/quay/" in name)) == ["u/quay/a.raw"]
    assert bucket.everything() == ["u/harbour/b.raw", "u/quay/whole.jpg"]


def test_a_key_that_may_not_see_unfinished_uploads_removes_none(reach: Open) -> None:
    stranger = reach(key_id=UNIT, secret=UNIT_SECRET)
    assert list(stranger.tidy("", time.time() + 600, lambda name: True)) == []
