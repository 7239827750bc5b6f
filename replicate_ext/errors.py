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

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


class ReplicateError(Exception):
    """Base class of all errors of this package: `except ReplicateError` catches them all.

    Attributes:
        prediction: The prediction or training that the error is about, if there is one: its id is never lost to an
            error.
        maybe_created_after: Set if a create request failed and the server may have accepted it.
            `client.predictions.list(created_after=error.maybe_created_after)` lists what was created since. Check it
            before you retry the call, or you may pay twice.
    """

    prediction: Prediction | Training | None = None
    maybe_created_after: datetime | None = None

    def add_advice(self, advice: str) -> None:
        """Append to the message what the caller can do about the error.

        Args:
            advice: What to do, without a period at the end.
        """
        self.args = (f"{str(self).rstrip('. ')}: {advice}",)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[ReplicateError], args: tuple[Any, ...], state: dict[str, Any]) -> ReplicateError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class APIConnectionError(ReplicateError):
    """Raised if no response arrives: the host does not resolve, or the connection is refused, reset or interrupted.

    Also raised by calls that the closing of their client interrupts. What is safe to retry was retried before. The
    message says what to check, if the cause is known: the URL, the proxy, a certificate.
    """


class APITimeoutError(APIConnectionError, TimeoutError):
    """Raised if one HTTP request takes longer than the `timeout` of the client, which you can increase.

    A run or wait that takes longer than its own `timeout` raises `WaitTimeoutError`.
    """


