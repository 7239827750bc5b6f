"""Verify and sign deliveries of webhooks, without I/O (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from replicate_api import models

from ._config import DEFAULT_WEBHOOK_TOLERANCE, WebhookHeaders
from .errors import MissingWebhookHeaderError, StaleWebhookError, WebhookError, WebhookSignatureError

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


def verify(
    body: bytes | str,
    headers: WebhookHeaders,
    secret: str | bytes | Iterable[str | bytes],
    tolerance: float | None = DEFAULT_WEBHOOK_TOLERANCE,
    *,
    now: Callable[[], float] = time.time,
) -> Prediction | Training:
    """Return the prediction or training of an authentic delivery.

    Args:
        body: The raw body of the request.
        headers: Its headers, in any mapping or as pairs; names in any case.
        secret: The signing secret, `whsec_…`, or several while you rotate them.
        tolerance: Seconds by which the timestamp may differ from the local clock, or None for any timestamp.
        now: The clock, in seconds since 1970.

    Returns:
        The prediction or training as of the moment of the event.

    Raises:
        MissingWebhookHeaderError: The request is no delivery of Replicate's, or a proxy removed a header.
        StaleWebhookError: The timestamp is too old: a recorded delivery may be replayed.
        WebhookSignatureError: No signature matches: another secret, or another body than the signed one.
        WebhookError: The body is authentic but not the expected JSON object.
        ValueError: The secret is malformed.
        TypeError: An argument has another type, such as a body that is already decoded.

    Examples:
        >>> secret, body = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", b'{"id": "x0fm", "status": "succeeded"}'
        >>> headers = replicate.webhooks.sign(body, secret)
        >>> print(replicate.webhooks.verify(body, headers, secret).status)
        succeeded
    """
    if tolerance is not None and (isinstance(tolerance, bool) or not isinstance(tolerance, int | float)):
        raise TypeError(f"tolerance must be a number of seconds or None, not {tolerance!r:.100}")
    is_single = secret is None or isinstance(secret, str | bytes) or not isinstance(secret, Iterable)
    keys = [_decode_secret(one) for one in ([secret] if is_single else secret)]
    if not keys:
        raise ValueError("pass at least one secret")
    raw = _raw_body(body)
    by_name = _headers_by_name(headers)
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
            "the signature does not match: check that the secret is the account's and that the body is the raw one"
        )
    return _parse(raw)


def sign(
    body: bytes | str, secret: str, *, message_id: str | None = None, timestamp: float | None = None
) -> dict[str, str]:
    """Return the headers that Replicate would send with this body; for your own tests.

    Args:
        body: The raw body of the request.
        secret: The signing secret, `whsec_…`.
        message_id: The id of the delivery; by default a random one.
        timestamp: The time of the delivery, in seconds since 1970; by default now.

    Returns:
        The headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    Raises:
        ValueError: The secret is malformed.
        TypeError: An argument has another type.

    Examples:
        >>> replicate.webhooks.sign(b"{}", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", timestamp=1700000000)
        {'webhook-id': 'msg_...', 'webhook-timestamp': '1700000000', 'webhook-signature': 'v1,...'}
    """
    message_id = message_id or f"msg_{secrets.token_urlsafe(16)}"
    seconds = str(int(time.time() if timestamp is None else timestamp))
    raw = _raw_body(body)
    signature = _signature(_decode_secret(secret), message_id, seconds, raw).decode()
    return {"webhook-id": message_id, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}


def _raw_body(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode(errors="replace")
    if not isinstance(body, bytes | bytearray | memoryview):
        raise TypeError(
            f"body is a {type(body).__name__}: pass the raw bytes of the request, such as `await request.body()` in "
            "FastAPI, `request.get_data()` in Flask or `request.body` in Django; decoded JSON has another signature"
        )
    return bytes(body)


def _headers_by_name(headers: Any) -> dict[str, str]:
    """Return headers by their names in lower case; WSGI's names are HTTP_WEBHOOK_ID. Repeated values are joined."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    by_name: dict[str, list[str]] = {}
    try:
        for name, value in pairs:
            key = _to_str(name).lower().replace("_", "-").removeprefix("http-")
            values = value if isinstance(value, list | tuple) else [value]
            by_name.setdefault(key, []).extend(_to_str(each) for each in values if each is not None)
    except (TypeError, ValueError):
        raise TypeError(
            f"headers must be a mapping or pairs of names and values, such as `request.headers`, not {headers!r:.100}"
        ) from None
    return {name: " ".join(values) for name, values in by_name.items()}


def _to_str(text: object) -> str:
    return text.decode("latin-1") if isinstance(text, bytes) else str(text)


def _decode_secret(secret: Any) -> bytes:
    if not isinstance(secret, str | bytes):
        raise TypeError(
            f"secret must be a str such as 'whsec_…', not {type(secret).__name__}; get it with "
            "client.webhooks.default.secret.get().key"
        )
    secret = _to_str(secret)
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
        raise WebhookError(f"the body is JSON, but not an object: {body[:40]!r}")
    urls = job.get("urls")
    is_training = isinstance(urls, dict) and any("/trainings/" in str(url) for url in urls.values())
    return (models.Training if is_training else models.Prediction).from_dict(job)
