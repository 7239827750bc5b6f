"""Models and their versions."""

from __future__ import annotations

from typing import Any

from ..catalog import Model, Version
from ..problems import Problem, not_found
from ..state import model_view, version_view
from . import Call, answers

PAGE = 25


@answers("models.list")
async def list_(call: Call) -> Any:
    """List the public models that have a version."""
    by = _choice(call, "sort_by", ("latest_version_created_at", "model_created_at"))
    direction = _choice(call, "sort_direction", ("desc", "asc"))
    models = [model for model in call.state.models.values() if model.visibility == "public" and model.latest]

    def position(model: Model) -> str:
        moment = model.latest.created_at if by.startswith("latest") and model.latest else model.created_at
        return f"{moment.isoformat(timespec='microseconds')} {model.ref}"

    links, shown = call.page(models, position, PAGE, descending=direction == "desc")
    return {**links, "results": [_view(call, model) for model in shown]}


@answers("models.search")
async def search(call: Call) -> Any:
    """Find public models by words in their names and descriptions; the body is the text."""
    text = (await call.request.body()).decode(errors="replace").strip().strip('"').lower()
    found = [
        model
        for model in call.state.models.values()
        if model.visibility == "public" and text in f"{model.ref} {model.facts.get('description')}".lower()
    ]
    return {"next": None, "previous": None, "results": [_view(call, model) for model in found[:PAGE]]}


@answers("models.get")
async def get(call: Call, owner: str, name: str) -> Any:
    """Show a model."""
    return _view(call, find(call, owner, name))


@answers("models.versions.list")
async def versions(call: Call, owner: str, name: str) -> Any:
    """List the versions of a model, the newest first; official models keep theirs to themselves."""
    model = find(call, owner, name)
    numbered = {version.id: number for number, version in enumerate(model.versions)} if not model.official else {}
    shown = [version for version in model.versions if version.id in numbered]
    links, shown = call.page(shown, lambda version: f"{numbered[version.id]:09}", PAGE)
    return {**links, "results": [version_view(version) for version in shown]}


@answers("models.versions.get")
async def version(call: Call, owner: str, name: str, id: str) -> Any:
    """Show a version."""
    return version_view(find_version(call, owner, name, id)[1])


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


def _view(call: Call, model: Model) -> dict[str, Any]:
    example = call.state.jobs.get(model.examples[0]) if model.examples else None
    return model_view(model, call.origin, example)


def _choice(call: Call, name: str, choices: tuple[str, ...]) -> str:
    given = call.query.get(name, choices[0])
    if given not in choices:
        raise Problem(400, f"{name} must be one of {', '.join(choices)}")
    return given
