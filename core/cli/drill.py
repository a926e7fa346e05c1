"""`overlapse drill`: simulate what goes wrong, with the product's own code, before it does."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator

import click

from core.cli.options import json_option
from core.cli.progress import progress
from core.coordination.simulator.drill import Summary, parts, play_part
from core.coordination.simulator.history import Outcome, play

_FEW = 20  # histories that are not worth another process


@click.command()
@click.option("--redundancy", is_flag=True, help="Play failing fleets, and check that no camera has two owners.")
@click.option("--histories", default=1000, show_default=True, type=click.IntRange(0, 1_000_000), help="How many.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed plays the same.")
@click.option(
    "--kills", default=200, show_default=True, type=click.IntRange(0, 100_000), help="Deaths of a primary, per mode."
)
@click.option("--only", type=click.IntRange(0), metavar="N", help="Play history N of the seed alone, and tell of it.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes at once; default: one for each processor.")
@json_option
def drill(
    redundancy: bool, histories: int, seed: int, kills: int, only: int | None, jobs: int | None, as_json: bool
) -> int:
    """Simulate failing nodes, links, clocks and engines, and count what was broken.

    The exit status is 1 when an invariant broke or a figure was missed.
    """
    if not redundancy:
        raise click.UsageError("say what to drill: --redundancy")
    summary = Summary(seed)
    if only is not None:
        summary.add([play(seed, only)])
    else:
        with progress() as tell:
            for outcomes in _played(seed, histories, jobs or os.cpu_count() or 1):
                summary.add(outcomes)
                tell(f"{summary.histories} of {histories} histories; {_broken(summary)}")
            for pace in summary.kill(kills):
                tell(f"{kills} kills in {pace} mode")
    click.echo(json.dumps(summary.to_json()) if as_json else summary.text())
    return 0 if summary.is_fine else 1


def _played(seed: int, histories: int, jobs: int) -> Iterator[list[Outcome]]:
    todo = parts(seed, histories)
    if jobs == 1 or histories <= _FEW:
        yield from map(play_part, todo)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _leave_interrupts) as pool:  # its end kills them
        yield from pool.imap_unordered(play_part, todo)


def _broken(summary: Summary) -> str:
    names = [one.seed.partition("/")[2] for one in summary.broken]
    return f"broken: {', '.join(names[:8])}" if names else "all hold"


def _leave_interrupts() -> None:
    """Have a process leave it to its parent to be interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
