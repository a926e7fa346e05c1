"""What the program itself sends to a real terminal, beside the figures it promises; 20 rows at 100x30."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path
from typing import Any

from peers import ptys
from peers.manyunits import units

from core.processing import halfblocks

LIMITS = {
    "first paint": 2500,
    "nothing changing": 0,
    "cursor": 24,
    "screen": 2500,
    "back": 2500,
    "confirmation": 1500,
    "preview": 9000,
}


def photo() -> Any:
    """Return a preview that is as dear as one may be."""
    rows: list[str] = []
    dice, colours = random.Random(1), [16, 52, 94, 130, 172, 214, 229, 231]
    while halfblocks.price(halfblocks.cells(rows, colours)) < 8600:
        rows += ["".join(dice.choice("01234567") for _ in range(30)) for _ in range(2)]
    price = halfblocks.price(halfblocks.cells(rows[:-2], colours))
    about = {"at": time.time(), "name": "x", "size": [9, 9], "grey": ["@"]}
    return {"rows": rows[:-2], "palette": colours, "price": price, **about}


def test_a_session_costs_what_was_promised_and_q_ends_it(tmp_path: Path) -> None:
    with units(tmp_path) as hub:
        hub.node.answers["preview"] = photo()
        with ptys.on_a_pty(hub.command, leads=False) as line:
            assert line.shows("north-19"), line.screen.text
            line.quiet(0.5)
            sizes = {"first paint": len(line.sent)}
            line.type("++")
            assert line.shows(" sent")  # what the session cost until then comes once a minute
            line.quiet(0.5)
            sizes["nothing changing"] = min(line.cost("", 1.6), line.cost("", 1.6))  # one minute may end meanwhile
            sizes["cursor"] = max(line.cost("j", 0.3) for _ in range(3))
            sizes["screen"] = max(line.cost("2", 0.5), line.cost("1", 0.5), line.cost("\r", 0.5))
            sizes["confirmation"] = line.cost("c", 0.5)
            assert any("Leave it as it is" in text for text in line.screen.text)
            sizes["back"] = line.cost("\x1b", 0.5)
            line.type("i")
            assert line.shows("Enter "), line.screen.text
            line.quiet(0.5)
            sizes["preview"] = line.cost("\r", 0.5)
            line.type("q")
            assert line.status() == 0
            assert hub.node.acted == []
    assert {name: size for name, size in sizes.items() if size > LIMITS[name]} == {}


def test_a_terminal_that_is_none_is_told_so(tmp_path: Path) -> None:
    with units(tmp_path, 1) as hub:
        done = subprocess.run(hub.command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, "overlapse status" in done.stderr) == (2, True)


def test_the_block_for_ssh_is_one_that_ssh_takes(tmp_path: Path) -> None:
    done = subprocess.run(ptys.python("-m", "core.cli.main", "console", "--ssh-config"), capture_output=True, text=True)
    (tmp_path / "config").write_text(done.stdout)
    read = subprocess.run(["ssh", "-G", "-F", tmp_path / "config", "overlapse"], capture_output=True, text=True)
    assert (read.returncode, "config" in read.stderr) == (0, False), read.stderr
    assert {"compression yes", "controlpersist 900", "forwardagent no"} <= set(read.stdout.splitlines())
