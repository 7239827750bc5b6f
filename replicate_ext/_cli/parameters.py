"""The arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from typing import Any

import click

from .candidates import complete_input, complete_model
from .inputs import InputArguments
from .saving import Destination

Function = Callable[..., Any]

model = click.argument("model", metavar="MODEL", shell_complete=complete_model)
"""What to run: owner/name, owner/name:version, deployments/owner/name, or a version id."""


def inputs(function: Function) -> Function:
    """Add the inputs of a model; the function gets them as `inputs`."""

    @click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...", shell_complete=complete_input)
    @click.option("--input", "input_file", metavar="FILE", help="A JSON file with inputs, or - for standard input.")
    @wraps(function)
    def read(*args: Any, arguments: tuple[str, ...], input_file: str | None, **kwargs: Any) -> Any:
        return function(*args, inputs=InputArguments.read(arguments, input_file), **kwargs)

    return read


def destination(function: Function) -> Function:
    """Add `-o`; the function gets the `Destination` as `destination`."""

    def parse(context: click.Context, parameter: click.Parameter, value: str | None) -> Destination | None:
        return None if value is None else Destination(value)

    return click.option(
        "-o",
        "--output",
        "destination",
        metavar="PATH",
        callback=parse,
        help="Save the output: in a folder/, in a file, or with - write its bytes to stdout.",
    )(function)


def show(function: Function) -> Function:
    """Add `--show`; the function gets it as `show`."""

    def check(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
        if value and find_spec("PIL") is None:
            raise click.UsageError("--show needs Pillow: pip install pillow", context)
        return value

    return click.option("--show", is_flag=True, callback=check, help="Show pictures in a terminal that can.")(function)


def timeout(function: Function) -> Function:
    """Add how long to wait; the function gets `timeout` and `cancel_on_timeout`."""
    seconds = click.FloatRange(min=0, min_open=True)
    limit = click.option("--timeout", type=seconds, metavar="SECONDS", help="Stop waiting, without canceling.")
    cancel = click.option("--cancel-on-timeout", is_flag=True, help="Cancel it when --timeout expires.")
    return limit(cancel(function))
