"""Deployments: a version with its own hardware and scaling limits; every change creates a release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from ..catalog import Model, Version
from ..problems import Problem, not_found, unknown_version, validate
from ..state import Deployment, Release
from .context import Context, handles
from .hardware import HARDWARE

PAGE_SIZE = 100

MIN_UNUSED_TIME = timedelta(minutes=15)
"""Time for which a deployment must be offline and unused before it can be deleted (docs/api-facts.md, section 15)."""


@handles("deployments.list")
async def list_(context: Context) -> Any:
    """List the deployments, newest first."""
    numbered = enumerate(context.state.deployments.values())
    links, results = context.paginate(numbered, lambda pair: f"{pair[0]:09}", PAGE_SIZE)
    return {**links, "results": [deployment.to_json(context.state.username) for _, deployment in results]}


@handles("deployments.create")
async def create(context: Context) -> Any:
    """Create a deployment, with release 1."""
    body = context.body
    owner, name = context.state.username, body["name"]
    if f"{owner}/{name}" in context.state.deployments:
        raise Problem(409, f"A deployment named {owner}/{name} already exists")
    model = context.state.models.get(body["model"])
    if model is None:
        raise not_found()
    deployment = Deployment(owner, name, [])
    _add_release(context, deployment, model, body)
    context.state.deployments[deployment.ref] = deployment
    return deployment.to_json(context.state.username)


@handles("deployments.get")
async def get(context: Context, owner: str, name: str) -> Any:
    """Return a deployment."""
    return find_deployment(context, owner, name).to_json(context.state.username)


@handles("deployments.update")
async def update(context: Context, owner: str, name: str) -> Any:
    """Add a release to a deployment; one that allows no instances cancels its running predictions."""
    deployment = find_deployment(context, owner, name)
    release = deployment.current_release
    _add_release(context, deployment, context.state.models[release.model], {**release.settings, **context.body})
    if not deployment.is_online:
        for job in context.state.jobs.values():
            if job.deployment == deployment.ref:
                context.runner.cancel(job)
    return deployment.to_json(context.state.username)


@handles("deployments.delete")
async def delete(context: Context, owner: str, name: str) -> Any:
    """Delete a deployment that has been offline and unused for `MIN_UNUSED_TIME`."""
    deployment = find_deployment(context, owner, name)
    last_used_at = deployment.last_used_at or deployment.current_release.created_at
    if deployment.is_online or context.clock.now() - last_used_at < MIN_UNUSED_TIME:
        raise Problem(409, "A deployment must have been offline and unused for 15 minutes before it can be deleted")
    del context.state.deployments[deployment.ref]
    return Response(status_code=204)


def find_deployment(context: Context, owner: str, name: str) -> Deployment:
    """Return a deployment by its name.

    Raises:
        Problem: 404 if there is none.
    """
    deployment = context.state.deployments.get(f"{owner}/{name}")
    if deployment is None:
        raise not_found()
    return deployment


def use_deployment(context: Context, owner: str, name: str) -> tuple[Model, Version]:
    """Return the model and version that a deployment runs, and record that it was used.

    Raises:
        Problem: 404 if there is no such deployment, 422 if its version was deleted, 400 if it allows no instances.
    """
    deployment = find_deployment(context, owner, name)
    release = deployment.current_release
    model = context.state.models.get(release.model)
    version = model.find_version(release.settings["version"]) if model else None
    if model is None or version is None:
        raise unknown_version()
    if not deployment.is_online:
        raise Problem(400, "This deployment allows no instances: raise max_instances to run predictions with it")
    deployment.last_used_at = context.clock.now()
    context.state.deployments.touch(deployment.ref)
    return model, version


def _add_release(context: Context, deployment: Deployment, model: Model, body: dict[str, Any]) -> None:
    settings = {name: body[name] for name in ("version", "hardware", "min_instances", "max_instances")}
    if model.find_version(settings["version"]) is None:
        raise unknown_version()
    validate(settings["hardware"], {"enum": list(HARDWARE)}, "hardware")
    validate(settings["min_instances"], {"maximum": settings["max_instances"]}, "min_instances")
    number = len(deployment.releases) + 1
    deployment.releases.append(Release(number, model.ref, settings, context.clock.now()))
    context.state.deployments.touch(deployment.ref)
