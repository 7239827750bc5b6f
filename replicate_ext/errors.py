"""Every error of the package, in one tree.

    ReplicateError
    ├── APIConnectionError               no response: DNS failure, refused, reset or interrupted connection
    │   └── APITimeoutError              no response in time (also a TimeoutError)
    ├── APIStatusError                   a response with an error status; `status_code` holds it
    │   ├── AuthenticationError          401, or a token that is missing or malformed (raised before any request)
    │   ├── PaymentRequiredError         402
    │   ├── PermissionDeniedError        403
    │   ├── NotFoundError                404
    │   ├── InvalidRequestError          400 and 422; `invalid_fields` lists the wrong inputs
    │   ├── RateLimitError               429; `retry_after` is the server's hint in seconds
    │   └── ServerError                  5xx, including Cloudflare's 520 to 530
    ├── ResponseDecodeError              a successful response with a body that cannot be decoded
    ├── ModelError                       the prediction or training failed
    │   ├── PredictionCanceledError      it was canceled
    │   └── PredictionAbortedError       its deadline passed before it started
    ├── WaitTimeoutError                 `timeout` expired while it was running (also a TimeoutError)
    ├── StreamError                      events of a stream were lost and cannot be recovered
    ├── BatchStoppedError                a batch ended before all rows were done; `resume` continues it
    ├── BatchLockedError                 another process runs the batch in this folder
    └── WebhookError                     a delivery that is not authentic, or cannot be decoded
        ├── MissingWebhookHeaderError
        ├── StaleWebhookError            its timestamp is outside the tolerance
        └── WebhookSignatureError

Invalid arguments raise TypeError or ValueError; an input that a model does not take raises InvalidInputError, which is
a ValueError. All errors hold plain data and can be pickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


PROXY_CREDENTIALS = "the proxy requires a user and password: write http://user:password@host:port in HTTP(S)_PROXY"


class ReplicateError(Exception):
    """Base class of all errors of this package."""

    prediction: Prediction | Training | None = None
    """The prediction or training that the error is about, if there is one: its id is never lost to an error."""

    maybe_created_after: datetime | None = None
    """Set if a create request failed and the server may have accepted it.

    `client.predictions.list(created_after=error.maybe_created_after)` lists what was created since. Check it before
    you retry the call, or you may pay twice.
    """

    def add_advice(self, advice: str) -> None:
        """Append to the message what the caller can do about the error."""
        self.args = (f"{str(self).rstrip('. ')}: {advice}",)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[ReplicateError], args: tuple[Any, ...], state: dict[str, Any]) -> ReplicateError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class APIConnectionError(ReplicateError):
    """No response arrived: the host did not resolve, or the connection was refused, reset or interrupted."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No response arrived in time. This is about one HTTP request; a whole run raises `WaitTimeoutError`."""


