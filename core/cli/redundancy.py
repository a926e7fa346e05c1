"""`overlapse redundancy`: who is to shoot each camera, who does, and how that is changed, rehearsed and moved."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from core.cli.options import Selection, json_option, site_options
from core.cli.showredundancy import shown, told_lines
from core.control.client import ask
from core.errors import StorageError

Json = dict[str, Any]
ON_OFF = click.Choice(["on", "off"])


@click.group()
def redundancy() -> None:
    """Cameras that survive their server: assign backups, set modes, hand cameras on, rehearse."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that changes something its options; it receives `asks`, which asks and shows the answer."""

    @site_options
    @json_option
    @click.option("--dry-run", is_flag=True, help="Only say what it would do.")
    @functools.wraps(command)
    def with_options(*args: Any, selection: Selection, as_json: bool, dry_run: bool, **others: Any) -> Any:
        def asks(verb: str, words: Json, dry: bool = dry_run) -> Json:
            more = {"dry_run": True} if dry else {}
            return ask(selection.place().folders.control, f"redundancy-{verb}", words | more)

        def show(said: Json) -> None:
            click.echo(json.dumps(said) if as_json else "\n".join(told_lines(said, dry_run)))

        return command(*args, asks=asks, show=show, dry_run=dry_run, **others)

    return with_options


Asks = Callable[..., Json]
Show = Callable[[Json], None]


@redundancy.command()
@site_options
@json_option
def show(selection: Selection, as_json: bool) -> None:
    """Show every camera's primary, backup, mode and owner; every node's switches and load; what is staged."""
    said = ask(selection.place().folders.control, "redundancy", {})
    click.echo(json.dumps(said) if as_json else "\n".join(shown(said)))


@redundancy.command()
@click.argument("cameras", metavar="[CAMERA]...", nargs=-1)
@click.option("--of", metavar="NODE", help="All cameras whose primary this node is.")
@click.option("--backup", metavar="NODE", help='Who stands by for them; "none": nobody.', required=True)
@_options
def assign(cameras: Sequence[str], of: str | None, backup: str, asks: Asks, show: Show, **flags: bool) -> None:
    """Stage another backup for cameras; `overlapse redundancy apply` applies all that is staged, together.

    It is refused with every reason; what is staged is offered again for an hour.
    """
    if bool(cameras) == (of is not None):
        raise click.UsageError("say either which cameras, or --of NODE")
    words: Json = {"cameras": list(cameras)} if cameras else {"of": of}
    show(asks("assign", words | ({"without": True} if backup == "none" else {"backup": backup})))


@redundancy.command()
@click.argument("target", metavar="NODE")
@click.option("--constant", type=ON_OFF, help="As a backup, shoot all cameras that it reserves, all the time.")
@click.option("--fast", type=ON_OFF, help="As a primary, be missed after 11 s instead of 35 s.")
@click.option("--mail", type=ON_OFF, help="As a backup, have failures and returns told by mail.")
@click.option("--autoback", type=ON_OFF, help="Give cameras back by itself once their primary is healthy again.")
@click.option("--force", is_flag=True, help="Fast mode on a cellular link, too.")
@_options
def mode(target: str, asks: Asks, show: Show, dry_run: bool, force: bool, **switches: str | None) -> None:
    """Stage switches of NODE; the modes of cameras follow from them."""
    words: Json = {key: value == "on" for key, value in switches.items() if value is not None}
    if not words:
        raise click.UsageError("say which switch: --constant, --fast, --mail or --autoback, on or off")
    show(asks("mode", {"node": target, **words} | ({"force": True} if force else {})))


@redundancy.command()
@click.option("--yes", is_flag=True, help="Ask no question.")
@click.option("--drop", is_flag=True, help="Forget what is staged instead.")
@_options
def apply(asks: Asks, show: Show, dry_run: bool, yes: bool, drop: bool) -> None:
    """Apply all that is staged, together, or nothing of it when somebody changed the same meanwhile."""
    if drop:
        dropped = asks("drop", {})["dropped"]
        click.echo(f"{'would be ' if dry_run else ''}forgotten: {', '.join(dropped) or 'nothing was staged'}")
        return
    seen: Json = {}
    if not dry_run and not yes:
        said = asks("apply", {}, True)
        seen = {"digest": said["digest"]}
        click.echo("\n".join(told_lines(said, True)), err=True)
        if sys.stdin is None or not sys.stdin.isatty():
            raise click.UsageError("nobody can be asked here: say --yes")
        click.confirm("Apply it?", abort=True, err=True)
    show(asks("apply", seen))


@redundancy.command()
@click.argument("camera")
@_options
def handover(camera: str, asks: Asks, show: Show, **flags: bool) -> None:
    """Give CAMERA to its backup, where it stays until it is handed back; no slot is lost."""
    show(asks("handover", {"camera": camera}))


@redundancy.command()
@click.argument("camera")
@_options
def handback(camera: str, asks: Asks, show: Show, **flags: bool) -> None:
    """Give CAMERA back to its primary now, whatever --autoback says; no slot is lost."""
    show(asks("handback", {"camera": camera}))


@redundancy.command()
@click.argument("camera")
@_options
def rehearse(camera: str, asks: Asks, show: Show, **flags: bool) -> None:
    """Have the backup of CAMERA shoot it for two slots and give it back; refused unless the backup is ready.

    `overlapse events` tells how it ended.
    """
    show(asks("rehearse", {"camera": camera}))


@redundancy.command()
@site_options
@click.option("--output", type=click.Path(path_type=Path), help="Where to write it; default: here.")
def export(selection: Selection, output: Path | None) -> None:
    """Write all assignments and switches as text, for another fleet or for safe keeping."""
    text = ask(selection.place().folders.control, "redundancy-export", {})["text"]
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise StorageError(f"{output}: {error.strerror}") from error


@redundancy.command(name="import")
@click.argument("file", type=click.File())
@click.option("--force", is_flag=True, help="Fast mode on a cellular link, too.")
@_options
def import_(file: Any, asks: Asks, show: Show, force: bool, **flags: bool) -> None:
    """Stage the assignments that FILE has (`-`: standard input), as `export` wrote them."""
    show(asks("import", {"text": file.read()} | ({"force": True} if force else {})))