class APIStatusError(ReplicateError):
    """Raised for a response with an error status; the statuses that you may want to handle have subclasses.

    Attributes:
        status_code (int): The status of the response.
        title (str | None): The problem in a few words, as the server sent it.
        detail (str | None): The explanation that the server sent. If the body is no JSON, its title or beginning.
        invalid_fields (list[dict[str, Any]]): The invalid inputs that the server lists, with the keys `field`, `type`
            and `description`.
        headers (dict[str, str]): The headers of the response.
        problem (dict[str, Any]): The whole problem document (RFC 9457), with every member that the server sent: `type`,
            `instance`, `errors` and extensions. Empty if the body is no JSON object.
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
    """Raised for 401, and before any request if the API token is missing or malformed; check the token.

    Your tokens are at https://replicate.com/account/api-tokens.
    """


class PaymentRequiredError(APIStatusError):
    """Raised for 402: the account has no credit left, or has reached its spend limit.

    Add credit, or raise the limit: https://replicate.com/account/billing.
    """


class PermissionDeniedError(APIStatusError):
    """Raised for 403: this token may not do that; use a token of the account that owns the resource."""


class NotFoundError(APIStatusError):
    """Raised for 404: the resource does not exist, or this token may not see it; check the name or id.

    Output files are deleted one hour after an API prediction ends, and raise it then.
    """


class InvalidRequestError(APIStatusError):
    """Raised for 400 and 422: the request is invalid; change what `detail` and `invalid_fields` name.

    An input that does not match the model's schema raises `InvalidInputError` before it is sent, unless `check=False`.
    """


class RateLimitError(APIStatusError):
    """Raised for 429, once the client has waited as long as it may; retry after `retry_after` seconds.

    To wait longer, pass the client a larger `max_rate_limit_wait`, or None for no limit. It is also raised without a
    request, if another call of the client got a 429 and the limit lasts too long for this one.

    Attributes:
        retry_after (float | None): Seconds until the server accepts the next request, or None if it gave no hint.
    """

    def __init__(self, *args: Any, retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retry_after = retry_after
        if self.is_low_credit:
            self.add_advice("this limit is due to the account's low credit: see https://replicate.com/account/billing")

    @property
    def is_low_credit(self) -> bool:
        """Whether this is the strict limit for accounts with little credit or without a payment method.

        Replicate says so only in the text of the response (docs/api-facts.md, section 6).
        """
        return re.search(r"in credit|payment method", self.detail or "") is not None


class ServerError(APIStatusError):
    """Raised for 5xx: the server, or a proxy in front of it, failed; try again later.

    A create that fails with it may have been accepted: see `maybe_created_after`.
    """


class ResponseDecodeError(ReplicateError):
    """Raised for a successful response whose body cannot be decoded: a proxy may have sent it.

    Whether the request took effect is unknown: check that before you repeat it.
    """


class ModelError(ReplicateError):
    """Raised if a prediction or training failed; `prediction.error` and `prediction.logs` say why.

    Change the input, or run it again if `is_transient`. The message has the end of the log.

    Attributes:
        prediction: Its final state.
    """

    prediction: Prediction | Training

    def __init__(self, prediction: Prediction | Training) -> None:
        self.prediction = prediction  # pyright: ignore[reportIncompatibleVariableOverride]  # here it is always set
        super().__init__(_describe(prediction))

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
    """Raised if the prediction or training was canceled, by a request or by its deadline; run it again if you need it.

    What it computed until then is billed.
    """


class PredictionAbortedError(ModelError):
    """Raised if the deadline of the prediction passed before it started; run it again, with a longer `timeout`.

    That of a public model is not billed (docs/api-facts.md, section 7).
    """


class WaitTimeoutError(ReplicateError, TimeoutError):
    """Raised if `timeout` expires before the prediction or training has ended; the message says what became of it.

    It was canceled, unless `cancel_on_exit=False` or the cancel failed: then `client.wait(error.prediction)` resumes
    the wait. It is also raised, without a cancellation, if a job stays for 60 seconds in a status that this version
    does not know.

    Attributes:
        prediction: Its latest known state, or None if no response with it had arrived.
    """

    def __init__(self, message: str, prediction: Prediction | Training | None = None) -> None:
        self.prediction = prediction
        super().__init__(message)


class StreamError(ReplicateError):
    """Raised if events of a stream were lost: the final output does not begin with the events that arrived.

    Discard what you have of the output and use that of `prediction`, which is complete once it has ended.

    Attributes:
        prediction: Its latest known state.
    """

    def __init__(self, message: str, prediction: Prediction | Training | None = None) -> None:
        self.prediction = prediction
        super().__init__(message)


class BatchStoppedError(ReplicateError):
    """Raised if a batch ends before all of its rows are done: a limit is reached, or continuing would waste money.

    What was bought is kept; the message says how to continue. The cause, if it was an error, is `__cause__`.

    Attributes:
        reason (str): Why it ended.
        option (str | None): The option of `map` that has to be changed to continue: "max_creates", for example.
    """

    def __init__(self, reason: str, advice: str = "", option: str | None = None) -> None:
        self.reason = reason
        self.option = option
        super().__init__(f"{reason}; {advice}" if advice else reason)


class BatchLockedError(ReplicateError):
    """Raised if another process, or another loop of this one, runs the batch in this folder; wait for its end.

    The message says which it is.
    """


class WebhookError(ReplicateError):
    """Raised if a webhook delivery is not authentic or cannot be decoded; respond with 400, and ignore it."""


class MissingWebhookHeaderError(WebhookError):
    """Raised if a request lacks one of the headers webhook-id, webhook-timestamp and webhook-signature.

    It is no delivery of Replicate's, or a proxy has removed the header.
    """


class StaleWebhookError(WebhookError):
    """Raised if the timestamp of a delivery differs from the local clock by more than `tolerance`.

    A recorded delivery may be replayed; or the clock is wrong, and has to be set.
    """


class WebhookSignatureError(WebhookError):
    """Raised if no signature of a delivery matches its body and the secret.

    If all deliveries raise it, check that the body is the raw one, and that the secret is that of the account.
    """


class Problem(NamedTuple):
    """One thing that is wrong with the input of a model.

    Attributes:
        name: The name of the input, or a place within it: `images[2]`.
        message: What is wrong, and what to write instead; without the values of secrets.
    """

    name: str
    message: str


class InvalidInputError(ValueError):
    """Raised if the input does not match the schema of the model, before anything is created; change the input.

    It is a ValueError, and no ReplicateError. `check=False` sends an input that the schema does not allow.

    Attributes:
        problems (tuple[Problem, ...]): Everything that is wrong with it.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"input.{name}: {message}" for name, message in self.problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,), {"__notes__": self.__notes__} if hasattr(self, "__notes__") else None


def _describe_errors(problem: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each of the `errors` in a problem document (RFC 9457, section 3)."""
    items = problem.get("errors")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("detail"):
            place = item.get("pointer") or item.get("parameter") or item.get("header")
            yield f"{place}: {item['detail']}" if place else str(item["detail"])


def _describe(prediction: Prediction | Training) -> str:
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
