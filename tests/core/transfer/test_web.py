from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conformance.destination import (
    LARGE,
    NAMES,
    SMALL,
    Behind,
    DestinationContract,
    FolderBehind,
    put,
    sha256,
)
from peers import webdav
from peers.certificates import Certificate, certificate
from peers.cutter import cutting
from peers.web import PASSWORD, USER
from peers.webdav import WebServer

from core.errors import (
    DestinationError,
    DestinationRefused,
    DestinationUnreachable,
    HostKeyMismatch,
)
from core.site.model import places
from core.transfer import registry
from core.transfer.base import Destination, Level
from core.transfer.delivery import Delivery, deliver
from core.transfer.web.dav import DavDestination
from core.transfer.web.line import Patience
from core.transfer.web.plain import PlainDestination
from core.transfer.web.session import Server

pytestmark = pytest.mark.peer
RAW = LARGE * 5  # 12.8 MB
SHORT = Patience(connect=1, answer=1, unacknowledged=1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def root(shared: Path) -> Iterator[Path]:
    """The folder that nginx serves, empty for every test."""
    yield shared
    webdav.empty(shared)


def run_nginx(folder: Path, root: Path, tls: Certificate | None = None) -> Iterator[WebServer]:
    missing = webdav.missing_nginx()
    if missing is not None:
        pytest.skip(missing)
    with webdav.nginx(folder, root, tls) as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[WebServer]:
    yield from run_nginx(tmp_path_factory.mktemp("nginx"), shared)


@pytest.fixture(scope="module")
def running_by_tls(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("nginx-tls")
    yield from run_nginx(folder, shared, certificate(folder))


@pytest.fixture
def served(running: WebServer, root: Path) -> WebServer:
    """nginx over `root`."""
    return running


@pytest.fixture
def secured(running_by_tls: WebServer, root: Path) -> WebServer:
    """nginx over `root`, by TLS."""
    return running_by_tls


@pytest.fixture(scope="module")
def apache() -> Iterator[WebServer]:
    missing = webdav.missing_apache()
    if missing is not None:
        pytest.skip(missing)
    with webdav.apache() as server:
        yield server


class NginxContract(DestinationContract):
    @pytest.fixture
    def behind(self, root: Path) -> Behind:
        return FolderBehind(root)

    def test_what_was_sent_lies_there_whole_under_its_name(self, destination: Destination, behind: Behind) -> None:
        for name in NAMES:
            put(destination, name, SMALL)
            assert behind.get(name) == SMALL, name
            assert destination.stat(name).size == len(SMALL), name
            assert b"".join(destination.read(name)) == SMALL, name
            assert destination.prove(name, len(SMALL), sha256(SMALL), Level.HASH) >= Level.HASH, name
        listed = [name for name in NAMES if not name.startswith(".")]  # nginx lists no others, here and over WebDAV
        assert sorted(found.name for found in destination.list()) == sorted(listed)


class TestHttp(NginxContract):
    @pytest.fixture
    def connect(self, served: WebServer) -> Callable[[], Destination]:
        return lambda: PlainDestination(Server(f"{served.url}/plain"))


class TestHttps(NginxContract):
    @pytest.fixture
    def connect(self, secured: WebServer) -> Callable[[], Destination]:
        return lambda: PlainDestination(Server(f"{secured.url}/plain", ca_file=str(secured.ca_file)))


def require_dav() -> None:
    missing = webdav.missing_dav()
    if missing is not None:
        pytest.skip(missing)


class TestDav(NginxContract):
    @pytest.fixture
    def connect(self, served: WebServer) -> Callable[[], Destination]:
        require_dav()
        return lambda: DavDestination(Server(f"{served.url}/dav"))


class TestDavs(TestDav):
    @pytest.fixture
    def connect(self, secured: WebServer) -> Callable[[], Destination]:
        require_dav()
        return lambda: DavDestination(Server(f"{secured.url}/dav", ca_file=str(secured.ca_file)))


class TestDavOnApache(DestinationContract):
    @pytest.fixture
    def behind(self, apache: WebServer) -> Behind:
        return OwnedBehind(apache.root)

    @pytest.fixture
    def connect(self, apache: WebServer, behind: Behind) -> Iterator[Callable[[], Destination]]:
        yield lambda: DavDestination(Server(f"{apache.url}/digest", USER, PASSWORD))
        webdav.empty(apache.root)


class OwnedBehind(FolderBehind):
    """A folder whose files belong to the server's own account."""

    def put(self, name: str, data: bytes) -> None:
        super().put(name, data)
        (self.root / name).chmod(0o666)


def address(server: WebServer, folder: str = "plain", **login: str) -> Server:
    return Server(f"{server.url}/{folder}", **login)


def delivered(destination: Destination, path: Path, level: Level = Level.SIZE) -> dict[str, object]:
    data = path.read_bytes()
    job = Delivery(name=f"north/{path.name}", path=path, size=len(data), sha256=sha256(data), level=level)
    return deliver(destination, job, lambda wanted, *_: wanted)


def test_a_picture_costs_three_round_trips_over_http_and_five_over_webdav(served: WebServer, tmp_path: Path) -> None:
    require_dav()
    for folder, kind, first, each in (
        ("plain", PlainDestination, ["HEAD"], ["HEAD", "PUT", "HEAD"]),
        ("dav", DavDestination, ["PROPFIND"], ["HEAD", "PUT", "HEAD", "MOVE", "HEAD"]),
    ):
        before = len(webdav.asked(served))
        with cutting(served.port) as proxy:
            destination = kind(Server(f"http://127.0.0.1:{proxy.port}/{folder}"))
            for turn in range(3):
                (tmp_path / f"{folder}{turn}.jpg").write_bytes(SMALL)
                delivered(destination, tmp_path / f"{folder}{turn}.jpg")
            destination.close()
            assert proxy.connections == 1
            methods = [one for one in webdav.asked(served)[before:] if one != "MKCOL"]
            assert methods == first + 3 * each
            assert proxy.up < 3 * (len(SMALL) + 1500)


def test_a_limit_of_the_server_is_told_in_words_before_much_is_sent(served: WebServer) -> None:
    with cutting(served.port) as proxy:
        with closing(PlainDestination(Server(f"http://127.0.0.1:{proxy.port}/small"))) as destination:
            destination.free()
            with pytest.raises(DestinationRefused, match="raise its limit"):
                put(destination, "a.raw", RAW)
            assert proxy.up < len(RAW) / 2


@pytest.mark.parametrize("folder", ["login", "looking"])
def test_a_user_logs_in_also_where_only_changing_needs_one(served: WebServer, root: Path, folder: str) -> None:
    with closing(PlainDestination(address(served, folder, user=USER, password=PASSWORD))) as destination:
        put(destination, "a.jpg", SMALL)
        assert (root / "a.jpg").read_bytes() == SMALL
    for login, said in (({"user": USER, "password": "open sesame"}, "password"), ({}, "write a user")):
        with closing(PlainDestination(address(served, folder, **login))) as destination:
            with pytest.raises(DestinationRefused, match=said) as refusal:
                put(destination, "b.jpg", SMALL)
            assert "sesame" not in str(refusal.value)
    assert not (root / "b.jpg").exists()


def test_digest_is_answered_and_a_wrong_password_refused(apache: WebServer) -> None:
    with closing(DavDestination(address(apache, "digest", user=USER, password="open sesame"))) as destination:
        with pytest.raises(DestinationRefused) as refusal:
            put(destination, "a.jpg", SMALL)
        assert "sesame" not in str(refusal.value)


def test_a_folder_that_is_not_on_the_server_is_never_made(served: WebServer, root: Path) -> None:
    require_dav()
    for kind, folder in ((PlainDestination, "plain/none"), (DavDestination, "dav/none")):
        with closing(kind(address(served, folder))) as destination:
            with pytest.raises(DestinationUnreachable, match="make it, or mount"):
                destination.free()
            with pytest.raises(DestinationUnreachable, match="make it, or mount"):
                put(destination, "a/b.jpg", SMALL)
    assert not (root / "none").exists()


def test_a_server_without_webdav_is_refused_in_words(served: WebServer) -> None:
    with closing(DavDestination(address(served, "plain"))) as destination:
        with pytest.raises(DestinationRefused, match="not set up for that"):
            destination.free()


def test_a_redirect_of_a_real_server_is_not_followed(served: WebServer) -> None:
    with closing(PlainDestination(address(served, "elsewhere"))) as destination:
        with pytest.raises(DestinationRefused, match="elsewhere"):
            destination.stat("a.jpg")


def test_what_the_server_is_says_what_it_can(served: WebServer, apache: WebServer) -> None:
    require_dav()
    found = []
    for made in (
        PlainDestination(address(served)),
        DavDestination(address(served, "dav")),
        DavDestination(address(apache, "dav")),
    ):
        with closing(made) as destination:
            destination.free()
            found.append((destination.features.atomic_replace, destination.features.resumes))
    assert found == [(True, False), (True, False), (False, True)]


@pytest.mark.parametrize("cut_at", [100, 5_000, 600_000, 2_400_000])
def test_a_cut_on_nginx_leaves_nothing_and_the_next_attempt_begins_anew(
    served: WebServer, root: Path, cut_at: int
) -> None:
    with cutting(served.port) as proxy:
        destination = PlainDestination(Server(f"http://127.0.0.1:{proxy.port}/plain"))
        destination.free()
        proxy.cut_at = proxy.up + cut_at
        with pytest.raises(DestinationUnreachable):
            put(destination, "a.raw", LARGE)
        assert list(root.iterdir()) == []
        put(destination, "a.raw", LARGE)
        assert (root / "a.raw").read_bytes() == LARGE
        destination.close()


@pytest.mark.parametrize("cut_at", [3_000, 700_000, 6_000_000, 12_500_000])
def test_a_cut_on_apache_resumes_and_sends_hardly_more_than_the_picture(apache: WebServer, cut_at: int) -> None:
    with cutting(apache.port) as proxy:
        destination = DavDestination(Server(f"http://127.0.0.1:{proxy.port}/dav"))
        destination.free()
        proxy.cut_at = proxy.up + cut_at
        state: bytes | None = None
        attempts = 0
        while not (apache.root / "a.raw").exists():
            attempts += 1
            upload = None
            try:
                upload = destination.begin("a.raw", len(RAW), sha256(RAW), state)
                state = upload.resume_state()
                upload.write(RAW[upload.offset :])
                upload.commit()
            except DestinationUnreachable:
                if upload is not None:
                    upload.abandon()
                proxy.settle()
        assert attempts == 2
        assert (apache.root / "a.raw").read_bytes() == RAW
        assert proxy.up <= 1.07 * len(RAW)
        destination.close()
    webdav.empty(apache.root)


def test_a_hundred_cuts_never_hang_and_the_picture_arrives(served: WebServer, root: Path) -> None:
    require_dav()
    begun = time.monotonic()
    with cutting(served.port) as proxy:
        destination = DavDestination(Server(f"http://127.0.0.1:{proxy.port}/dav"), SHORT)
        for turn in range(100):
            proxy.cut_at = proxy.up + 1 + turn * 113
            while proxy.cut_at is not None:
                with contextlib.suppress(DestinationUnreachable):
                    put(destination, f"{turn}.jpg", SMALL)
        assert proxy.connections >= 100
        put(destination, "last.jpg", SMALL)
        destination.close()
    assert (root / "last.jpg").read_bytes() == SMALL
    assert {one.stat().st_size for one in root.glob("*.jpg")} == {len(SMALL)}
    assert time.monotonic() - begun < 20


def test_a_full_disk_is_never_a_short_object(tmp_path: Path, small_disk: Path) -> None:
    missing = webdav.missing_nginx()
    if missing is not None:
        pytest.skip(missing)
    (tmp_path / "n").mkdir()
    (small_disk / "root").mkdir()
    with webdav.nginx(tmp_path / "n", small_disk / "root", temporary=small_disk / "body") as server:
        with closing(PlainDestination(address(server))) as destination:
            with pytest.raises(DestinationError) as error:
                put(destination, "a.raw", LARGE)
            assert error.value.transient
            assert list(destination.list()) == []
            put(destination, "a.jpg", SMALL)


def test_what_is_in_the_way_is_refused(served: WebServer, root: Path) -> None:
    require_dav()
    (root / "a.jpg").mkdir()
    for kind, folder in ((PlainDestination, "plain"), (DavDestination, "dav")):
        with closing(kind(address(served, folder))) as destination:
            with pytest.raises(DestinationRefused):
                destination.stat("a.jpg")
            with pytest.raises(DestinationError):
                put(destination, "a.jpg", SMALL)


@pytest.mark.parametrize(
    ("made", "expected", "said"),
    [
        pytest.param({"days": -1}, DestinationRefused, "expired", id="expired"),
        pytest.param({"address": "127.0.0.9"}, HostKeyMismatch, "not valid for|mismatch", id="another-name"),
    ],
)
def test_a_certificate_that_is_not_right_is_refused_in_words(
    tmp_path: Path, root: Path, made: dict[str, Any], expected: type[DestinationError], said: str
) -> None:
    missing = webdav.missing_nginx()
    if missing is not None:
        pytest.skip(missing)
    (tmp_path / "n").mkdir()
    with webdav.nginx(tmp_path / "n", root, certificate(tmp_path / "wrong", **made)) as server:
        with pytest.raises(expected, match=said) as refusal:
            put(PlainDestination(address(server, ca_file=str(server.ca_file))), "a.jpg", SMALL)
        assert type(refusal.value) is expected
    assert list(root.iterdir()) == []


def test_a_certificate_that_nobody_vouches_for_is_refused(secured: WebServer, tmp_path: Path) -> None:
    other = certificate(tmp_path / "other")
    for ca_file in (None, str(other.authority)):
        with pytest.raises(HostKeyMismatch, match="not trusted"):
            PlainDestination(Server(f"{secured.url}/plain", ca_file=ca_file)).free()


def test_a_plain_server_is_no_tls_server(served: WebServer) -> None:
    with pytest.raises(DestinationUnreachable, match="TLS"):
        PlainDestination(Server(f"https://127.0.0.1:{served.port}/plain")).free()


def test_a_ca_file_that_is_missing_or_none_is_told(secured: WebServer, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nonsense")
    for name in ("missing.pem", "no.pem"):
        with pytest.raises(DestinationError):
            PlainDestination(Server(f"{secured.url}/plain", ca_file=str(tmp_path / name))).free()


def test_site_toml_names_all_four_kinds(served: WebServer, root: Path) -> None:
    require_dav()
    for scheme, kind in (("http", PlainDestination), ("dav", DavDestination)):
        for secure in ("", "s"):
            described = places.Destination(name="web", address=f"{scheme}{secure}://127.0.0.1:{served.port}/with space")
            assert type(registry.make(described)) is kind
    (root / "with space%").mkdir()
    described = places.Destination(name="web", address=f"dav://127.0.0.1:{served.port}/dav/with space%")
    with closing(registry.make(described)) as destination:
        put(destination, "é.jpg", SMALL)
        assert [one.name for one in destination.list()] == ["é.jpg"]
    assert (root / "with space%" / "é.jpg").read_bytes() == SMALL


def test_what_has_arrived_cannot_be_altered_or_deleted_where_the_server_writes_once(
    served: WebServer, root: Path
) -> None:
    with closing(PlainDestination(address(served, "once"))) as destination:
        put(destination, "north/a.jpg", SMALL)
        assert destination.prove("north/a.jpg", len(SMALL), sha256(SMALL), Level.READ_BACK) == Level.READ_BACK
        with pytest.raises(DestinationRefused):
            put(destination, "north/a.jpg", LARGE)
        with pytest.raises(DestinationRefused):
            destination.delete("north/a.jpg")
    assert (root / "north" / "a.jpg").read_bytes() == SMALL
