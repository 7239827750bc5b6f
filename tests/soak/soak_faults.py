"""Which fault occurs at which request of a sequence: drawn from its seed, and from nothing else."""

from __future__ import annotations

from collections import Counter
from random import Random

REJECTED = ["429", "429 with a hint", "429 with a hint in the body", "429 with a long hint", "503 with a hint"]
"""The request was certainly not carried out."""

AMBIGUOUS_STATUSES = ["408", "500", "502", "503", "520"]
LOST_RESPONSES = [
    "reset",
    "no response",
    "interrupted body",
    "interrupted headers",
    "truncated JSON",
    "HTML page",
    "wrong JSON",
    *AMBIGUOUS_STATUSES,
]
"""The request was carried out, and the client cannot know it."""

LOST_REQUESTS = ["reset before", "408 before", "500 before", "502 before", "520 before"]
"""The request was not carried out, and the client cannot know it."""

HARMLESS = ["slow", "trickle", "connection closed afterwards", "another Content-Type", "unasked response"]
OUTAGE = ["outage"]
"""After this response the server is down for a few milliseconds: connections are reset and refused."""

READ = [*REJECTED, *LOST_RESPONSES, *LOST_REQUESTS, *HARMLESS, *OUTAGE, "redirect"]
FAULTS: dict[str, list[str]] = {
    "create": [*REJECTED, *LOST_RESPONSES, *LOST_REQUESTS, *HARMLESS, *OUTAGE, "redirect", "404"],
    "held create": [*REJECTED, *LOST_RESPONSES, *LOST_REQUESTS, *HARMLESS, "no output yet", "hold expired"],
    "upload": [*REJECTED, *LOST_RESPONSES, *LOST_REQUESTS, *HARMLESS],
    "model": READ,
    "poll": [*READ, "stale response"],
    "list": [*REJECTED, *AMBIGUOUS_STATUSES, "reset", "slow", "trickle", "truncated JSON", "HTML page", "redirect"],
    "cancel": [
        *REJECTED[:3],
        *AMBIGUOUS_STATUSES,
        "reset",
        "reset before",
        "slow",
        "trickle",
        "connection closed afterwards",
        "unasked response",
    ],
    "stream": ["cut", "restart", "no done", "no done, alive", "few ids", "500", "404", "HTML page", "slow", "trickle"],
    "elsewhere": ["slow"],
    "download": [*REJECTED, *LOST_REQUESTS, "reset", "interrupted body", "500", "slow", "trickle", "redirect"],
}
"""The faults of each step."""

MAX_FAULTS = {"cancel": 1, "list": 1, "create": 2, "held create": 2, "stream": 3}
"""Faults of one kind of request in a sequence; a cleanup retries a request only once."""

UNDECIDABLE_WITH_TWINS = {*LOST_REQUESTS, "outage"}
"""Faults that do not occur while somebody else creates identical predictions: if a create was lost, and a single
identical prediction exists, nobody can tell whose it is."""


class FaultPlan:
    """Draws the faults of one sequence.

    Whether a request fails depends on the seed, on what it is about, and on how many such requests came before; so it
    does not depend on how concurrent requests interleave.
    """

    def __init__(self, seed: int, rate: float, has_twins: bool) -> None:
        self._seed, self._rate, self._has_twins = seed, rate, has_twins
        self._requests: Counter[tuple[str, str]] = Counter()
        self._faults: Counter[tuple[str, str]] = Counter()
        self.occurred: Counter[str] = Counter()

    def draw(self, step: str, key: str) -> tuple[str | None, Random]:
        """Return the fault of a request, and the random numbers that decide its details."""
        self._requests[step, key] += 1
        random = Random(f"{self._seed}/{step}/{key}/{self._requests[step, key]}")
        if self._faults[step, key] >= MAX_FAULTS.get(step, 3) or random.random() >= self._rate:
            return None, random
        fault = random.choice(FAULTS[step])
        if fault == "no response" and random.random() < 0.8:  # it takes long
            fault = "reset"
        if "create" in step and self._has_twins and fault in UNDECIDABLE_WITH_TWINS:
            return None, random
        self._faults[step, key] += 1
        self.occurred[f"{step}: {fault}"] += 1
        return fault, random
