"""`replicate-ext models`: the models of the platform, as their pages show them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from .._models.descriptions import describe_input
from .._models.literals import visible
from .._sansio.model_ref import ModelRef
from ..errors import NotFoundError
from . import parameters
from .context import App, command

if TYPE_CHECKING:
    from .._models.schema import ModelSchema
    from .._models.shapes import Input, Output


@command("models search poem", "models search 'make pictures' --limit 5 --json")
@click.argument("query", nargs=-1, required=True, metavar="QUERY")
@click.option("--limit", type=click.IntRange(1), metavar="N", default=25, help="At most so many; default: 25.")
def search(app: App, query: tuple[str, ...], limit: int) -> None:
    """Search public models."""
    found = app.client.models.search(" ".join(query))
    app.output.records(islice(found, limit), "owner/name run_count description", "models")


@command("models show acme/poet", "models show acme/painter --json")
@parameters.model
def show(app: App, model: str) -> None:
    """Show a model."""
    owner, name = _owner_and_name(model)
    with explain_missing(model):
        found = app.client.models.get(owner, name)
    app.output.record(
        found,
        "owner/name description visibility is_official run_count url github_url paper_url license_url created_at "
        "latest_version.id latest_version.created_at",
    )


@command("models schema acme/painter", "models schema acme/poet --json")
@parameters.model
def schema(app: App, model: str) -> None:
    """Show the inputs and the output of a model.

    --json prints the inputs as a JSON Schema. Of owner/name:version, those of that version.
    """
    schema = _fetch_schema(app, model)
    if app.output.is_json:
        app.output.json(schema.json_schema(model))
        return
    app.output.records(map(_describe, schema.inputs), "input type default description", "inputs")
    app.output.note(f"output: {_output_type(schema.output)}")


@command("models versions acme/poet", "models versions acme/poet -q")
@parameters.model
def versions(app: App, model: str) -> None:
    """List the versions of a model, newest first."""
    owner, name = _owner_and_name(model)
    with explain_missing(model):
        app.output.records(app.client.models.versions.list(owner, name), "id created_at cog_version", "versions")


@contextmanager
def explain_missing(ref: object) -> Iterator[None]:
    """Let an error of the block say that there is no such model, if the API has found none."""
    try:
        yield
    except NotFoundError as error:
        error.add_advice(f"there is no {ref} that this token can use")
        raise


def _owner_and_name(model: str) -> tuple[str, str]:
    ref = ModelRef.parse(model)
    if ref.owner is None or ref.name is None or ref.is_deployment or ref.version:
        raise click.UsageError(f"{model} is not the name of a model: write owner/name")
    return ref.owner, ref.name


def _fetch_schema(app: App, model: str) -> ModelSchema:
    from .._backends.sync import run_sync

    ref = ModelRef.parse(model)
    if ref.owner is None:
        raise click.UsageError(f"{model} is not the name of a model: write owner/name or owner/name:version")
    known = run_sync(app.client._predictions.known_models.fetch(app.client._session, ref))
    if known.schema is None:
        raise ValueError(f"{model} has no version with a schema")
    return known.schema


def _describe(input: Input) -> dict[str, Any]:
    default = "required" if input.required else input.default if input.has_default else None
    return {
        "input": input.name,
        "type": _input_type(input),
        "default": "…" if input.is_secret and not input.required else default,
        "description": describe_input(input),
    }


def _input_type(input: Input) -> str:
    if input.choices:
        return " | ".join(visible(str(choice)) for choice in input.choices)
    if input.any_of:
        return " | ".join(dict.fromkeys(map(_input_type, input.any_of)))
    if input.type == "array":
        return f"list of {_input_type(input.items)}" if input.items else "list"
    return input.type


def _output_type(output: Output) -> str:
    if output.choices:
        return " | ".join(visible(str(choice)) for choice in output.choices)
    if output.kind == "list":
        return f"list of {_output_type(output.items)}" if output.items else "list"
    if output.kind == "object" and output.fields:
        return (
            f"object of {', '.join(f'{visible(name)}: {_output_type(field)}' for name, field in output.fields.items())}"
        )
    return output.kind
