"""Ask the running node something: for the command line, the console and checks. Cheap to import."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

from core.control.wire import MAX_ANSWER, MAX_REQUEST, PATIENCE, address, read_line, write_line
from core.errors import BadRequest, Forbidden, NodeUnreachable, from_wire

_START = "start it with `overlapse run` (or: systemctl start overlapse)"


def ask(
    socket_path: str | os.PathLike[str],
    verb: str,
    args: Mapping[str, Any],
    timeout: float = PATIENCE,
    request_id: str | None = None,
) -> dict[str, Any]:
    """Have the node do `verb` and return what came of it.

    Raise NodeUnreachable when nobody answers within `timeout` seconds, Forbidden when the socket may not be opened,
    else the error that the node answers with. Asking again with the same `request_id` (16 to 64 hexadecimal digits)
    changes nothing a second time; by default each call is an order of its own.
    """
    until = time.monotonic() + timeout
    line = _request(verb, args, request_id or os.urandom(8).hex())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        _connect(connection, socket_path, timeout)
        try:
            _send(connection, line, until)
            answer = read_line(connection, MAX_ANSWER, until)
        except (OSError, EOFError, BadRequest) as error:
            raise _no_answer(socket_path, error, timeout) from error
    return _result(answer, socket_path)


def _request(verb: str, args: Mapping[str, Any], request_id: str) -> bytes:
    request = {"verb": verb, "args": args, "id": request_id}
    if (file := os.environ.get("SSH_USER_AUTH")) is not None:
        from core.control.key import key_of_login  # only a login that sshd tells of pays for hashlib

        if (key := key_of_login(os.fsencode(file), os.getuid())) is not None:
            request["key"] = key
    line = json.dumps(request, separators=(",", ":")).encode()
    if len(line) >= MAX_REQUEST:
        raise BadRequest(f"a request has at most {MAX_REQUEST} bytes")
    return line


def _connect(connection: socket.socket, socket_path: str | os.PathLike[str], timeout: float) -> None:
    path = os.fspath(socket_path)
    connection.settimeout(timeout)
    try:
        with address(path) as target:
            connection.connect(target)
    except PermissionError as error:
        raise Forbidden(f"{path}: you may not open it; become a member of the group that it belongs to") from error
    except FileNotFoundError as error:
        raise NodeUnreachable(f"{path}: the node does not run, there is no socket; {_START}") from error
    except ConnectionRefusedError as error:
        raise NodeUnreachable(f"{path}: the node ended without a word, nobody listens; {_START}") from error
    except OSError as error:
        raise _no_answer(path, error, timeout) from error


def _send(connection: socket.socket, line: bytes, until: float) -> None:
    try:
        write_line(connection, line, until)
    except ConnectionError:
        return  # it may have refused before it read all: its answer is there to read


def _no_answer(path: str | os.PathLike[str], error: Exception, timeout: float) -> NodeUnreachable:
    where = os.fspath(path)
    if isinstance(error, TimeoutError) or (isinstance(error, OSError) and error.errno == errno.EAGAIN):
        return NodeUnreachable(
            f"{where}: the node is there but gave no answer within {timeout:g} s; whether it did what was asked is "
            "not known: look at `overlapse status`"
        )
    if isinstance(error, EOFError | ConnectionError):
        return NodeUnreachable(f"{where}: the node closed the line without an answer; try again")
    return NodeUnreachable(f"{where}: {error}")


def _result(line: bytes, socket_path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        answer = json.loads(line)
        if "error" in answer:
            raise from_wire({"error": str(answer["error"]), "message": str(answer["message"])})
        result = answer["done"]
        if isinstance(result, dict):
            return result
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise NodeUnreachable(f"{os.fspath(socket_path)}: what answers there is not a node of this version")
