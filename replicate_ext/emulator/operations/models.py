"""Models and their versions."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..catalog import Model, Version
from ..http import json_response
from ..problems import Problem, not_found, validate
from .context import Context, handles

PAGE_SIZE = 25
"""Models on a page (docs/api-facts.md, section 4)."""

EDITABLE_FIELDS = (
    "description",
    "readme",
    "github_url",
    "paper_url",
    "license_url",
    "weights_url",
    "cover_image_url",
)
"""The fields that a model's owner may set."""


@handles("models.list")
async def list_(context: Context) -> Any:
    """List the public models that have a version."""
    sort_by = _query_choice(context, "sort_by", ("latest_version_created_at", "model_created_at"))
    direction = _query_choice(context, "sort_direction", ("desc", "asc"))
    models = [model for model in public_models(context) if model.latest_version]

    def sort_key(model: Model) -> str:
        by_version = sort_by == "latest_version_created_at"
        created_at = (model.latest_version if by_version and model.latest_version else model).created_at
        return f"{created_at.isoformat(timespec='microseconds')} {model.ref}"

    links, results = context.paginate(models, sort_key, PAGE_SIZE, descending=direction == "desc")
    return {**links, "results": [_to_json(context, model) for model in results]}


@handles("models.search")
async def search(context: Context) -> Any:
    """Search public models by the words in their names and descriptions; the body is the query."""
    body = await context.request.body()
    if not body:
        raise Problem(400, "The body must be the text to search for")
    text = body.decode(errors="replace").strip().strip('"')  # the JavaScript client sends quotes
    results = [model for model in public_models(context) if matches(model, text)]
    return {"next": None, "previous": None, "results": [_to_json(context, model) for model in results[:PAGE_SIZE]]}


def public_models(context: Context) -> list[Model]:
    """Return the public models."""
    return [model for model in context.state.models.values() if model.visibility == "public"]


def matches(model: Model, text: str) -> bool:
    """Whether a model's name and description contain all words of a text."""
    searched = f"{model.ref} {model.metadata.get('description')}".lower()
    return all(word in searched for word in text.lower().split())


@handles("models.create")
async def create(context: Context) -> Any:
    """Create a model without versions."""
    body = context.body
    if body["owner"] != context.state.username:
        raise Problem(403, "You do not have permission to create a model for this owner")
    validate(body["name"], {"pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$"}, "name")
    if f"{body['owner']}/{body['name']}" in context.state.models:
        raise Problem(409, f"A model named {body['owner']}/{body['name']} already exists")
    metadata = _editable_fields(body)
    model = Model(body["owner"], body["name"], False, body["visibility"], metadata, [], context.clock.now())
    context.state.models[model.ref] = model
    return json_response(_to_json(context, model), 201)


@handles("models.update")
async def update(context: Context, owner: str, name: str) -> Any:
    """Change the description, readme or URLs of a model."""
    model = _find_own_model(context, owner, name)
    model.metadata |= _editable_fields(context.body)
    context.state.models.touch(model.ref)
    return _to_json(context, model)


@handles("models.delete")
async def delete(context: Context, owner: str, name: str) -> Any:
    """Delete a private model without versions."""
    model = _find_own_model(context, owner, name)
    if model.visibility != "private" or model.versions:
        raise Problem(403, "Only private models without versions can be deleted")
    del context.state.models[model.ref]
    return Response(status_code=204)


@handles("models.readme.get")
async def get_readme(context: Context, owner: str, name: str) -> Any:
    """Return the readme, as plain text."""
    text = find_model(context, owner, name).metadata.get("readme")
    if text is None:
        raise not_found()
    return Response(text, media_type="text/plain")


@handles("models.examples.list")
async def list_examples(context: Context, owner: str, name: str) -> Any:
    """List the example predictions of a model."""
    ids = find_model(context, owner, name).examples
    jobs = [context.state.jobs[id] for id in ids if id in context.state.jobs]
    links, results = context.paginate(jobs, lambda job: job.sort_key, PAGE_SIZE)
    return {**links, "results": [job.to_json(context.origin) for job in results]}


@handles("models.get")
async def get(context: Context, owner: str, name: str) -> Any:
    """Return a model."""
    return _to_json(context, find_model(context, owner, name))


@handles("models.versions.list")
async def list_versions(context: Context, owner: str, name: str) -> Any:
    """List the versions of a model, newest first; none for official models (docs/api-facts.md, section 14)."""
    model = find_model(context, owner, name)
    versions = [] if model.is_official else model.versions
    numbers = {version.id: number for number, version in enumerate(versions)}
    links, results = context.paginate(versions, lambda version: f"{numbers[version.id]:09}", PAGE_SIZE)
    return {**links, "results": [version.to_json() for version in results]}


@handles("models.versions.get")
async def get_version(context: Context, owner: str, name: str, id: str) -> Any:
    """Return a version."""
    return find_version(context, owner, name, id)[1].to_json()


@handles("models.versions.delete")
async def delete_version(context: Context, owner: str, name: str, id: str) -> Any:
    """Delete a version of a private model, with its predictions and files."""
    model, version = find_version(context, owner, name, id)
    deployments = context.state.deployments.values()
    is_deployed = any(deployment.current_release.settings["version"] == id for deployment in deployments)
    if _find_own_model(context, owner, name).visibility != "private" or is_deployed:
        raise Problem(403, "Only versions of private models that no deployment uses can be deleted")
    model.versions.remove(version)
    context.state.models.touch(model.ref)
    for job in [job for job in context.state.jobs.values() if job.version == id]:
        context.runner.delete(job)
    return Response(status_code=202)


def find_model(context: Context, owner: str, name: str) -> Model:
    """Return a model by its name.

    Raises:
        Problem: 404 if there is none.
    """
    model = context.state.models.get(f"{owner}/{name}")
    if model is None:
        raise not_found()
    return model


def find_version(context: Context, owner: str, name: str, id: str) -> tuple[Model, Version]:
    """Return a version by its id, with its model.

    Raises:
        Problem: 404 if there is none.
    """
    model = find_model(context, owner, name)
    version = model.find_version(id)
    if version is None:
        raise not_found()
    return model, version


def _find_own_model(context: Context, owner: str, name: str) -> Model:
    model = find_model(context, owner, name)
    if model.owner != context.state.username:
        raise Problem(403, "You do not have permission to change this model")
    return model


def _editable_fields(body: dict[str, Any]) -> dict[str, Any]:
    """Return the editable fields of a body; empty URLs become None."""
    fields = {name: body[name] for name in EDITABLE_FIELDS if name in body}
    for name in fields:
        if name.endswith("_url"):
            fields[name] = fields[name] or None
            validate(fields[name] or "https://", {"pattern": r"^https?://[^\s]*$"}, name)
    return fields


def _to_json(context: Context, model: Model) -> dict[str, Any]:
    example = context.state.jobs.get(model.examples[0]) if model.examples else None
    return model.to_json(context.origin, example.to_json(context.origin) if example else None)


def _query_choice(context: Context, name: str, choices: tuple[str, ...]) -> str:
    """Return a query parameter that must be one of several choices; the first is the default."""
    value = context.query.get(name, choices[0])
    if value not in choices:
        raise Problem(400, f"{name} must be one of {', '.join(choices)}")
    return value
