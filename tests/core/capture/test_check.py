from __future__ import annotations

from datetime import timedelta

import pytest

from core.capture.check import problems
from core.site.model.cameras import (
    Camera,
    Event,
    FolderSource,
    FtpSource,
    GphotoSource,
    HttpSource,
    RtspSource,
    Schedule,
    Source,
)


def camera(source: Source, every: float | None = 600, event: float | None = None) -> Camera:
    schedule = (Schedule(every=timedelta(seconds=every)),) if every is not None else (Schedule(at=("12:00",)),)
    events = (Event(every=timedelta(seconds=event), begin="a", end="b"),) if event is not None else ()
    return Camera(name="north", source=source, schedule=schedule, event=events)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.20.0.11/snap.jpg",
        "https://cam_1.example:8443/x?y=1#z",
        "http://view@gate/",
        "http://[fe80::1]:80/",
        "HTTP://münchen.example.",
        "http://localhost",
    ],
)
def test_the_address_of_a_snapshot_is_http_and_a_machine(url: str) -> None:
    assert problems(camera(HttpSource(kind="http", url=url))) == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://x", "does not begin with http:// or https://"),
        ("gate/snap.jpg", "does not begin with http:// or https://"),
        ("http://", "names no machine"),
        ("http:///snap.jpg", "names no machine"),
        ("http://a b/", "names no machine"),
        ("http://-gate/", "names no machine"),
        ("http://1.2.3.400/", "names no machine"),
        ("http://a..b/", "names no machine"),
        (f"http://{'x' * 64}/", "names no machine"),
        ("http://[::1", "invalid IPv6 URL"),
        ("http://x:99999/", "port out of range"),
        ("http://x:0/", "0 is no port"),
        ("http://x:port/", "is not an address"),
    ],
)
def test_another_address_is_told_with_what_to_write(url: str, told: str) -> None:
    ((key, sentence),) = problems(camera(HttpSource(kind="http", url=url)))
    assert key == "source.url"
    assert told in sentence


def test_a_snapshot_may_have_a_byte() -> None:
    assert problems(camera(HttpSource(kind="http", url="http://x/", max_size=0))) == [
        ("source.max_size", "at least 1B")
    ]


@pytest.mark.parametrize(
    ("address", "sound"),
    [
        (None, True),
        ("192.168.1.5", True),
        ("192.168.1.5:15740", True),
        ("192.168.1.5:15740:15741", True),
        ("not an ip", False),
        ("camera.example", False),
        ("fe80::1", False),
        ("192.168.1.5:", False),
        ("192.168.1.5:70000", False),
        ("192.168.1.5:٣", False),
        ("192.168.1.5:1:2:3", False),
        ("192.168.1.500", False),
    ],
)
def test_ptp_goes_to_an_ipv4_address_and_ports(address: str | None, sound: bool) -> None:
    told = problems(camera(GphotoSource(kind="gphoto2", address=address)))
    assert [key for key, _ in told] == ([] if sound else ["source.address"])


@pytest.mark.parametrize(
    ("settle", "every", "event", "sound"),
    [
        (5, 3, None, False),
        (5, 3.3, None, False),
        (5, 4, None, True),
        (5, 3, 600, True),  # it takes pictures of the age of the longest interval
        (5, None, None, True),
        (900, 600, None, False),
        (0, 1, None, True),
    ],
)
def test_a_file_must_be_able_to_settle_before_it_is_too_old(
    settle: float, every: float | None, event: float | None, sound: bool
) -> None:
    source = FolderSource(kind="folder", path="/drop", settle=timedelta(seconds=settle))
    told = problems(camera(source, every, event))
    assert [key for key, _ in told] == ([] if sound else ["source.settle"])
    assert all("every" in sentence and "settle" in sentence for _, sentence in told)


@pytest.mark.parametrize("url", ["rtsp://10.20.0.11/stream1", "rtsp://view@gate:554/a?b=c", "rtsp://[fe80::1]/"])
def test_the_address_of_a_stream_is_rtsp_and_a_machine(url: str) -> None:
    assert problems(camera(RtspSource(kind="rtsp", url=url))) == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://gate/1", 'does not begin with rtsp://; write such as "rtsp://'),
        ("rtsps://gate/1", "does not begin with rtsp://"),
        ("rtsp:///1", "names no machine"),
        ("rtsp://gate:0/1", "0 is no port"),
    ],
)
def test_another_address_of_a_stream_is_told_with_what_to_write(url: str, told: str) -> None:
    ((key, sentence),) = problems(camera(RtspSource(kind="rtsp", url=url)))
    assert (key, told in sentence) == ("source.url", True)


@pytest.mark.parametrize(
    ("user", "zone", "key"),
    [
        ("gate", None, None),
        ("wächter 1", "Asia/Tokyo", None),
        ("anonymous", None, "source.user"),
        ("FTP", None, "source.user"),
        (" gate", None, "source.user"),
        ("a\nb", None, "source.user"),
        ("x" * 65, None, "source.user"),
        ("gate", "Asia/Tokio", "source.zone"),
    ],
)
def test_a_camera_that_pushes_has_a_login_of_its_own_and_a_zone(user: str, zone: str | None, key: str | None) -> None:
    found = problems(camera(FtpSource(kind="ftp", user=user, password_file="x", zone=zone)))
    assert [one for one, _ in found] == ([key] if key else [])
