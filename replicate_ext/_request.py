"""`client.request`: any request to the API, for what the OpenAPI document does not define yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from replicate_api.types import BYTES, UNSET, Request, loads

from ._dual import Resource, dual_method
from ._sansio.options import check_headers
from ._send import BackendT

if TYPE_CHECKING:
    import httpx


class RequestMixin(Resource[BackendT]):
    """Adds `request` to the clients."""

    @dual_method
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        content: str | bytes | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send any request to the API, and return the body of the response.

        For what the OpenAPI document does not define yet; retries and errors are those of every other call.

        Args:
            method: The HTTP method.
            path: The path below the base URL, beginning with a slash: `/predictions`.
            params: The query parameters.
            json: A JSON body.
            content: A body as it is; give its media type in `headers`.
            files: A multipart body: bytes, binary files and `Upload` by name; other values are strings or JSON.
            headers: Headers of this request, which replace those of the client, except for the token.

        Returns:
            JSON values, text or bytes, by the media type of the response; None if its body is empty.

        Raises:
            APIStatusError, APIConnectionError: The request failed.
            ResponseDecodeError: The response claims to be JSON, and is not.
            ValueError, TypeError: An argument is invalid; nothing was sent.

        Examples:
            >>> client.request("GET", "/account")["username"]
            'acme'
        """
        if not path.startswith("/"):
            raise ValueError(f"path must begin with a slash, below {self._session.config.base_url}: {path!r}")
        if sum(body is not None for body in (json, content, files)) > 1:
            raise ValueError("pass one of json, content and files")
        request = Request(
            method.upper(),
            path,
            dict(params or {}),
            check_headers(headers),
            json=UNSET if json is None else json,
            content=content,
            form={name: _to_part(value, f"files[{name!r}]") for name, value in files.items()} if files else None,
        )
        return (await self._session.send(request, _decode_body)).value


def _to_part(value: Any, name: str) -> Any:
    return value if isinstance(value, str | int | float | dict | list | None) else BYTES.dump(value, name)


def _decode_body(response: httpx.Response) -> Any:
    """Return the body of a response by its media type; ValueError if it claims to be JSON, and is not."""
    if not response.content:
        return None
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        return loads(response.content)
    if media_type:
        return response.text if media_type.startswith("text/") or response.charset_encoding else response.content
    try:
        return loads(response.content)
    except ValueError:
        return response.content
