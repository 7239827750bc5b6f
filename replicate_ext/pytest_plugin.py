"""Fixtures for testing code that uses Replicate; pytest loads them automatically. They require the extra `emulator`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ._client import Replicate
    from .emulator import Emulator


@pytest.fixture
def replicate_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Run an emulator for one test; clients that are configured by the environment use it.

    So do the module-level functions, even if they were used, or imported by name, before the test. Async clients use
    httpx in the test, whether the extra `fast` is installed or not, so that tools that replace httpx's transport see
    their requests; `http_backend="aiohttp"` overrides that.

    Yields:
        The running emulator; it stops at the end of the test.

    Examples:
        >>> from replicate_ext.emulator import Emulator
        >>> def test_greeting(replicate_emulator: Emulator) -> None:
        ...     text = replicate.run("acme/hello", {"text": "Ada"})
        ...     assert text == "Hello, Ada!"
        ...     assert replicate_emulator.requests[-1].status == 201
    """
    from . import _default_client
    from .emulator import Emulator  # imported only when a test uses the fixture: the extra may not be installed

    with Emulator() as api:
        monkeypatch.setenv("REPLICATE_BASE_URL", api.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", api.token)
        monkeypatch.setattr("replicate_ext._config.DEFAULT_HTTP_BACKEND", "httpx")
        _default_client.reset()
        yield api
        _default_client.reset()


@pytest.fixture
def replicate_client(replicate_emulator: Emulator) -> Iterator[Replicate]:
    """Return a client of the emulator of the test.

    Yields:
        A `Replicate`; it is closed at the end of the test.

    Examples:
        >>> def test_account(replicate_client: replicate.Replicate) -> None:
        ...     assert replicate_client.account.get().username == "acme"
    """
    from ._client import Replicate

    with Replicate(replicate_emulator.token, base_url=replicate_emulator.url) as client:
        yield client
