"""Download the content of a file.

Any caller with a valid signature gets it. No operation returns signatures: compute one with the account's signing
secret for files. The files API is experimental.

GET /files/{file_id}/download
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(file_id: str | models.File, *, owner: str, expiry: int, signature: str) -> types.Request:
    """Return the request; the arguments are those of `build`."""
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
    """Return the request of `files.download`.

    Args:
        file_id: Id of the file. A `File` works too.
        owner: Username of the account that uploaded the file.
        expiry: Time until which the signature is valid, in seconds since 1970 (Unix time).
        signature: HMAC-SHA256 of owner, file id and expiry, joined by single spaces, with the signing secret as its
            key; base64-encoded.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(file_id, owner=owner, expiry=expiry, signature=signature)


def parse(response: httpx.Response) -> bytes:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return response.content


def sync_detailed(
    file_id: str | models.File, *, client: Sender, owner: str, expiry: int, signature: str
) -> types.Response[bytes]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(file_id, owner=owner, expiry=expiry, signature=signature),
        lambda response: types.to_response(response, parse),
    )


def sync(file_id: str | models.File, *, client: Sender, owner: str, expiry: int, signature: str) -> bytes:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(file_id, client=client, owner=owner, expiry=expiry, signature=signature).result()


async def asyncio_detailed(
    file_id: str | models.File, *, client: AsyncSender, owner: str, expiry: int, signature: str
) -> types.Response[bytes]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(file_id, owner=owner, expiry=expiry, signature=signature),
        lambda response: types.to_response(response, parse),
    )


async def asyncio(file_id: str | models.File, *, client: AsyncSender, owner: str, expiry: int, signature: str) -> bytes:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(file_id, client=client, owner=owner, expiry=expiry, signature=signature)).result()
