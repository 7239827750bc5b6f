"""Get the details of a file.

The details are type, size, checksums and expiry; `files.download` returns the content. The files API is experimental.

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
    """Return the request; the arguments are those of `build`."""
    return types.Request("GET", types.format_path("/files/{file_id}", file_id=(types.KeyOf(("id",), "File"), file_id)))


def build(file_id: str | models.File) -> types.Request:
    """Return the request of `files.get`.

    Args:
        file_id: Id of the file. A `File` works too.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(file_id)


def parse(response: httpx.Response) -> models.File:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.File", types.load_response(_RESULT, response))


def sync_detailed(file_id: str | models.File, *, client: Sender) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(file_id), lambda response: types.to_response(response, parse))


def sync(file_id: str | models.File, *, client: Sender) -> models.File:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(file_id, client=client).result()


async def asyncio_detailed(file_id: str | models.File, *, client: AsyncSender) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(file_id), lambda response: types.to_response(response, parse))


async def asyncio(file_id: str | models.File, *, client: AsyncSender) -> models.File:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(file_id, client=client)).result()
