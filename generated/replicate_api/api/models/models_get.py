"""Get a model.

It comes with its latest version, whose `openapi_schema` describes the input and the output, and with its default
example.

GET /models/{model_owner}/{model_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("model", "Model")


def request(model_owner: str, model_name: str) -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "GET",
        types.format_path(
            "/models/{model_owner}/{model_name}",
            model_owner=(types.STRING, model_owner),
            model_name=(types.STRING, model_name),
        ),
    )


def build(model_owner: str | models.Model, model_name: str | None = None) -> types.Request:
    """Return the request of `models.get`.

    Args:
        model_owner: User or organization that the model belongs to. Or `"owner/name"`, or a `Model`, without
            `model_name`.
        model_name: Name of the model, without its owner.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    path = types.split_owner_and_name(0, ["Model"], model_owner=model_owner, model_name=model_name)
    return request(*path)


def parse(response: httpx.Response) -> models.Model:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Model", types.load_response(_RESULT, response))


def sync_detailed(model_owner: str, model_name: str, *, client: Sender) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(model_owner, model_name), lambda response: types.to_response(response, parse))


def sync(model_owner: str, model_name: str, *, client: Sender) -> models.Model:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(model_owner, model_name, client=client).result()


async def asyncio_detailed(model_owner: str, model_name: str, *, client: AsyncSender) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(model_owner, model_name), lambda response: types.to_response(response, parse))


async def asyncio(model_owner: str, model_name: str, *, client: AsyncSender) -> models.Model:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(model_owner, model_name, client=client)).result()
