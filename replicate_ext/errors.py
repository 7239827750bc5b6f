"""Everything that can go wrong, one tree.

    ReplicateError
    ├── ConnectionFailed            no answer: DNS, refused, reset, cut
    │   └── TimedOut                … because it took too long (also a TimeoutError)
    ├── APIStatusError              an answer that is not a success
    │   ├── AuthenticationError     401, and a token that cannot be right (told before anything is sent)
    │   ├── PaymentRequired         402
    │   ├── PermissionDenied        403
    │   ├── NotFound                404
    │   ├── InvalidRequest          400, 422: `invalid_fields` names what to mend
    │   ├── RateLimited             429: `retry_after` says when
    │   └── ServerError             5xx, Cloudflare's 520 to 530 included
    ├── ResponseError               a success that cannot be read
    ├── ModelError                  the prediction or training failed
    │   ├── PredictionCanceled      … was canceled
    │   └── PredictionAborted       … reached its deadline before it started
    ├── WaitTimeout                 still running when `timeout` ran out (also a TimeoutError)
    ├── StreamError                 events of a stream were lost for good
    └── WebhookError                a delivery that must not be believed, or cannot be read
        ├── MissingWebhookHeader
        ├── StaleWebhook            sent too long ago
        └── BadWebhookSignature

A wrong argument is an ordinary TypeError or ValueError. All errors hold plain data and pickle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


class ReplicateError(Exception):
    """The root of the tree."""

    prediction: Prediction | Training | None = None
    """The prediction this is about, when there is one: nothing that was paid for gets lost behind an error."""

    maybe_created_after: datetime | None = None
    """Set when a create failed in a way that leaves open whether the server accepted it.

    `client.predictions.list(created_after=error.maybe_created_after)` shows what was created since; look there before
    you repeat the call.
    """

    def advise(self, advice: str) -> None:
        """Add to the message what the caller could do about it."""
        self.args = (f"{self}: {advice}",)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[ReplicateError], args: tuple[Any, ...], state: dict[str, Any]) -> ReplicateError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConnectionFailed(ReplicateError):
    """No answer came: the address did not resolve, or the connection was refused, reset or cut."""


class TimedOut(ConnectionFailed, TimeoutError):
    """No answer came in time; a single request, not the prediction (that is `WaitTimeout`)."""


class APIStatusError(ReplicateError):
    """The server answered, and the answer is not a success."""

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        invalid_fields: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        call: str | None = None,
    ) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.invalid_fields = invalid_fields or []
        self.headers = dict(headers or {})
        text = ": ".join(part for part in (call, str(status), title, detail and detail.strip()) if part)
        super().__init__(text)


class AuthenticationError(APIStatusError):
    """401, or a token that cannot be right, told before anything is sent."""


class PaymentRequired(APIStatusError):
    """402: the account has no credit left, or reached its spend limit."""


class PermissionDenied(APIStatusError):
    """403."""


class NotFound(APIStatusError):
    """404: no such thing, or not for this token."""


class InvalidRequest(APIStatusError):
    """400 or 422. Each of `invalid_fields` has `field`, `type` and `description`."""


class RateLimited(APIStatusError):
    """429, and waiting would have taken longer than the client waits by itself."""

    def __init__(self, *args: Any, retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retry_after = retry_after
        """Seconds until the server takes the next request, where it said so."""
        if self.is_low_credit:
            self.advise("this limit is due to the account's low credit: see https://replicate.com/account/billing")

    @property
    def is_low_credit(self) -> bool:
        """Whether the limit is the strict one for accounts with little credit or no payment method."""
        return re.search(r"in credit|payment method", self.detail or "") is not None


class ServerError(APIStatusError):
    """5xx: the server, or something in front of it, is in trouble."""


class ResponseError(ReplicateError):
    """A successful status with a body that cannot be read; nothing is known about the call's effect."""


