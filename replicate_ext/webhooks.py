"""Webhooks: make sure that a delivery is from Replicate, and read it.

    prediction = webhooks.verify(body, headers, secret)

`body` must be the raw bytes of the request: JSON that was decoded and encoded again has another signature. The secret
is `client.webhooks.default.secret.get().key`; `client.webhooks.verify(body, headers)` fetches it once. Deliveries are
repeated and overtake each other: be idempotent on `prediction.id`, and ignore what comes after a terminal status.
https://replicate.com/docs/topics/webhooks/verify-webhook
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from replicate_api import models

from ._config import TOLERANCE
from .errors import BadWebhookSignature, MissingWebhookHeader, StaleWebhook, WebhookError

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Iterable[str],
    tolerance: float | None = TOLERANCE,
    *,
    now: Callable[[], float] = time.time,
) -> Prediction | Training:
    """Return the prediction or training of a genuine delivery.

    Args:
        body: The body of the request as it came.
        headers: Its headers, in any mapping; names in any case.
        secret: The signing secret, `whsec_…`, or several while you rotate them.
        tolerance: Seconds that the delivery may be old, or from the future. None: any time will do.
        now: The clock, in seconds since 1970.

    Raises:
        MissingWebhookHeader: Not a delivery of Replicate's, or a proxy took a header away.
        StaleWebhook: Sent too long ago: perhaps a recorded delivery is being played again.
        BadWebhookSignature: No signature fits: another secret, or another body than was signed.
        WebhookError: The body is genuine but not the JSON object that it should be.
        ValueError: The secret is none.
    """
    keys = [_key(one) for one in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise ValueError("give at least one secret")
    raw = body.encode(errors="replace") if isinstance(body, str) else bytes(body)
    given = {str(name).lower().replace("_", "-").removeprefix("http-"): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not given.get(name)]
    if missing:
        raise MissingWebhookHeader(f"the request has no header {', '.join(missing)}")
    message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
    _check_age(timestamp, tolerance, now())
    # Every key is tried on every signature, without stopping at the first that fits: no timing tells which it was.
    signatures = [item.partition(",") for item in given["webhook-signature"].split()]
    fits = [
        hmac.compare_digest(_signature(key, message_id, timestamp, raw), value.encode(errors="replace"))
        for key in keys
        for version, _, value in signatures
        if version == "v1"
    ]
    if not any(fits):
        raise BadWebhookSignature(
            f"none of {len(signatures)} signatures fits: is the secret the account's, and the body raw?"
        )
    return _read(raw)


def sign(
    body: bytes | str, secret: str, *, message_id: str | None = None, timestamp: float | None = None
) -> dict[str, str]:
    """Return the headers with which Replicate would send this body; for your own tests."""
    message_id = message_id or f"msg_{secrets.token_urlsafe(16)}"
    moment = str(int(time.time() if timestamp is None else timestamp))
    raw = body.encode() if isinstance(body, str) else bytes(body)
    signature = _signature(_key(secret), message_id, moment, raw).decode()
    return {"webhook-id": message_id, "webhook-timestamp": moment, "webhook-signature": f"v1,{signature}"}


def _key(secret: str) -> bytes:
    head, _, text = secret.strip().partition("_")
    if head != "whsec" or not text:
        raise ValueError("a webhook secret begins with 'whsec_'; get it with client.webhooks.default.secret.get().key")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("the webhook secret is not whole: what follows 'whsec_' must be base64") from error


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    signed = b".".join((message_id.encode(errors="replace"), timestamp.encode(errors="replace"), body))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())


def _check_age(timestamp: str, tolerance: float | None, now: float) -> None:
    try:
        age = now - int(timestamp)
    except (ValueError, OverflowError) as error:
        raise StaleWebhook(f"webhook-timestamp is not a number of seconds: {timestamp[:40]!r}") from error
    if tolerance is not None and abs(age) > tolerance:
        when = f"{age:.0f} seconds ago" if age > 0 else f"{-age:.0f} seconds in the future"
        raise StaleWebhook(f"the delivery was sent {when}, beyond the tolerance of {tolerance:g} seconds")


def _read(body: bytes) -> Prediction | Training:
    try:
        job = json.loads(body)
    except ValueError as error:
        raise WebhookError(f"the body is not JSON: {error}") from error
    if not isinstance(job, dict):
        raise WebhookError(f"the body is not a JSON object but a {type(job).__name__}")
    urls = job.get("urls")
    is_training = isinstance(urls, dict) and any("/trainings/" in str(url) for url in urls.values())
    return (models.Training if is_training else models.Prediction).from_dict(job)
