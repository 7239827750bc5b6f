"""`replicate-ext map`: runs a model on the rows of a file, each bought once, in a folder that survives the process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import parameters
from .batch_loop import advise, find_rows, print_report, run_batch
from .context import App, command

if TYPE_CHECKING:
    from .._batch import Batch
    from .._batch.journal import JournalReader
    from .._batch.report import Report

Function = Callable[..., Any]


def _check_folder(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    from .._batch.journal import FILE_NAME

    for folder in [value] if isinstance(value, Path) else value or ():
        if not (folder / FILE_NAME).exists():
            raise click.UsageError(f"{folder} has no batch: `replicate-ext map MODEL ROWS -o {folder}` begins one")
    return value


folder_argument = click.argument("folder", type=click.Path(path_type=Path), callback=_check_folder)


def _parse_shard(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    k, _, n = value.partition("/")
    if not (k.isdecimal() and n.isdecimal() and int(k) < int(n)):
        raise click.BadParameter(f"{value!r} is not a part of the rows: write K/N with K from 0 to N - 1, such as 0/4")
    return int(k), int(n)


def _limit(name: str, number: click.ParamType[Any], help: str) -> Function:
    """Return an option that is a number, or `none`, which lifts the limit."""

    def parse(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        return value if value in (None, "none") else number.convert(value, param, ctx)

    return click.option(name, metavar="N", callback=parse, help=help)


_COUNT, _AMOUNT = click.IntRange(1), click.FloatRange(0)

_OPTIONS = (
    click.option("--concurrency", type=_COUNT, metavar="N", help="Predictions at a time; default: 100."),
    click.option("--retries", type=click.IntRange(0), metavar="N", help="After failures of the platform; default: 1."),
    click.option(
        "--on-error", type=click.Choice(["collect", "raise"]), help="Continue after a failed row, the default; or stop."
    ),
    click.option("--save/--no-save", default=None, help="Save the files of the outputs, the default."),
    _limit("--max-creates", _COUNT, "How many predictions may be created in total."),
    _limit("--max-cost", _AMOUNT, "What all may cost, by --price."),
    click.option("--price", type=_AMOUNT, metavar="N", help="What each prediction costs."),
    _limit("--max-seconds", _AMOUNT, "Seconds that the model may run in total."),
    _limit("--max-failures", _COUNT, "Stop after so many failures in a row, or `none`; default: 20."),
    click.option("--check/--no-check", default=None, help="Check the rows by the model's schema, the default."),
    click.option(
        "--cancel-running/--leave-running",
        "cancel_on_exit",
        default=None,
        help="What a second Ctrl-C does with what is running; default: it cancels.",
    ),
)
"""The options that may change when a batch continues."""


def _options(function: Function) -> Function:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that are given, in the values that `client.map` takes."""
    return {name: None if value == "none" else value for name, value in options.items() if value is not None}


@command(
    "map acme/hello names.jsonl -o runs/hello",
    "map acme/painter rows.csv -o runs/cards --max-creates 100 -q",
    "map acme/hello - -o runs/ada --jsonl",
)
@parameters.model
@click.argument("rows", metavar="ROWS")
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The journal of the batch, and the files of its outputs.",
)
@click.option("--key", metavar="COLUMN", help="The column that identifies a row; default: its number.")
@click.option("--dedupe", is_flag=True, help="Buy equal rows once.")
@click.option("--shard", callback=_parse_shard, metavar="K/N", help="Only every N-th row, beginning with row K.")
@_options
def run(
    app: App,
    model: str,
    rows: str,
    folder: Path,
    key: str | None,
    dedupe: bool,
    shard: tuple[int, int] | None,
    **options: Any,
) -> int:
    """Run a model on all rows of a file, and print a report.

    ROWS is a .jsonl, .csv or .parquet file, or - for JSON lines on standard input. The same command continues a batch
    that was stopped; what was bought is not bought again. -q prints the paths of saved files as they are saved, and
    --jsonl an object for each row as it ends. Limits are totals of the folder.
    """
    if options["max_cost"] not in (None, "none") and options["price"] is None:
        raise click.UsageError("--max-cost needs --price, the cost of each prediction")
    source = find_rows(app, model, rows)
    create = partial(app.client.map, model, source, folder, key=key, dedupe=dedupe, shard=shard, **_given(options))
    return run_batch(app, folder, create)


@command("map resume runs/hello", "map resume runs/cards --max-creates 200")
@folder_argument
@_options
def resume(app: App, folder: Path, **options: Any) -> int:
    """Continue a batch that was stopped, without its rows.

    Options are as they were, unless they are given again; `none` lifts a limit.
    """
    return run_batch(app, folder, partial(_open(app, folder).resume, **_given(options)))


@command("map retry runs/hello", "map retry runs/hello --no-failed --uncertain")
@folder_argument
@click.option("--failed/--no-failed", default=True, help="Rows that have failed, the default.")
@click.option("--uncertain", is_flag=True, help="Rows whose prediction may exist: each may be bought a second time.")
@_options
def retry(app: App, folder: Path, failed: bool, uncertain: bool, **options: Any) -> int:
    """Buy rows that have failed again, and continue."""
    return run_batch(
        app, folder, partial(_open(app, folder).retry, failed=failed, uncertain=uncertain, **_given(options))
    )


@command("map status runs/hello", "map status runs/hello --json")
@folder_argument
def status(app: App, folder: Path) -> None:
    """Print how far a batch is, also while it runs."""
    from .._batch.progress import Status

    with closing(_read(folder)) as reader:
        status = Status.read(reader)
    if app.output.is_json:
        app.output.json(asdict(status) | {"finished": status.finished})
    else:
        app.output.line(folder if app.output.quiet else status)


@command("map report runs/hello", "map report runs/shard-0 runs/shard-1 --json")
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), callback=_check_folder, metavar="FOLDER..."
)
def report(app: App, folders: tuple[Path, ...]) -> None:
    """Print what a batch has done, bought and spent; of several folders, all shards together."""
    from .._batch.report import Report

    reports = [_report(folder) for folder in folders]
    print_report(app, reports[0] if len(reports) == 1 else Report.merge(reports), *folders)


@command("map export runs/hello hello.csv", "map export runs/cards cards.parquet")
@folder_argument
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(app: App, folder: Path, file: Path) -> None:
    """Write a table with a line for each row: .jsonl, .csv or .parquet."""
    from .._batch.export import export

    with closing(_read(folder)) as reader:
        path = export(reader, file)
    app.output.lines([({"path": str(path)}, str(path))])


@command("map cancel runs/hello", "map cancel runs/cards --json")
@folder_argument
def cancel(app: App, folder: Path) -> None:
    """Cancel what a batch has left running; `map resume` buys these rows again."""
    with advise(folder):
        report = _open(app, folder).cancel()
    print_report(app, report, folder)


def _open(app: App, folder: Path) -> Batch:
    from .._batch import Batch

    return Batch.open(folder, app.client)


def _read(folder: Path) -> JournalReader:
    from .._batch.journal import JournalReader

    return JournalReader(folder.absolute())


def _report(folder: Path) -> Report:
    from .._batch.report import Report

    with closing(_read(folder)) as reader:
        return Report.read(reader)
