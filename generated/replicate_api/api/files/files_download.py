"""Download a file's bytes

GET /files/{file_id}/download
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(file_id: str | models.File, *, owner: str, expiry: int, signature: str) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "GET",
        types.format_path("/files/{file_id}/download", file_id=(types.KeyOf(("id",), "File"), file_id)),
        params=types.dump_params(
            owner=("owner", types.STRING, owner),
            expiry=("expiry", types.INTEGER, expiry),
            signature=("signature", types.STRING, signature),
        ),
    )


def build(file_id: str | models.File, *, owner: str, expiry: int, signature: str) -> types.Request:
    """Download a file's bytes

    Returns the content of an uploaded file to any caller with a valid signature. No operation returns
    signatures: compute one with the account's signing secret for files. The files API is experimental.

    Args:
        file_id: Id of the file whose bytes are wanted. A `File` works too.
        owner: Account that uploaded the file.
        expiry: Moment at which the link stops working, in Unix seconds.
        signature: HMAC-SHA256 of owner, file id and expiry joined by single spaces, keyed with that
            secret and base64-encoded.
    """
    return request(file_id, owner=owner, expiry=expiry, signature=signature)


def parse(response: httpx.Response) -> bytes:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return response.content


def sync_detailed(
    file_id: str | models.File, *, client: Sender, owner: str, expiry: int, signature: str
) -> types.Response[bytes]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(
        request(file_id, owner=owner, expiry=expiry, signature=signature),
        lambda response: types.to_response(response, parse),
    )


def sync(file_id: str | models.File, *, client: Sender, owner: str, expiry: int, signature: str) -> bytes:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(file_id, client=client, owner=owner, expiry=expiry, signature=signature).result()


async def asyncio_detailed(
    file_id: str | models.File, *, client: AsyncSender, owner: str, expiry: int, signature: str
) -> types.Response[bytes]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(
        request(file_id, owner=owner, expiry=expiry, signature=signature),
        lambda response: types.to_response(response, parse),
    )


async def asyncio(file_id: str | models.File, *, client: AsyncSender, owner: str, expiry: int, signature: str) -> bytes:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(file_id, client=client, owner=owner, expiry=expiry, signature=signature)).result()
