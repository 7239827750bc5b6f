"""The choice between httpx and aiohttp for the async client."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from conftest import TOKEN, AccountServer
from replicate_ext import AsyncReplicate
from replicate_ext._backends.aiohttp import AiohttpTransport
from replicate_ext._backends.pool import aiohttp_transport
from replicate_ext.emulator import Emulator

URL = httpx.URL("https://api.replicate.com/v1")


def uses_aiohttp(**options: Any) -> bool:
    async def main() -> bool:
        transport = aiohttp_transport(AsyncReplicate(TOKEN, **options)._session.config, URL)
        if transport is not None:
            await transport.aclose()
        return isinstance(transport, AiohttpTransport)

    return asyncio.run(main())


def test_aiohttp_is_the_default_where_it_is_installed() -> None:
    assert uses_aiohttp()
    assert uses_aiohttp(http_backend=None)


@pytest.mark.parametrize(("name", "expected"), [("httpx", False), ("aiohttp", True)])
def test_library_is_chosen_by_name(name: str, expected: bool, account_server: AccountServer) -> None:
    assert uses_aiohttp(http_backend=name) is expected

    async def main() -> str:
        async with AsyncReplicate(TOKEN, base_url=account_server.url, http_backend=name) as client:
            return str((await client.account.get()).username)

    assert asyncio.run(main()) == "me"


def test_default_is_httpx_in_tests_with_the_fixture_of_the_emulator(replicate_emulator: Emulator) -> None:
    assert not uses_aiohttp()
    assert uses_aiohttp(http_backend="aiohttp")
