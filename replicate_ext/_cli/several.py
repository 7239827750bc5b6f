"""Commands that take several ids: an action for each, and one list of what they return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .. import errors
from .error_report import message
from .exit_codes import UnusableResultError

if TYPE_CHECKING:
    from .context import App

ids = click.argument("ids", nargs=-1, required=True, metavar="ID...")
"""What the action is done for."""

_OF_ONE = (errors.NotFoundError, errors.ModelError, UnusableResultError)
"""Errors that concern one id, and not the others."""


def do(app: App, items: Sequence[str], action: Callable[[str], Any], fields: str) -> None:
    """Do an action for each item, and write what it returns."""
    with each(items, lambda item: [action(item)]) as results:
        write(app, items, results, fields)


@contextmanager
def each(items: Sequence[str], action: Callable[[str], Iterable[Any]]) -> Iterator[Iterator[Any]]:
    """Return an iterator over what an action yields for each item; the end of the block raises what went wrong.

    After an error that concerns one item, the others have their turn. Any other error ends the iteration, so that what
    came before it is written all the same.
    """
    failures: list[Exception] = []

    def results() -> Iterator[Any]:
        for item in items:
            try:
                yield from action(item)
            except _OF_ONE as error:
                failures.append(error)
            except errors.ReplicateError as error:
                failures.insert(0, error)
                return

    yield results()
    if failures:
        for other in failures[1:]:
            failures[0].add_note(message(other))
        raise failures[0]


def write(app: App, items: Sequence[str], results: Iterable[Any], fields: str = "") -> None:
    """Write the results for some items: with `--json`, an object for one item, and an array for several."""
    if app.output.is_json and len(items) == 1:
        for result in results:
            app.output.record(result)
    else:
        app.output.records(results, fields)
