"""`replicate-ext predictions`: what the account has run, and what it runs now."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from .._sansio.job import has_content, is_finished, raise_unless_succeeded
from ..errors import NotFoundError, PermissionDeniedError
from . import details, parameters, saving, several
from .context import App, command
from .exit_codes import UnusableResultError
from .job_lists import JobFilter, filters
from .jobs import wait_for
from .saving import Destination, deliver

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .._files.outputs import FileOutput


def _parse_time(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not a date or time: write 2026-01-31 or 2026-01-31T12:00:00+01:00", context, parameter
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@command("predictions list --limit 5", "predictions list --status failed --model acme/broken --json", name="list")
@filters
@click.option("--created-after", callback=_parse_time, metavar="TIME", help="ISO 8601; UTC, unless it has an offset.")
def list_predictions(app: App, jobs: JobFilter, created_after: datetime | None) -> None:
    """List predictions, newest first."""
    listed = app.client.predictions.list(created_after=created_after)
    jobs.write(app, listed, "id status model created_at", "predictions")


@command("predictions show ufawqhfynnddngldkgtslldrkq", "predictions show ufawqhfynnddngldkgtslldrkq --logs")
@several.ids
@click.option("--logs", is_flag=True, help="Print the end of the log too.")
def show(app: App, ids: tuple[str, ...], logs: bool) -> None:
    """Show predictions: status, error, metrics, input and output."""
    details.show(app, ids, app.client.predictions.get, logs=logs)


@command("predictions watch ufawqhfynnddngldkgtslldrkq", "predictions watch ufawqhfynnddngldkgtslldrkq -o pictures/")
@click.argument("id")
@parameters.destination
@parameters.show
@parameters.timeout
def watch(app: App, id: str, destination: Destination | None, show: bool, **limits: Any) -> None:
    """Follow a prediction until it ends, and print its output.

    Ctrl-C cancels it.
    """
    deliver(app, wait_for(app, app.client.predictions.get(id), destination, **limits), destination, show=show)


@command("predictions cancel ufawqhfynnddngldkgtslldrkq", "predictions cancel ufawqhfynnddngldkgtslldrkq --json")
@several.ids
def cancel(app: App, ids: tuple[str, ...]) -> None:
    """Cancel predictions.

    Those that have ended stay as they are.
    """
    several.do(app, ids, app.client.predictions.cancel, "id status")


@command(
    "predictions save ufawqhfynnddngldkgtslldrkq -o pictures/",
    "predictions save ufawqhfynnddngldkgtslldrkq -o picture.png",
)
@several.ids
@parameters.destination
def save(app: App, ids: tuple[str, ...], destination: Destination | None) -> None:
    """Save the output of predictions, as far as it still exists.

    Replicate deletes it one hour after the end of a prediction.
    """
    if destination is None:
        raise click.UsageError("write where to save the output: -o FOLDER/, -o FILE or -o -")
    if len(ids) > 1 and not destination.is_folder:
        raise click.UsageError(f"{len(ids)} predictions need a folder: write -o FOLDER/")

    def save_one(id: str) -> Iterator[dict[str, Any]]:
        job = app.client.predictions.get(id)
        output, loss = _remaining_output(app, job)
        if destination.is_stdout:
            saving.write(app, output)
        else:
            yield {**job.to_dict(), "saved": [*map(str, saving.save(app, output, destination))]}
        if loss:
            raise UnusableResultError(loss)

    with several.each(ids, save_one) as saved:
        if app.output.is_json:
            several.write(app, ids, saved)
        else:
            for job in saved:
                for path in job["saved"]:
                    app.output.line(path)


def _remaining_output(app: App, job: Prediction) -> tuple[Any, str]:
    """Return the output of a prediction, with None in place of the files that have expired, and what to say of these.

    Raises:
        UnusableResultError, ModelError: Nothing of it exists, or the prediction has not ended.
    """
    from .._files.download import EXPIRY_ADVICE

    if not is_finished(job):
        command = f"replicate-ext predictions watch {job.id} -o FOLDER/"
        raise UnusableResultError(f"prediction {job.id} is {job.status}: `{command}` waits for its output")
    if job.data_removed:
        raise UnusableResultError(f"the output of prediction {job.id} was deleted: {EXPIRY_ADVICE}")
    if not has_content(job.output):
        raise_unless_succeeded(job)
        raise UnusableResultError(f"the output of prediction {job.id} is empty")
    output = app.client._predictions.wrap_output(app.client._session, job)
    files = saving.find_files(output)
    expired = {file for file in files if _has_expired(file)}
    if not expired:
        return output, ""
    loss = f"{len(expired)} of {len(files)} files of prediction {job.id} have expired: {EXPIRY_ADVICE}"
    if len(expired) == len({*files}):
        raise UnusableResultError(loss)
    return _without(output, expired), loss


def _has_expired(file: FileOutput) -> bool:
    try:
        file.read(1)
    except (NotFoundError, PermissionDeniedError):
        return True
    return False


def _without(output: Any, files: Set[str]) -> Any:
    """Return an output with None in place of some files, so that the names of the others stay the same."""
    if isinstance(output, dict):
        return {name: _without(value, files) for name, value in output.items()}
    if isinstance(output, list):
        return [_without(value, files) for value in output]
    return None if isinstance(output, str) and output in files else output
