"""Deployments: a version with hardware and scaling limits of its own; every change makes a release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from ..catalog import Model, Version
from ..problems import Problem, check, not_found, unknown_version
from ..state import Deployment, Release
from . import Call, answers
from .account import hardware_skus

PAGE = 100
UNUSED = timedelta(minutes=15)
"""How long a deployment must have been offline and unused before it can be deleted."""


@answers("deployments.list")
async def list_(call: Call) -> Any:
    """List the deployments, the newest first."""
    everything = enumerate(call.state.deployments.values())
    links, shown = call.page(everything, lambda pair: f"{pair[0]:09}", PAGE)
    return {**links, "results": [deployment.view(call.state.username) for _, deployment in shown]}


@answers("deployments.create")
async def create(call: Call) -> Any:
    """Make a deployment, at release 1."""
    body = call.body
    owner, name = call.state.username, body["name"]
    if f"{owner}/{name}" in call.state.deployments:
        raise Problem(409, f"A deployment named {owner}/{name} already exists")
    model = call.state.models.get(body["model"])
    if model is None:
        raise not_found()
    deployment = Deployment(owner, name, [])
    _release(call, deployment, model, body)
    call.state.deployments[deployment.ref] = deployment
    return deployment.view(call.state.username)


@answers("deployments.get")
async def get(call: Call, owner: str, name: str) -> Any:
    """Show a deployment."""
    return find(call, owner, name).view(call.state.username)


@answers("deployments.update")
async def update(call: Call, owner: str, name: str) -> Any:
    """Make another release of a deployment; one that allows no instances stops what is running."""
    deployment = find(call, owner, name)
    now = deployment.release
    _release(call, deployment, call.state.models[now.model], {**now.settings, **call.body})
    if not deployment.is_online:
        for job in call.state.jobs.values():
            if job.deployment == deployment.ref:
                call.runner.stop(job)
    return deployment.view(call.state.username)


@answers("deployments.delete")
async def delete(call: Call, owner: str, name: str) -> Any:
    """Delete a deployment that has been offline and unused for a while."""
    deployment = find(call, owner, name)
    used = deployment.used_at or deployment.release.created_at
    if deployment.is_online or call.clock.now() - used < UNUSED:
        raise Problem(409, "A deployment must have been offline and unused for 15 minutes before it can be deleted")
    del call.state.deployments[deployment.ref]
    return Response(status_code=204)


def find(call: Call, owner: str, name: str) -> Deployment:
    """Return a deployment by its name, or say that there is none."""
    deployment = call.state.deployments.get(f"{owner}/{name}")
    if deployment is None:
        raise not_found()
    return deployment


def running(call: Call, owner: str, name: str) -> tuple[Model, Version]:
    """Return what a deployment runs, and note that it was used."""
    deployment = find(call, owner, name)
    model = call.state.models.get(deployment.release.model)
    version = model.version(deployment.release.settings["version"]) if model else None
    if model is None or version is None:
        raise unknown_version()
    if not deployment.is_online:
        raise Problem(400, "This deployment allows no instances: raise max_instances to run predictions with it")
    deployment.used_at = call.clock.now()
    return model, version


def _release(call: Call, deployment: Deployment, model: Model, body: dict[str, Any]) -> None:
    settings = {name: body[name] for name in ("version", "hardware", "min_instances", "max_instances")}
    if model.version(settings["version"]) is None:
        raise unknown_version()
    check(settings["hardware"], {"enum": hardware_skus()}, "hardware")
    check(settings["min_instances"], {"maximum": settings["max_instances"]}, "min_instances")
    number = len(deployment.releases) + 1
    deployment.releases.append(Release(number, model.ref, settings, call.clock.now()))
