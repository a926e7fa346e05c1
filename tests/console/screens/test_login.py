"""A login that is the console and nothing else, through a real sshd: as docs/reach.md says to set it up."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from peers import ptys, sshd, tmuxes
from peers.nodesocket import Served, served
from peers.ptys import Pty
from peers.statuses import NOW, shifted, well

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(sshd.SSHD is None, reason=sshd.MISSING),
]
REACH = (ptys.ROOT / "docs" / "reach.md").read_text()
WAYS = ["ForceCommand", "command="]
GIVEN = {"HOME", "PATH", "LANG", "TERM", "SSH_USER_AUTH"}


@dataclass
class Login:
    """`client`: the command that logs in; `program`: what the console's command line has and no other."""

    client: list[str]
    node: Served
    server: sshd.Sshd
    program: str

    def asking(self, *words: str) -> list[str]:
        """Return the client's command for a terminal and, with words, a command of its own."""
        return [self.client[0], "-tt", *self.client[1:], *words]

    def pid(self) -> int:
        """Return the console's process."""
        found = [path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if self.program in _text(path)]
        consoles = [one for one in found if "python" in os.readlink(one / "exe")]  # noqa: PTH115
        assert len(consoles) == 1, consoles
        return int(consoles[0].name)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def _block(begins: str) -> str:
    """Return the block of the page that has this in it."""
    blocks: list[str] = re.findall(r"```\n(.*?)```", REACH, re.DOTALL)
    return next(block for block in blocks if begins in block)


@contextmanager
def login(folder: Path, way: str = "ForceCommand") -> Iterator[Login]:
    """Serve a node, and a login to it as the page has it."""
    file = folder / "site.toml"
    head = 'version = 1\nsite = { name = "harbour", zone = "UTC", data = "data", run = "run" }\n'
    file.write_text(f'{head}[[node]]\nname = "unit1"\n')
    program = shlex.join(ptys.python("-I", "-m", "core.cli.main"))
    asked = f"console --restricted --site {file}"

    def ours(text: str) -> str:
        return text.replace("/opt/overlapse/bin/overlapse console --restricted", f"{program} {asked}")

    keys = folder / "ssh" / "authorized_keys"
    more = "AcceptEnv LC_*\n"  # as Debian has it: nothing of it may come through
    if way == "ForceCommand":
        block = ours(_block("Match User")).replace("/etc/ssh/overlapse/%u", str(keys))
        more += re.sub(r"Match User \S+", "Match User *", block)
    document = shifted(well(), time.time() - NOW)
    with served(folder, document, node="unit1") as node, sshd.running(folder / "ssh", True, more=more) as server:
        if way == "command=":
            before = ours(_block("restrict,")).partition(" ssh-ed25519")[0]
            keys.write_text(f"{before} {keys.read_text()}")
        options = ["-F", "none", "-p", str(server.port), "-i", str(server.key_file), "-l", server.user]
        options += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        client = ["ssh", *options, "-o", "SendEnv=LC_* PYTHONPATH TEXTUAL_*", "127.0.0.1"]
        yield Login(client, node, server, asked)


@contextmanager
def session(at: Login, *words: str, **more: str) -> Iterator[Pty]:
    """Log in, and wait for the console."""
    environ = ptys.environment(LC_ALL="C.UTF-8", LC_EVIL="1", TEXTUAL_DEBUG="1", **more)
    with ptys.on_a_pty(at.asking(*words), environ=environ, leads=False) as line:
        assert line.shows("north@unit1"), line.screen.text
        yield line


@pytest.mark.parametrize("way", WAYS)
def test_the_console_is_what_a_login_gets_and_ctrl_z_ends_it(tmp_path: Path, way: str) -> None:
    with login(tmp_path, way) as at, session(at, "sh") as line:
        environ = Path(f"/proc/{at.pid()}/environ").read_text().split("\0")
        assert {one.partition("=")[0] for one in environ if one} <= GIVEN
        line.type("\x10:sh\r")  # no palette, and no command of that name
        assert line.shows("no command 'sh'"), line.screen.text
        line.type("\x1a")
        assert line.status() is not None
        assert not any("$" in text for text in line.screen.text)


def test_a_console_that_crashes_ends_the_session(tmp_path: Path) -> None:
    with login(tmp_path) as at, session(at) as line:
        os.kill(at.pid(), signal.SIGSEGV)
        line.type("\rid\r")
        assert line.status() not in (None, 0)
        assert not any("uid=" in text or "$" in text for text in line.screen.text)


