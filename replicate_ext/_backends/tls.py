"""Whether a TLS connection ended properly: of a body without length nothing else shows that it is complete.

RFC 9112, section 9.8: without a closure alert (close_notify) of the server the body is incomplete. httpcore and asyncio
take its absence for the end of the body.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class ConnectionEnd:
    """Watches the connection of a response whose body is still to be read."""

    def __init__(self, response: httpx.Response) -> None:
        headers = response.headers
        stream: Any = response.extensions.get("network_stream")
        has_end = "content-length" in headers or "transfer-encoding" in headers
        self._ssl_object: Any = None
        if has_end or stream is None:
            return
        self._ssl_object, socket = stream.get_extra_info("ssl_object"), stream.get_extra_info("socket")
        if isinstance(socket, ssl.SSLSocket):
            vars(socket)["suppress_ragged_eofs"] = (
                False  # the read raises; once the socket is closed, it is too late to ask
            )
            self._ssl_object = None

    @property
    def is_premature(self) -> bool:
        """Whether the connection, which has ended, ended without a closure alert."""
        if self._ssl_object is None:
            return False
        try:
            return bool(self._ssl_object.read(1))  # returns nothing, or raises the next error, after the alert
        except ssl.SSLZeroReturnError:
            return False
        except ssl.SSLError:
            return True
