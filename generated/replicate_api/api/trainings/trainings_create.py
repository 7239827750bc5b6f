"""Create a training.

It fine-tunes a trainable version and, on success, adds the result as a new version to the destination, a model that
must exist already. The response is immediate; a training takes minutes or longer, so poll `trainings.get` or use a
webhook. Every request creates another training.

POST /models/{model_owner}/{model_name}/versions/{version_id}/trainings
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("training_request", "TrainingRequest")
_RESULT = types.Nested("training", "Training")


def request(
    model_owner: str, model_name: str, version_id: str | models.Version, *, body: models.TrainingRequest
) -> types.Request:
    """Return the request with a whole `body`; the other arguments are those of `build`."""
    return types.Request(
        "POST",
        types.format_path(
            "/models/{model_owner}/{model_name}/versions/{version_id}/trainings",
            model_owner=(types.STRING, model_owner),
            model_name=(types.STRING, model_name),
            version_id=(types.KeyOf(("id",), "Version"), version_id),
        ),
        json=_BODY.dump(body, ""),
    )


def build(
    model_owner: str | models.Model,
    model_name: str | models.Version | None = None,
    version_id: str | models.Version | None = None,
    *,
    destination: str,
    input: Mapping[str, Any],
    webhook: str | None = None,
    webhook_events_filter: Sequence[models.WebhookEvent | Literal["start", "output", "logs", "completed"]]
    | None = None,
) -> types.Request:
    """Return the request of `trainings.create`.

    Args:
        model_owner: Owner of the model to start from. Or `"owner/name"`, or a `Model`, without `model_name`.
        model_name: Name of the model to start from.
        version_id: Version to start from, 64 hexadecimal digits. A `Version` works too.
        destination: Model that gets the new version, as `owner/name`; it must exist and belong to the account of the
            token, else the response is a 4xx error.
        input: Input of the training, as the `openapi_schema` of the version describes it.
        webhook: HTTPS URL to which each selected event is sent, as a POST with the body of `trainings.get`. Redirects
            are not followed. A delivery may be retried or duplicated, so the handler must be idempotent.
        webhook_events_filter: Events to send to the webhook: `start`, `output` (each new output), `logs` (new log
            lines) and `completed` (a final status); by default those about output and completion. `output` and `logs`
            are sent at most every 500 milliseconds; the other two, if selected, always.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    fields = {
        "destination": destination,
        "input": input,
        "webhook": webhook,
        "webhook_events_filter": webhook_events_filter,
    }
    body = cast("models.TrainingRequest", _BODY.load(types.drop_omitted(fields)))
    path = types.split_owner_and_name(
        0, ["Model"], model_owner=model_owner, model_name=model_name, version_id=version_id
    )
    return request(*path, body=body)


def parse(response: httpx.Response) -> models.Training:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Training", types.load_response(_RESULT, response))


def sync_detailed(
    model_owner: str, model_name: str, version_id: str | models.Version, *, client: Sender, body: models.TrainingRequest
) -> types.Response[models.Training]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(model_owner, model_name, version_id, body=body), lambda response: types.to_response(response, parse)
    )


def sync(
    model_owner: str, model_name: str, version_id: str | models.Version, *, client: Sender, body: models.TrainingRequest
) -> models.Training:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(model_owner, model_name, version_id, client=client, body=body).result()


async def asyncio_detailed(
    model_owner: str,
    model_name: str,
    version_id: str | models.Version,
    *,
    client: AsyncSender,
    body: models.TrainingRequest,
) -> types.Response[models.Training]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(model_owner, model_name, version_id, body=body), lambda response: types.to_response(response, parse)
    )


async def asyncio(
    model_owner: str,
    model_name: str,
    version_id: str | models.Version,
    *,
    client: AsyncSender,
    body: models.TrainingRequest,
) -> models.Training:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(model_owner, model_name, version_id, client=client, body=body)).result()
