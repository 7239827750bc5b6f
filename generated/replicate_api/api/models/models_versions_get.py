"""Get a version of a model.

Its `openapi_schema` describes the interface: `components.schemas.Input` the input of the model, `Output` its output.

GET /models/{model_owner}/{model_name}/versions/{version_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("version", "Version")


def request(model_owner: str, model_name: str, version_id: str | models.Version) -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "GET",
        types.format_path(
            "/models/{model_owner}/{model_name}/versions/{version_id}",
            model_owner=(types.STRING, model_owner),
            model_name=(types.STRING, model_name),
            version_id=(types.KeyOf(("id",), "Version"), version_id),
        ),
    )


def build(
    model_owner: str | models.Model,
    model_name: str | models.Version | None = None,
    version_id: str | models.Version | None = None,
) -> types.Request:
    """Return the request of `models.versions.get`.

    Args:
        model_owner: User or organization that the model belongs to. Or `"owner/name"`, or a `Model`, without
            `model_name`.
        model_name: Name of the model, without its owner.
        version_id: Version id, 64 hexadecimal digits. A `Version` works too.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    path = types.split_owner_and_name(
        0, ["Model"], model_owner=model_owner, model_name=model_name, version_id=version_id
    )
    return request(*path)


def parse(response: httpx.Response) -> models.Version:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Version", types.load_response(_RESULT, response))


def sync_detailed(
    model_owner: str, model_name: str, version_id: str | models.Version, *, client: Sender
) -> types.Response[models.Version]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(model_owner, model_name, version_id), lambda response: types.to_response(response, parse)
    )


def sync(model_owner: str, model_name: str, version_id: str | models.Version, *, client: Sender) -> models.Version:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(model_owner, model_name, version_id, client=client).result()


async def asyncio_detailed(
    model_owner: str, model_name: str, version_id: str | models.Version, *, client: AsyncSender
) -> types.Response[models.Version]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(model_owner, model_name, version_id), lambda response: types.to_response(response, parse)
    )


async def asyncio(
    model_owner: str, model_name: str, version_id: str | models.Version, *, client: AsyncSender
) -> models.Version:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(model_owner, model_name, version_id, client=client)).result()
