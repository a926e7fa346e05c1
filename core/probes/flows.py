"""Does a firewall let through what it must, and nothing else? Connections over TCP, slowly, each with its outcome.

A blocked flow is only proven where its target is known to be alive: a *control*, a port of the same machine (or of one
in the same network) that must answer from the same vantage at the same time. A reset proves nothing: it may come from
a machine on which nothing listens. Linux tells the rest apart: no answer is a DROP, an ICMP error (RFC 1122, 3.2.2.1) a
REJECT.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from core.text import safe

Json = dict[str, Any]

OPEN, RESET, REJECTED, DROPPED = "open", "reset", "rejected", "dropped"
UNRESOLVED = "no such name"
WAIT = 5.0  # seconds for an answer: a lost first packet is sent again after 1 and 3
RATE = 20.0  # connections a second
MOST = 256  # addresses of one flow's network
_REJECTS = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.ENOPROTOOPT, errno.EHOSTDOWN}
SSH = "/usr/bin/ssh"
_ENTERED = "Authenticated to"  # of OpenSSH's words, as it logs at DEBUG2
_ENTRY = (
    ("Permission denied (", "it does not let us in"),
    ("Host key verification failed", "its host key is another one"),
    ("Connection refused", "nothing listens for SSH there"),
)
_CHANNEL = (
    ("open confirm", OPEN),
    ("Connection refused", RESET),
    ("No route to host", REJECTED),
    ("Network is unreachable", REJECTED),
    ("Permission denied", REJECTED),
    ("Connection timed out", DROPPED),
    ("administratively prohibited", "its SSH server forwards nothing"),
    ("open failed", "its SSH server could not try"),
)


class Flow(NamedTuple):
    """What must be so. `to`: HOST:PORT or NETWORK:PORT; `control`: HOST:PORT that answers; `expect`: pass, blocked.

    `vantage`: where it is tried from: "" is this machine, "user@host[:port]" one that is reached by SSH.
    """

    to: str
    expect: str
    control: str | None = None
    vantage: str = ""


class Way(NamedTuple):
    """How SSH reaches a vantage: a key, and the known_hosts that pins its key."""

    key_file: str
    known_hosts: str


def split(address: str) -> tuple[str, int]:
    """Return host, or network, and port of "host:443", "10.1.0.0/24:445" or "[fe80::1]:22"; raise ValueError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65_536 or not host.strip("[]"):
        raise ValueError(f"'{safe(address, 60)}': write HOST:PORT, such as \"10.1.0.5:445\"")
    return host.removeprefix("[").removesuffix("]"), int(port)


def targets(to: str, control: str | None) -> list[tuple[str, int]]:
    """Return the machines and port that a flow means, that of the control first; raise ValueError."""
    host, port = split(to)
    if "/" not in host:
        return [(host, port)]
    network = ipaddress.ip_network(host, strict=False)
    if network.num_addresses > MOST:
        raise ValueError(f"{host} has {network.num_addresses} addresses; at most {MOST}: name a smaller network")
    found = [str(one) for one in network.hosts()]
    first = split(control)[0] if control else ""
    return [(one, port) for one in sorted(found, key=lambda one: one != first)]


def same_machine(to: str, control: str) -> bool:
    """Return whether a control is a port of the machine that a flow means, or lies in its network; raise ValueError."""
    host, wanted = split(to)[0], split(control)[0]
    if "/" not in host:
        return host == wanted
    try:
        return ipaddress.ip_address(wanted) in ipaddress.ip_network(host, strict=False)
    except ValueError:
        return False


def audit(flows: Sequence[Flow], ways: Mapping[str, Way], rate: float = RATE, wait: float = WAIT) -> list[Json]:
    """Return {"to", "vantage", "expect", "outcome", "control", "verdict", "why"} of every flow, in their order.

    `verdict`: "as designed", "not proven" or "violated". No more than `rate` connections a second are begun.
    """
    asked: dict[tuple[str, str, int], str] = {}
    for flow in flows:
        for host, port in [*targets(flow.to, flow.control), *([split(flow.control)] if flow.control else [])]:
            asked[flow.vantage, host, port] = ""
    here = [(host, port) for vantage, host, port in asked if not vantage]
    found = {("", *one): said for one, said in connected(here, rate, wait).items()}
    for vantage, host, port in asked:
        if vantage:
            found[vantage, host, port] = over_ssh(vantage, ways.get(vantage), host, port, wait)
    return [_judged(flow, found) for flow in flows]


def _judged(flow: Flow, found: Mapping[tuple[str, str, int], str]) -> Json:
    outcomes = {one: found[flow.vantage, *one] for one in targets(flow.to, flow.control)}
    control = found[flow.vantage, *split(flow.control)] if flow.control else None
    verdict, why = _verdict(flow, outcomes, control)
    first = next(iter(outcomes.values()))
    told = {"to": flow.to, "vantage": flow.vantage, "expect": flow.expect, "outcome": first, "control": control}
    return {**told, "verdict": verdict, "why": why}


