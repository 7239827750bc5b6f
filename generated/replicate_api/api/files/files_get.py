"""Look up a file's description

GET /files/{file_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("file", "File")


def request(file_id: str | models.File) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", types.format_path("/files/{file_id}", file_id=(types.KeyOf(("id",), "File"), file_id)))


def build(file_id: str | models.File) -> types.Request:
    """Look up a file's description

    Returns type, size, checksums and expiry of an uploaded file, not its bytes; files.download has those. The
    files API is experimental.

    Args:
        file_id: Id of the file. A `File` works too.
    """
    return request(file_id)


def parse(response: httpx.Response) -> models.File:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.File", types.load_response(_RESULT, response))


def sync_detailed(file_id: str | models.File, *, client: Sender) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(file_id), lambda response: types.to_response(response, parse))


def sync(file_id: str | models.File, *, client: Sender) -> models.File:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(file_id, client=client).result()


async def asyncio_detailed(file_id: str | models.File, *, client: AsyncSender) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(file_id), lambda response: types.to_response(response, parse))


async def asyncio(file_id: str | models.File, *, client: AsyncSender) -> models.File:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(file_id, client=client)).result()