@pytest.mark.parametrize("term", ["xterm;touch hacked", "$(touch hacked)", "nosuch-terminal"])
def test_a_terminal_of_any_name_runs_nothing_else(tmp_path: Path, term: str) -> None:
    with login(tmp_path) as at:
        with ptys.on_a_pty(at.asking(), environ=ptys.environment(TERM=term), leads=False) as line:
            shown = line.until(lambda: any("north" in text or "TERM" in text for text in line.screen.text))
            assert shown, line.screen.text
            line.type("q")
            assert line.status() is not None
    assert list(tmp_path.rglob("hacked")) == []
    assert not Path("hacked").exists()


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        ("ForceCommand", ["touch", "made"]),
        ("ForceCommand", ["-s", "sftp"]),
        ("ForceCommand", ["-W"]),
        ("command=", ["touch", "made"]),
        ("command=", ["-W"]),
    ],
)
def test_whatever_else_is_asked_for_is_not_given(tmp_path: Path, way: str, asked: list[str]) -> None:
    with login(tmp_path, way) as at:
        *options, host = at.client
        command = {
            "touch": [*options, host, *asked],
            "-s": [*options, "-s", host, "sftp"],
            "-W": [*options, "-W", f"127.0.0.1:{at.server.port}", host],  # the server's own port, which listens
        }[asked[0]]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        assert done.returncode != 0
        assert b"SSH-2.0" not in done.stdout
    assert not list(tmp_path.rglob("made"))


def test_the_audit_has_the_fingerprint_of_the_key_that_logged_in(tmp_path: Path) -> None:
    with login(tmp_path) as at, session(at) as line:
        confirm(line, ":capture north\r")
        line.type("\r")
        assert line.shows("DONE"), line.screen.text
        line.type("\r")
        assert line.shows("LAST DAY"), line.screen.text
        line.type("q")
        assert line.status() == 0
    key = (tmp_path / "ssh" / "user.pub").read_text()
    told = subprocess.run(["ssh-keygen", "-lf", "-"], input=key, capture_output=True, text=True, check=True).stdout
    assert told.split()[1] in at.node.place.folders.audit.read_text()
    assert [verb for verb, _ in at.node.acted] == ["capture"]


def confirm(line: Pty, keys: str) -> None:
    """Have a page asked for, and type the characters that it shows."""
    line.type(keys)
    assert line.shows("and then Enter"), line.screen.text
    code = next(found[1] for text in line.screen.text if (found := re.search(r"type +(\w{4}) +and then", text)))
    line.type(code)
    assert line.shows("> Capture"), line.screen.text


@pytest.mark.parametrize("entered", [False, True], ids=["before Enter", "right behind Enter"])
def test_a_session_that_is_cut_in_mid_act_leaves_it_finished_or_untouched(tmp_path: Path, entered: bool) -> None:
    with login(tmp_path) as at, session(at) as line:
        confirm(line, ":capture north\r")
        console = at.pid()
        if entered:
            line.type("\r")
        line.child.kill()  # the client: what it sent before is on its way
        assert tmuxes.until(lambda: not Path(f"/proc/{console}").exists(), 60), "the console goes on without a terminal"
        assert line.status() is not None
    results = re.findall(r'"result":"(\w+)', at.node.place.folders.audit.read_text() if at.node.acted else "")
    assert len(at.node.acted) <= (1 if entered else 0)
    assert len(results) >= len(at.node.acted), "an act without its line in the audit"


@pytest.mark.skipif(tmuxes.missing(), reason="tmux is not installed (package tmux)")
def test_a_tour_of_all_screens_through_sshd_in_a_real_tmux(tmp_path: Path) -> None:
    screens = {
        "2": "WAITING",
        "3": "1ST LOSS",
        "4": "alerts",
        "5": "redundancy",
        "6": "events",
        "7": "orders",
        "1": "LAST DAY",
        "Enter": "SLOT (UTC)",
        "Escape": "LAST DAY",
        "?": "filter rows",
    }
    with login(tmp_path) as at, tmuxes.tmux(100, 30) as server:
        server.start("far", at.asking(), ptys.environment())
        assert tmuxes.until(lambda: "north@unit1" in server.text("far"), 30), server.text("far")
        for key, shown in screens.items():
            server.type("far", key)
            assert tmuxes.until(lambda shown=shown: shown in server.text("far"), 20), (key, server.text("far"))  # type: ignore[misc]
        server.type("far", "Escape")
        server.resize("far", 44, 18)
        assert tmuxes.until(lambda: "SINCE" in server.text("far") and "LAST DAY" not in server.text("far"), 20)
        server.type("far", "q")
        assert tmuxes.until(lambda: "far" not in server.sessions(), 20)
