"""Read a model's README

GET /models/{model_owner}/{model_name}/readme
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(model_owner: str, model_name: str) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "GET",
        types.format_path(
            "/models/{model_owner}/{model_name}/readme",
            model_owner=(types.STRING, model_owner),
            model_name=(types.STRING, model_name),
        ),
    )


def build(model_owner: str | models.Model, model_name: str | None = None) -> types.Request:
    """Read a model's README

    Returns the long text on a model's page, as Markdown in a plain text body.

    Args:
        model_owner: User or organization that the model belongs to. Or `"owner/name"`, or a `Model`,
            without `model_name`.
        model_name: Name of the model, without its owner.
    """
    path = types.split_owner_and_name(0, ["Model"], model_owner=model_owner, model_name=model_name)
    return request(*path)


def parse(response: httpx.Response) -> str:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return response.text


def sync_detailed(model_owner: str, model_name: str, *, client: Sender) -> types.Response[str]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(model_owner, model_name), lambda response: types.to_response(response, parse))


def sync(model_owner: str, model_name: str, *, client: Sender) -> str:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(model_owner, model_name, client=client).result()


async def asyncio_detailed(model_owner: str, model_name: str, *, client: AsyncSender) -> types.Response[str]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(model_owner, model_name), lambda response: types.to_response(response, parse))


async def asyncio(model_owner: str, model_name: str, *, client: AsyncSender) -> str:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(model_owner, model_name, client=client)).result()
