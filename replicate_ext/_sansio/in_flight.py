"""The creates of one client that are in flight, and the ids of the predictions that it knows.

A create that the caller abandons before its id arrives can only be found by its input. Whether a prediction with that
input may be canceled is decided here.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Collection
from datetime import UTC, datetime

MAX_KNOWN_IDS = 10_000


class SentRecord:
    """Whether the latest attempt of a request may have reached the server.

    An attempt counts as sent from its beginning, unless a backend knows better: one that can tell when the request is
    written to a connection resets the record first.
    """

    def __init__(self) -> None:
        self.sent_at: datetime | None = None
        """When the attempt was sent, on the local clock; None if it was not sent, or surely not accepted."""

    def mark_sent(self) -> None:
        """Record that the request may reach the server from now on."""
        self.sent_at = datetime.now(UTC)

    def reset(self) -> None:
        """Record that the server has not accepted the request."""
        self.sent_at = None


class InFlightCreates:
    """Creates by fingerprint: how many are in flight, and how many of those the caller abandoned.

    The fingerprint is the input alone. Other models with the same input only make this more careful.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()
        self._abandoned: Counter[str] = Counter()
        self._known_ids: deque[str] = deque(maxlen=MAX_KNOWN_IDS)

    @staticmethod
    def fingerprint(input: object) -> str:
        """Return the same text for equal inputs."""
        return json.dumps(input, sort_keys=True)

    def start(self, input: object) -> str:
        """Count a create that is about to be sent, and return its fingerprint."""
        fingerprint = self.fingerprint(input)
        with self._lock:
            self._in_flight[fingerprint] += 1
        return fingerprint

    def finish(self, fingerprint: str, id: object = None) -> None:
        """Count a create as over; its id, if it arrived, is known from now on."""
        with self._lock:
            self._in_flight[fingerprint] -= 1
            self._in_flight += Counter()  # drops zero counts
            if isinstance(id, str):
                self._known_ids.append(id)

    def abandon(self, fingerprint: str) -> None:
        """Count a create as abandoned: it may exist, and its id will not arrive."""
        with self._lock:
            self._abandoned[fingerprint] += 1

    def is_abandoned(self, fingerprint: str) -> bool:
        """Whether an abandoned create has not been found yet."""
        return self._abandoned[fingerprint] > 0

    def give_up(self, fingerprint: str) -> None:
        """Stop searching for one abandoned create."""
        with self._lock:
            self._abandoned -= Counter({fingerprint: 1})

    def claim(self, fingerprint: str, candidates: Collection[str]) -> list[str]:
        """Return which of the candidates are abandoned creates of this client, and count them as found.

        All of them or none: if there are more than this client abandoned, or if an identical create is still awaited,
        one of them may belong to somebody else. Ids that are known here are never returned.
        """
        with self._lock:
            unknown = [id for id in candidates if id not in self._known_ids]
            is_certain = len(unknown) <= self._abandoned[fingerprint] and not self._in_flight[fingerprint]
            if not unknown or not is_certain:
                return []
            self._abandoned -= Counter({fingerprint: len(unknown)})
            self._known_ids.extend(unknown)
            return unknown
