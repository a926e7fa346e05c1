"""`overlapse demo --fleet N`: a fleet that lives on this machine, for the console and the checks."""

from __future__ import annotations

import shlex
import sys
from datetime import timedelta
from pathlib import Path

import click

from core.cli.ending import called, unusable
from core.cli.progress import progress
from core.cli.run import interruptible
from core.cli.sites import read_sites
from core.node.start import held, make_folders
from core.simulate.fleet import HUB, PracticeFleet, site_text
from core.site.init import local_zone


def practise(folder: Path, count: int, history: timedelta) -> None:
    """Make the site file, live through its last hours, and go on until somebody ends it."""
    file = folder / "site.toml"
    text = site_text(count, f'"{local_zone()}"')
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unusable(folder, error) from error
    place, loaded = read_sites([file], HUB)[0]
    make_folders(place.folders)
    with held(place.folders.lock):
        fleet = PracticeFleet(text, loaded.site, place.folders, history)
        click.echo(f"{count} units are simulated; first their last hours, then as time passes, until Ctrl-C")
        program, where = shlex.quote(called(sys.argv[0])), shlex.quote(str(file))
        click.echo(f"look at it: {program} console --site {where} --node {HUB}")
        with fleet.answering():
            with progress() as tell:
                fleet.live_through(lambda share: tell(f"their last hours: {share:.0%}"))
            click.echo(f"they live; without a full screen: {program} status --fleet --site {where} --node {HUB}")
            with interruptible(fleet.queue):
                fleet.run()