class APIStatusError(ReplicateError):
    """The server responded with an error status.

    `problem` is the whole problem document of the response (RFC 9457), with every member that the server sent: `type`,
    `instance`, `errors` and extensions; it is empty if the body is no JSON object.
    """

    def __init__(
        self,
        status_code: int,
        title: str | None = None,
        detail: str | None = None,
        invalid_fields: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        request: str | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        self.status_code = status_code
        self.title = title
        self.detail = detail
        self.invalid_fields = invalid_fields or []
        self.headers = dict(headers or {})
        self.problem = dict(problem or {})
        parts = [request, str(status_code), title, detail and detail.strip(), *_describe_errors(self.problem)]
        texts = [part for part in parts if part]
        # A page titled "502 Bad Gateway" repeats the status, and many a detail repeats the title.
        is_repeated = [next.casefold().startswith(text.casefold()) for text, next in pairwise(texts)]
        super().__init__(": ".join(text for text, skip in zip(texts, [*is_repeated, False], strict=True) if not skip))


class AuthenticationError(APIStatusError):
    """401, or an API token that is missing or malformed, which is raised before any request is sent."""


class PaymentRequiredError(APIStatusError):
    """402: the account has no credit left, or has reached its spend limit."""


class PermissionDeniedError(APIStatusError):
    """403: this token may not do that."""


class NotFoundError(APIStatusError):
    """404: the resource does not exist, or this token may not see it."""


class InvalidRequestError(APIStatusError):
    """400 or 422. Each item of `invalid_fields` has the keys `field`, `type` and `description`."""


class RateLimitError(APIStatusError):
    """429, and the wait that the server asked for is longer than the client waits by itself."""

    def __init__(self, *args: Any, retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retry_after = retry_after
        """Seconds until the server accepts the next request, or None if it gave no hint."""
        if self.is_low_credit:
            self.add_advice("this limit is due to the account's low credit: see https://replicate.com/account/billing")

    @property
    def is_low_credit(self) -> bool:
        """Whether this is the strict limit for accounts with little credit or without a payment method.

        Replicate says so only in the text of the response (docs/api-facts.md, section 6).
        """
        return re.search(r"in credit|payment method", self.detail or "") is not None


class ServerError(APIStatusError):
    """5xx: the server, or a proxy in front of it, failed."""


class ResponseDecodeError(ReplicateError):
    """A successful response whose body cannot be decoded; whether the request took effect is unknown."""


class ModelError(ReplicateError):
    """The prediction or training ended without a result; `prediction` is its final state."""

    prediction: Prediction | Training

    def __init__(self, prediction: Prediction | Training) -> None:
        self.prediction = prediction  # pyright: ignore[reportIncompatibleVariableOverride]  # here it is always set
        super().__init__(describe(prediction))

    @property
    def is_transient(self) -> bool:
        """Whether the platform failed, and not the model or its input, so that the same run may well succeed.

        Recognized by the documented texts and codes: https://replicate.com/docs/reference/error-codes
        """
        return re.search(_TRANSIENT, str(self.prediction.error or "")) is not None


_TRANSIENT = r"please retry|interrupted|queue reached limit|\b(?:E003|E004|E1000|E6716|E9828)\b"
"""Texts and codes of failures of the platform (docs/api-facts.md, section 5): E003 is high demand, E004 a service that
is temporarily unavailable, E1000 an unknown error, E6716 a timeout before the start, E9828 an error of the scheduler.
"""


class PredictionCanceledError(ModelError):
    """The prediction was canceled while it ran, by a request or by its deadline."""


class PredictionAbortedError(ModelError):
    """The deadline of the prediction passed before it started; it is not billed (docs/api-facts.md, section 7)."""


class WaitTimeoutError(ReplicateError, TimeoutError):
    """`timeout` expired while the prediction was running; `client.wait(error.prediction)` resumes the wait."""

    def __init__(self, message: str, prediction: Prediction | Training | None = None) -> None:
        self.prediction = prediction
        super().__init__(message)


class StreamError(ReplicateError):
    """Events of a stream were lost: the final output does not continue the events that arrived."""

    def __init__(self, message: str, prediction: Prediction | Training | None = None) -> None:
        self.prediction = prediction
        super().__init__(message)


class BatchStoppedError(ReplicateError):
    """A batch ended before all of its rows were done: a limit was reached, or going on would waste money.

    What was bought is kept; the message says how to continue. The cause, if it was an error, is `__cause__`.
    """

    def __init__(self, reason: str, advice: str = "", option: str | None = None) -> None:
        self.reason = reason
        self.option = option
        """The option of `map` that has to be changed to continue: "max_creates", for example."""

        super().__init__(f"{reason}; {advice}" if advice else reason)


class BatchLockedError(ReplicateError):
    """Another process, or another loop of this one, runs the batch in this folder; the message says which."""


class WebhookError(ReplicateError):
    """A webhook delivery that is not authentic, or cannot be decoded."""


class MissingWebhookHeaderError(WebhookError):
    """The request lacks one of the headers webhook-id, webhook-timestamp and webhook-signature."""


class StaleWebhookError(WebhookError):
    """The timestamp of the delivery is too old, or in the future."""


class WebhookSignatureError(WebhookError):
    """No signature of the delivery matches its body and the secret."""


class Problem(NamedTuple):
    """One thing that is wrong with the input of a model."""

    name: str
    """The name of the input, or a place within it: `images[2]`."""

    message: str
    """What is wrong, and what to write instead; without the values of secrets."""


class InvalidInputError(ValueError):
    """The model does not take this input; nothing was created. `problems` has everything that is wrong."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"input.{name}: {message}" for name, message in self.problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,), {"__notes__": self.__notes__} if hasattr(self, "__notes__") else None


_ERROR_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: InvalidRequestError,
    429: RateLimitError,
}


def from_response(
    status_code: int, headers: Mapping[str, str], body: bytes, request: str, retry_after: float | None = None
) -> APIStatusError:
    """Return the error for a response with an error status.

    The body should be a problem document (RFC 9457), but any key may be missing, and it may be an HTML page of a proxy
    (docs/api-facts.md, section 5).

    Args:
        status_code: The status of the response.
        headers: Its headers.
        body: Its body.
        request: Method and path for the message, without secrets: "GET /predictions/…".
        retry_after: The server's hint in seconds.
    """
    text = body.decode(errors="replace").strip()
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    problem = parsed if isinstance(parsed, dict) else {}
    title, detail, fields = problem.get("title"), problem.get("detail"), problem.get("invalid_fields")
    if not isinstance(parsed, dict):
        detail = text[:500] if isinstance(parsed, list) else _summarize_page(text)
    cls = _ERROR_BY_STATUS.get(status_code, ServerError if status_code >= 500 else APIStatusError)
    extra = {"retry_after": retry_after} if cls is RateLimitError else {}
    error = cls(
        status_code,
        title if isinstance(title, str) else None,
        detail if isinstance(detail, str) else json.dumps(detail) if detail else None,
        [dict(field) for field in fields if isinstance(field, dict)] if isinstance(fields, list) else None,
        headers,
        request=request,
        problem=problem,
        **extra,
    )
    if status_code == 407:  # of a plain HTTP request, which is not tunneled
        error.add_advice(PROXY_CREDENTIALS)
    if status_code == 413:
        error.add_advice(
            "pass large values as files of up to 100 MB, which are uploaded instead of being part of the request"
        )
    return error


def _describe_errors(problem: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each of the `errors` in a problem document (RFC 9457, section 3)."""
    items = problem.get("errors")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("detail"):
            place = item.get("pointer") or item.get("parameter") or item.get("header")
            yield f"{place}: {item['detail']}" if place else str(item["detail"])


def _summarize_page(text: str) -> str:
    """Return the title of an HTML page, or the beginning of a plain text."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    plain = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    return " ".join(plain.split())[:300]


def describe(prediction: Prediction | Training) -> str:
    """Return how a prediction ended: its id, status and error, its web page, the last lines of its log."""
    lines = [f"{prediction.id} {prediction.status}"]
    if prediction.error:
        lines[0] += f": {prediction.error}"
    page = getattr(prediction.urls, "web", None)
    if page:
        lines.append(f"see {page}")
    if isinstance(prediction.logs, str) and prediction.logs.strip():
        tail = prediction.logs.strip().splitlines()[-_MAX_LOG_LINES:]
        lines += ["the log ends:", *(f"    {line[:300]}" for line in tail)]
    return "\n".join(lines)


_MAX_LOG_LINES = 5
