"""Who is at the other end of the socket: the kernel's word, the group database."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from dataclasses import dataclass

from core.control.key import key_of_process
from core.control.verbs import Role
from core.errors import Forbidden
from core.site.model.nodes import Roles

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True)
class Who:
    """A person who asks, as the kernel and the group database know them.

    `key` is the fingerprint of the SSH key of the login where something says so: for the audit only, it proves nothing.
    Who asks from another node has that node's word for all of this, and `order` is the number of the order.
    """

    uid: int
    user: str
    role: Role
    pid: int
    key: str | None = None
    node: str | None = None
    order: str | None = None


def identify(connection: socket.socket, roles: Roles) -> Who:
    """Return who connected; raise Forbidden for everybody without a role.

    Credentials are those of the moment of connecting, kept by the kernel: nothing that is sent changes them.
    """
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    user = _user(uid)
    role = role_of(uid, roles)
    if role is None:
        groups = ", ".join((roles.view, roles.operate, roles.admin))
        raise Forbidden(f"{user} (uid {uid}) has no role here: only root, the node's own user and members of {groups}")
    return Who(uid, user, role, pid, key_of_process(pid, uid))


def role_of(uid: int, roles: Roles) -> Role | None:
    """Return the highest role of the account: root and the node's own are admin, others by their Unix groups."""
    if uid in (0, os.geteuid()):
        return Role.ADMIN
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        return None
    member_of = set(os.getgrouplist(account.pw_name, account.pw_gid))
    named = ((Role.ADMIN, roles.admin), (Role.OPERATE, roles.operate), (Role.VIEW, roles.view))
    return next((role for role, group in named if _group(group) in member_of), None)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
