"""A hub that serves many units with a camera each, and a console in front of it: what sessions cost."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import ptys
from peers.nodesocket import Served, served
from peers.statuses import NOW, put, shifted, with_

HEAD = 'version = 1\nsite = { name = "harbour", zone = "UTC", data = "data", run = "run" }\n'
CHECK_IN = 200.0  # seconds in which every unit was heard once


def unit(number: int, now: float) -> Any:
    """Return the document of one."""
    document = with_(put("node", f"unit{number:02}"), put("cameras.0.name", f"north-{number:02}"))
    document["cameras"].pop()
    letters = "".join("#######+xe"[(number * 7 + hour * 3) % 10] for hour in range(24))
    document["cameras"][0]["strip"] = letters
    document["destinations"][0]["waiting"] = number * 13 % 400
    return shifted(document, now - NOW)


@dataclass
class Units:
    """`node`: what answers; `command`: the console on it."""

    node: Served
    command: list[str]

    def change(self, dice: random.Random) -> None:
        """Let five of the first twenty units be heard with another figure each."""
        for name in dice.sample(sorted(self.node.documents)[:20], 5):
            now = time.time()
            before = self.node.documents[name]
            there = {**before["destinations"][0], "waiting": dice.randrange(400)}
            self.node.documents[name] = before | {"destinations": [there], "at": now, "heard": now}


@contextmanager
def units(folder: Path, count: int = 20) -> Iterator[Units]:
    """Serve so many, the first of which is the node that is asked."""
    now, folder = time.time(), folder / "site"
    folder.mkdir()
    file = folder / "site.toml"
    file.write_text(HEAD + "".join(f'[[node]]\nname = "unit{number:02}"\n' for number in range(count)))
    documents = (unit(number, now) | {"heard": now - CHECK_IN * number / count} for number in range(count))
    command = ptys.python("-m", "core.cli.main", "console", "--site", file, "--node", "unit00")
    with served(folder, *documents, node="unit00") as node:
        yield Units(node, command)
