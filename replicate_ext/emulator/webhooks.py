"""Webhooks: signed, filtered, throttled, and retried for the `completed` event (docs/api-facts.md, section 11)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from .clock import Clock
from .faults import Faults
from .state import Job, State

DEFAULT_EVENTS = frozenset({"output", "completed"})
"""Events that are delivered if the job has no filter."""

MIN_INTERVAL = 0.5
"""Seconds between two `output` webhooks of a job, and between two `logs` webhooks."""

RETRY_DELAYS = (1, 2, 4, 8, 16, 30)
"""Seconds before each retry of a `completed` webhook; about a minute in total."""

TIMEOUT = 5.0
"""Seconds within which a receiver must respond."""


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver a webhook.

    Attributes:
        url: The URL to which it was sent.
        event: The event: start, output, logs or completed.
        id: The `webhook-id` header, the same on each attempt.
        attempt: 1 for the first attempt.
        body: The prediction or training as JSON values.
        status: The status code of the response; None if there was none.
    """

    url: str
    event: str
    id: str
    attempt: int
    body: dict[str, Any]
    status: int | None


class WebhookSender:
    """Delivers the webhooks of all jobs, those of one job in order."""

    def __init__(self, state: State, clock: Clock, faults: Faults) -> None:
        self._state, self._clock, self._faults = state, clock, faults
        self._last_tasks: dict[str, asyncio.Task[None]] = {}
        self._last_sent: dict[tuple[str, str], float] = {}
        self.deliveries: list[Delivery] = []

    def enqueue(self, job: Job, event: str, origin: str) -> None:
        """Schedule the delivery of an event, unless the job has no webhook, filters it out, or it is throttled."""
        if job.webhook is None or event not in (job.webhook_events or DEFAULT_EVENTS):
            return
        now = self._clock.time()
        if event in ("output", "logs"):
            if now - self._last_sent.get((job.id, event), 0) < MIN_INTERVAL:
                return
            self._last_sent[job.id, event] = now
        body = job.to_json(origin)
        previous = self._last_tasks.get(job.id)
        self._last_tasks[job.id] = asyncio.create_task(self._deliver(previous, job.webhook, event, body))

    def close(self) -> None:
        """Cancel all deliveries."""
        for task in self._last_tasks.values():
            task.cancel()

    async def _deliver(self, previous: asyncio.Task[None] | None, url: str, event: str, body: dict[str, Any]) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        id = f"msg_{secrets.token_urlsafe(20)}"
        fault = self._faults.take_webhook_fault()
        if fault.drop:
            return
        for _ in range(2 if fault.duplicate else 1):
            for attempt, delay in enumerate((*RETRY_DELAYS, None) if event == "completed" else (None,), 1):
                status = await self._post(url, id, json.dumps(body))
                self.deliveries.append(Delivery(url, event, id, attempt, body, status))
                if delay is None or (status is not None and status < 400):
                    break
                await self._clock.sleep(delay)

    async def _post(self, url: str, id: str, body: str) -> int | None:
        timestamp = str(int(self._clock.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "replicate-emulator",
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{sign_webhook(self._state.webhook_secret, id, timestamp, body)}",
        }
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as http:
                return (await http.post(url, content=body, headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None


def sign_webhook(secret: str, id: str, timestamp: str, body: str) -> str:
    """Return the signature for the `webhook-signature` header, without its version prefix."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, f"{id}.{timestamp}.{body}".encode(), "sha256")).decode()
