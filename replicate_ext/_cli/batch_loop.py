"""Runs the batch of a command: prints rows as they end, shows the progress, and ends as the command line ends."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import errors
from .._models.literals import visible
from . import exit_codes
from .inputs import find_schema

if TYPE_CHECKING:
    from .._batch import Batch, Item, Status
    from .._batch.report import Report
    from .context import App
    from .output import Output

ROW_FILES = (".jsonl", ".ndjson", ".csv", ".parquet")

REFRESH_RATE = 4
"""Updates of the bar a second."""


def find_rows(app: App, model: str, rows: str) -> Any:
    """Return what `client.map` takes for ROWS: the path of a file, or the rows of standard input."""
    if rows != "-":
        if Path(rows).suffix.lower() not in ROW_FILES:
            raise click.UsageError(f"{rows} is none of the files of rows: {', '.join(ROW_FILES)}, or - for JSON lines")
        if not Path(rows).exists():
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT), rows)
        return rows
    from .._batch.cells import CellConverter
    from .._batch.rows import read_json_lines

    converter = CellConverter(find_schema(app.client, model), Path.cwd())
    return read_json_lines(sys.stdin.buffer, "standard input", converter)


def run_batch(app: App, folder: Path, create: Callable[..., Batch]) -> int:
    """Run the batch that `create` returns, print its report, and return the exit code.

    Args:
        app: That of the command.
        folder: The folder as it was written, with which paths begin.
        create: Is called with `progress`.

    Raises:
        BatchStoppedError, KeyboardInterrupt: It ended early; the report is printed, and the error says how to continue.
    """
    with _show_progress(app.output) as progress:
        batch = create(progress=progress)
        try:
            with advise(folder):
                _iterate(app, batch, folder)
        except (errors.BatchStoppedError, KeyboardInterrupt) as error:
            stopped: BaseException | None = error
        else:
            stopped = None
    if stopped is not None and batch._thread is None:
        raise stopped
    report = batch.report()
    if not app.output.is_lines and (app.output.is_json or not app.output.quiet):
        print_report(app, report, folder)
    if stopped is not None:
        raise stopped
    if not (report.failed or report.uncertain):
        return exit_codes.SUCCESS
    print(visible(_describe_failures(report, folder)), file=sys.stderr)  # also with --quiet: it explains the exit code
    return exit_codes.FAILED


def print_report(app: App, report: Report, *folders: Path) -> None:
    """Print a report: its JSON, the folders alone, or its text."""
    if app.output.is_json:
        app.output.json(report.to_dict())
    else:
        for line in folders if app.output.quiet else [report]:
            app.output.line(line)


@contextmanager
def advise(folder: Path) -> Iterator[None]:
    """Let the error of a batch that has stopped name the command that continues it."""
    try:
        yield
    except errors.BatchStoppedError as error:
        reason = re.sub(r"\b(max_\w+)=", lambda match: f"{_flag(match[1])} ", error.reason)
        change = [_flag(error.option), "N"] if error.option else []
        if str(error) != error.reason:  # otherwise it cannot continue
            reason += f"; to continue: `{_command('resume', folder, *change)}`"
        error.args = (reason,)
        raise


def _iterate(app: App, batch: Batch, folder: Path) -> None:
    """Print the rows as they end. The first Ctrl-C only stops creating, the second one leaves the loop."""
    from .._batch.interrupt import GracefulInterrupt

    resuming = f"to continue: `{_command('resume', folder)}`"

    def stop() -> None:
        if batch._thread is None:
            raise KeyboardInterrupt
        batch.stop()
        outcome = "cancels them" if batch._options.cancel_on_exit else "leaves them running"
        running = batch.status().in_flight
        app.output.note(
            f"Nothing more is created; waiting for {_predictions(running)}. Ctrl-C again {outcome}; {resuming}"
        )

    interrupt = GracefulInterrupt(stop, is_shared=False)  # the batch would print another line
    items: Any = iter(batch)
    try:
        with interrupt, closing(items):
            for item in items:
                _print_item(app.output, item, batch, folder)
        if interrupt.happened:
            raise KeyboardInterrupt
    except errors.BatchStoppedError as error:
        if not interrupt.happened:
            raise
        interruption = KeyboardInterrupt()
        interruption.add_note(resuming)
        raise interruption from error
    except KeyboardInterrupt as error:
        if batch._thread is None:
            raise
        running = batch.report().in_flight
        outcome = f"{_predictions(running)} may still be running" if running else "nothing is running"
        error.__notes__ = [outcome, resuming]  # those of the library are for its callers
        raise


def _predictions(count: int) -> str:
    return f"{count:,} prediction{'' if count == 1 else 's'}"


def _print_item(output: Output, item: Item, batch: Batch, folder: Path) -> None:
    paths = [str(folder / path.relative_to(batch.folder)) for path in item.paths]
    if output.is_lines:
        names = ("index", "key", "status", "prediction_id", "output", "error")
        output.json({name: getattr(item, name) for name in names} | {"paths": paths})
    elif output.quiet and not output.is_json:
        for path in paths:
            output.line(path)


def _describe_failures(report: Report, folder: Path) -> str:
    counts = {"failed": report.failed, "uncertain": report.uncertain}
    rows = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    option = ["--uncertain"] * bool(report.uncertain)
    retry, export = _command("retry", folder, *option), _command("export", folder, "rows.jsonl")
    advice = f"`{export}` has their errors, and `{retry}` buys what is valid again"
    if "InvalidInputError" in report.errors:
        advice += "; correct invalid rows in their file, and repeat the command that began the batch"
    return f"{rows} of {report.rows:,} rows; {advice}"


def _command(name: str, folder: Path, *options: str) -> str:
    return shlex.join(["replicate-ext", "map", name, str(folder), *options])


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


@contextmanager
def _show_progress(output: Output) -> Iterator[Callable[[Status], None] | None]:
    """Show the progress on stderr in the block: a bar on a terminal, elsewhere a line now and then."""
    if output.quiet:
        yield None
    elif output.is_live and not (output.is_lines and output.is_terminal):  # rows would be printed into the bar
        from rich.console import Console
        from rich.live import Live

        bar = Bar()
        console = Console(stderr=True, highlight=False)
        with Live(
            console=console,
            get_renderable=bar.render,
            refresh_per_second=REFRESH_RATE,
            transient=True,
            redirect_stdout=False,
        ):
            yield bar.update
    else:
        from .._batch.progress import ProgressLines

        with closing(ProgressLines()) as lines:
            yield lines.update


class Bar:
    """The latest status of a batch, and how it is shown."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def update(self, status: Status) -> None:
        """Show another status."""
        self._status = status

    def render(self) -> Any:
        """Return what is shown now."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self._status is None:
            return Text("checking the rows")
        status = self._status
        line = Table.grid(padding=(0, 1))
        line.add_column(width=20)
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_row(ProgressBar(total=max(status.rows, 1), completed=status.finished, width=20), Text(str(status)))
        return line
