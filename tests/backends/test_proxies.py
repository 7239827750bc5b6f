"""Requests through a proxy, on every backend."""

import asyncio
import re
import socketserver

import httpx
import pytest

from conftest import TOKEN, AccountServer
from raw_server import ThreadedServer, serve_in_thread
from replicate_ext import AsyncReplicate, Replicate, ReplicateError
from replicate_ext._backends.pool import aiohttp_transport
from replicate_ext._config import Config


def test_proxy_from_the_environment_is_used(account_server: AccountServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", account_server.url)
    with Replicate(TOKEN, base_url="http://api.example.invalid") as client:
        assert client.account.get().username == "me"

    async def main() -> None:
        async with AsyncReplicate(TOKEN, base_url="http://api.example.invalid") as client:
            assert (await client.account.get()).username == "me"

    asyncio.run(main())
    assert [path for path, _ in account_server.received] == ["http://api.example.invalid/v1/account"] * 2


class ProxyHandler(socketserver.StreamRequestHandler):
    """Records target and credentials of each request, and rejects it."""

    server: ThreadedServer

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
        credentials = re.search(r"(?im)^proxy-authorization: (.*?)\r$", head)
        self.server.received.append((head.split(" HTTP")[0], credentials and credentials[1]))
        self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_receives_the_credentials_of_its_url(
    client_kind: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"base_url": f"{scheme}://api.example.invalid", "max_retries": 0}

    async def main() -> None:
        async with AsyncReplicate(TOKEN, **options) as client:
            await client.account.get()

    def call() -> None:
        if client_kind != "sync":
            asyncio.run(main())
            return
        with Replicate(TOKEN, **options) as client:
            client.account.get()

    with serve_in_thread(ProxyHandler) as proxy:
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.url.replace("//", "//me:p%40ss@"))
        with pytest.raises(ReplicateError) as caught:
            call()
    target = "CONNECT api.example.invalid:443" if scheme == "https" else "GET http://api.example.invalid/v1/account"
    assert proxy.received == [(target, "Basic bWU6cEBzcw==")]
    assert "407" in str(caught.value)


def test_socks_proxy_falls_back_to_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    assert aiohttp_transport(Config(), httpx.URL("https://api.replicate.com")) is None