def _verdict(flow: Flow, outcomes: Mapping[tuple[str, int], str], control: str | None) -> tuple[str, str]:
    words = list(outcomes.values())
    strange = next((one for one in words if one not in (OPEN, RESET, REJECTED, DROPPED)), None)
    if strange is not None:
        return "not proven", f"the vantage does not work: {strange}"
    if flow.expect == "pass":
        if words[0] == OPEN:
            return "as designed", "it answers"
        if words[0] == RESET:
            return "violated", "a reset: nothing listens there, or the firewall refuses it"
        return "violated", f"it is {words[0]}" + ("" if control != OPEN else ", though its machine is alive")
    opened = [host for (host, _), word in outcomes.items() if word == OPEN]
    if opened:
        return "violated", f"it is open at {', '.join(opened[:3])}" + (
            f" and {len(opened) - 3} more" * (len(opened) > 3)
        )
    if flow.control is None:
        return "not proven", "it has no control: a dead machine looks the same"
    if not same_machine(flow.to, flow.control):
        return "not proven", "its control is another machine"
    if control != OPEN:
        return "not proven", f"its control {flow.control} is {control}: the machine or the way to it is dead"
    if words[0] == RESET:
        return "not proven", "a reset: nothing listens there, or the firewall resets; name a port that listens"
    return "as designed", "by DROP" if words[0] == DROPPED else "by REJECT"


def connected(asked: Iterable[tuple[str, int]], rate: float = RATE, wait: float = WAIT) -> dict[tuple[str, int], str]:
    """Return the outcome of a connection to each, begun at most `rate` a second, all of them waiting at once."""
    waiting: dict[int, tuple[socket.socket, tuple[str, int], float]] = {}
    found: dict[tuple[str, int], str] = {}
    poll, left, at = select.poll(), list(dict.fromkeys(asked)), time.monotonic()
    try:
        while left or waiting:
            now = time.monotonic()
            if left and now >= at:
                at = max(at, now - 1 / rate) + 1 / rate
                _begin(left.pop(0), waiting, found, poll, now + wait)
            until = min([at] * bool(left) + [end for _, _, end in waiting.values()], default=now)
            for descriptor, _ in poll.poll(max(0.0, 1000 * (until - time.monotonic()))):
                one, name, _ = waiting.pop(descriptor)
                found[name] = _outcome(one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                poll.unregister(descriptor)
                one.close()
            for descriptor in [key for key, (_, _, end) in waiting.items() if end <= time.monotonic()]:
                one, name, _ = waiting.pop(descriptor)
                found[name] = DROPPED
                poll.unregister(descriptor)
                one.close()
    finally:
        for one, _, _ in waiting.values():
            one.close()
    return found


def _begin(
    name: tuple[str, int],
    waiting: dict[int, tuple[socket.socket, tuple[str, int], float]],
    found: dict[tuple[str, int], str],
    poll: select.poll,
    until: float,
) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(*name, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        found[name] = UNRESOLVED
        return
    one = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    error = one.connect_ex(address)
    if error == errno.EINPROGRESS:
        poll.register(one, select.POLLOUT)
        waiting[one.fileno()] = one, name, until
        return
    found[name] = _outcome(error)
    one.close()


def _outcome(error: int) -> str:
    if error == 0:
        return OPEN
    if error == errno.ECONNREFUSED:
        return RESET
    if error == errno.ETIMEDOUT:
        return DROPPED
    return REJECTED if error in _REJECTS else os.strerror(error).lower()


def over_ssh(vantage: str, way: Way | None, host: str, port: int, wait: float) -> str:
    """Return the outcome of a connection that an SSH server makes for us (RFC 4254, 7.2): it needs no program there."""
    if way is None:
        return "no key for this vantage"
    where, _, number = vantage.partition(":")
    command = [SSH, "-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={way.known_hosts}"]
    command += ["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=DEBUG2"]
    command += ["-o", f"ConnectTimeout={max(1, round(wait))}", "-i", way.key_file, *(["-p", number] if number else [])]
    process = subprocess.Popen(  # its input stays open: at its end ssh would leave
        [*command, "-W", f"[{host}]:{port}" if ":" in host else f"{host}:{port}", "--", where],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        said, until, entered = "", time.monotonic() + wait, False
        while (left := until - time.monotonic()) > 0 and select.select([process.stderr], [], [], left)[0]:
            part = os.read(process.stderr.fileno(), 1 << 16)
            said += part.decode(errors="replace")
            if not entered and _ENTERED in said:
                entered, until = True, time.monotonic() + wait  # the vantage has as long as we would
            outcome = _of_ssh(said, entered)
            if outcome is not None:
                return outcome
            if not part:
                break
        return DROPPED if entered else "it is not reached by SSH"
    finally:
        process.kill()
        process.communicate()


def _of_ssh(said: str, entered: bool) -> str | None:
    """Return the outcome by what ssh says, None while it says nothing that tells."""
    for word, outcome in _ENTRY:
        if word in said and not entered:
            return outcome
    return next((outcome for word, outcome in _CHANNEL if entered and word in said), None)
