"""`overlapse init` and `overlapse validate`: write a site file, and tell what is wrong with one."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.cli.ending import called, unusable
from core.cli.options import Selection, json_option, site_options
from core.cli.sites import read_files
from core.errors import ConfigurationError
from core.text import safe

if TYPE_CHECKING:
    from core.site.load import Loaded
    from core.site.model.cameras import Camera
    from core.site.model.file import SiteFile

EXTRAS = {"simplejpeg": ("strict", "pictures are checked by Pillow alone")}  # module: extra, what is missed
LINE = 1000  # characters
WEEK = timedelta(days=7)


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--way",
    required=True,
    type=click.Choice(["everything", "jpeg", "reduced", "monitoring"]),
    help="What goes over the Internet link: RAW and JPEG, JPEG only, a scaled-down picture, or none.",
)
@click.option("--nas", is_flag=True, help="Originals also go to a storage on site.")
@click.option("--name", metavar="NAME", help="Of the site; default: made of DIR's name.")
@click.option("--node", metavar="NAME", default="unit1", show_default=True, help="Of this machine in the site.")
@click.option("--zone", metavar="ZONE", help='Time zone such as "Europe/Paris"; default: this machine\'s.')
@click.option("--force", is_flag=True, help="Write over a site.toml that is there.")
def init(folder: Path, way: str, nas: bool, name: str | None, node: str, zone: str | None, force: bool) -> None:
    """Write DIR/site.toml, commented, and what it needs to run on a virtual camera without hardware."""
    from core.site.init import Choices, local_zone, write_site
    from core.site.shape import near_name

    chosen = Choices(
        way=way,  # type: ignore[arg-type]  # click has checked it
        nas=nas,
        name=name if name is not None else near_name(folder.resolve().name) or "site",
        node=node,
        zone=zone if zone is not None else local_zone(),
    )
    try:
        file = write_site(folder, chosen, force)
    except OSError as error:  # a name that no folder can have
        raise unusable(folder, error) from error
    click.echo(f"Wrote {safe(file)}. Next: read it, then")
    for command in ("validate", "capture north", "run"):
        click.echo(f"  {shlex.quote(called(sys.argv[0]))} {command} --site {shlex.quote(str(file))}")


@click.command("validate")
@site_options
@json_option
def validate(selection: Selection, as_json: bool) -> None:
    """Tell every problem of the site file, each with its line, its key and what to write instead."""
    files = selection.files()
    try:
        sites = read_files(files, selection.node)
    except ConfigurationError as error:
        if not as_json:
            raise
        _print_json({"ok": False, "files": [str(file) for file in files], "problems": error.problems})
        raise click.exceptions.Exit(error.exit_status) from error
    about = [summary(loaded, node) for loaded, node in sites]
    if as_json:
        _print_json({"ok": True, "sites": about, "extras": extras()})
        return
    for line in [line for each in about for line in _told(each)] + [f"warning: {missing}" for missing in extras()]:
        click.echo(line)


def extras() -> list[str]:
    """Return what is not installed and would be of use, each with how to get it."""
    import importlib.util

    return [
        f'{module} is not installed: {missed} (pip install "overlapse[{extra}]")'
        for module, (extra, missed) in EXTRAS.items()
        if importlib.util.find_spec(module) is None
    ]


def summary(loaded: Loaded, node: str | None) -> dict[str, Any]:
    """Return what a site file describes, in a few words and numbers."""
    from core.clock import SystemClock

    site, now = loaded.site, SystemClock().now()
    return {
        "file": str(loaded.path),
        "site": site.site.name,
        "node": node,
        "data": str(loaded.base / site.site.data),
        "nodes": [node.name for node in site.node],
        "cameras": [
            {"name": camera.name, "kind": camera.source.kind, "shoots": camera.shoots, "slots_a_day": slots}
            for camera in site.camera
            for slots in [_slots_a_day(site, camera, now)]
        ],
        "destinations": [{"name": each.name, "kind": each.address.partition(":")[0]} for each in site.destination],
        "routes": [
            {"what": list(each.what), "to": str(each.to), "required": each.required}
            | ({"at": each.at} if each.at else {})
            for each in site.route
        ],
        "warnings": list(loaded.warnings),
    }


def _slots_a_day(site: SiteFile, camera: Camera, now: datetime) -> float:
    """Return the mean of the next seven days."""
    from core.schedule.slots import Timetable

    table = Timetable(camera, site.site.zone, site.site.latitude, site.site.longitude)
    return round(table.count(now, now + WEEK) / WEEK.days, 1)


def _told(about: dict[str, Any]) -> Iterator[str]:
    yield safe(f"OK {about['file']}: site {about['site']}, data in {about['data']}", LINE)
    here = f"this machine: {about['node']}" if about["node"] else "which of them this machine is, --node says"
    yield f"  nodes         {', '.join(about['nodes'])} ({here})"
    for camera in about["cameras"]:
        how = f"{camera['kind']}, {camera['shoots']}"
        yield f"  camera        {camera['name']} ({how}): {camera['slots_a_day']:g} slots a day"
    shown = ", ".join(f"{each['name']} ({each['kind']})" for each in about["destinations"])
    yield f"  destinations  {shown or 'none'}"
    for route in about["routes"]:
        required = ", required" if route["required"] else ""
        at = f", at {route['at']}" if "at" in route else ""
        yield f"  route         {', '.join(route['what'])} to {route['to']}{at}{required}"
    for warning in about["warnings"]:
        yield f"warning: {safe(about['file'], LINE)}:{warning}"


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))
