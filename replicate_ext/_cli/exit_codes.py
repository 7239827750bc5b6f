"""The exit codes of all commands: a script can decide by them whether to repeat a command, and whether it was paid."""

from __future__ import annotations

import click

from .. import errors
from .termination import Terminated

SUCCESS = 0
FAILED = 1
"""The model failed or was canceled, a check found something, or the result is not what was asked for."""

USAGE = 2
"""The arguments or the input are wrong, or the machine lacks something; nothing was paid for."""

REFUSED = 3
"""The API refused the request, or sent something that cannot be decoded."""

UNAUTHORIZED = 4
"""The token is missing or wrong, or the account has no credit."""

UNAVAILABLE = 5
"""The network, the API's servers or its rate limit: worth retrying."""

TIMEOUT = 124
"""`--timeout` expired, as coreutils' `timeout` reports it."""

INTERRUPTED = 130
"""Ctrl-C: 128 and the number of SIGINT, as shells report it."""

CLOSED_PIPE = 141
"""The reader of stdout has gone: 128 and the number of SIGPIPE, as shells report it."""

TERMINATED = 143
"""SIGTERM, which does what Ctrl-C does, of `map` the second one: 128 and its number, as shells report it."""


class UnusableResultError(Exception):
    """The prediction succeeded, but its result could not be delivered as the options ask for."""


_CODES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], int], ...] = (
    (Terminated, TERMINATED),
    ((KeyboardInterrupt, click.Abort), INTERRUPTED),
    (BrokenPipeError, CLOSED_PIPE),
    (errors.WaitTimeoutError, TIMEOUT),
    ((errors.ModelError, errors.StreamError, errors.WebhookError, UnusableResultError), FAILED),
    ((errors.AuthenticationError, errors.PaymentRequiredError), UNAUTHORIZED),
    ((errors.APIConnectionError, errors.ServerError, errors.RateLimitError), UNAVAILABLE),
    (errors.BatchLockedError, USAGE),
    (errors.ReplicateError, REFUSED),
    ((click.ClickException, ValueError, TypeError, OSError, ImportError), USAGE),
)
"""The first entry that matches counts: APITimeoutError is an OSError too."""


def exit_code(error: BaseException) -> int | None:
    """Return the exit code for an error, or None for a bug, whose traceback should be seen."""
    if isinstance(error, errors.BatchStoppedError):  # what was bought is kept; the cause decides
        cause = error.__cause__
        return FAILED if cause is None else exit_code(cause) or FAILED
    return next((code for types, code in _CODES if isinstance(error, types)), None)
