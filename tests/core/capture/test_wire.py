from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from core.capture.base import Part, Shot
from core.capture.serve import KINDS, find
from core.capture.tethered import network_port
from core.capture.wire import SOURCES, camera_from_json, camera_to_json, part_from_json, shot_from_json, to_json
from core.child import Child
from core.errors import ChildError
from core.site.model.cameras import (
    Camera,
    Event,
    FolderSource,
    GphotoSource,
    HttpSource,
    Recovery,
    Schedule,
    Settings,
    Source,
)
from core.values import Fence, Sha256

PART = Part("a.jpg", "jpeg", 3, Sha256("0" * 64), "/DCIM/A.JPG", None, 1.5)


@pytest.mark.parametrize(
    "source",
    [
        GphotoSource(kind="gphoto2", serial="1"),
        HttpSource(kind="http", url="http://x/", max_size=5),
        FolderSource(kind="folder", path="/x", settle=timedelta(seconds=2.5), remove=True),
    ],
    ids=lambda source: source.kind,
)
def test_a_camera_crosses_to_its_child_unchanged(source: Source) -> None:
    camera = Camera(
        name="north",
        source=source,
        shoots="raw+jpeg",
        schedule=(Schedule(every=timedelta(minutes=10)), Schedule(at=("12:00",))),
        event=(Event(every=timedelta(seconds=30), begin="2026-11-21T08:00", end="2026-11-21T09:00"),),
        settings=Settings(iso="100"),
        recovery=Recovery(hook=("relay", "off")),
    )
    assert camera_from_json(json.loads(json.dumps(camera_to_json(camera)))) == camera


def test_a_shot_crosses_back_unchanged() -> None:
    shot = Shot(2.5, (PART,), (PART,), True, {"iso": ("100", "200")}, ("a note",))
    assert shot_from_json(json.loads(json.dumps(to_json(shot)))) == shot
    assert part_from_json(json.loads(json.dumps(to_json(PART)))) == PART


def test_a_fence_crosses_as_text() -> None:
    assert to_json(Fence(1, 7)) == "1-7"


def test_every_kind_that_can_be_configured_has_its_camera() -> None:
    assert set(SOURCES) == set(KINDS)
    assert all(callable(find(kind)) for kind in KINDS)


@pytest.mark.parametrize(
    "module", ["core.capture.wire", "core.capture.ladder", "core.capture.serve", "core.capture.tethered"]
)
def test_no_heavy_library_is_paid_for_before_a_camera_needs_it(module: str) -> None:
    heavy = ("gphoto2", "requests", "pydantic", "PIL", "paramiko")
    code = f"import {module}, sys; print([m for m in {heavy!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("192.168.1.5", "ptpip:192.168.1.5:15740:15740"),
        ("192.168.1.5:1", "ptpip:192.168.1.5:1:1"),
        ("192.168.1.5:1:2", "ptpip:192.168.1.5:1:2"),
    ],
)
def test_an_address_becomes_a_port_of_the_library(address: str, port: str) -> None:
    assert network_port(address) == port


def test_only_a_camera_on_usb_is_reset() -> None:
    child = Child("camera")
    try:
        with pytest.raises(ChildError, match="USB"):
            child.ask("reset", {}, 10)
    finally:
        child.close()
