"""Wait for a prediction or training, with its status on a terminal; cancel it if the command ends early."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import errors
from .._sansio.job import is_training
from .error_report import message
from .live import show_status

if TYPE_CHECKING:
    from .._client import Replicate
    from .context import App
    from .saving import Destination


def wait_for(
    app: App,
    job: Any,
    destination: Destination | None = None,
    *,
    timeout: float | None = None,
    cancel_on_timeout: bool = False,
) -> Any:
    """Wait until a prediction or training has succeeded, and return it.

    Raises:
        ModelError: It failed, or was canceled.
        WaitTimeoutError: `timeout` expired; it continues unless `cancel_on_timeout`. `-o` of the command that is
            printed is `destination`.
    """
    with attend(app, job, cancel_on_timeout=cancel_on_timeout), show_status(app.output) as callback:
        try:
            return app.client.wait(job, timeout=timeout, progress=callback, cancel_on_exit=False)
        except errors.ReplicateError as error:
            error.resuming_options = ["-o", destination.text] if destination else []  # type: ignore[attr-defined]
            raise


@contextmanager
def attend(app: App, job: Any, *, cancel_on_timeout: bool = False, prints_failure: bool = True) -> Iterator[None]:
    """Cancel a job if Ctrl-C, a closed pipe or a bug ends the block; the error then says whether that worked.

    With `--json`, a job that has failed is printed too: a program wants to know its error and its log.
    """
    try:
        yield
    except errors.WaitTimeoutError as error:
        error.args = (f"{_name(job)} did not finish before --timeout",)
        if cancel_on_timeout:
            error.prediction = None
            error.add_note(_cancel(app.client, job))
        raise
    except errors.ModelError as error:
        if app.output.is_json and prints_failure:
            app.output.record(error.prediction)
        raise
    except errors.ReplicateError:
        raise
    except BaseException as error:
        error.__notes__ = [_cancel(app.client, job)]  # those of the library are for its callers
        raise


def _cancel(client: Replicate, job: Any) -> str:
    """Cancel a job, and return what came of it."""
    namespace: Any = client.trainings if is_training(job) else client.predictions
    try:
        latest = namespace.cancel(job.id)
    except (errors.ReplicateError, KeyboardInterrupt) as error:  # the second Ctrl-C
        return f"{_name(job)} may still be running, since it could not be canceled: {message(error)}"
    has_ended = latest.status in ("succeeded", "failed")  # before the request arrived
    return f"{_name(job)} {f'had {latest.status}' if has_ended else 'was canceled'}"


def _name(job: Any) -> str:
    return f"{'training' if is_training(job) else 'prediction'} {job.id}"