class ModelError(ReplicateError):
    """The prediction ended without a result; `prediction` is how it ended."""

    prediction: Prediction | Training

    def __init__(self, prediction: Prediction | Training) -> None:
        self.prediction = prediction  # pyright: ignore[reportIncompatibleVariableOverride]  # here it is always set
        super().__init__(describe(prediction))

    @property
    def is_transient(self) -> bool:
        """Whether the same run may well succeed: the platform, and not the model or its input, was the reason.

        By the texts and codes that are known: https://replicate.com/docs/reference/error-codes
        """
        return re.search(r"please retry|interrupted|E9828|E6716", str(self.prediction.error or "")) is not None


class PredictionCanceled(ModelError):
    """Somebody, or a deadline, canceled the prediction while it ran."""


class PredictionAborted(ModelError):
    """The prediction's deadline passed before it started; it is not billed."""


class WaitTimeout(ReplicateError, TimeoutError):
    """`timeout` ran out while the prediction was running; `client.wait(error.prediction)` takes it up again."""

    def __init__(self, message: str, prediction: Prediction | Training | None = None) -> None:
        self.prediction = prediction
        super().__init__(message)


class StreamError(ReplicateError):
    """Events of a stream were lost for good: the finished output does not continue what they said."""

    def __init__(self, message: str, prediction: Prediction | Training | None = None) -> None:
        self.prediction = prediction
        super().__init__(message)


class WebhookError(ReplicateError):
    """A delivery that must not be believed, or cannot be read."""


class MissingWebhookHeader(WebhookError):
    """One of webhook-id, webhook-timestamp and webhook-signature is not there."""


class StaleWebhook(WebhookError):
    """The delivery was sent too long ago, or in the future."""


class BadWebhookSignature(WebhookError):
    """No signature of the delivery fits the body and the secret."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: InvalidRequest,
    401: AuthenticationError,
    402: PaymentRequired,
    403: PermissionDenied,
    404: NotFound,
    422: InvalidRequest,
    429: RateLimited,
}


def from_response(
    status: int, headers: Mapping[str, str], body: bytes, call: str, retry_after: float | None = None
) -> APIStatusError:
    """Return the error of an unsuccessful answer; `call` is "GET /predictions/…", free of secrets.

    Any key of the problem document may be missing, and the body may be an HTML page of a proxy.
    """
    problem = _problem(body)
    cls = _BY_STATUS.get(status, ServerError if status >= 500 else APIStatusError)
    title, detail, fields = problem.get("title"), problem.get("detail"), problem.get("invalid_fields")
    more = {"retry_after": retry_after} if cls is RateLimited else {}
    return cls(
        status,
        title if isinstance(title, str) else None,
        detail if isinstance(detail, str) else json.dumps(detail) if detail else None,
        [dict(field) for field in fields if isinstance(field, dict)] if isinstance(fields, list) else None,
        headers,
        call=call,
        **more,
    )


def _problem(body: bytes) -> dict[str, Any]:
    text = body.decode(errors="replace").strip()
    try:
        problem = json.loads(text)
    except ValueError:
        return {"detail": _page_text(text)} if text else {}
    return problem if isinstance(problem, dict) else {"detail": text[:500]}


def _page_text(text: str) -> str:
    """Return what a person would read first: the title of an HTML page, or the beginning of a text."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    plain = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    return " ".join(plain.split())[:300]


def describe(prediction: Prediction | Training) -> str:
    """Say how a prediction ended: its id and page, the model's error, the last lines of its log."""
    lines = [f"{prediction.id} {prediction.status}"]
    if prediction.error:
        lines[0] += f": {prediction.error}"
    page = getattr(prediction.urls, "web", None)
    if page:
        lines.append(f"see {page}")
    if isinstance(prediction.logs, str) and prediction.logs.strip():
        last = prediction.logs.strip().splitlines()[-_LOG_LINES:]
        lines += ["the log ends:", *(f"    {line[:300]}" for line in last)]
    return "\n".join(lines)


_LOG_LINES = 5
