"""Deliveries: signed, filtered, throttled, and the last one of a job tried again, as Replicate does it."""

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
"""What is delivered where no filter was given."""

THROTTLE = 0.5
"""Seconds between two deliveries of output, and between two of logs."""

BACKOFF = (1, 2, 4, 8, 16, 30)
"""Seconds before each repetition of the last delivery: about a minute in all."""

PATIENCE = 5.0
"""Seconds that a receiver has to answer."""


@dataclass(frozen=True)
class Delivery:
    """One attempt to tell somebody."""

    url: str
    event: str
    id: str
    """The `webhook-id`, the same on each attempt."""
    attempt: int
    body: dict[str, Any]
    status: int | None
    """What the receiver answered; None where it did not."""


class Webhooks:
    """Tells receivers what happens to jobs, one thing after another for each job."""

    def __init__(self, state: State, clock: Clock, faults: Faults) -> None:
        self._state, self._clock, self._faults = state, clock, faults
        self._last: dict[str, asyncio.Task[None]] = {}
        self._sent_at: dict[tuple[str, str], float] = {}
        self.log: list[Delivery] = []

    def tell(self, job: Job, event: str, origin: str) -> None:
        """Tell of `start`, `output`, `logs` or `completed`, if the job's receiver wants to hear of it."""
        if job.webhook is None or event not in (job.webhook_events or DEFAULT_EVENTS):
            return
        now = self._clock.time()
        if event in ("output", "logs"):
            if now - self._sent_at.get((job.id, event), 0) < THROTTLE:
                return
            self._sent_at[job.id, event] = now
        view = job.view(origin)
        before = self._last.get(job.id)
        self._last[job.id] = asyncio.create_task(self._deliver(before, job.webhook, event, view))

    def close(self) -> None:
        """Stop telling."""
        for task in self._last.values():
            task.cancel()

    async def _deliver(self, before: asyncio.Task[None] | None, url: str, event: str, view: dict[str, Any]) -> None:
        if before is not None:
            await asyncio.wait([before])
        id = f"msg_{secrets.token_urlsafe(20)}"
        fault = self._faults.take_webhook()
        if fault.drop:
            return
        for _ in range(2 if fault.duplicate else 1):
            for attempt, pause in enumerate((*BACKOFF, None) if event == "completed" else (None,), 1):
                status = await self._post(url, id, json.dumps(view))
                self.log.append(Delivery(url, event, id, attempt, view, status))
                if pause is None or (status is not None and status < 400):
                    break
                await self._clock.sleep(pause)

    async def _post(self, url: str, id: str, body: str) -> int | None:
        moment = str(int(self._clock.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "replicate-emulator",
            "webhook-id": id,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{signature(self._state.webhook_secret, id, moment, body)}",
        }
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
                return (await http.post(url, content=body, headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None


def signature(secret: str, id: str, moment: str, body: str) -> str:
    """Return what `webhook-signature` says after its version."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, f"{id}.{moment}.{body}".encode(), "sha256")).decode()
