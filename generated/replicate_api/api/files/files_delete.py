"""Remove a file

DELETE /files/{file_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(file_id: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request("DELETE", types.path("/files/{file_id}", file_id=(types.TEXT, file_id)))


def build(file_id: str) -> types.Request:
    """Remove a file

    Removes an uploaded file at once; later requests for it answer 404. The files API is experimental.

    Args:
        file_id: Id of the file to remove.
    """
    return request(file_id)


def parse(response: httpx.Response) -> None:
    """Read a successful answer; ValueError where the body cannot be read."""


def sync_detailed(file_id: str, *, client: Sender) -> types.Response[None]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(file_id)), parse)


def sync(file_id: str, *, client: Sender) -> None:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    sync_detailed(file_id, client=client).result()


async def asyncio_detailed(file_id: str, *, client: AsyncSender) -> types.Response[None]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(file_id)), parse)


async def asyncio(file_id: str, *, client: AsyncSender) -> None:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(file_id, client=client)
    answer.result()
