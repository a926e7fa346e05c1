"""A real net-snmp agent on loopback: its own configuration, a free port, users of both versions; root or not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SNMPD = shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = "no snmpd on this machine: install snmpd and snmp"

COMMUNITY = "s3cret-c0mmunity"
OLD = "an-old-router"  # a community that sees no counters of 64 bits
BLIND = "blind"  # one that sees no interfaces at all
AUTH, PRIV = 'auth "pass\\phrase" #1', "privacy of unit1"  # with all that wants a backslash in a snmp.conf
TABLE = ".1.3.6.1.4.1.6574"  # where the rows of `running` are served
_INTERFACES = ".1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.2.2"  # nsCacheTimeout of ifTable, seconds
_WRITER = "only-for-the-tests"

_CONFIG = """
agentaddress udp:127.0.0.1:{port}
rwcommunity {writer} 127.0.0.1
rocommunity {community} 127.0.0.1
view narrow included .1
view narrow excluded .1.3.6.1.2.1.31.1.1.1.6
view narrow excluded .1.3.6.1.2.1.31.1.1.1.10
view blind included .1.3.6.1.2.1.1
com2sec oldname 127.0.0.1 {old}
com2sec blindname 127.0.0.1 {blind}
group olds v2c oldname
group blinds v2c blindname
access olds "" any noauth exact narrow none none
access blinds "" any noauth exact blind none none
createUser sha SHA "{auth}" AES "{priv}"
createUser sha512 SHA-512 "{auth}" AES-256 "{priv}"
createUser signer SHA-256 "{auth}"
createUser reader SHA "{auth}" AES "{priv}"
rouser sha priv
rouser reader priv .1.3.6.1.2.1
rouser sha512 priv
rouser signer auth
pass_persist {root} {python} -I -S {script} {table}
"""

_SCRIPT = """
import sys
rows = [line.rstrip("\\n").split("|", 2) for line in open(sys.argv[1])]
names = [tuple(map(int, row[0].strip(".").split("."))) for row in rows]
while line := sys.stdin.readline().strip():
    if line == "PING":
        print("PONG", flush=True)
        continue
    asked = tuple(map(int, sys.stdin.readline().strip().strip(".").split(".")))
    after = [n for n, name in enumerate(names) if (name == asked if line == "get" else name > asked)]
    print("\\n".join(rows[after[0]]) if after else "NONE", flush=True)
"""


@dataclass(frozen=True)
class Snmpd:
    """A running agent; `host` as site.toml names it."""

    port: int
    pid: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


def v2c(community: str = COMMUNITY) -> str:
    """Return credentials for version 2c."""
    return f"defVersion 2c\ndefCommunity {community}\n"


def v3(user: str = "sha", **changed: str) -> str:
    """Return credentials of one of the users; `changed`: words of snmp.conf and other values for them."""
    words = {
        "defVersion": "3",
        "defSecurityName": user,
        "defSecurityLevel": "authNoPriv" if user == "signer" else "authPriv",
        "defAuthType": {"sha512": "SHA-512", "signer": "SHA-256"}.get(user, "SHA"),
        "defAuthPassphrase": _quoted(AUTH),
        "defPrivType": "AES-256" if user == "sha512" else "AES",
        "defPrivPassphrase": _quoted(PRIV),
    }
    return "".join(f"{word} {value}\n" for word, value in (words | changed).items())


def _quoted(text: str) -> str:
    return '"' + _escaped(text) + '"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def free_port() -> int:
    """Return a UDP port of loopback that nobody uses now."""
    with socket.socket(type=socket.SOCK_DGRAM) as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, rows: Mapping[str, tuple[str, object]], root: str = TABLE) -> Iterator[Snmpd]:
    """Run an agent in `folder` that serves `rows` below `root`: {OID: (type of pass_persist, value)}, in order."""
    assert SNMPD is not None, MISSING
    folder.mkdir(parents=True, exist_ok=True)
    table, script, config = folder / "table", folder / "table.py", folder / "snmpd.conf"
    table.write_text("".join(f"{oid}|{kind}|{value}\n" for oid, (kind, value) in rows.items()))
    script.write_text(_SCRIPT)
    port = free_port()
    config.write_text(
        _CONFIG.format(
            port=port,
            writer=_WRITER,
            community=COMMUNITY,
            old=OLD,
            blind=BLIND,
            auth=_escaped(AUTH),
            priv=_escaped(PRIV),
            root=root,
            python=sys.executable,
            script=script,
            table=table,
        )
    )
    process = subprocess.Popen(
        [SNMPD, "-f", "-C", "-c", str(config), "-Lf", str(folder / "log"), f"--persistentDir={folder / 'kept'}"],
        stdin=subprocess.DEVNULL,
        env=_environment(folder),
    )
    try:
        _await_interfaces(process, port, folder)
        yield Snmpd(port, process.pid)
    finally:
        process.terminate()  # it ends its pass_persist
        process.wait(10)


def _await_interfaces(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Wait until the agent answers, and have it read the interfaces anew each second instead of each three."""
    command = ["/usr/bin/snmpset", "-v2c", f"-c{_WRITER}", "-t0.1", "-r1", f"127.0.0.1:{port}", _INTERFACES, "i", "1"]
    for _ in range(100):
        if subprocess.run(command, capture_output=True, env=_environment(folder)).returncode == 0:
            return
        if process.poll() is not None:
            break
    raise AssertionError(f"snmpd does not answer: {(folder / 'log').read_text()}")


def _environment(folder: Path) -> dict[str, str]:
    return {"MIBS": "", "MIBDIRS": str(folder), "HOME": str(folder), "SNMP_PERSISTENT_DIR": str(folder / "kept")}
