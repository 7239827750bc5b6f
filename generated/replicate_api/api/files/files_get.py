"""Look up a file's description

GET /files/{file_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.file import File

_RESULT = types.Nested("file", "File")


def request(file_id: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request("GET", types.path("/files/{file_id}", file_id=(types.TEXT, file_id)))


def build(file_id: str) -> types.Request:
    """Look up a file's description

    Returns type, size, checksums and expiry of an uploaded file, not its bytes; files.download has those. The
    files API is experimental.

    Args:
        file_id: Id of the file.
    """
    return request(file_id)


def parse(response: httpx.Response) -> File:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("File", types.read(_RESULT, response))


def sync_detailed(file_id: str, *, client: Sender) -> types.Response[File]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(file_id)), parse)


def sync(file_id: str, *, client: Sender) -> File:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(file_id, client=client).result()


async def asyncio_detailed(file_id: str, *, client: AsyncSender) -> types.Response[File]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(file_id)), parse)


async def asyncio(file_id: str, *, client: AsyncSender) -> File:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(file_id, client=client)
    return answer.result()
