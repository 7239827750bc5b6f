"""What stderr says of an error: one line, and after it perhaps the command that continues; and the exit code."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click

from .. import errors
from .._models.literals import visible
from .._sansio.redact import hide_tokens
from .exit_codes import CLOSED_PIPE, exit_code
from .termination import Terminated


def report(error: BaseException, *, debug: bool) -> int:
    """Print an error, and return the exit code."""
    code = exit_code(error)
    if code is None:
        raise error
    if code == CLOSED_PIPE:
        _discard_output()
        return code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return code
    if debug:
        import traceback

        traceback.print_exception(error)
    with suppress(OSError):  # stdout may have failed for the same reason: a full disk
        sys.stdout.flush()
    for line in _describe(error):
        print(line, file=sys.stderr)
    return code


def _discard_output() -> None:
    """Keep the interpreter from flushing stdout into the closed pipe.

    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    with suppress(OSError, ValueError):  # stdout is no file in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _describe(error: BaseException) -> Iterator[str]:
    """Yield the lines about an error."""
    parts = [message(error), *getattr(error, "__notes__", ())]
    if getattr(error, "maybe_created_after", None) is not None:
        parts.append("the prediction may exist, and be paid for: see `replicate-ext predictions list` before a retry")
    command = _resuming_command(error)
    if command and not isinstance(error, errors.WaitTimeoutError):
        parts.append(f"it may still be running: `{command}` continues")
        command = None
    lines = (re.sub(r"(?<!:)\n\s*", "; ", part.strip()) for part in parts if part)  # a list after a colon stays one
    text = "; ".join(visible(hide_tokens(line)).rstrip(".") for line in lines)
    yield f"{_source(error)}: {text}"
    if command:
        yield command


def _source(error: BaseException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return context.command_path if context else "replicate-ext"


def message(error: BaseException) -> str:
    """Return what an error says, for a person at the command line."""
    match error:
        case Terminated():
            return "terminated"
        case KeyboardInterrupt() | click.Abort():
            return "interrupted"
        case click.UsageError():
            text = re.sub(r"( is not a valid )float\b", r"\1number", error.format_message())
            text = re.sub(r"( is not a valid \w+) range\.$", r"\1", text)  # click's names of its types
            return f"{text[:1].lower()}{text[1:].rstrip('.')} (--help lists the arguments)"
        case click.ClickException():
            return error.format_message()
        case errors.InvalidInputError():
            return "; ".join(f"input {problem.name}: {problem.message}" for problem in error.problems)
        case errors.ModelError():
            return _describe_job(error.prediction)
        case OSError() if error.strerror:
            return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return str(error)


def _describe_job(job: Any) -> str:
    page = getattr(job.urls, "web", None)
    cause = f": {job.error}" if job.error else ""
    return f"{job.id} {job.status}{cause}{f'; see {page}' if page else ''}"


def _resuming_command(error: BaseException) -> str | None:
    """Return the command that waits for the job of an error, unless it has ended."""
    job = getattr(error, "prediction", None)
    if job is None:
        return None
    from .._sansio.job import is_finished, is_training

    if is_finished(job):
        return None
    group = "trainings" if is_training(job) else "predictions"
    return shlex.join(["replicate-ext", group, "watch", job.id, *getattr(error, "resuming_options", ())])
