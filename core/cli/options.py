"""Options that many commands share: which site, which node, JSON or text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from core.cli.ending import unusable
from core.errors import ConfigurationError
from core.site.place import Place, place_of, site_files

if TYPE_CHECKING:
    from core.site.load import Loaded

Command = TypeVar("Command", bound=Callable[..., Any])


class Selection:
    """The sites and the node that a command was asked to work on; nothing is read before it is asked for."""

    def __init__(self, files: Sequence[Path] = (), node: str | None = None) -> None:
        self._files = files
        self.node = node  # as asked for with --node

    def files(self) -> list[Path]:
        """Return the site files; raise ConfigurationError when there is none."""
        try:
            return site_files(self._files)
        except OSError as error:  # a name that no file can have
            raise unusable(Path(error.filename), error) from error

    def only_file(self) -> Path:
        """Return the one site file; raise ConfigurationError naming the choices when there are several."""
        files = self.files()
        if len(files) != 1:
            raise ConfigurationError(f"which site? Say --site with one of: {', '.join(str(file) for file in files)}")
        return files[0]

    def places(self) -> list[Place]:
        """Return where each site's node lives on this machine: cheap, the files are not checked."""
        return [place_of(file, self.node) for file in self.files()]

    def place(self) -> Place:
        """Return the one place; raise ConfigurationError naming the choices when there are several."""
        return self._only(self.places())

    def load_all(self) -> list[tuple[Place, Loaded]]:
        """Return every site, checked whole; raise ConfigurationError with the problems of all files."""
        from core.cli.sites import read_sites

        return read_sites(self.files(), self.node)

    def load(self) -> tuple[Place, Loaded]:
        """Return the one site, checked whole; raise ConfigurationError."""
        from core.cli.sites import read_sites

        place = self.place()
        return read_sites([place.file], self.node)[0]

    def _only(self, places: Sequence[Place]) -> Place:
        if len(places) != 1:
            choices = ", ".join(str(place.file) for place in places)
            raise ConfigurationError(f"which site? Say --site with one of: {choices}")
        return places[0]


def site_options(command: Command) -> Command:
    """Give `command` --site and --node; it receives them as the keyword `selection`, a Selection."""

    @click.option(
        "--site",
        "site_files",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="The site file, or a folder of them; may be given again. "
        "Default: $OVERLAPSE_SITE, /etc/overlapse/sites/*.toml, ./site.toml.",
    )
    @click.option("--node", metavar="NAME", help="Which node of the site; default: this host's name, or the only one.")
    @functools.wraps(command)
    def with_selection(*args: Any, site_files: Sequence[Path], node: str | None, **others: Any) -> Any:
        return command(*args, selection=Selection(site_files, node), **others)

    return with_selection  # type: ignore[return-value]


def json_option(command: Command) -> Command:
    """Give `command` --json; it receives it as the keyword `as_json`."""
    option = click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
    return option(command)
