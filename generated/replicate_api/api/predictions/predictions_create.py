"""Create a prediction.

It runs any model, named by a version id, by `owner/name:id`, or as `owner/name` if the model is official. The response
is a prediction that is `starting`. With `Prefer: wait` it comes when the output is complete, or after at most 60
seconds; the prediction then continues to run, so poll `predictions.get` or use a webhook. Every request creates, and
bills, another prediction.

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
    """Return the request with a whole `body`; the other arguments are those of `build`."""
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
    """Return the request of `predictions.create`.

    Args:
        input: Input of the model, as the `openapi_schema` of its version describes it. Files are HTTP URLs, or data
            URLs of up to 256 kB, which are not stored.
        version: Id of the version to run, 64 hexadecimal digits, alone or as `owner/name:id`; for an official model
            also `owner/name`. A `Version` works too.
        stream: Deprecated and not needed: the response has `urls.stream` whenever the model can stream.
        webhook: HTTPS URL to which each selected event is sent, as a POST with the body of `predictions.get`. Redirects
            are not followed. A delivery may be retried or duplicated, so the handler must be idempotent.
        webhook_events_filter: Events to send to the webhook: `start`, `output` (each new output), `logs` (new log
            lines) and `completed` (a final status); by default those about output and completion. `output` and `logs`
            are sent at most every 500 milliseconds; the other two, if selected, always.
        prefer: How long to hold the request until the output is complete: `wait` for up to 60 seconds, `wait=N` for up
            to N seconds (1 to 60); by default the response is immediate.
        cancel_after: Time after its creation at which the server stops the prediction: seconds, or hours, minutes and
            seconds with the units h, m and s, joined (`1h5m`); at least 5 seconds.

    Raises:
        TypeError, ValueError: An argument is invalid.
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
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Prediction", types.load_response(_RESULT, response))


def sync_detailed(
    *, client: Sender, body: models.VersionPredictionRequest, prefer: str | None = None, cancel_after: str | None = None
) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(body=body, prefer=prefer, cancel_after=cancel_after),
        lambda response: types.to_response(response, parse),
    )


def sync(
    *, client: Sender, body: models.VersionPredictionRequest, prefer: str | None = None, cancel_after: str | None = None
) -> models.Prediction:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client, body=body, prefer=prefer, cancel_after=cancel_after).result()


async def asyncio_detailed(
    *,
    client: AsyncSender,
    body: models.VersionPredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
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
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client, body=body, prefer=prefer, cancel_after=cancel_after)).result()
