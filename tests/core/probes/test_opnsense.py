"""OPNsense's API over real TLS: what it tells, in both spellings, and what is refused."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from peers.certificates import certificate

from core.errors import ConfigurationError, ProbeGarbled, ProbeRefused, ProbeUnanswered
from core.probes.opnsense import opnsense

WHO = "key1\nsecret2\n"
RULES = {"items": [{"id": "b" * 32, "descr": "x"}, {"id": "a" * 32, "descr": "y"}]}
GATEWAYS = {
    "items": [
        {"name": "WAN_GW", "status": "none", "loss": "0.0 %", "delay": "31.2 ms"},
        {"name": "LTE", "status": "down", "loss": "100.0 %", "delay": "~"},
    ]
}
STATES = {"current": "912", "limit": "397000"}
NEW = {"pf_states": STATES, "list_rule_ids": RULES, "status": GATEWAYS}
OLD = {"pfStates": STATES, "listRuleIds": RULES, "status": GATEWAYS}


@contextmanager
def running(folder: Path, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield address and CA of a server that answers by the last word of a path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = answers.get(self.path.rpartition("/")[2])
            allowed = self.headers["Authorization"] == "Basic " + base64.b64encode(b"key1:secret2").decode()
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(401 if not allowed else 404 if told is None else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    made = certificate(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", str(made.authority)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("answers", [NEW, OLD], ids=["since-25.7", "before"])
def test_states_gateways_and_a_hash_of_the_rules_are_read(answers: Mapping[str, Any], tmp_path: Path) -> None:
    with running(tmp_path, answers) as (url, ca):
        told = opnsense(url, WHO, ca, 10)
    assert (told["states"], told["limit"], told["rules"]) == (912, 397_000, 2)
    assert told["gateways"] == [
        {"name": "WAN_GW", "status": "none", "loss": 0.0, "delay": 31.2},
        {"name": "LTE", "status": "down", "loss": 100.0},
    ]


def test_the_hash_is_of_the_rules_and_not_of_their_order(tmp_path: Path) -> None:
    turned = {"items": RULES["items"][::-1]}
    other = {"items": [*RULES["items"], {"id": "c" * 32, "descr": "z"}]}
    found = []
    for n, rules in enumerate((RULES, turned, other)):
        with running(tmp_path / str(n), {**NEW, "list_rule_ids": rules}) as (url, ca):
            found.append(opnsense(url, WHO, ca, 10)["rules_sha256"])
    assert found[0] == found[1] != found[2]


def test_a_wrong_key_a_strange_certificate_and_garbage_are_told_apart(tmp_path: Path) -> None:
    with running(tmp_path, NEW) as (url, ca):
        with pytest.raises(ProbeRefused, match="may not read"):
            opnsense(url, "key1\nwrong\n", ca, 10)
        with pytest.raises(ProbeRefused, match="certificate"):
            opnsense(url, WHO, None, 10)
    with running(tmp_path / "other", {"pf_states": b"<html>"}) as (url, ca):
        with pytest.raises(ProbeGarbled, match="not answered in JSON"):
            opnsense(url, WHO, ca, 10)
    with pytest.raises(ProbeUnanswered):
        opnsense(url, WHO, ca, 5)


@pytest.mark.parametrize(("url", "who"), [("http://x", WHO), ("https://", WHO), ("https://x", "one")])
def test_what_cannot_be_an_api_is_refused(url: str, who: str) -> None:
    with pytest.raises(ConfigurationError):
        opnsense(url, who, None, 1)
