"""The image child as the node starts it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.child import Child
from core.processing.job import CPU, MEMORY
from core.processing.wire import ENVIRONMENT
from core.site.model import Step

Studio = Any


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child("images", environment=ENVIRONMENT)
    yield child
    child.close()


def limit(pid: int, name: str) -> list[str]:
    """Return the soft and hard limit that the kernel keeps for a process."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith(name)).removeprefix(name).split()[:2]


def test_the_child_makes_renditions_over_the_wire(child: Child, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo()))
    steps = [Step(resize="480x320"), Step(watermark=studio.logo()), Step(legend="{camera} {time:%H:%M}", bar=True)]
    answer = child.ask("process", studio.job(tmp_path / "p.jpg", tmp_path, web=steps, thumbnail=True), deadline=30)
    assert answer["verdict"] == "whole"
    assert studio.made(answer).size == (480, 320)


def test_the_child_limits_itself_at_its_first_job(child: Child, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo()))
    child.start()
    assert child.pid is not None
    for _ in range(2):
        child.ask("process", studio.job(tmp_path / "p.jpg", tmp_path), deadline=30)
        assert limit(child.pid, "Max address space") == [str(MEMORY), str(MEMORY)]
        assert CPU <= int(limit(child.pid, "Max cpu time")[0]) <= CPU + 30


def test_a_broken_picture_costs_neither_the_child_nor_the_next_picture(
    child: Child, studio: Studio, tmp_path: Path
) -> None:
    whole = studio.jpeg(studio.photo())
    (tmp_path / "broken.jpg").write_bytes(whole[:5000])
    (tmp_path / "whole.jpg").write_bytes(whole)
    verdicts = [
        child.ask("process", studio.job(tmp_path / f"{name}.jpg", tmp_path), deadline=30)["verdict"]
        for name in ("broken", "whole", "broken", "whole")
    ]
    assert verdicts == ["broken", "whole", "broken", "whole"]
