"""Upload a file.

The file, of at most 100 MB, is stored as an input for models: put its `urls.get` into the input of a prediction. It
expires at `expires_at`. The files API is experimental.

POST /files
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("files_create_request", "FilesCreateRequest")
_RESULT = types.Nested("file", "File")


def request(*, body: models.FilesCreateRequest) -> types.Request:
    """Return the request with a whole `body`; the other arguments are those of `build`."""
    return types.Request("POST", "/files", form=_BODY.dump(body, ""))


def build(
    *,
    content: types.Upload | IO[bytes] | bytes | Path,
    filename: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    type: str | None = None,
    progress: bool | Callable[[int, int | None], object] | None = None,
) -> types.Request:
    """Return the request of `files.create`.

    Args:
        content: The content of the file, at most 100 MB.
        filename: Name of the file, at most 255 bytes of UTF-8; by default that of the `content` part.
        metadata: A JSON object to store with the file; empty by default.
        type: Media type of the content; by default that of the `content` part, or `application/octet-stream`.
        progress: A function that is called with the bytes that were sent and the total, which is None if a file is not
            seekable; or True for a progress bar. A retry starts the count again.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    fields = {"content": content, "filename": filename, "metadata": metadata, "type": type}
    body = cast("models.FilesCreateRequest", _BODY.load(types.drop_omitted(fields)))
    return request(body=body)._replace(progress=progress)


def parse(response: httpx.Response) -> models.File:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.File", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: models.FilesCreateRequest) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: models.FilesCreateRequest) -> models.File:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: models.FilesCreateRequest) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: models.FilesCreateRequest) -> models.File:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client, body=body)).result()
