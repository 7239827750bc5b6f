"""`replicate-ext deployments`: models on hardware of their own; `run deployments/owner/name` runs one."""

from __future__ import annotations

from typing import Any

import click

from .._sansio.model_ref import ModelRef
from .candidates import complete_model
from .context import App, command
from .parameters import Function

FIELDS = (
    "owner/name current_release.model current_release.version current_release.configuration.hardware "
    "current_release.configuration.min_instances current_release.configuration.max_instances"
)
DETAILS = f"{FIELDS} current_release.number current_release.created_at"

MAX_MIN_INSTANCES, MAX_INSTANCES = 5, 20
"""Limits of the API (openapi.json, DeploymentsCreateRequest)."""


def _parse(context: click.Context, parameter: click.Parameter, text: str) -> str:
    """Return a deployment as `owner/name`, from that or any other form of `ModelRef`."""
    try:
        ref = ModelRef.parse(text)
    except ValueError:
        ref = None
    if ref is None or ref.owner is None or ref.version is not None:
        raise click.BadParameter(f"{text!r} is not a deployment: write owner/name", context)
    return f"{ref.owner}/{ref.name}"


deployment = click.argument("deployment", metavar="OWNER/NAME", callback=_parse)


def scaling(minimum: int | None, maximum: int | None) -> Function:
    """Add the limits of scaling, with their defaults."""

    def add(function: Function) -> Function:
        for name, limit, default, text in (
            ("--max-instances", MAX_INSTANCES, maximum, "Most instances that scaling may start."),
            ("--min-instances", MAX_MIN_INSTANCES, minimum, "Instances that stay up, and cost money, while idle."),
        ):
            function = click.option(
                name,
                type=click.IntRange(0, limit),
                default=default,
                show_default=default is not None,
                metavar="N",
                help=text,
            )(function)
        return function

    return add


@command("deployments list", "deployments list --quiet", name="list")
def list_deployments(app: App) -> None:
    """List your deployments, newest first."""
    app.output.records(app.client.deployments.list(), FIELDS, "deployments")


@command("deployments show acme/front-desk", "deployments show acme/front-desk --json")
@deployment
def show(app: App, deployment: str) -> None:
    """Show a deployment, with the release that it runs."""
    app.output.record(app.client.deployments.get(deployment), DETAILS)


@command(
    "deployments create my-poet acme/poet --hardware cpu",
    "deployments create my-painter acme/painter --hardware gpu-t4 --max-instances 3",
)
@click.argument("name")
@click.argument("model", shell_complete=complete_model)
@click.option("--hardware", required=True, metavar="SKU", help="What to run it on; `replicate-ext hardware` lists it.")
@scaling(0, 1)
def create(app: App, name: str, model: str, **options: Any) -> None:
    """Deploy a model on hardware of its own.

    MODEL is owner/name, for its latest version, or owner/name:version. `run deployments/OWNER/NAME` runs it.
    """
    ref = ModelRef.parse(model)
    if ref.owner is None or ref.is_deployment:
        raise click.UsageError(f"{model} is not a model: write owner/name or owner/name:version")
    model = f"{ref.owner}/{ref.name}"
    version = ref.version or _latest_version(app, model)
    created = app.client.deployments.create(name=name, model=model, version=version, **options)
    app.output.record(created, DETAILS)


@command(
    "deployments update acme/front-desk --max-instances 5",
    "deployments update acme/front-desk --min-instances 0 --max-instances 0",
)
@deployment
@click.option("--version", metavar="ID", help="Version to run from now on, or `latest`.")
@click.option("--hardware", metavar="SKU", help="What to run it on; `replicate-ext hardware` lists it.")
@scaling(None, None)
def update(app: App, deployment: str, **options: Any) -> None:
    """Change the version, hardware or scaling of a deployment.

    What is not given stays as it is. Both limits 0 take it offline, and cancel what it runs.
    """
    changes = {name: value for name, value in options.items() if value is not None}
    if not changes:
        raise click.UsageError("nothing to change: give --version, --hardware, --min-instances or --max-instances")
    if changes.get("version") == "latest":
        release = app.client.deployments.get(deployment).current_release
        if release is None or not release.model:
            raise ValueError(f"{deployment} has no release whose model is known: give the id of the version")
        changes["version"] = _latest_version(app, release.model)
    app.output.record(app.client.deployments.update(deployment, **changes), DETAILS)


@command("deployments delete acme/front-desk", "deployments delete acme/front-desk --json")
@deployment
def delete(app: App, deployment: str) -> None:
    """Delete a deployment that is offline.

    The API refuses this until 15 minutes after it was taken offline, with `update` and both limits 0.
    """
    app.client.deployments.delete(deployment)
    app.output.lines([({"deployment": deployment, "deleted": True}, deployment)])


def _latest_version(app: App, model: str) -> str:
    version = app.client.models.get(model).latest_version
    if version is None:
        raise ValueError(f"{model} has no version that can be deployed")
    return version.id
