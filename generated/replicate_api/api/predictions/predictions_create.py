"""Run a model version

POST /predictions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("version_prediction_request", "VersionPredictionRequest")
_RESULT = types.Nested("prediction", "Prediction")


def request(
    *, body: models.VersionPredictionRequest, prefer: str | None = None, cancel_after: str | None = None
) -> types.Request:
    """Return the request, given the whole body. Other arguments as in `build`."""
    return types.Request(
        "POST",
        "/predictions",
        headers=types.dump_params(
            prefer=("Prefer", types.STRING, prefer), cancel_after=("Cancel-After", types.STRING, cancel_after)
        ),
        json=_BODY.dump(body, ""),
    )


def build(
    *,
    input: Mapping[str, Any],
    version: str | models.Version,
    stream: bool | None = None,
    webhook: str | None = None,
    webhook_events_filter: Sequence[models.WebhookEvent | Literal["start", "output", "logs", "completed"]]
    | None = None,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> types.Request:
    """Run a model version

    Starts a prediction with any model, named by version id, by `owner/name:id`, or as `owner/name` where the
    model is official. Returns immediately with a prediction that is `starting`, or with `Prefer: wait` holds
    the request for up to 60 seconds; a prediction that takes longer is returned unfinished and keeps running,
    so poll predictions.get or use a webhook. Retrying the request creates, and bills, another prediction.

    Args:
        input: Input for the model, as its version's `openapi_schema` describes it; files go in as HTTP
            URLs, or as data URLs up to 256 kB, which are not stored.
        version: What to run: a version id of 64 hexadecimal digits, alone or after the model as
            `owner/name:id`; `owner/name` works for official models only. A `Version` works too.
        stream: Deprecated and not needed: the response has `urls.stream` whenever the model can stream.
        webhook: HTTPS URL that receives the prediction as a POST on each selected event, with the body of
            predictions.get; redirects are not followed, and since a delivery may be retried or duplicated,
            the handler must be idempotent.
        webhook_events_filter: Which events to report to the webhook: `start`, `output` (each new output),
            `logs` (new log lines) and `completed` (any final status); by default those about output and
            completion. `output` and `logs` are sent at most every 500 milliseconds; the other two, if
            selected, always.
        prefer: How long to hold the request open for the result: `wait` for 60 seconds, `wait=N` for N
            seconds, 1 to 60; without it the response is immediate.
        cancel_after: Lifetime of the prediction counted from its creation, after which the server stops
            it: plain seconds, or hours, minutes and seconds written with h, m and s and joined at will; no
            less than 5 seconds.
    """
    fields = {
        "input": input,
        "version": version,
        "stream": stream,
        "webhook": webhook,
        "webhook_events_filter": webhook_events_filter,
    }
    body = cast("models.VersionPredictionRequest", _BODY.load(types.drop_omitted(fields)))
    return request(body=body, prefer=prefer, cancel_after=cancel_after)


def parse(response: httpx.Response) -> models.Prediction:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.Prediction", types.load_response(_RESULT, response))


def sync_detailed(
    *, client: Sender, body: models.VersionPredictionRequest, prefer: str | None = None, cancel_after: str | None = None
) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(
        request(body=body, prefer=prefer, cancel_after=cancel_after),
        lambda response: types.to_response(response, parse),
    )


def sync(
    *, client: Sender, body: models.VersionPredictionRequest, prefer: str | None = None, cancel_after: str | None = None
) -> models.Prediction:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client, body=body, prefer=prefer, cancel_after=cancel_after).result()


async def asyncio_detailed(
    *,
    client: AsyncSender,
    body: models.VersionPredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(
        request(body=body, prefer=prefer, cancel_after=cancel_after),
        lambda response: types.to_response(response, parse),
    )


async def asyncio(
    *,
    client: AsyncSender,
    body: models.VersionPredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> models.Prediction:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client, body=body, prefer=prefer, cancel_after=cancel_after)).result()
