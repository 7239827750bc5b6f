"""`replicate-ext trainings`: start trainings, and follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import details, parameters, several
from .candidates import complete_model
from .context import App, command
from .inputs import InputArguments
from .job_lists import JobFilter, filters
from .jobs import wait_for

if TYPE_CHECKING:
    from .._models.schema import ModelSchema
    from .._sansio.model_ref import ModelRef


@command("trainings list --limit 5", "trainings list --status succeeded --json", name="list")
@filters
def list_trainings(app: App, jobs: JobFilter) -> None:
    """List trainings, newest first."""
    jobs.write(app, app.client.trainings.list(), "id status model created_at output.version", "trainings")


@command("trainings show ufawqhfynnddngldkgtslldrkq", "trainings show ufawqhfynnddngldkgtslldrkq --logs")
@several.ids
@click.option("--logs", is_flag=True, help="Print the end of the log too.")
def show(app: App, ids: tuple[str, ...], logs: bool) -> None:
    """Show trainings: status, error, metrics, input and output."""
    details.show(app, ids, app.client.trainings.get, logs=logs)


@command(
    "trainings create acme/poet:VERSION --destination acme/poet words='sea shore' steps=20",
    "trainings create acme/poet:VERSION --destination acme/poet --input input.json --json",
)
@click.argument("model", metavar="MODEL:VERSION", shell_complete=complete_model)
@click.option("--destination", required=True, metavar="OWNER/NAME", help="The model that gets the new version.")
@parameters.inputs
@click.option("--webhook", metavar="URL", help="Where Replicate sends events of the training.")
def create(app: App, model: str, destination: str, inputs: InputArguments, webhook: str | None) -> None:
    """Start a training, and print its id.

    It continues without this process: `trainings watch` waits for it.
    """
    from .._sansio.model_ref import ModelRef

    ref, target = ModelRef.parse(model), ModelRef.parse(destination)
    if ref.owner is None or ref.version is None:
        raise click.UsageError(f"{model}: write the version to train, owner/name:version")
    if target.owner is None or target.version or target.is_deployment:
        raise click.UsageError(f"--destination {destination}: write a model of yours, owner/name")
    schema = _fetch_schema(app, ref)
    values = schema.check(inputs.convert(schema), f"the training of {ref.owner}/{ref.name}")
    training = app.client.trainings.create(
        ref.owner, ref.name, ref.version, destination=str(target), input=values, webhook=webhook
    )
    if app.output.is_json:
        app.output.record(training)
    else:
        app.output.line(training.id)


@command("trainings watch ufawqhfynnddngldkgtslldrkq", "trainings watch ufawqhfynnddngldkgtslldrkq --timeout 3600")
@click.argument("id")
@parameters.timeout
def watch(app: App, id: str, **limits: Any) -> None:
    """Follow a training until it ends, and print the version that it has made.

    Ctrl-C cancels it.
    """
    training = wait_for(app, app.client.trainings.get(id), **limits)
    if app.output.is_json or app.output.quiet:
        app.output.record(training, "id")
    else:
        app.output.line(getattr(training.output, "version", None) or f"{id} {training.status}")


@command("trainings cancel ufawqhfynnddngldkgtslldrkq", "trainings cancel ufawqhfynnddngldkgtslldrkq --json")
@several.ids
def cancel(app: App, ids: tuple[str, ...]) -> None:
    """Cancel trainings.

    Those that have ended stay as they are.
    """
    several.do(app, ids, app.client.trainings.cancel, "id status")


def _fetch_schema(app: App, ref: ModelRef) -> ModelSchema:
    """Return the schema of the trainings of a version."""
    from .._models.schema import ModelSchema

    version = app.client.models.versions.get(str(ref.owner), str(ref.name), str(ref.version))
    return ModelSchema.parse(version.openapi_schema, version.cog_version, is_training=True)
