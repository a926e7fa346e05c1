"""`overlapse nagios`: configuration for Nagios Core 4 or Icinga 2, made of the sites."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from core.cli.options import Selection, site_options
from core.cli.sites import site_checks
from core.errors import ConfigurationError
from core.site.load import load
from core.site.model.file import SiteFile
from core.site.model.health import Monitoring
from core.site.monitored import Monitored, monitored

FORMATS = {"nagios": "checks.configuration.nagios", "icinga2": "checks.configuration.icinga2"}  # core knows no checks
ADD = {
    "nagios": "cfg_dir={folder}",
    "icinga2": 'include_recursive "{folder}"',
}


@click.command("nagios")
@site_options
@click.option("--format", "kind", type=click.Choice(sorted(FORMATS)), required=True, help="For which of the two.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to write: Nagios takes it as cfg_dir, Icinga 2 by include_recursive. One for all sites.",
)
def nagios(selection: Selection, kind: str, out: Path) -> None:
    """Write configuration for Nagios or Icinga 2: hosts, services, parents, freshness, notifications.

    What it wrote before is written anew; the file with your contacts is written once and is then yours.
    """
    sites = [made for file in selection.files() for made in described(_read(file))]
    made = importlib.import_module(FORMATS[kind])
    out.mkdir(parents=True, exist_ok=True)
    for name, text in made.files(sites).items():
        (out / name).write_text(text, encoding="utf-8")
    fresh = {name: text for name, text in made.kept().items() if not (out / name).exists()}
    for name, text in fresh.items():
        (out / name).write_text(text, encoding="utf-8")
    for one in sites:
        click.echo(f"{one.site}: {len(one.hosts)} hosts, {len(one.services)} services, told of by node {one.hub}")
        if one.unheard:
            click.echo(f"  not heard there: {', '.join(one.unheard)}")
    click.echo(f"Written to {out}. Add: {ADD[kind].format(folder=out.resolve())}")


def _read(file: Path) -> SiteFile:
    """Return a site, checked whole but for the secrets, which are not where Nagios is; raise ConfigurationError."""
    try:
        return load(file, site_checks(secrets=False), secrets=False).site
    except ConfigurationError as error:
        raise ConfigurationError([f"{file}:{problem}" for problem in error.problems]) from error


def described(site: SiteFile) -> list[Monitored]:
    """Return what is told of a site; raise ConfigurationError where it does not say who tells it."""
    if not site.monitoring and len(site.node) > 1:
        clouds = [node.name for node in site.node if node.kind == "cloud"] or [site.node[0].name]
        raise ConfigurationError(
            f"site {site.site.name}: nobody tells Nagios or Icinga of it; write [[monitoring]] with "
            f'at = "{clouds[0]}" and nagios = {{ commands = "/var/lib/nagios4/rw/nagios.cmd" }}'
        )
    feeds = site.monitoring or (Monitoring(),)
    return [monitored(site, feed) for feed in feeds[:1]]
