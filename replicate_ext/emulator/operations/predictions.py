"""Predictions: created by three routes, looked at, listed, canceled."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from dateutil.parser import isoparse
from starlette.responses import Response

from ..catalog import Model, Version
from ..clock import first
from ..problems import Problem, check, not_found, unknown_version
from ..state import Job
from . import Call, answers, reply
from .deployments import running

LONGEST_HOLD = 60
MARGIN = 1.0
"""Seconds before the end of a whole minute's hold at which we answer: some clients give up exactly then."""

PAGE = 100


@answers("predictions.create")
async def create(call: Call) -> Any:
    """Run a version by its id, `owner/name:id`, or an official model by its name."""
    found = call.state.find_version(call.body["version"])
    if found is None:
        raise unknown_version()
    return await _create(call, *found)


@answers("models.predictions.create")
async def create_by_model(call: Call, owner: str, name: str) -> Any:
    """Run an official model."""
    model = call.state.models.get(f"{owner}/{name}")
    if model is None or not model.official or model.latest is None:
        raise not_found()
    return await _create(call, model, model.latest)


@answers("deployments.predictions.create")
async def create_by_deployment(call: Call, owner: str, name: str) -> Any:
    """Run what a deployment runs."""
    return await _create(call, *running(call, owner, name), deployment=f"{owner}/{name}")


async def _create(call: Call, model: Model, version: Version, **facts: Any) -> Response:
    input = call.body["input"]
    given = {name: value for name, value in input.items() if value is not None or name not in version.optional}
    check(given, version.inputs, "input")
    if call.body.get("stream") and not version.streams:
        raise Problem(422, "This model does not support streaming", "Streaming is not supported")
    hold, lifetime = _hold(call), _lifetime(call)
    execution = call.runner.start(model, version, input, call.origin, lifetime, **facts, **webhook(call.body))
    if hold is None:
        return reply(execution.job.view(call.origin), 201)
    headers = {"preference-applied": call.request.headers["prefer"]}
    started = execution.job.view(call.origin)
    await first(execution.finished(), call.clock.sleep(hold))
    job = execution.job
    if not job.is_finished:
        return reply(started, 202, headers)
    view = job.view(call.origin)
    if job.status == "succeeded":  # answered as soon as there are outputs, before the books are closed
        view |= {"status": "processing", "logs": ""}
        for later in ("started_at", "completed_at", "metrics"):
            view.pop(later, None)
    return reply(view, 201, headers)


def webhook(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a job that say who wants to hear of it, or refuse an address that is none."""
    url = body.get("webhook")
    if url is None:
        return {}
    check(url, {"pattern": r"^https?://[^/\s]+"}, "webhook")
    events = body.get("webhook_events_filter")
    return {"webhook": url, "webhook_events": frozenset(events) if events else None}


def _hold(call: Call) -> float | None:
    text = call.request.headers.get("prefer")
    if text is None:
        return None
    match = re.fullmatch(r"wait(?:=([1-9][0-9]?))?", text)
    if match is None:
        raise Problem(400, f"Invalid Prefer header: {text!r} is neither wait nor wait=N")
    return min(float(match[1] or LONGEST_HOLD), LONGEST_HOLD - MARGIN)


def _lifetime(call: Call) -> float | None:
    text = call.request.headers.get("cancel-after")
    if text is None:
        return None
    match = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s?)?", text)
    hours, minutes, rest = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    seconds = hours * 3600 + minutes * 60 + rest
    if seconds < 5:
        raise Problem(400, f"Invalid Cancel-After header: {text!r} is not a duration of at least 5 seconds")
    return float(seconds)


def find(call: Call, id: str, kind: str | None = None) -> Job:
    """Return a job by its id, or say that there is none."""
    job = call.state.jobs.get(id)
    if job is None or kind not in (None, job.kind):
        raise not_found()
    return job


@answers("predictions.get")
async def get(call: Call, id: str) -> Any:
    """Show a prediction."""
    return find(call, id).view(call.origin)


@answers("predictions.cancel")
async def cancel(call: Call, id: str) -> Any:
    """Cancel a prediction, unless it is over already."""
    job = find(call, id)
    if job.is_finished:
        return job.view(call.origin)
    call.runner.stop(job)
    return job.view(call.origin) | {"logs": None}


@answers("predictions.list")
async def list_(call: Call) -> Any:
    """List predictions, the newest first."""
    after, before = _moment(call, "created_after"), _moment(call, "created_before")
    if call.query.get("source") not in (None, "web"):
        raise Problem(400, 'source must be "web"')
    jobs = [
        job
        for job in call.state.jobs.values()
        if job.kind == "prediction"
        and (after is None or job.created_at >= after)
        and (before is None or job.created_at < before)
        and call.query.get("source") is None  # nobody runs anything on a website of ours
    ]
    links, shown = call.page(jobs, lambda job: job.position, PAGE)
    return {**links, "results": [job.view(call.origin) for job in shown]}


def _moment(call: Call, name: str) -> datetime | None:
    text = call.query.get(name)
    if text is None:
        return None
    try:
        moment = isoparse(text)
    except (ValueError, OverflowError):
        raise Problem(400, f"{name} must be an ISO 8601 date and time, not {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
