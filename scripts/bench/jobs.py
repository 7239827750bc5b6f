"""The predictions that the server has, and what their models do."""

from __future__ import annotations

import time
from bisect import bisect_left
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import payloads
import sse_edge_cases

MAX_HOLD = 60.0
"""Seconds (docs/api-facts.md, section 7)."""


class Job(NamedTuple):
    """A prediction, and what its model does."""

    base_url: str
    id: str
    model: str
    input: dict[str, Any]
    started: float
    created_at: float

    @property
    def seconds(self) -> float:
        return float(self.input.get("seconds", 0))

    @property
    def stream(self) -> str | None:
        """The path of the stream, if it has one."""
        is_streamed = any(self.input.get(name) for name in ("stream", "events", "edge_cases"))
        return f"/stream/{self.id}" if is_streamed else None

    @property
    def output(self) -> list[str]:
        if self.input.get("edge_cases"):
            return [data for _, data in sse_edge_cases.EDGE_CASES]
        if "file_size" in self.input:
            return [f"{self.base_url}/files/{self.input['file_size']}/{self.id}.webp"]
        return ["word "] * self.input["events"] if "events" in self.input else payloads.OUTPUT

    def create(self, status: str) -> dict[str, Any]:
        """Return the prediction as it is after its creation."""
        return payloads.prediction(
            self.base_url, self.id, self.input, status, self.stream, self.created_at, model=self.model
        )

    def get(self) -> dict[str, Any]:
        """Return the prediction as it is now."""
        elapsed = time.monotonic() - self.started
        shown = self.create("processing" if elapsed > 0.02 else "starting")
        if elapsed < self.seconds:
            return shown
        return payloads.finish(shown, self.output, self.seconds, self.created_at)

    def hold(self, seconds: float) -> tuple[float, dict[str, Any]]:
        """Return how long a create is held, and its response: the output, unless the hold ends first.

        The input `hold` shortens the hold, so that short runs stand for long ones.
        """
        seconds = min(seconds, float(self.input.get("hold", MAX_HOLD)))
        if self.seconds > seconds:
            return seconds, self.create("starting")
        return self.seconds, self.create("processing") | {"output": self.output}


class Jobs:
    """All predictions, in the order of their creation."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._jobs: list[Job] = []

    def create(self, model: str, input: dict[str, Any]) -> Job:
        """Create a prediction."""
        job = Job(self.base_url, f"{len(self._jobs):026}", model, input, time.monotonic(), time.time())
        self._jobs.append(job)
        return job

    def get(self, id: str) -> Job | None:
        """Return a prediction by its id, which is its number."""
        return self._jobs[int(id)] if id.isdecimal() else None

    def page(self, query: str) -> dict[str, Any]:
        """Return a page of the list, newest first. The cursor is the number after that of the first prediction."""
        parameters = dict(parse_qsl(query))
        after, before = (_parse_time(parameters.get(name)) for name in ("created_after", "created_before"))
        end = bisect_left(self._jobs, before, key=_created_at) if before else len(self._jobs)
        end = min(end, int(parameters.get("cursor", end)))
        start = max(end - payloads.PAGE_SIZE, bisect_left(self._jobs, after, key=_created_at) if after else 0)
        following = urlencode({**parameters, "cursor": start})
        return {
            "previous": None,
            "next": f"{self.base_url}/v1/predictions?{following}" if end - start == payloads.PAGE_SIZE else None,
            "results": [job.get() for job in reversed(self._jobs[start:end])],
        }


_created_at = attrgetter("created_at")


def _parse_time(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
