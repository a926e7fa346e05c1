"""`overlapse console`: the full screen. Core does not know it: it is found by its dotted name."""

from __future__ import annotations

import importlib
import os
import sys

import click

from core.cli.options import Selection, site_options
from core.cli.whichnode import place_here
from core.errors import ConfigurationError

PROGRAM = "console.program"
SSH = "console.sshconfig"
TUNNEL = "console.tunnel"


@click.command()
@site_options
@click.option("--restricted", is_flag=True, help="For a login that is the console: Ctrl-Z ends it and gives no shell.")
@click.option("--lean", is_flag=True, help="Keep to 2 kB a minute, keys exempt: the refresh is stretched.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Nothing but ASCII reaches the terminal, and no colour.")
@click.option("--ssh-config", is_flag=True, help="Print the block for ~/.ssh/config that makes this cheap, and end.")
@click.option(
    "--tunnel", metavar="USER@HUB:PORT", help="Print the systemd unit of a tunnel that lets operators in, and end."
)
def console(
    selection: Selection, restricted: bool, lean: bool, ascii_only: bool, ssh_config: bool, tunnel: str | None
) -> int:
    """Show all sites of this machine on one screen, live, and act where you may. Made for SSH on a thin link."""
    if ssh_config:
        click.echo(importlib.import_module(SSH).block(), nl=False)
        return 0
    if tunnel is not None:
        click.echo(importlib.import_module(TUNNEL).unit(tunnel), nl=False)
        return 0
    places = [place_here(file, selection.node) for file in selection.files()]
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigurationError("there is no terminal here: use `overlapse status`, or `ssh -t`")
    if ascii_only:
        os.environ["NO_COLOR"] = "1"
    options = {"restricted": restricted, "budget": 2000 if lean else 0, "ascii_only": ascii_only}
    status: int = importlib.import_module(PROGRAM).main(places, **options)
    return status
