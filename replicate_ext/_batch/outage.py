"""`Outage`: failures in a row, how long to pause after each of them, and when to give up."""

from __future__ import annotations

from collections.abc import Callable

from .. import errors

PAUSES = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds to pause after so many failures in a row; the last one repeats."""

MAX_OUTAGE = 3600.0
"""Seconds in which every request of a kind has failed, after which a batch stops."""


class Outage:
    """The failures in a row of one kind of requests.

    Args:
        monotonic: Returns seconds on a clock that never goes backwards.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since = self._paused_until = 0.0
        self._failures = 0
        self.error: errors.ReplicateError | None = None
        """The latest failure; None once a request has succeeded."""

    def fail(self, error: errors.ReplicateError) -> None:
        """Note a failure; those that come during a pause do not prolong it."""
        now = self._monotonic()
        if self.error is None:
            self._since = now
        self.error = error
        if now >= self._paused_until:
            self._paused_until = now + PAUSES[min(self._failures, len(PAUSES) - 1)]
            self._failures += 1

    def end(self) -> None:
        """Note a success."""
        self.error, self._failures = None, 0

    @property
    def seconds_left(self) -> float:
        """How long to pause from now on."""
        return max(0.0, self._paused_until - self._monotonic())

    @property
    def is_established(self) -> bool:
        """Whether more than one request has failed, so that only one at a time should be tried."""
        return self._failures > 1

    @property
    def is_too_long(self) -> bool:
        """Whether to give up."""
        return self.error is not None and self._monotonic() - self._since > MAX_OUTAGE

    @property
    def reason(self) -> str:
        """Why a batch stops because of it."""
        return f"requests have failed for more than an hour: {self.error}"

    def describe(self) -> str:
        """Return in a few words what is wrong."""
        if isinstance(self.error, errors.APIConnectionError):
            return "no connection to the API"
        if isinstance(self.error, errors.APIStatusError):
            return f"the API responds with {self.error.status_code}"
        return type(self.error).__name__
