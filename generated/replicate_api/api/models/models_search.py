"""Find public models by text

QUERY /models
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.page_of_models import PageOfModels

_BODY = types.TEXT
_RESULT = types.Nested("page_of_models", "PageOfModels")


def request(*, body: str) -> types.Request:
    """Write the call, with its body as one object. Arguments as in `build`."""
    return types.Request(
        "QUERY", "/models", headers={"Content-Type": "text/plain; charset=utf-8"}, content=_BODY.write(body, "body")
    )


def build(body: str) -> types.Request:
    """Find public models by text

    Returns public models that match a text. The HTTP method is QUERY and the body is the text itself, not
    JSON. The `search` operation is the newer way.

    Args:
        body:
    """
    return request(body=body)


def parse(response: httpx.Response) -> PageOfModels:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("PageOfModels", types.read(_RESULT, response))


def sync_detailed(*, client: Sender, body: str) -> types.Response[PageOfModels]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(body=body)), parse)


def sync(*, client: Sender, body: str) -> PageOfModels:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: str) -> types.Response[PageOfModels]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(body=body)), parse)


async def asyncio(*, client: AsyncSender, body: str) -> PageOfModels:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(client=client, body=body)
    return answer.result()
