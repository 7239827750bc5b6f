"""What is logged: attempts at DEBUG, created and canceled predictions at INFO, long waits at WARNING.

No line has a token, an input, or the signature of a URL; of other hosts' URLs they have only the host. The values of
a line are also attributes of its record, for structured logging: `method`, `path`, `attempt`, `outcome`,
`milliseconds`, `delay`, `reason`, `prediction_id`, `model`.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from .redact import redact

LONG_WAIT = 5.0
"""Seconds of waiting, in total, after which a call says so at WARNING."""

logger = logging.getLogger("replicate_ext")


def log_attempt(method: str, path: str, outcome: object, milliseconds: float, attempt: int) -> None:
    """Log one attempt: `outcome` is the status of the response, or the name of an error."""
    if logger.isEnabledFor(logging.DEBUG):
        extra = _fields(method, path) | {"outcome": outcome, "milliseconds": milliseconds, "attempt": attempt}
        line = "%s %s -> %s in %.0f ms, attempt %d"
        logger.debug(line, method, extra["path"], outcome, milliseconds, attempt, extra=extra)


def log_wait(method: str, path: str, delay: float, reason: str, waited: float) -> None:
    """Log that a call waits, after it has `waited` some seconds already."""
    level = logging.WARNING if waited + delay > LONG_WAIT else logging.DEBUG
    if logger.isEnabledFor(level):
        extra = _fields(method, path) | {"delay": delay, "reason": reason}
        logger.log(level, "%s %s: waiting %.1f s, %s", method, extra["path"], delay, reason, extra=extra)


def log_job(method: str, path: str, value: Any) -> None:
    """Log a successful response that created or canceled a prediction or training."""
    if method != "POST" or not logger.isEnabledFor(logging.INFO):
        return
    match = re.search(r"/(prediction|training)s(/[^/]+/cancel)?$", path)
    if not match:
        return
    job = value if isinstance(value, dict) else {name: getattr(value, name, None) for name in ("id", "model")}
    fields = _fields(method, path)
    fields["model"] = job.get("model") or fields.get("model")
    fields["prediction_id"] = job.get("id") or fields.get("prediction_id")
    verb = "canceled" if match[2] else "created"
    logger.info("%s %s %s of %s", verb, match[1], fields["prediction_id"], fields["model"], extra=fields)


def log_unchecked(ref: str, error: Exception) -> None:
    """Log that an input could not be checked."""
    # As text: a record that keeps the error keeps its traceback, and with it the client.
    logger.warning("%s: its schema could not be fetched, so its inputs are not checked: %s", ref, str(error))


def log_drift(ref: str, locked: str, version: str) -> None:
    """Log that a model is no longer what the lock of a typed module has."""
    line = "%s: version %s runs, the lock has %s; `replicate-ext models check` shows the changes"
    logger.warning(line, ref, version, locked, extra={"model": ref})


def _fields(method: str, path: str) -> dict[str, object]:
    """Return the attributes of a record, as far as they are in the path."""
    fields: dict[str, object] = {"method": method, "path": redact(path)}
    if path.startswith("/"):
        id = re.match(r"/(?:predictions|trainings)/([^/?]+)", path)
        model = re.match(r"/(?:models|deployments)/([^/]+/[^/]+)/", path)
        fields |= {"prediction_id": id[1]} if id else {}
        fields |= {"model": model[1]} if model else {}
    return fields
