"""Download a file's bytes

GET /files/{file_id}/download
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(file_id: str, *, owner: str, expiry: int, signature: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request(
        "GET",
        types.path("/files/{file_id}/download", file_id=(types.TEXT, file_id)),
        params=types.given(
            owner=("owner", types.TEXT, owner),
            expiry=("expiry", types.INTEGER, expiry),
            signature=("signature", types.TEXT, signature),
        ),
    )


def build(file_id: str, *, owner: str, expiry: int, signature: str) -> types.Request:
    """Download a file's bytes

    Returns the content of an uploaded file to whoever holds a valid signature. No operation hands out
    signatures: compute one with the account's signing secret for files. The files API is experimental.

    Args:
        file_id: Id of the file whose bytes are wanted.
        owner: Account that uploaded the file.
        expiry: Moment at which the link stops working, in Unix seconds.
        signature: HMAC-SHA256 of owner, file id and expiry joined by single spaces, keyed with that
            secret and base64-encoded.
    """
    return request(file_id, owner=owner, expiry=expiry, signature=signature)


def parse(response: httpx.Response) -> bytes:
    """Read a successful answer; ValueError where the body cannot be read."""
    return response.content


def sync_detailed(file_id: str, *, client: Sender, owner: str, expiry: int, signature: str) -> types.Response[bytes]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(file_id, owner=owner, expiry=expiry, signature=signature)), parse)


def sync(file_id: str, *, client: Sender, owner: str, expiry: int, signature: str) -> bytes:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(file_id, client=client, owner=owner, expiry=expiry, signature=signature).result()


async def asyncio_detailed(
    file_id: str, *, client: AsyncSender, owner: str, expiry: int, signature: str
) -> types.Response[bytes]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(file_id, owner=owner, expiry=expiry, signature=signature)), parse)


async def asyncio(file_id: str, *, client: AsyncSender, owner: str, expiry: int, signature: str) -> bytes:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(file_id, client=client, owner=owner, expiry=expiry, signature=signature)
    return answer.result()
