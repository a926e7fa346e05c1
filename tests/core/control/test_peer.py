from __future__ import annotations

import base64
import grp
import hashlib
import json
import os
import pwd
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.control.key import key_of_login, key_of_process
from core.control.peer import role_of
from core.control.verbs import Role
from core.errors import Forbidden
from core.site.model.nodes import Roles

NOBODY_HERE = Roles(view="no-such-group-1", operate="no-such-group-2", admin="no-such-group-3")
BLOB = base64.b64encode(b"\x00\x00\x00\x0bssh-ed25519" + bytes(range(36)))
FINGERPRINT = "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(BLOB)).digest()).decode().rstrip("=")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user: run the tests as root")

AS_ANOTHER = """
import json, os, sys
from core.control.client import ask
from core.errors import OverlapseError, to_wire
os.setgroups([int(gid) for gid in sys.argv[3].split(",") if gid])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[1]))
for verb, args in json.loads(sys.argv[5]):
    try:
        print(json.dumps(ask(sys.argv[4], verb, args)))
    except OverlapseError as error:
        print(json.dumps(to_wire(error)))
"""


def ask_as(account: pwd.struct_passwd, path: Path, *asked: Any, groups: str = "") -> list[dict[str, Any]]:
    argv = [str(account.pw_uid), str(account.pw_gid), groups, str(path), json.dumps(asked)]
    out = subprocess.run([sys.executable, "-I", "-c", AS_ANOTHER, *argv], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in out.stdout.splitlines()]


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """Give the path of a socket in a folder that every account can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "control.sock"


@pytest.fixture
def nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def supplementary() -> tuple[pwd.struct_passwd, str] | None:
    """Return an account of this machine and a group that it is in by the group database alone."""
    for group in grp.getgrall():
        for member in group.gr_mem:
            try:
                account = pwd.getpwnam(member)
            except KeyError:
                continue
            if account.pw_gid != group.gr_gid and account.pw_uid != 0:
                return account, group.gr_name
    return None


def test_root_and_the_account_of_the_node_are_admin() -> None:
    assert role_of(0, NOBODY_HERE) is Role.ADMIN
    assert role_of(os.geteuid(), NOBODY_HERE) is Role.ADMIN


def test_an_account_outside_the_groups_has_no_role(nobody: pwd.struct_passwd) -> None:
    assert role_of(nobody.pw_uid, NOBODY_HERE) is None
    assert role_of(nobody.pw_uid, Roles()) is None


def test_a_uid_without_an_account_has_no_role() -> None:
    assert role_of(3_999_999_999, Roles(view="root", operate="root", admin="root")) is None


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.word)
def test_the_group_gives_the_role_and_the_highest_counts(nobody: pwd.struct_passwd, role: Role) -> None:
    group = grp.getgrgid(nobody.pw_gid).gr_name
    names = {lower.word: group for lower in Role if lower <= role}
    others = {higher.word: f"no-such-group-{higher}" for higher in Role if higher > role}
    assert role_of(nobody.pw_uid, Roles(**names, **others)) is role


@pytest.mark.skipif(
    supplementary() is None, reason="no account here has a supplementary group: add one with usermod -aG"
)
def test_supplementary_groups_of_the_group_database_count() -> None:
    found = supplementary()
    assert found is not None
    account, group = found
    assert role_of(account.pw_uid, Roles(view="no-such-group", operate=group, admin="no-such-group")) is Role.OPERATE


@needs_root
def test_a_stranger_does_not_even_reach_the_socket(
    make_node: Callable[..., Any], open_to_all: Path, nobody: pwd.struct_passwd
) -> None:
    node = make_node(open_to_all.parent / "run" / "control.sock", roles=NOBODY_HERE)
    (answer,) = ask_as(nobody, node.path, ["status", {}])
    assert answer["error"] == "Forbidden"
    assert "you may not open it" in answer["message"]
    assert node.requests == []


@needs_root
def test_a_stranger_who_reaches_the_socket_is_refused_by_the_kernels_word(
    make_node: Callable[..., Any], open_to_all: Path, nobody: pwd.struct_passwd
) -> None:
    node = make_node(open_to_all, roles=NOBODY_HERE)
    node.path.chmod(0o666)
    for answer in ask_as(nobody, node.path, ["status", {}], ["stop", {}]):
        assert answer["error"] == "Forbidden"
        assert "nobody (uid 65534) has no role here" in answer["message"]
    assert node.requests == []
    assert node.audited() == []


@needs_root
def test_groups_that_only_the_process_claims_give_no_role(
    make_node: Callable[..., Any], open_to_all: Path, nobody: pwd.struct_passwd
) -> None:
    node = make_node(open_to_all, roles=Roles(view="no-such-group", operate="no-such-group", admin="daemon"))
    node.path.chmod(0o666)
    (answer,) = ask_as(nobody, node.path, ["status", {}], groups=str(grp.getgrnam("daemon").gr_gid))
    assert answer["error"] == "Forbidden"


@needs_root
def test_a_viewer_sees_and_changes_nothing_whatever_the_bytes_say(
    make_node: Callable[..., Any], open_to_all: Path, nobody: pwd.struct_passwd
) -> None:
    group = grp.getgrgid(nobody.pw_gid).gr_name
    node = make_node(open_to_all, roles=Roles(view=group, operate="no-such-group", admin="no-such-group"))
    assert node.path.stat().st_gid == nobody.pw_gid  # the socket is theirs to open
    replayed = ["capture", {"camera": "north"}]
    assert node.ask("capture", request_id="0123456789abcdef", camera="north")  # by the admin, overheard
    seen, *refused = ask_as(nobody, node.path, ["status", {}], replayed, ["stop", {}])
    assert (seen["user"], seen["role"]) == ("nobody", "view")
    assert [answer["error"] for answer in refused] == ["Forbidden", "Forbidden"]
    assert "capture is for operate; your role is view" in refused[0]["message"]
    assert [request.verb for request in node.requests] == ["capture", "status"]
    assert {line["who"]["user"] for line in node.audited() if line["result"].startswith("refused")} == {"nobody"}


@needs_root
def test_an_id_of_somebody_else_gives_no_look_at_his_answer(
    make_node: Callable[..., Any], open_to_all: Path, nobody: pwd.struct_passwd
) -> None:
    group = grp.getgrgid(nobody.pw_gid).gr_name
    node = make_node(open_to_all, roles=Roles(view=group, operate=group, admin="no-such-group"))
    line = b'{"verb":"resume","args":{"camera":"north"},"id":"0123456789abcdef"}\n'
    assert node.raw(line)["done"]["user"] != "nobody"
    code = "import os,socket,sys; os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]));"
    code += "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[3]); s.sendall(sys.argv[4].encode());"
    code += "print(s.makefile().readline())"
    argv = [str(nobody.pw_uid), str(nobody.pw_gid), str(node.path), line.decode()]
    out = subprocess.run([sys.executable, "-I", "-c", code, *argv], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout)["done"]["user"] == "nobody"
    assert len(node.requests) == 2


@pytest.fixture
def auth_info() -> Iterator[Path]:
    """Give a file such as sshd writes with ExposeAuthInfo."""
    with tempfile.NamedTemporaryFile(prefix="sshauth.", dir="/tmp") as file:
        file.write(b"keyboard-interactive\npublickey ssh-ed25519 " + BLOB + b"\n")
        file.flush()
        yield Path(file.name)


def test_the_key_of_a_login_is_named_as_ssh_keygen_prints_it(auth_info: Path) -> None:
    assert key_of_login(os.fsencode(auth_info), os.geteuid()) == FINGERPRINT


def test_the_key_of_another_process_is_found_through_its_environment(auth_info: Path) -> None:
    peer = subprocess.Popen(
        [sys.executable, "-I", "-c", "print('up', flush=True); input()"],
        env={"SSH_USER_AUTH": str(auth_info)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert peer.stdout is not None
    assert peer.stdout.readline() == b"up\n"
    assert key_of_process(peer.pid, os.geteuid()) == FINGERPRINT
    assert key_of_process(peer.pid, os.geteuid() + 1) is None
    peer.communicate(b"\n")
    assert key_of_process(peer.pid, os.geteuid()) is None


def test_the_audit_names_the_key_of_the_login(node: Any, auth_info: Path, nobody: pwd.struct_passwd) -> None:
    code = "import sys; from core.control.client import ask; ask(sys.argv[1], 'capture', {'camera': 'north'})"
    subprocess.run(
        [sys.executable, "-I", "-c", code, str(node.path)], check=True, env={"SSH_USER_AUTH": str(auth_info)}
    )
    node.ask("capture", camera="north")
    assert [line["who"].get("key") for line in node.audited()] == [FINGERPRINT, FINGERPRINT, None, None]


@pytest.mark.parametrize("content", [b"", b"publickey\n", b"publickey ssh-ed25519 !!!\n", b"password\n", b"\xff\n"])
def test_a_file_without_a_key_names_none(auth_info: Path, content: bytes) -> None:
    auth_info.write_bytes(content)
    assert key_of_login(os.fsencode(auth_info), os.geteuid()) is None


def test_a_file_that_sshd_did_not_write_for_that_account_is_not_read(auth_info: Path, tmp_path: Path) -> None:
    me = os.geteuid()
    assert key_of_login(os.fsencode(auth_info), me + 1) is None
    assert key_of_login(b"/etc/passwd", me) is None
    assert key_of_login(b"/tmp/sshauth.x/../../etc/passwd", me) is None
    assert key_of_login(b"/tmp/sshauth.nul\0", me) is None
    copy = tmp_path / "sshauth.copy"
    copy.write_bytes(auth_info.read_bytes())
    assert key_of_login(os.fsencode(copy), me) is None


@pytest.fixture
def trap() -> Iterator[Path]:
    """Give a name that sshd could have used; what stands there at the end is removed."""
    path = Path(f"/tmp/sshauth.{os.urandom(8).hex()}")
    yield path
    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", ["link", "pipe", "socket", "folder", "nothing"])
def test_something_that_is_no_plain_file_is_not_read_and_does_not_block(auth_info: Path, trap: Path, kind: str) -> None:
    if kind == "link":
        trap.symlink_to(auth_info)
    elif kind == "pipe":
        os.mkfifo(trap)
    elif kind == "folder":
        trap.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as line:
            line.bind(str(trap))
    assert key_of_login(os.fsencode(trap), os.geteuid()) is None


def test_forbidden_is_told_by_its_class(make_node_for: Callable[[Role | None], Any]) -> None:
    with pytest.raises(Forbidden, match="a stranger"):
        make_node_for(None).ask("status")
