"""Webhooks: verify that a delivery is from Replicate, and read it.

    prediction = webhooks.verify(body, headers, secret)

`body` must be the raw bytes of the request: JSON that was decoded and encoded again has another signature. The secret
is `client.webhooks.default.secret.get().key`; `client.webhooks.verify(body, headers)` fetches it once. Deliveries are
retried and may arrive out of order: be idempotent on `prediction.id`, and ignore everything after a terminal status.

https://replicate.com/docs/topics/webhooks/verify-webhook, https://www.standardwebhooks.com
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

from ._config import DEFAULT_WEBHOOK_TOLERANCE
from .errors import MissingWebhookHeaderError, StaleWebhookError, WebhookError, WebhookSignatureError

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Iterable[str],
    tolerance: float | None = DEFAULT_WEBHOOK_TOLERANCE,
    *,
    now: Callable[[], float] = time.time,
) -> Prediction | Training:
    """Return the prediction or training of an authentic delivery.

    Args:
        body: The raw body of the request.
        headers: Its headers, in any mapping; names in any case.
        secret: The signing secret, `whsec_…`, or several while you rotate them.
        tolerance: Seconds by which the timestamp may differ from the local clock, or None for any timestamp.
        now: The clock, in seconds since 1970.

    Raises:
        MissingWebhookHeaderError: The request is no delivery of Replicate's, or a proxy removed a header.
        StaleWebhookError: The timestamp is too old: a recorded delivery may be replayed.
        WebhookSignatureError: No signature matches: another secret, or another body than the signed one.
        WebhookError: The body is authentic but not the expected JSON object.
        ValueError: The secret is malformed.
    """
    keys = [_decode_secret(one) for one in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise ValueError("pass at least one secret")
    raw = body.encode(errors="replace") if isinstance(body, str) else bytes(body)
    by_name = {str(name).lower().replace("_", "-").removeprefix("http-"): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not by_name.get(name)]
    if missing:
        raise MissingWebhookHeaderError(f"the request has no header {', '.join(missing)}")
    message_id, timestamp = by_name["webhook-id"], by_name["webhook-timestamp"]
    _check_timestamp(timestamp, tolerance, now())
    # Every key is compared with every signature, without stopping at a match: the timing reveals nothing.
    signatures = [item.partition(",") for item in by_name["webhook-signature"].split()]
    matches = [
        hmac.compare_digest(_signature(key, message_id, timestamp, raw), value.encode(errors="replace"))
        for key in keys
        for version, _, value in signatures
        if version == "v1"
    ]
    if not any(matches):
        raise WebhookSignatureError(
            f"none of the {len(signatures)} signatures matches: check that the secret is the account's and that the "
            "body is the raw one"
        )
    return _parse(raw)


def sign(
    body: bytes | str, secret: str, *, message_id: str | None = None, timestamp: float | None = None
) -> dict[str, str]:
    """Return the headers that Replicate would send with this body; for your own tests."""
    message_id = message_id or f"msg_{secrets.token_urlsafe(16)}"
    seconds = str(int(time.time() if timestamp is None else timestamp))
    raw = body.encode() if isinstance(body, str) else bytes(body)
    signature = _signature(_decode_secret(secret), message_id, seconds, raw).decode()
    return {"webhook-id": message_id, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}


def _decode_secret(secret: str) -> bytes:
    head, _, text = secret.strip().partition("_")
    if head != "whsec" or not text:
        raise ValueError("a webhook secret begins with 'whsec_'; get it with client.webhooks.default.secret.get().key")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("the webhook secret is incomplete: the part after 'whsec_' must be base64") from error


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    content = b".".join((message_id.encode(errors="replace"), timestamp.encode(errors="replace"), body))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())


def _check_timestamp(timestamp: str, tolerance: float | None, now: float) -> None:
    try:
        age = now - int(timestamp)
    except (ValueError, OverflowError) as error:
        raise StaleWebhookError(f"webhook-timestamp is not a number of seconds: {timestamp[:40]!r}") from error
    if tolerance is not None and abs(age) > tolerance:
        when = f"{age:.0f} seconds ago" if age > 0 else f"{-age:.0f} seconds in the future"
        raise StaleWebhookError(f"the delivery was sent {when}, beyond the tolerance of {tolerance:g} seconds")


def _parse(body: bytes) -> Prediction | Training:
    try:
        job = json.loads(body)
    except ValueError as error:
        raise WebhookError(f"the body is not JSON: {error}") from error
    if not isinstance(job, dict):
        raise WebhookError(f"the body is not a JSON object but a {type(job).__name__}")
    urls = job.get("urls")
    is_training = isinstance(urls, dict) and any("/trainings/" in str(url) for url in urls.values())
    return (models.Training if is_training else models.Prediction).from_dict(job)
