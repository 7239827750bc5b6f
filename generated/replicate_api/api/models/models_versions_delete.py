"""Delete a version of a model.

Its predictions and their files are deleted too. The model must be your own and private; no other account may have run
the version, and no training, deployment or version override may depend on it. The deletion happens in the background
and takes some minutes.

DELETE /models/{model_owner}/{model_name}/versions/{version_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(model_owner: str, model_name: str, version_id: str | models.Version) -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "DELETE",
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
    """Return the request of `models.versions.delete`.

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


def parse(response: httpx.Response) -> None:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """


def sync_detailed(
    model_owner: str, model_name: str, version_id: str | models.Version, *, client: Sender
) -> types.Response[None]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(model_owner, model_name, version_id), lambda response: types.to_response(response, parse)
    )


def sync(model_owner: str, model_name: str, version_id: str | models.Version, *, client: Sender) -> None:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    sync_detailed(model_owner, model_name, version_id, client=client).result()


async def asyncio_detailed(
    model_owner: str, model_name: str, version_id: str | models.Version, *, client: AsyncSender
) -> types.Response[None]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(model_owner, model_name, version_id), lambda response: types.to_response(response, parse)
    )


async def asyncio(model_owner: str, model_name: str, version_id: str | models.Version, *, client: AsyncSender) -> None:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    (await asyncio_detailed(model_owner, model_name, version_id, client=client)).result()
