"""What an OPNsense tells of itself by its API: states against their limit, gateways, a hash of its rules. No verdicts.

Source: OPNsense's API reference (diagnostics/firewall, routes/gateway); before 25.7 some of its words were written in
camelCase. A key and a secret go as Basic authentication, over TLS alone.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import ssl
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigurationError, ProbeError, ProbeGarbled, ProbeRefused, ProbeUnanswered
from core.text import safe

Json = dict[str, Any]

STATES = ("/api/diagnostics/firewall/pf_states", "/api/diagnostics/firewall/pfStates")
RULES = ("/api/diagnostics/firewall/list_rule_ids", "/api/diagnostics/firewall/listRuleIds")
GATEWAYS = ("/api/routes/gateway/status",)
MOST = 2 << 20  # bytes of an answer
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def opnsense(url: str, credentials: str, ca_file: str | None, seconds: float) -> Json:
    """Return {"states", "limit", "gateways", "rules", "rules_sha256"}; raise ProbeError, ConfigurationError.

    `credentials`: key and secret, each on a line. A gateway has "name", "status" (OPNsense's word, "none" for one that
    is well), "loss" in per cent and "delay" in ms. What this version does not have is left out.
    """
    asked = _Asked(url, credentials, ca_file, time.monotonic() + seconds)
    states = asked.get(STATES)
    found: Json = {"limit": _integer(states.get("limit")), "states": _integer(states.get("current"))}
    rules = asked.get(RULES).get("items")
    if isinstance(rules, list) and rules:
        ids = sorted(str(one.get("id")) for one in rules if isinstance(one, dict))
        found |= {"rules": len(ids), "rules_sha256": hashlib.sha256("\n".join(ids).encode()).hexdigest()}
    gateways = asked.get(GATEWAYS).get("items")
    if isinstance(gateways, list):
        found["gateways"] = [_gateway(one) for one in gateways[:32] if isinstance(one, dict)]
    return {key: value for key, value in found.items() if value is not None}


def _gateway(told: Json) -> Json:
    found = {"name": safe(str(told.get("name", "")), 40), "status": safe(str(told.get("status", "")), 40)}
    measured = {key: _measured(told.get(key)) for key in ("loss", "delay")}
    return found | {key: value for key, value in measured.items() if value is not None}


def _measured(told: Any) -> float | None:
    """Return the number of "0.0 %" or "12.3 ms", None for "~"."""
    match = _NUMBER.match(told) if isinstance(told, str) else None
    return None if match is None else float(match[0])


def _integer(told: Any) -> int | None:
    return int(told) if isinstance(told, int | str) and str(told).isdecimal() and len(str(told)) < 16 else None


class _Asked:
    """One device, asked until a time; a connection for each question, which is what old ones take."""

    def __init__(self, url: str, credentials: str, ca_file: str | None, until: float) -> None:
        parts = urlsplit(url)
        words = credentials.split()
        if parts.scheme != "https" or not parts.hostname:
            raise ConfigurationError(f"'{safe(url, 80)}' is no address of a firewall; write https://192.168.1.1")
        if len(words) != 2:
            raise ConfigurationError("its credentials are two lines: the key, and the secret")
        self._host, self._port, self._until = parts.hostname, parts.port or 443, until
        self._where = safe(f"{parts.hostname}:{self._port}", 80)
        self._header = "Basic " + base64.b64encode(":".join(words).encode()).decode()
        try:
            self._context = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"{safe(str(ca_file), 120)}: no certificate that can be read") from error

    def get(self, paths: Sequence[str]) -> Json:
        """Return what the first of `paths` that this version has answers, {} when it has none; raise ProbeError."""
        for path in paths:
            found = self._get(path)
            if found is not None:
                return found
        return {}

    def _get(self, path: str) -> Json | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise ProbeUnanswered(f"{self._where}: no answer in time")
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=left, context=self._context)
        try:
            connection.request("GET", path, headers={"Authorization": self._header, "Accept": "application/json"})
            answer = connection.getresponse()
            body = answer.read(MOST + 1)
        except ssl.SSLCertVerificationError as error:
            raise ProbeRefused(f"{self._where}: its certificate is not the one of ca_file") from error
        except (OSError, http.client.HTTPException) as error:
            raise ProbeUnanswered(f"{self._where}: {safe(str(error) or type(error).__name__, 120)}") from error
        finally:
            connection.close()
        return self._understood(path, answer.status, body)

    def _understood(self, path: str, status: int, body: bytes) -> Json | None:
        if status == 404:
            return None
        if status in (401, 403):
            raise ProbeRefused(f"{self._where}: this key may not read {path}")
        try:
            told = json.loads(body[: MOST + 1])
        except ValueError as error:
            raise ProbeGarbled(f"{self._where}: {path} is not answered in JSON (status {status})") from error
        if status != 200 or not isinstance(told, dict):
            raise _unexpected(self._where, path, status)
        return told


def _unexpected(where: str, path: str, status: int) -> ProbeError:
    return ProbeGarbled(f"{where}: {path} is answered with something else (status {status})")
