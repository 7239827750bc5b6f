"""The generated functions through `client.api`: the errors are ours."""

from __future__ import annotations

import httpx
import pytest

from conftest import Harness
from replicate_api.api.models import models_readme_get
from replicate_api.api.predictions import predictions_get
from replicate_api.types import Request
from replicate_ext import RateLimitError, ResponseDecodeError, ServerError


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"[" * 200_000, b'{"id": ' + b"9" * 5000 + b"}", b"\xff"])
@pytest.mark.parametrize("is_detailed", [False, True])
def test_success_that_cannot_be_decoded_raises_our_error(harness: Harness, body: bytes, is_detailed: bool) -> None:
    harness.server.respond_with(httpx.Response(200, content=body))
    name = f"{'asyncio' if harness.is_async else 'sync'}{'_detailed' if is_detailed else ''}"
    with pytest.raises(ResponseDecodeError, match="GET /predictions/x: cannot decode the response"):
        harness.call(getattr(predictions_get, name)("x", client=harness.client.api))


def test_text_is_returned_and_errors_are_raised(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(200, text="# Hi"), httpx.Response(500, content=b"[" * 200_000))
    get = models_readme_get.asyncio if harness.is_async else models_readme_get.sync
    assert harness.call(get("acme", "hello", client=harness.client.api)) == "# Hi"
    with pytest.raises(ServerError):
        harness.call(get("acme", "hello", client=harness.client.api))


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"retry_after": ' + b"9" * 4000 + b"}", b'{"retry_after": 1e999}'])
def test_odd_body_of_a_429_raises_our_error(harness: Harness, body: bytes) -> None:
    harness.server.respond_with(httpx.Response(429, content=body))
    get = models_readme_get.asyncio if harness.is_async else models_readme_get.sync
    with pytest.raises(RateLimitError):
        harness.call(get("acme", "hello", client=harness.client.api))


def test_api_sends_any_request_and_parses_its_response(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(200, json={"new": True}))
    api = harness.client.api
    send = api.asend if harness.is_async else api.send
    assert harness.call(send(Request("GET", "/new"), httpx.Response.json)) == {"new": True}
