"""Things that go wrong on demand: for the next request that fits, or by chance."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, replace
from typing import Any

from .problems import Problem


@dataclass(frozen=True)
class Fault:
    """What is to go wrong with a request."""

    path: str | None = None
    """A part of the path of the requests that it is for; None for any."""
    problem: Problem | None = None
    drop_after: int | None = None
    """Bytes of the answer after which the connection is dropped; -1: before the request is processed."""
    seconds: float = 0.0
    """How long the answer is held back."""
    times: int = 1


@dataclass(frozen=True)
class WebhookFault:
    """What is to go wrong with a delivery."""

    duplicate: bool = False
    drop: bool = False


class Faults:
    """The faults that are still to come, in order, and chaos.

    Args:
        chaos: The share of requests that go wrong by chance, 0 to 1.
        seed: What the chance depends on; the same seed and requests, the same faults.
    """

    def __init__(self, chaos: float = 0.0, seed: int | None = None) -> None:
        if not 0 <= chaos <= 1:
            raise ValueError(f"chaos must be from 0 to 1, not {chaos!r}")
        self._chaos, self._dice = chaos, random.Random(seed)
        self._lock = threading.Lock()
        self._requests: list[Fault] = []
        self._webhooks: list[WebhookFault] = []
        self._cuts: list[int] = []

    def next(
        self,
        status: int,
        *,
        detail: str = "Something went wrong, as it was asked to.",
        retry_after: int | None = None,
        path: str | None = None,
        times: int = 1,
        **more: Any,
    ) -> None:
        """Answer the next request, or the next whose path contains `path`, with an error.

        Args:
            status: The status, such as 429 or 503.
            detail: What the problem document says.
            retry_after: Seconds, said in the header and in the body.
            path: A part of the paths of the requests that are meant.
            times: How many of them.
            more: Further fields of the problem document, such as `title`.
        """
        if retry_after is not None:
            more["retry_after"] = retry_after
        self._add(Fault(path, Problem(status, detail, **more), times=times))

    def drop_connection(self, *, after: int | None = None, path: str | None = None, times: int = 1) -> None:
        """Drop the connection of the next request: before it is processed, or after so many bytes of its answer."""
        self._add(Fault(path, drop_after=-1 if after is None else after, times=times))

    def slow(self, seconds: float, *, path: str | None = None, times: int = 1) -> None:
        """Hold back the answer to the next request, on the emulator's clock."""
        self._add(Fault(path, seconds=seconds, times=times))

    def cut_stream(self, *, after: int) -> None:
        """End the next connection to an event stream after so many events."""
        with self._lock:
            self._cuts.append(after)

    def webhook(self, *, duplicate: bool = False, drop: bool = False) -> None:
        """Make the next delivery come twice, or not at all."""
        with self._lock:
            self._webhooks.append(WebhookFault(duplicate, drop))

    def clear(self) -> None:
        """Forget the faults that are still to come."""
        with self._lock:
            self._requests, self._webhooks, self._cuts = [], [], []

    def take(self, path: str) -> Fault:
        """Return what is to go wrong with a request, which may be nothing."""
        with self._lock:
            for index, fault in enumerate(self._requests):
                if fault.path is None or fault.path in path:
                    self._requests[index] = replace(fault, times=fault.times - 1)
                    if fault.times <= 1:
                        del self._requests[index]
                    return fault
            return self._by_chance() if self._chaos and self._dice.random() < self._chaos else Fault()

    def take_cut(self) -> int | None:
        """Return after how many events a stream is to end."""
        with self._lock:
            return self._cuts.pop(0) if self._cuts else None

    def take_webhook(self) -> WebhookFault:
        """Return what is to go wrong with a delivery, which may be nothing."""
        with self._lock:
            return self._webhooks.pop(0) if self._webhooks else WebhookFault()

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._requests.append(fault)

    def _by_chance(self) -> Fault:
        words = "Something went wrong, by chance."
        return self._dice.choice(
            [
                Fault(problem=Problem(429, "Request was throttled. Your rate limit resets in ~1s.", retry_after=1)),
                Fault(problem=Problem(500, words)),
                Fault(problem=Problem(503, words, retry_after=1)),
                Fault(drop_after=-1),
                Fault(drop_after=10),
                Fault(seconds=0.5),
            ]
        )
