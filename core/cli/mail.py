"""`overlapse mail`: what waits for the mail server, a test that says what happens, another try, or none any more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import click

from core.cli.asking import asked, open_catalogue
from core.cli.options import Selection, json_option, site_options
from core.control.client import ask
from core.errors import NodeUnreachable, OverlapseError
from core.site.place import Place
from core.text import safe
from core.units import show_duration

Json = dict[str, Any]
TEST_SECONDS = 130.0  # that the node gives a message, and a little
LOOK = 0.2  # seconds
SHOWN = 12  # digits of a message's number
ENDED = 5  # messages that were sent last


@click.command()
@click.argument("act", type=click.Choice(["test", "retry", "drop"]), required=False)
@click.argument("message", required=False)
@site_options
@json_option
@click.option("--dry-run", is_flag=True, help="Only say what retry or drop would do.")
def mail(selection: Selection, act: str | None, message: str | None, as_json: bool, dry_run: bool) -> None:
    """Show what waits for the mail server; `test` sends one message and says what happened.

    `retry [MESSAGE]` tries one, or all, again now; `drop MESSAGE` takes one out of the queue for good.
    """
    place = selection.place()
    if act is None:
        found = _queue(place)
        click.echo(json.dumps(found) if as_json else "\n".join(_told(found)))
    elif act == "test":
        _test(selection, place, as_json)
    else:
        click.echo(_changed(place, act, message, dry_run))


def _queue(place: Place) -> Json:
    def from_catalogue() -> Json:
        from core.node.telling.kept import remembered

        with open_catalogue(place) as catalogue:
            return remembered(catalogue)

    return asked(place, "mail", {}, from_catalogue)


def _told(found: Json) -> Iterator[str]:
    if found.get("running", True):
        to = ", ".join(safe(one) for one in found["to"])
        yield f"by {safe(found['server'])} to {to}" if found["server"] else "no mail server is named: see docs/mail.md"
    if found.get("trouble"):
        yield f"it takes nothing now: {safe(found['trouble'])}"
    now = time.time()
    for one in found["waiting"]:
        age = show_duration(now - one["at"])
        yield f"{one['id'][:SHOWN]}  waits for {age}, {one['tries']} tries: {safe(one['subject'])}"
        yield from (f"    {line}" for line in _outcomes(one))
    if not found["waiting"]:
        yield "nothing waits"
    for one in found["ended"][-ENDED:]:
        yield f"{one['id'][:SHOWN]}  {one['how']} {show_duration(now - one['ended'])} ago: {safe(one['subject'])}"
        yield from (f"    {line}" for line in _outcomes(one))


def _outcomes(one: Json) -> Iterator[str]:
    if one["error"]:
        yield safe(one["error"])
    yield from (f"refused for {safe(who)}: {safe(why)}" for who, why in one["refused"].items())


def _test(selection: Selection, place: Place, as_json: bool) -> None:
    try:
        number = ask(place.folders.control, "mail-test", {})["message"]
    except NodeUnreachable:
        ended = _alone(selection)
    else:
        ended = _wait(place, number)
    if as_json:
        click.echo(json.dumps(ended))
    else:
        for step in ended["steps"]:
            click.echo(safe(step, 400))
    if ended["how"] != "sent":
        raise OverlapseError(safe(ended["error"] or "; ".join(ended["refused"].values()) or ended["how"], 400))
    if ended["refused"]:
        raise OverlapseError(f"not for {', '.join(safe(one) for one in ended['refused'])}")


def _wait(place: Place, number: str) -> Json:
    """Wait until the running node has tried it, and return what came of it."""
    end = time.monotonic() + TEST_SECONDS
    while time.monotonic() < end:
        for one in ask(place.folders.control, "mail", {})["ended"]:
            if one["id"] == number:
                found: Json = one
                return found
        time.sleep(LOOK)
    raise OverlapseError(f"the node has not tried it within {TEST_SECONDS:.0f} s: see `overlapse mail`")


def _alone(selection: Selection) -> Json:
    """Send it from here, because the node does not run."""
    import getpass

    from core.child import Child
    from core.clock import SystemClock
    from core.errors import ConfigurationError
    from core.node.telling.kept import DEADLINE, MAIL, cause_of_test, server_of
    from core.notify.outbox import number_of
    from core.values import milliseconds_of

    place, loaded = selection.load()
    smtp, site = loaded.site.notifications.smtp, loaded.site.site.name
    if smtp is None:
        raise ConfigurationError("no mail server is named: write [notifications.smtp] (docs/mail.md)")
    cause = cause_of_test(site, place.node, getpass.getuser(), milliseconds_of(SystemClock().now()))
    letter = {"id": number_of(site, cause.key), "subject": cause.subject, "text": cause.text, "at": cause.at}
    args = {"server": server_of(smtp, loaded.base), "letter": letter, "everyone": list(smtp.to), "to": list(smtp.to)}
    child = Child(MAIL.kind)
    try:
        done = child.ask("send", args, DEADLINE)
    finally:
        child.close()
    refused = {one: f"{code} {text}" for one, (code, text) in done["refused"].items()}
    how = "sent" if done["accepted"] else "refused"
    return {"id": letter["id"], "how": how, "error": None, "refused": refused, "steps": done["steps"]}


def _changed(place: Place, act: str, message: str | None, dry_run: bool) -> str:
    if act == "drop" and message is None:
        raise click.UsageError("say which message: `overlapse mail` shows their numbers")
    if dry_run:
        found = [one for one in _queue(place)["waiting"] if one["id"].startswith(message or "")]
        would = "would be tried now" if act == "retry" else "would be dropped, never to be sent"
        return "\n".join(f"{one['id'][:SHOWN]}  {would}: {safe(one['subject'])}" for one in found) or "no such message"
    args = {} if message is None else {"message": message}
    if act == "retry":
        return f"{ask(place.folders.control, 'mail-retry', args)['messages']} messages are tried now"
    return f"{ask(place.folders.control, 'mail-drop', args)['message'][:SHOWN]} is dropped"
