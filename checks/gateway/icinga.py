"""Icinga 2's API, over one connection that is kept: results, what it does not know yet, acknowledgements, downtimes.

https://icinga.com/docs/icinga-2/2.13/doc/12-icinga2-api: actions, objects at run time, filters. An unknown object is
answered with 404, one that this user may not write with 404 or 500 and no results; so results are looked at, too.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from checks.gateway.hosts import UP
from checks.gateway.results import Result
from core.errors import MonitorRefused, MonitorUnreachable
from core.site.monitored import Host, Monitored
from core.text import safe

SECONDS = 10.0  # for one request
MOST = 4 << 20  # bytes of one answer
PORT = 5665
Json = dict[str, Any]


class Unknown(Exception):
    """There is no such host or service in Icinga 2."""


class Icinga:
    """One Icinga 2, asked over a connection that is opened when it is needed."""

    def __init__(self, url: str, user: str, password: str, ca_file: str | None = None) -> None:
        """Raise MonitorRefused for an authority file that is none."""
        parts = urlsplit(url)
        self._host, self._port, self._base = parts.hostname or "localhost", parts.port or PORT, parts.path.rstrip("/")
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Basic {word}",
        }
        try:
            self._context = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise MonitorRefused(f"{ca_file}: no certificates ({error.strerror})") from None
        self._line: http.client.HTTPSConnection | None = None
        self._templates: bool | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self._line is not None:
            self._line.close()
        self._line = None

    def tell(self, result: Result, ttl: float, source: str) -> None:
        """Tell a result that is good for `ttl` seconds; raise Unknown, MonitorRefused or MonitorUnreachable."""
        body: Json = {
            **_of(result),
            "plugin_output": f"{result.line}\n{result.long}" if result.long else result.line,
            "performance_data": list(result.perfdata),
            "check_source": source,
            "execution_start": result.at,
            "execution_end": result.at,
        }
        if result.service:
            body |= {"exit_status": result.state, "ttl": ttl}
        else:
            body |= {"exit_status": int(result.state != UP)}
        self._act("process-check-result", body)

    def create(self, made: Monitored, result: Result, stale: float) -> None:
        """Make the host of a result, with its parents, and its service; what is there already stays as it is."""
        host = next((one for one in made.hosts if one.name == result.host), None)
        if host is not None and not self._is_there(f"hosts/{quote(host.name)}"):
            self._create_host(made, host)
        if result.service:
            attrs: Json = {"vars.overlapse_site": made.site}
            plain: Json = {"check_command": "dummy", "vars.dummy_state": 3, "vars.dummy_text": "stale"}
            limits: Json = {"enable_active_checks": True, "max_check_attempts": 1, "check_interval": stale}
            name = f"services/{quote(f'{result.host}!{result.service}')}"
            self._create(name, "overlapse-service", attrs | {"check_interval": stale}, attrs | plain | limits)

    def acknowledge(self, host: str, service: str, end: float, author: str, comment: str) -> None:
        """Acknowledge a problem until `end`, 0: until it is over; one that is over already is no problem any more."""
        body: Json = {"author": author, "comment": comment, "sticky": True, "persistent": True, "notify": False}
        body |= {"expiry": end} if end else {}
        self._act("acknowledge-problem", _at(host, service) | body, over=True)

    def comment(self, host: str, service: str, author: str, comment: str) -> None:
        """Leave a comment."""
        self._act("add-comment", _at(host, service) | {"author": author, "comment": comment}, over=True)

    def downtime(self, host: str, service: str, begin: float, end: float, author: str, comment: str) -> None:
        """Note a fixed downtime."""
        body = {"author": author, "comment": comment, "start_time": begin, "end_time": end, "fixed": True}
        self._act("schedule-downtime", _at(host, service) | body)

    def end_downtime(self, host: str, service: str, begin: float) -> None:
        """End the downtime of a service that began then."""
        wanted = "downtime.host_name == h && downtime.service_name == s && downtime.start_time == b"
        names = {"h": host, "s": service, "b": begin}
        self._act("remove-downtime", {"type": "Downtime", "filter": wanted, "filter_vars": names}, over=True)

    def handled(self, prefix: str) -> list[Json]:
        """Return the comments of acknowledgements and downtimes on services of hosts that begin so.

        Each: host, service, kind ("acknowledged" or "downtime"), by, text.
        """
        wanted = "match(p, comment.host_name) && (comment.entry_type == 4 || comment.entry_type == 2)"
        found = self._ask("POST", "/v1/objects/comments", {"filter": wanted, "filter_vars": {"p": f"{prefix}*"}}, "GET")
        told = [_comment(one["attrs"], "acknowledged") for one in found if one["attrs"]["entry_type"] == 4]
        wanted = "match(p, downtime.host_name)"
        found = self._ask(
            "POST", "/v1/objects/downtimes", {"filter": wanted, "filter_vars": {"p": f"{prefix}*"}}, "GET"
        )
        return told + [_comment(one["attrs"], "downtime") for one in found]

    def _create_host(self, made: Monitored, host: Host) -> None:
        attrs: Json = {"display_name": f"{made.site}: {host.title}", "vars.overlapse_site": made.site}
        plain: Json = {"check_command": "dummy", "enable_active_checks": False, "max_check_attempts": 1}
        self._create(f"hosts/{quote(host.name)}", "overlapse-host", attrs, attrs | plain)
        for parent in host.parents:
            if not self._is_there(f"hosts/{quote(parent)}"):
                self._create_host(made, next(one for one in made.hosts if one.name == parent))
            body: Json = {"parent_host_name": parent, "child_host_name": host.name, "disable_checks": False}
            if len(host.parents) > 1:
                body["redundancy_group"] = "ways"
            self._create(f"dependencies/{quote(f'{host.name}!{parent}')}", None, body, body)

    def _is_there(self, path: str) -> bool:
        try:
            return bool(self._ask("GET", f"/v1/objects/{path}"))
        except Unknown:
            return False

    def _create(self, path: str, template: str | None, attrs: Json, plain: Json) -> None:
        """Make an object from the generated template, or without it where that was not put in place."""
        body: Json = {"attrs": plain}
        if template is not None and self._has_templates():
            body = {"templates": [template], "attrs": attrs}
        try:
            self._ask("PUT", f"/v1/objects/{path}", body)
        except MonitorRefused as error:
            if "already exists" not in str(error):
                raise

    def _has_templates(self) -> bool:
        """Return whether the generated configuration is in place; asked once."""
        if self._templates is None:
            names = {"filter": "tmpl.name == n", "filter_vars": {"n": "overlapse-host"}}
            try:
                self._templates = bool(self._ask("POST", "/v1/templates/hosts", names, "GET"))
            except Unknown:
                self._templates = False
        return self._templates

    def _act(self, action: str, body: Json, *, over: bool = False) -> None:
        """Do an action; `over`: there may be nothing that it is for."""
        try:
            found = self._ask("POST", f"/v1/actions/{action}", body)
        except Unknown:
            if over:
                return
            raise
        except MonitorRefused:
            if over:
                return
            raise
        if not found and not over:
            raise Unknown

    def _ask(self, method: str, path: str, body: Json | None = None, override: str | None = None) -> list[Json]:
        status, text = self._answer(method, path, body, override)
        try:
            said = json.loads(text)
            results = [one for one in said.get("results", []) if isinstance(one, dict)]
        except (ValueError, AttributeError, RecursionError):
            raise MonitorUnreachable(f"Icinga 2 answers {status}, and nothing that can be read") from None
        if status == 404 or (status == 500 and not results):
            raise Unknown
        bad = [one for one in results if int(one.get("code", 200)) >= 400]
        if status >= 400 or bad:
            why = bad[0].get("errors") or bad[0].get("status") if bad else said.get("status")
            raise MonitorRefused(f"Icinga 2 answers {status}: {safe(str(why), 200)}")
        return results

    def _answer(self, method: str, path: str, body: Json | None, override: str | None) -> tuple[int, bytes]:
        """Return status and text; a kept connection that was closed meanwhile is opened once again."""
        headers = self._headers | ({"X-HTTP-Method-Override": override} if override else {})
        sent = None if body is None else json.dumps(body).encode()
        for last in (False, True):
            fresh = self._line is None
            if self._line is None:
                line = http.client.HTTPSConnection(self._host, self._port, timeout=SECONDS, context=self._context)
                self._line = line
            try:
                self._line.request(method, self._base + path, sent, headers)
                answer = self._line.getresponse()
                text = answer.read(MOST)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if fresh or last:
                    raise MonitorUnreachable(f"{self._host}:{self._port}: {safe(_why(error), 200)}") from None
            else:
                if answer.will_close:
                    self.close()
                if answer.status in (401, 403):
                    raise MonitorRefused(f"Icinga 2 answers {answer.status}: wrong user, password or right")
                return answer.status, text
        raise AssertionError("one of both tries ends it")


def _of(result: Result) -> Json:
    return _at(result.host, result.service) if result.service else {"type": "Host", "host": result.host}


def _at(host: str, service: str) -> Json:
    return {"type": "Service", "service": f"{host}!{service}"}


def _comment(attrs: Mapping[str, Any], kind: str) -> Json:
    key = "text" if kind == "acknowledged" else "comment"
    return {
        "host": str(attrs.get("host_name")),
        "service": str(attrs.get("service_name")),
        "kind": kind,
        "by": safe(str(attrs.get("author")), 40),
        "text": safe(str(attrs.get(key, "")), 200),
    }


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not vouched for: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:.0f} s"
    return (error.strerror if isinstance(error, OSError) else None) or f"{type(error).__name__}"
