"""The command `overlapse`: a table of commands, each imported only when it is called."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Sequence

import click

from core.cli import ending
from core.errors import OverlapseError

COMMANDS = {  # name: (where it is, what it does)
    "init": ("core.cli.configure:init", "Write a commented site.toml that runs."),
    "validate": ("core.cli.configure:validate", "Tell every problem of a site.toml, and what to write instead."),
    "run": ("core.cli.run:run", "Run the node, in the foreground, until SIGTERM."),
    "demo": ("core.cli.demo:demo", "Run a whole small site on this machine, without hardware."),
    "capture": ("core.cli.capture:capture", "Take one shot now, through the whole path."),
    "status": ("core.cli.look:status", "Show the node on one screen of text."),
    "ledger": ("core.cli.look:ledger", "Show what became of every expected slot."),
    "queue": ("core.cli.queue:queue", "Show what waits to be delivered and what links carry, or act on it."),
    "events": ("core.cli.look:events", "Show what happened, newest last."),
    "order": ("core.cli.orders:order", "Have another node do something when it checks in."),
    "orders": ("core.cli.orders:orders", "Show the orders given here to other nodes, and those that came."),
    "mail": ("core.cli.mail:mail", "Show what waits for the mail server, or send a test."),
    "redundancy": ("core.cli.redundancy:redundancy", "Show and change who shoots a camera when a server falls silent."),
    "retention": ("core.cli.keep:retention", "Show what would be deleted next, and why."),
    "plan": ("core.cli.plan:plan", "Show bytes, bandwidth and buffer before anything is bought."),
    "drill": ("core.cli.drill:drill", "Simulate failing nodes, links and engines with the product's own code."),
    "verify": ("core.cli.keep:verify", "Compare hashes and receipts with disk and destinations."),
    "rebuild": ("core.cli.keep:rebuild", "Make the catalogue anew from the day books."),
    "restore": ("core.cli.restoring:restore", "Fill an emptied node again from a destination."),
    "fleet": ("core.cli.fleet:fleet", "Make and look after the voters through which nodes share leases."),
    "console": ("core.cli.consoling:console", "Show all of it on one screen, live, and act where you may."),
    "nagios": ("core.cli.nagios:nagios", "Write configuration for Nagios or Icinga 2."),
    "import": ("core.cli.importing:import_", "Take in a card or an old archive."),
}


class LazyGroup(click.Group):
    """A group whose commands are found by dotted name; one that is not installed is not listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if _exists(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS or not _exists(cmd_name):
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _exists(name: str) -> bool:
    module, _, _ = COMMANDS[name][0].partition(":")
    return importlib.util.find_spec(module) is not None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="overlapse", message="overlapse %(version)s")
def overlapse() -> None:
    """Take unattended time-lapse pictures and bring every one of them home, proven."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 the work failed, 2 wrong command or configuration, 130 interrupted."""
    status = run(arguments)
    ending.settle()
    sys.exit(status)


def run(arguments: Sequence[str] | None = None, program: click.Command = overlapse) -> int:
    """Run the command line and return its exit status; whatever goes wrong is told on stderr, without a traceback."""
    logging.getLogger("core").addHandler(logging.NullHandler())  # what `run` logs is not a command's answer
    try:
        result = program.main(args=arguments, prog_name=ending.PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return ending.interrupted()
    except Exception as error:  # noqa: BLE001 - the last resort: nobody above would tell it better
        return _ended(error)
    return result if isinstance(result, int) else 0


def _ended(error: Exception) -> int:
    if isinstance(error, OverlapseError):
        return ending.refused(error)
    if isinstance(error, click.ClickException):
        return ending.misused(error)
    return ending.failed(error) if isinstance(error, OSError) else ending.faulty(error)


if __name__ == "__main__":
    main()
