"""Trainings: jobs that create a new version of a model in the account."""

from __future__ import annotations

from typing import Any

from ..http import json_response
from ..problems import Problem, not_found, validate
from .context import Context, handles
from .models import find_version
from .predictions import find_job, list_jobs, webhook_fields

KIND = "training"


@handles("trainings.create")
async def create(context: Context, owner: str, name: str, id: str) -> Any:
    """Train a version; the result becomes a version of the destination."""
    model, version = find_version(context, owner, name, id)
    destination = context.state.models.get(context.body["destination"])
    if destination is None or destination.owner != context.state.username:
        raise not_found("The specified training destination does not exist")
    if version.train is None:
        raise Problem(400, "This version of the model cannot be trained")
    input = context.body["input"]
    validate(input, version.training_input_validator, "input")
    fields = {"kind": KIND, "destination": destination.ref, **webhook_fields(context.body)}
    execution = context.runner.start(model, version, input, context.origin, None, **fields)
    created = execution.job.to_json(context.origin)
    # In this response the API has URLs of predictions, which work for trainings too: docs/api-facts.md, section 12.
    url = f"{context.origin}/v1/predictions/{execution.job.id}"
    return json_response({**created, "urls": {**created["urls"], "cancel": f"{url}/cancel", "get": url}}, 201)


@handles("trainings.get")
async def get(context: Context, id: str) -> Any:
    """Return a training."""
    return find_job(context, id, KIND).to_json(context.origin)


@handles("trainings.cancel")
async def cancel(context: Context, id: str) -> Any:
    """Cancel a training; a finished one stays unchanged."""
    job = find_job(context, id, KIND)
    context.runner.cancel(job)
    return job.to_json(context.origin)


@handles("trainings.list")
async def list_(context: Context) -> Any:
    """List trainings, newest first."""
    return list_jobs(context, context.state.jobs.of_kind(KIND))
