"""Look up a model version

GET /models/{model_owner}/{model_name}/versions/{version_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.version import Version

_RESULT = types.Nested("version", "Version")


def request(model_owner: str, model_name: str, version_id: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request(
        "GET",
        types.path(
            "/models/{model_owner}/{model_name}/versions/{version_id}",
            model_owner=(types.TEXT, model_owner),
            model_name=(types.TEXT, model_name),
            version_id=(types.TEXT, version_id),
        ),
    )


def build(model_owner: str, model_name: str, version_id: str) -> types.Request:
    """Look up a model version

    Returns one version with its `openapi_schema`: there, `components.schemas.Input` says what the model takes
    and `Output` what it gives.

    Args:
        model_owner: User or organization that the model belongs to.
        model_name: Name of the model, without its owner.
        version_id: Version id, 64 hexadecimal digits.
    """
    return request(model_owner, model_name, version_id)


def parse(response: httpx.Response) -> Version:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("Version", types.read(_RESULT, response))


def sync_detailed(model_owner: str, model_name: str, version_id: str, *, client: Sender) -> types.Response[Version]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(model_owner, model_name, version_id)), parse)


def sync(model_owner: str, model_name: str, version_id: str, *, client: Sender) -> Version:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(model_owner, model_name, version_id, client=client).result()


async def asyncio_detailed(
    model_owner: str, model_name: str, version_id: str, *, client: AsyncSender
) -> types.Response[Version]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(model_owner, model_name, version_id)), parse)


async def asyncio(model_owner: str, model_name: str, version_id: str, *, client: AsyncSender) -> Version:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(model_owner, model_name, version_id, client=client)
    return answer.result()
