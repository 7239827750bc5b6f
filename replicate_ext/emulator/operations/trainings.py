"""Trainings: jobs whose result is a new version of a model of one's own."""

from __future__ import annotations

from typing import Any

from ..problems import Problem, check, not_found
from ..runner import Execution
from . import Call, answers, reply
from .models import find_version
from .predictions import PAGE, find, webhook

KIND = "training"


@answers("trainings.create")
async def create(call: Call, owner: str, name: str, id: str) -> Any:
    """Start a training of a version, whose result becomes a version of the destination."""
    model, version = find_version(call, owner, name, id)
    destination = call.state.models.get(call.body["destination"])
    if destination is None or destination.owner != call.state.username:
        raise not_found("The specified training destination does not exist")
    if version.train is None:
        raise Problem(400, "This version of the model cannot be trained")
    check(call.body["input"], version.training_inputs, "input")
    execution: Execution = call.runner.start(
        model,
        version,
        call.body["input"],
        call.origin,
        None,
        kind=KIND,
        destination=destination.ref,
        **webhook(call.body),
    )
    view = execution.job.view(call.origin)
    # The API answers this one call with addresses of predictions, under which trainings can be had too.
    base = f"{call.origin}/v1/predictions/{execution.job.id}"
    return reply({**view, "urls": {**view["urls"], "cancel": f"{base}/cancel", "get": base}}, 201)


@answers("trainings.get")
async def get(call: Call, id: str) -> Any:
    """Show a training."""
    return find(call, id, KIND).view(call.origin)


@answers("trainings.cancel")
async def cancel(call: Call, id: str) -> Any:
    """Cancel a training, unless it is over already."""
    job = find(call, id, KIND)
    call.runner.stop(job)
    return job.view(call.origin)


@answers("trainings.list")
async def list_(call: Call) -> Any:
    """List trainings, the newest first."""
    jobs = [job for job in call.state.jobs.values() if job.kind == KIND]
    links, shown = call.page(jobs, lambda job: job.position, PAGE)
    return {**links, "results": [job.view(call.origin) for job in shown]}
