"""What the state of a prediction or training means; both have an id, a status and an end, and are called jobs here."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from replicate_api import models

from .. import errors

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training

JobT = TypeVar("JobT", "Prediction", "Training")

TERMINAL_STATUSES = frozenset({"succeeded", "failed", "canceled", "aborted"})
"""docs/api-facts.md, section 8."""


@functools.cache
def require_models() -> None:
    """Raise AttributeError if the OpenAPI document defines no predictions, whose end could not be recognized."""
    _ = models.Prediction, models.Training


def is_training(job: object) -> bool:
    """Whether a job is a training; everything else is a prediction."""
    return isinstance(job, models.Training)


def id_of(job: Prediction | Training) -> str:
    """Return the id of a job; raise ResponseDecodeError if the API sent none."""
    if not isinstance(job.id, str):
        raise errors.ResponseDecodeError(f"the API sent a job without an id: {job.to_dict()!r:.200}")
    return job.id


def is_finished(job: Prediction | Training) -> bool:
    """Whether the job has ended: a terminal status, or an unknown status together with an end time."""
    status: object = job.status
    if isinstance(status, str) and status in TERMINAL_STATUSES:
        return True
    return not getattr(status, "is_known", False) and isinstance(job.completed_at, datetime)


def is_complete_reply(job: Prediction, status_code: int, elapsed: float, hold: float | None) -> bool:
    """Whether the response to a create with `Prefer: wait` contains the whole output.

    The server responds as soon as all outputs exist, with status `processing`. If the hold expires it responds with
    the outputs so far, in the same shape; only the elapsed time (and perhaps the status 202) tells the two apart
    (docs/api-facts.md, section 7).

    Args:
        job: The prediction in the response.
        status_code: The status of the response.
        elapsed: Seconds that the request took.
        hold: Seconds for which the server was asked to hold the request, or None.
    """
    if is_finished(job):
        return True
    is_in_time = hold is not None and status_code != 202 and elapsed < 0.9 * hold
    return is_in_time and job.status == "processing" and not job.error and has_content(job.output)


def created_at(job: Prediction | Training) -> float | None:
    """Return when the server created the job, in seconds since the epoch, or None if it does not say."""
    return job.created_at.timestamp() if isinstance(job.created_at, datetime) else None


def completed_at(job: Prediction | Training) -> float | None:
    """Return when the job ended, in seconds since the epoch, or None if it has not, or the server does not say."""
    return job.completed_at.timestamp() if isinstance(job.completed_at, datetime) else None


def predict_time(job: object) -> float | None:
    """Return the seconds that the model ran, as the server sent them, or None if it did not, or if this is no job."""
    seconds: object = getattr(getattr(job, "metrics", None), "predict_time", None)
    return seconds if isinstance(seconds, int | float) else None


def raise_unless_succeeded(job: JobT) -> JobT:
    """Return a finished job that succeeded.

    Raises:
        PredictionCanceledError, PredictionAbortedError, ModelError: It ended in any other way.
    """
    if job.status == "canceled":
        raise errors.PredictionCanceledError(job)
    if job.status == "aborted":
        raise errors.PredictionAbortedError(job)
    has_result = job.status != "failed" and not job.error and job.output is not None  # of an unknown status
    if job.status == "succeeded" or has_result:
        return job
    raise errors.ModelError(job)


def stream_url(job: Prediction | Training) -> str | None:
    """Return the URL of the job's event stream, if it has one."""
    url = getattr(job.urls, "stream", None)
    return url if isinstance(url, str) and url else None


def has_content(output: object) -> bool:
    """Whether an output contains any value: models return empty lists and strings before they have a result."""
    pending = [output]
    while pending:  # a model may nest its output deeper than Python's stack
        value = pending.pop()
        if isinstance(value, list | dict):
            pending += value.values() if isinstance(value, dict) else value
        elif value is not None and value != "":
            return True
    return False
