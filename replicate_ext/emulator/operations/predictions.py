"""Predictions: create (by version, model or deployment), get, list, cancel."""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, datetime
from typing import Any

from dateutil.parser import isoparse
from starlette.responses import Response

from ..catalog import Model, Version
from ..clock import wait_first
from ..http import json_response
from ..pagination import paginate
from ..problems import Problem, not_found, unknown_version, validate
from ..state import Job
from .context import Context, handles
from .deployments import use_deployment

MAX_HOLD = 60
"""Seconds for which `Prefer: wait` holds a create; also the default."""

HOLD_MARGIN = 1.0
"""Seconds before `MAX_HOLD` at which the response is sent: some clients time out after exactly 60 seconds."""

MIN_CANCEL_AFTER = 5
"""Seconds that `Cancel-After` must be at least."""

PAGE_SIZE = 100


@handles("predictions.create")
async def create(context: Context) -> Any:
    """Run `id`, `owner/name:id`, or `owner/name` of an official model."""
    found = context.state.find_version(context.body["version"])
    if found is None:
        raise unknown_version()
    return await _create(context, *found)


@handles("models.predictions.create")
async def create_by_model(context: Context, owner: str, name: str) -> Any:
    """Run an official model."""
    model = context.state.models.get(f"{owner}/{name}")
    if model is None or not model.is_official or model.latest_version is None:
        raise not_found()
    return await _create(context, model, model.latest_version)


@handles("deployments.predictions.create")
async def create_by_deployment(context: Context, owner: str, name: str) -> Any:
    """Run the version of a deployment."""
    return await _create(context, *use_deployment(context, owner, name), deployment=f"{owner}/{name}")


async def _create(context: Context, model: Model, version: Version, **fields: Any) -> Response:
    """Start a prediction, and hold the response if `Prefer` asks for it (docs/api-facts.md, section 7)."""
    input = context.body["input"]
    checked = {name: value for name, value in input.items() if value is not None or name not in version.nullable_inputs}
    validate(checked, version.input_validator, "input")
    if context.body.get("stream") and not version.is_streaming:
        raise Problem(422, "This model does not support streaming", "Streaming is not supported")
    hold, lifetime = _parse_prefer(context), _parse_cancel_after(context)
    fields |= webhook_fields(context.body)
    execution = context.runner.start(model, version, input, context.origin, lifetime, **fields)
    job = execution.job
    created = job.to_json(context.origin)
    if hold is None:
        return json_response(created, 201)
    headers = {"preference-applied": context.request.headers["prefer"]}
    await wait_first(execution.wait_until_finished(), context.clock.sleep(hold))
    if not job.is_finished:
        return json_response(created, 202, headers)
    result = job.to_json(context.origin)
    if job.status == "succeeded":  # the API responds once it has all outputs, before it has logs, times and metrics
        result |= {"status": "processing", "logs": ""}
        for name in ("started_at", "completed_at", "metrics"):
            result.pop(name, None)
    return json_response(result, 201, headers)


def webhook_fields(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Job` that configure its webhook.

    Raises:
        Problem: 422 if the webhook is not an http(s) URL.
    """
    url = body.get("webhook")
    if url is None:
        return {}
    validate(url, {"pattern": r"^https?://[^/\s]+"}, "webhook")
    events = body.get("webhook_events_filter")
    return {"webhook": url, "webhook_events": frozenset(events) if events else None}


def _parse_prefer(context: Context) -> float | None:
    """Return the seconds for which to hold the response; None without a `Prefer` header."""
    text = context.request.headers.get("prefer")
    if text is None:
        return None
    match = re.fullmatch(r"wait(?:=([1-9][0-9]?))?", text)
    if match is None:
        raise Problem(400, f"Invalid Prefer header: {text!r} is neither wait nor wait=N")
    return min(float(match[1] or MAX_HOLD), MAX_HOLD - HOLD_MARGIN)


def _parse_cancel_after(context: Context) -> float | None:
    """Return the seconds after which to stop the prediction; None without a `Cancel-After` header."""
    text = context.request.headers.get("cancel-after")
    if text is None:
        return None
    match = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s?)?", text)
    hours, minutes, rest = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    seconds = hours * 3600 + minutes * 60 + rest
    if seconds < MIN_CANCEL_AFTER:
        raise Problem(
            400, f"Invalid Cancel-After header: {text!r} is not a duration of at least {MIN_CANCEL_AFTER} seconds"
        )
    return float(seconds)


def find_job(context: Context, id: str, kind: str | None = None) -> Job:
    """Return a job by its id; `kind` restricts it to predictions or trainings.

    Raises:
        Problem: 404 if there is none.
    """
    job = context.state.jobs.get(id)
    if job is None or kind not in (None, job.kind):
        raise not_found()
    return job


@handles("predictions.get")
async def get(context: Context, id: str) -> Any:
    """Return a prediction."""
    return find_job(context, id).to_json(context.origin)


@handles("predictions.cancel")
async def cancel(context: Context, id: str) -> Any:
    """Cancel a prediction; a finished one stays unchanged."""
    job = find_job(context, id)
    if job.is_finished:
        return job.to_json(context.origin)
    context.runner.cancel(job)
    return job.to_json(context.origin) | {"logs": None}


@handles("predictions.list")
async def list_(context: Context) -> Any:
    """List predictions, newest first."""
    after, before = _parse_datetime(context, "created_after"), _parse_datetime(context, "created_before")
    source = context.query.get("source")
    if source not in (None, "web"):
        raise Problem(400, 'source must be "web"')
    # The emulator has no website: no prediction has the source "web".
    return list_jobs(context, [] if source else context.state.jobs.of_kind("prediction"), after, before)


def list_jobs(
    context: Context, jobs: list[Job], after: datetime | None = None, before: datetime | None = None
) -> dict[str, Any]:
    """Return a page of jobs, newest first; `after` and `before` restrict the times of creation."""
    start, stop = (
        bisect_left(jobs, time, key=lambda job: job.created_at) if time else None for time in (after, before)
    )
    links, results = paginate(
        jobs, lambda job: job.sort_key, PAGE_SIZE, context.url, context.query, start=start or 0, stop=stop
    )
    return {**links, "results": [job.to_json(context.origin) for job in results]}


def _parse_datetime(context: Context, name: str) -> datetime | None:
    """Return a query parameter as a datetime, by default in UTC; None if it is missing."""
    text = context.query.get(name)
    if text is None:
        return None
    try:
        moment = isoparse(text)
    except (ValueError, OverflowError):
        raise Problem(400, f"{name} must be an ISO 8601 date and time, not {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
