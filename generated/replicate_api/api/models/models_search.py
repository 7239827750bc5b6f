"""Find public models by text

QUERY /models
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.STRING
_RESULT = types.Nested("page_of_models", "PageOfModels")


def request(*, body: str) -> types.Request:
    """Return the request, given the whole body. Other arguments as in `build`."""
    return types.Request(
        "QUERY", "/models", headers={"Content-Type": "text/plain; charset=utf-8"}, content=_BODY.dump(body, "body")
    )


def build(body: str) -> types.Request:
    """Find public models by text

    Returns public models that match a text. The HTTP method is QUERY and the body is the text itself, not
    JSON. The `search` operation is the newer way.

    Args:
        body:
    """
    return request(body=body)


def parse(response: httpx.Response) -> models.PageOfModels:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.PageOfModels", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: str) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: str) -> models.PageOfModels:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: str) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: str) -> models.PageOfModels:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client, body=body)).result()
