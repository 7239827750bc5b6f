"""Faults to inject: for the next matching requests, streams and webhooks, or at random."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, replace
from typing import Any

from .problems import Problem

BEFORE_PROCESSING = -1
"""Value of `RequestFault.drop_after` that drops the connection before the request is processed."""


@dataclass(frozen=True)
class RequestFault:
    """What goes wrong with a request; by default nothing."""

    path: str | None = None
    """Matches requests whose path contains it; None matches all."""
    problem: Problem | None = None
    is_processed: bool = False
    """Whether the request is processed although its response is `problem`, as behind a proxy that gives up."""
    drop_after: int | None = None
    """Bytes of the response body after which the connection is dropped, or `BEFORE_PROCESSING`."""
    delay: float = 0.0
    """Seconds by which the response is delayed."""
    replace_id: bool = False
    """Whether the response has the id of another prediction."""
    times: int = 1
    """Number of requests that it affects."""


@dataclass(frozen=True)
class WebhookFault:
    """What goes wrong with a webhook; by default nothing."""

    duplicate: bool = False
    drop: bool = False


class Faults:
    """A queue of faults, each used by the first request, stream or webhook that it matches.

    Args:
        chaos: Probability that a request without a queued fault fails at random, 0 to 1.
        seed: Seed for the random faults; the same seed and requests give the same faults.

    Raises:
        ValueError: `chaos` is out of range.
    """

    def __init__(self, chaos: float = 0.0, seed: int | None = None) -> None:
        if not 0 <= chaos <= 1:
            raise ValueError(f"chaos must be from 0 to 1, got {chaos!r}")
        self._chaos, self._random = chaos, random.Random(seed)
        self._lock = threading.Lock()
        self._request_faults: list[RequestFault] = []
        self._webhook_faults: list[WebhookFault] = []
        self._stream_interruptions: list[int] = []

    def fail_next(
        self,
        status: int,
        *,
        detail: str = "This error was injected by the emulator.",
        retry_after: int | None = None,
        path: str | None = None,
        times: int = 1,
        processed: bool = False,
        **extra: Any,
    ) -> None:
        """Let the next request fail with an error response.

        Args:
            status: The HTTP status code, such as 429 or 503.
            detail: The `detail` of the problem document.
            retry_after: Seconds to wait before retrying, sent in the header and in the body.
            path: Match only requests whose path contains it.
            times: Number of requests that fail.
            processed: Whether they are processed nevertheless, as behind a proxy that gives up.
            extra: Further fields of the problem document, such as `title`.

        Examples:
            >>> emulator.faults.fail_next(402, detail="No credit.", path="/account")
            >>> try:
            ...     client.account.get()
            ... except replicate.PaymentRequiredError as error:
            ...     print(error.status_code, error.detail)
            402 No credit.
        """
        if retry_after is not None:
            extra["retry_after"] = retry_after
        self._add(RequestFault(path, Problem(status, detail, **extra), processed, times=times))

    def drop_connection(self, *, after: int | None = None, path: str | None = None, times: int = 1) -> None:
        """Drop the connection of the next request.

        Args:
            after: Bytes of the response body after which it is dropped; by default before the request is processed.
            path: Match only requests whose path contains it.
            times: Number of requests whose connection is dropped.

        Examples:
            >>> emulator.faults.drop_connection(path="/account")
            >>> try:
            ...     client.with_options(max_retries=0).account.get()
            ... except replicate.APIConnectionError as error:
            ...     print(type(error).__name__)
            APIConnectionError
        """
        self._add(RequestFault(path, drop_after=BEFORE_PROCESSING if after is None else after, times=times))

    def delay(self, seconds: float, *, path: str | None = None, times: int = 1) -> None:
        """Delay the response to the next request, on the emulator's clock.

        Args:
            seconds: How many seconds to delay it.
            path: Match only requests whose path contains it.
            times: Number of requests that are delayed.

        Examples:
            >>> emulator.faults.delay(0.005, path="/account")
            >>> client.account.get().username
            'acme'
        """
        self._add(RequestFault(path, delay=seconds, times=times))

    def replace_id(self, *, path: str | None = None, times: int = 1) -> None:
        """Respond to the next request with the id of another prediction, as a faulty cache or proxy would.

        Args:
            path: Match only requests whose path contains it.
            times: Number of requests whose response has another id.

        Examples:
            >>> job = client.submit("acme/hello", {"text": "Ada"})
            >>> emulator.faults.replace_id(path="/predictions/")
            >>> client.predictions.get(job.id).id == job.id
            False
        """
        self._add(RequestFault(path, replace_id=True, times=times))

    def interrupt_stream(self, *, after: int) -> None:
        """End the next connection to an event stream after that many events.

        Args:
            after: How many events are sent before the connection ends.

        Examples:
            >>> emulator.faults.interrupt_stream(after=2)
            >>> poem = {"prompt": "the sea", "lines": 1, "seconds": 0}
            >>> for event in client.stream("acme/poet", poem):
            ...     print(event, end="")  # the client reconnects
            Beneath the sea a garden remembers.
        """
        with self._lock:
            self._stream_interruptions.append(after)

    def webhook(self, *, duplicate: bool = False, drop: bool = False) -> None:
        """Deliver the next webhook twice, or not at all.

        Args:
            duplicate: Whether it is delivered twice, with the same id.
            drop: Whether it is not delivered.

        Examples:
            >>> emulator.faults.webhook(drop=True)
            >>> url = "http://127.0.0.1:9/dropped"
            >>> client.run("acme/hello", {"text": "Ada"}, webhook=url)
            'Hello, Ada!'
            >>> [one for one in emulator.deliveries if one.url == url]
            []
        """
        with self._lock:
            self._webhook_faults.append(WebhookFault(duplicate, drop))

    def clear(self) -> None:
        """Remove all queued faults.

        Examples:
            >>> emulator.faults.fail_next(500)
            >>> emulator.faults.clear()
            >>> client.account.get().username
            'acme'
        """
        with self._lock:
            self._request_faults, self._webhook_faults, self._stream_interruptions = [], [], []

    def take_request_fault(self, path: str) -> RequestFault:
        """Return the fault of a request, and remove it from the queue once it is used up; the server calls it.

        Args:
            path: The path of the request.

        Returns:
            The first fault that matches, or one that does nothing.
        """
        with self._lock:
            for index, fault in enumerate(self._request_faults):
                if fault.path is None or fault.path in path:
                    self._request_faults[index] = replace(fault, times=fault.times - 1)
                    if fault.times <= 1:
                        del self._request_faults[index]
                    return fault
            return self._random_fault() if self._chaos and self._random.random() < self._chaos else RequestFault()

    def take_stream_interruption(self) -> int | None:
        """Return the number of events after which a stream is interrupted; the server calls it.

        Returns:
            How many events are sent, or None if the stream is not interrupted.
        """
        with self._lock:
            return self._stream_interruptions.pop(0) if self._stream_interruptions else None

    def take_webhook_fault(self) -> WebhookFault:
        """Return the fault of a webhook; the server calls it.

        Returns:
            The next one in the queue, or one that does nothing.
        """
        with self._lock:
            return self._webhook_faults.pop(0) if self._webhook_faults else WebhookFault()

    def _add(self, fault: RequestFault) -> None:
        with self._lock:
            self._request_faults.append(fault)

    def _random_fault(self) -> RequestFault:
        detail = "This error was injected at random by the emulator."
        return self._random.choice(
            [
                RequestFault(
                    problem=Problem(429, "Request was throttled. Your rate limit resets in ~1s.", retry_after=1)
                ),
                RequestFault(problem=Problem(500, detail)),
                RequestFault(problem=Problem(502, detail), is_processed=True),
                RequestFault(problem=Problem(503, detail, retry_after=1)),
                RequestFault(drop_after=BEFORE_PROCESSING),
                RequestFault(drop_after=10),
                RequestFault(delay=0.5),
            ]
        )
