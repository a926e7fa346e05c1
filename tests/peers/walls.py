"""A firewall of nftables between two networks, each in a network namespace of its own; what is run in one of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
MISSING = "a firewall needs root, ip and nft (Debian: iproute2, nftables)"
HERE, THERE, NOBODY = "10.77.1.2", "10.77.2.2", "10.77.2.9"

RULES = """
table inet wall {{
    chain forward {{
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        {rules}
    }}
}}
"""

LISTEN = """
import socket, sys
held = []
for port in sys.argv[1:]:
    one = socket.create_server(("0.0.0.0", int(port)))
    held.append(one)
print("ready", flush=True)
sys.stdin.read()
"""


def possible() -> bool:
    """Return whether one can be made here."""
    if os.geteuid() != 0 or shutil.which("nft", path=PATH) is None or shutil.which("ip", path=PATH) is None:
        return False
    name = f"ow{os.getpid()}t"
    made = subprocess.run(["ip", "netns", "add", name], env={"PATH": PATH}, capture_output=True)
    subprocess.run(["ip", "netns", "del", name], env={"PATH": PATH}, capture_output=True)
    return made.returncode == 0


def _run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, env={"PATH": PATH}, input=text, text=True, check=True, capture_output=True)


class Wall:
    """Client `here`, router `wall`, server `there`: three namespaces."""

    def __init__(self, name: str) -> None:
        self.here, self.wall, self.there = (f"{name}{letter}" for letter in "hwt")

    def inside(self, code: str, *arguments: str) -> str:
        """Run Python code at the client; return what it prints."""
        paths = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
        command = ["ip", "netns", "exec", self.here, sys.executable, "-I", "-c"]
        command += [f"import sys; sys.path[:0] = {paths!r}\n{code}", *arguments]
        done = subprocess.run(
            command,
            env={"PATH": PATH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def program(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        """Run a program at the client."""
        whole = ["ip", "netns", "exec", self.here, *command]
        return subprocess.run(whole, env={"PATH": PATH}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


@contextmanager
def built(rules: str, *ports: int) -> Iterator[Wall]:
    """Yield a firewall that forwards by `rules` and a server behind it that listens on `ports`; nothing else does."""
    wall = Wall(f"ow{os.getpid()}")
    spaces = (wall.here, wall.wall, wall.there)
    listener: subprocess.Popen[str] | None = None
    try:
        for space in spaces:
            _run("ip", "netns", "add", space)
            _run("ip", "-n", space, "link", "set", "lo", "up")
        for network, space, mine in (("1", wall.here, "10.77.1"), ("2", wall.there, "10.77.2")):
            _run(
                "ip",
                "-n",
                wall.wall,
                "link",
                "add",
                f"w{network}",
                "type",
                "veth",
                "peer",
                "name",
                "eth",
                "netns",
                space,
            )
            _run("ip", "-n", wall.wall, "addr", "add", f"{mine}.1/24", "dev", f"w{network}")
            _run("ip", "-n", wall.wall, "link", "set", f"w{network}", "up")
            _run("ip", "-n", space, "addr", "add", f"{mine}.2/24", "dev", "eth")
            _run("ip", "-n", space, "link", "set", "eth", "up")
            _run("ip", "-n", space, "route", "add", "default", "via", f"{mine}.1")
        _run("ip", "netns", "exec", wall.wall, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        _run("ip", "netns", "exec", wall.wall, "nft", "-f", "-", text=RULES.format(rules=rules))
        listener = subprocess.Popen(
            ["ip", "netns", "exec", wall.there, sys.executable, "-IS", "-c", LISTEN, *map(str, ports)],
            env={"PATH": PATH},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"
        yield wall
    finally:
        if listener is not None:
            listener.terminate()
            listener.communicate()
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], env={"PATH": PATH}, capture_output=True)
