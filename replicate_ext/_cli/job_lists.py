"""The options of `predictions list` and `trainings list` that choose among what the API lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .._sansio.model_ref import ModelRef

if TYPE_CHECKING:
    from .context import App

STATUSES = ("starting", "processing", "succeeded", "failed", "canceled", "aborted")
"""Those of the OpenAPI document; a test compares."""

TABLE_LIMIT = 30
"""Rows of a table, unless --limit is given: a terminal is for reading."""

limit = click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    help=f"At most so many, 0: all; default: {TABLE_LIMIT} in a table on a terminal, else all.",
)


def write_first(app: App, items: Iterable[Any], limit: int | None, fields: str, name: str) -> None:
    """Write as many items as `limit` says; if a table leaves some out by default, say how to see them."""
    output, remaining = app.output, iter(items)
    is_cut = limit is None and output.is_terminal and not output.is_json and not output.quiet
    output.records(islice(remaining, TABLE_LIMIT if is_cut else limit or None), fields, name)
    if is_cut and next(remaining, None) is not None:
        output.note(f"these are the first {TABLE_LIMIT} {name}: --limit N shows N, --limit 0 all")


class JobFilter(NamedTuple):
    """Which jobs are listed."""

    limit: int | None
    statuses: tuple[str, ...]
    ref: ModelRef | None

    def write(self, app: App, jobs: Iterable[Any], fields: str, name: str) -> None:
        """Write the jobs that fit."""
        write_first(app, filter(self._fits, jobs), self.limit, fields, name)

    def _fits(self, job: Any) -> bool:
        if self.statuses and job.status not in self.statuses:
            return False
        if self.ref is None:
            return True
        owner, name, version, is_deployment = self.ref
        if is_deployment:
            return getattr(job, "deployment", None) == f"{owner}/{name}"
        return (owner is None or job.model == f"{owner}/{name}") and version in (None, job.version)


def filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the function gets a `JobFilter` as `jobs`."""

    @click.option(
        "--status", "statuses", type=click.Choice(STATUSES), multiple=True, help="May be given several times."
    )
    @click.option("--model", callback=_parse, metavar="MODEL", help="owner/name[:version] or deployments/owner/name.")
    @limit
    @wraps(function)
    def read(*args: Any, limit: int | None, statuses: tuple[str, ...], model: ModelRef | None, **kwargs: Any) -> Any:
        return function(*args, jobs=JobFilter(limit, statuses, model), **kwargs)

    return read


def _parse(context: click.Context, parameter: click.Parameter, value: str | None) -> ModelRef | None:
    return None if value is None else ModelRef.parse(value)
