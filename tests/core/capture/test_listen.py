from __future__ import annotations

from datetime import timedelta

import pytest

from core.capture.listen import parse_listen, parse_ports, port_of, server_problems
from core.site.model.cameras import Camera, FtpSource, Schedule
from core.site.model.file import SiteFile
from core.site.model.nodes import FtpServer, Node, SiteHead


def pushing(name: str, user: str, primary: str | None = None) -> Camera:
    source = FtpSource(kind="ftp", user=user, password_file="secrets/gate")
    return Camera(name=name, source=source, primary=primary, schedule=(Schedule(every=timedelta(minutes=10)),))


def site(*nodes: Node, cameras: tuple[Camera, ...] = ()) -> SiteFile:
    return SiteFile(version=1, site=SiteHead(name="quay", zone="UTC", data="data"), node=nodes, camera=cameras)


def keys(found: SiteFile) -> list[str]:
    return [key for key, _ in server_problems(found)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [("192.0.2.1:2121", ("192.0.2.1", 2121)), ("[::]:21", ("::", 21)), ("10.0.0.5:65535", ("10.0.0.5", 65535))],
)
def test_an_address_to_listen_at(text: str, meant: tuple[str, int]) -> None:
    assert parse_listen(text) == meant


@pytest.mark.parametrize(
    "text", ["2121", ":2121", "gate:2121", "192.0.2.1", "192.0.2.1:0", "::1:21", "[10.0.0.5]:21", "[::]"]
)
def test_what_is_no_address_to_listen_at(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_listen(text)
    assert port_of(FtpServer(listen=text)) is None


def test_a_range_of_ports() -> None:
    assert (parse_ports("50000-50002"), parse_ports(" 7 ")) == (range(50000, 50003), range(7, 8))


@pytest.mark.parametrize("text", ["", "a-b", "5-4", "0-5", "1-65536", "1-2-3", "٣-٤"])
def test_what_is_no_range_of_ports(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ports(text)


@pytest.mark.parametrize(
    ("server", "key"),
    [
        (FtpServer(), None),
        (FtpServer(listen="2121"), "listen"),
        (FtpServer(passive_ports="many"), "passive_ports"),
        (FtpServer(listen="192.0.2.1:50000"), "passive_ports"),
        (FtpServer(masquerade="gate.example"), "masquerade"),
        (FtpServer(masquerade="203.0.113.5"), None),
        (FtpServer(key_file="k"), "certificate_file"),
        (FtpServer(certificate_file="c", plain=True), None),
        (FtpServer(plain=True), "plain"),
    ],
)
def test_a_servers_keys_fit_together(server: FtpServer, key: str | None) -> None:
    assert keys(site(Node(name="unit1", ftp=server))) == ([f"node[0].ftp.{key}"] if key else [])


def test_a_camera_that_pushes_needs_a_server_at_its_own_node() -> None:
    nodes = Node(name="fr", ftp=FtpServer()), Node(name="unit1")
    (problem,) = server_problems(site(*nodes, cameras=(pushing("gate", "a", "unit1"),)))
    assert problem[0] == "camera[0].source.kind"
    assert "node 'unit1' has no FTP server" in problem[1]
    assert keys(site(*nodes, cameras=(pushing("gate", "a", "fr"),))) == []


def test_two_cameras_of_one_node_have_two_logins() -> None:
    nodes = Node(name="fr", ftp=FtpServer()), Node(name="unit1", ftp=FtpServer())
    apart = (pushing("gate", "a", "fr"), pushing("yard", "a", "unit1"))
    assert keys(site(*nodes, cameras=apart)) == []
    same = (pushing("gate", "a", "fr"), pushing("yard", "a", "fr"))
    assert keys(site(*nodes, cameras=same)) == ["camera[1].source.user"]
