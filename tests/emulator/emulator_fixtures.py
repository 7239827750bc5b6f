"""Shared by the emulator's tests: one emulator for all tests of a module, and helpers for raw requests and waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from replicate_ext import AsyncReplicate, Replicate
from replicate_ext.emulator import Emulator


def module_fixtures() -> tuple[Any, Any, Any]:
    """Return fixtures for an emulator that all tests of a module share, an httpx client of it, and a client of ours.

    A new emulator costs a tenth of a second. Tests that need their own use the fixtures of conftest.py.
    """

    @pytest.fixture(scope="module")
    def api() -> Iterator[Emulator]:
        with Emulator() as api:
            yield api

    @pytest.fixture(scope="module")
    def http(api: Emulator) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"}) as http:
            yield http

    @pytest.fixture(scope="module")
    def client(api: Emulator) -> Iterator[Replicate]:
        with Replicate(api.token, base_url=api.url) as client:
            yield client

    return api, http, client


def create_prediction(http: httpx.Client, model: str, prefer: str | None = "wait", **input: Any) -> httpx.Response:
    """Create a prediction with an official model, and return the raw response."""
    headers = {"Prefer": prefer} if prefer else {}
    return http.post(f"models/{model}/predictions", json={"input": input}, headers=headers)


def wait_until(condition: Callable[[], Any]) -> Any:
    """Check a condition every two milliseconds until it is true, and return its value."""
    for _ in range(2000):
        if value := condition():
            return value
        threading.Event().wait(0.002)
    raise AssertionError("the condition did not become true")


def disable_backoff(client: Any) -> None:
    """Let a client retry without sleeping."""
    is_async = isinstance(client, AsyncReplicate)
    client._session.backend._sleep = (lambda seconds: asyncio.sleep(0)) if is_async else (lambda seconds: None)


def ignore_rate_limits(client: Any) -> None:
    """Let a client send its next requests immediately, even after a 429 with `retry_after`."""
    for limiter in client._session._rate_limiters.values():
        limiter.must_wait = lambda now: False
