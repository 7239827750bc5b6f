"""Upload a file

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
    """Return the request, given the whole body. Other arguments as in `build`."""
    return types.Request("POST", "/files", form=_BODY.dump(body, ""))


def build(
    *,
    content: types.Upload | IO[bytes] | bytes | Path,
    filename: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    type: str | None = None,
    progress: bool | Callable[[int, int | None], object] | None = None,
) -> types.Request:
    """Upload a file

    Stores a file, at most 100 MB, for use as model input: put its `urls.get` into a prediction's input. Files
    expire, see `expires_at`. The files API is experimental.

    Args:
        content: The bytes of the file.
        filename: File name, UTF-8 of at most 255 bytes; may be given with the `content` part instead.
        metadata: Any JSON object to keep with the file; empty by default.
        type: MIME type of the content, taken as plain bytes by default.
        progress: A function that is called with the bytes that were sent and the total, which is None if
            a file is not seekable; or True for a progress bar. A retry starts the count again.
    """
    fields = {"content": content, "filename": filename, "metadata": metadata, "type": type}
    body = cast("models.FilesCreateRequest", _BODY.load(types.drop_omitted(fields)))
    return request(body=body)._replace(progress=progress)


def parse(response: httpx.Response) -> models.File:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.File", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: models.FilesCreateRequest) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: models.FilesCreateRequest) -> models.File:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: models.FilesCreateRequest) -> types.Response[models.File]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: models.FilesCreateRequest) -> models.File:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client, body=body)).result()
