"""Models and their versions."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..catalog import Model, Version
from ..problems import Problem, check, not_found
from ..state import model_view, version_view
from . import Call, answers, reply

PAGE = 25
FACTS = (
    "description",
    "readme",
    "github_url",
    "paper_url",
    "license_url",
    "weights_url",
    "cover_image_url",
)
"""What a model says about itself, and its owner may change."""


@answers("models.list")
async def list_(call: Call) -> Any:
    """List the public models that have a version."""
    by = _choice(call, "sort_by", ("latest_version_created_at", "model_created_at"))
    direction = _choice(call, "sort_direction", ("desc", "asc"))
    models = [model for model in shown(call) if model.latest]

    def position(model: Model) -> str:
        moment = model.latest.created_at if by.startswith("latest") and model.latest else model.created_at
        return f"{moment.isoformat(timespec='microseconds')} {model.ref}"

    links, found = call.page(models, position, PAGE, descending=direction == "desc")
    return {**links, "results": [_view(call, model) for model in found]}


@answers("models.search")
async def search(call: Call) -> Any:
    """Find public models by words in their names and descriptions; the body is the text."""
    raw = await call.request.body()
    if not raw:
        raise Problem(400, "The body must be the text to look for")
    text = raw.decode(errors="replace").strip().strip('"')
    found = [model for model in shown(call) if matches(model, text)]
    return {"next": None, "previous": None, "results": [_view(call, model) for model in found[:PAGE]]}


def shown(call: Call) -> list[Model]:
    """Return the public models."""
    return [model for model in call.state.models.values() if model.visibility == "public"]


def matches(model: Model, text: str) -> bool:
    """Whether all words of a text are in a model's name or description."""
    known = f"{model.ref} {model.facts.get('description')}".lower()
    return all(word in known for word in text.lower().split())


@answers("models.create")
async def create(call: Call) -> Any:
    """Make a model, which has no version yet."""
    body = call.body
    if body["owner"] != call.state.username:
        raise Problem(403, "You do not have permission to create a model for this owner")
    check(body["name"], {"pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$"}, "name")
    if f"{body['owner']}/{body['name']}" in call.state.models:
        raise Problem(409, f"A model named {body['owner']}/{body['name']} already exists")
    facts = _facts(body)
    model = Model(body["owner"], body["name"], False, body["visibility"], facts, [], call.clock.now())
    call.state.models[model.ref] = model
    return reply(_view(call, model), 201)


@answers("models.update")
async def update(call: Call, owner: str, name: str) -> Any:
    """Change what a model says about itself."""
    model = _own(call, owner, name)
    model.facts |= _facts(call.body)
    return _view(call, model)


@answers("models.delete")
async def delete(call: Call, owner: str, name: str) -> Any:
    """Delete a private model without versions."""
    model = _own(call, owner, name)
    if model.visibility != "private" or model.versions:
        raise Problem(403, "Only private models without versions can be deleted")
    del call.state.models[model.ref]
    return Response(status_code=204)


@answers("models.readme.get")
async def readme(call: Call, owner: str, name: str) -> Any:
    """Return the readme, as plain text."""
    text = find(call, owner, name).facts.get("readme")
    if text is None:
        raise not_found()
    return Response(text, media_type="text/plain")


@answers("models.examples.list")
async def examples(call: Call, owner: str, name: str) -> Any:
    """List the predictions that show what a model can do."""
    jobs = [call.state.jobs[id] for id in find(call, owner, name).examples if id in call.state.jobs]
    links, found = call.page(jobs, lambda job: job.position, PAGE)
    return {**links, "results": [job.view(call.origin) for job in found]}


@answers("models.get")
async def get(call: Call, owner: str, name: str) -> Any:
    """Show a model."""
    return _view(call, find(call, owner, name))


@answers("models.versions.list")
async def versions(call: Call, owner: str, name: str) -> Any:
    """List the versions of a model, the newest first; official models keep theirs to themselves."""
    model = find(call, owner, name)
    numbered = {version.id: number for number, version in enumerate(model.versions)} if not model.official else {}
    listed = [version for version in model.versions if version.id in numbered]
    links, found = call.page(listed, lambda version: f"{numbered[version.id]:09}", PAGE)
    return {**links, "results": [version_view(version) for version in found]}


@answers("models.versions.get")
async def version(call: Call, owner: str, name: str, id: str) -> Any:
    """Show a version."""
    return version_view(find_version(call, owner, name, id)[1])


@answers("models.versions.delete")
async def delete_version(call: Call, owner: str, name: str, id: str) -> Any:
    """Delete a version of a private model, with its predictions and files."""
    model, version = find_version(call, owner, name, id)
    is_deployed = any(deployment.release.settings["version"] == id for deployment in call.state.deployments.values())
    if _own(call, owner, name).visibility != "private" or is_deployed:
        raise Problem(403, "Only versions of private models that no deployment uses can be deleted")
    model.versions.remove(version)
    for job in [job for job in call.state.jobs.values() if job.version == id]:
        call.runner.stop(job)
        del call.state.jobs[job.id]
    return Response(status_code=202)


def find(call: Call, owner: str, name: str) -> Model:
    """Return a model by its name, or say that there is none."""
    model = call.state.models.get(f"{owner}/{name}")
    if model is None:
        raise not_found()
    return model


def find_version(call: Call, owner: str, name: str, id: str) -> tuple[Model, Version]:
    """Return a version by its id, or say that there is none."""
    model = find(call, owner, name)
    version = model.version(id)
    if version is None:
        raise not_found()
    return model, version


def _facts(body: dict[str, Any]) -> dict[str, Any]:
    """Return what a body says about a model; an empty address is none."""
    facts = {name: body[name] for name in FACTS if name in body}
    for name in facts:
        if name.endswith("_url"):
            facts[name] = facts[name] or None
            check(facts[name] or "https://", {"pattern": r"^https?://[^\s]*$"}, name)
    return facts


def _own(call: Call, owner: str, name: str) -> Model:
    model = find(call, owner, name)
    if model.owner != call.state.username:
        raise Problem(403, "You do not have permission to change this model")
    return model


def _view(call: Call, model: Model) -> dict[str, Any]:
    example = call.state.jobs.get(model.examples[0]) if model.examples else None
    return model_view(model, call.origin, example)


def _choice(call: Call, name: str, choices: tuple[str, ...]) -> str:
    given = call.query.get(name, choices[0])
    if given not in choices:
        raise Problem(400, f"{name} must be one of {', '.join(choices)}")
    return given
