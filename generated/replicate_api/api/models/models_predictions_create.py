"""Create a prediction with an official model.

Official models need no version. Other models return 404: use `predictions.create` for them. The response is a
prediction that is `starting`. With `Prefer: wait` it comes when the output is complete, or after at most 60 seconds;
the prediction then continues to run, so poll `predictions.get` or use a webhook. Every request creates, and bills,
another prediction.

POST /models/{model_owner}/{model_name}/predictions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("prediction_request", "PredictionRequest")
_RESULT = types.Nested("prediction", "Prediction")


def request(
    model_owner: str,
    model_name: str,
    *,
    body: models.PredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> types.Request:
    """Return the request with a whole `body`; the other arguments are those of `build`."""
    return types.Request(
        "POST",
        types.format_path(
            "/models/{model_owner}/{model_name}/predictions",
            model_owner=(types.STRING, model_owner),
            model_name=(types.STRING, model_name),
        ),
        headers=types.dump_params(
            prefer=("Prefer", types.STRING, prefer), cancel_after=("Cancel-After", types.STRING, cancel_after)
        ),
        json=_BODY.dump(body, ""),
    )


def build(
    model_owner: str | models.Model,
    model_name: str | None = None,
    *,
    input: Mapping[str, Any],
    stream: bool | None = None,
    webhook: str | None = None,
    webhook_events_filter: Sequence[models.WebhookEvent | Literal["start", "output", "logs", "completed"]]
    | None = None,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> types.Request:
    """Return the request of `models.predictions.create`.

    Args:
        model_owner: User or organization that the model belongs to. Or `"owner/name"`, or a `Model`, without
            `model_name`.
        model_name: Name of the model, without its owner.
        input: Input of the model, as the `openapi_schema` of its version describes it. Files are HTTP URLs, or data
            URLs of up to 256 kB, which are not stored.
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
    fields = {"input": input, "stream": stream, "webhook": webhook, "webhook_events_filter": webhook_events_filter}
    body = cast("models.PredictionRequest", _BODY.load(types.drop_omitted(fields)))
    path = types.split_owner_and_name(0, ["Model"], model_owner=model_owner, model_name=model_name)
    return request(*path, body=body, prefer=prefer, cancel_after=cancel_after)


def parse(response: httpx.Response) -> models.Prediction:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Prediction", types.load_response(_RESULT, response))


def sync_detailed(
    model_owner: str,
    model_name: str,
    *,
    client: Sender,
    body: models.PredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(model_owner, model_name, body=body, prefer=prefer, cancel_after=cancel_after),
        lambda response: types.to_response(response, parse),
    )


def sync(
    model_owner: str,
    model_name: str,
    *,
    client: Sender,
    body: models.PredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> models.Prediction:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(
        model_owner, model_name, client=client, body=body, prefer=prefer, cancel_after=cancel_after
    ).result()


async def asyncio_detailed(
    model_owner: str,
    model_name: str,
    *,
    client: AsyncSender,
    body: models.PredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> types.Response[models.Prediction]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(model_owner, model_name, body=body, prefer=prefer, cancel_after=cancel_after),
        lambda response: types.to_response(response, parse),
    )


async def asyncio(
    model_owner: str,
    model_name: str,
    *,
    client: AsyncSender,
    body: models.PredictionRequest,
    prefer: str | None = None,
    cancel_after: str | None = None,
) -> models.Prediction:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (
        await asyncio_detailed(
            model_owner, model_name, client=client, body=body, prefer=prefer, cancel_after=cancel_after
        )
    ).result()
