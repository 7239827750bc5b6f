"""The functions of the generated endpoint modules."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import httpx
import pytest

from generated_models import MODULES
from replicate_api import AuthenticatedClient, Client
from replicate_api.api import OPERATIONS
from replicate_api.errors import UnexpectedStatus
from replicate_api.models import (
    File,
    Hardware,
)


def client_returning(response: httpx.Response, requests: list[httpx.Request] | None = None) -> Client:
    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        (requests if requests is not None else []).append(request)
        return httpx.Response(response.status_code, headers=response.headers, content=response.content)

    return AuthenticatedClient("https://api.example/v1/", "r8_x", httpx_args={"transport": httpx.MockTransport(handle)})


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_endpoint_has_all_functions(name: str) -> None:
    module = MODULES[name]
    for function in ("sync", "sync_detailed", "asyncio", "asyncio_detailed", "request", "build", "parse"):
        assert callable(getattr(module, function))
    assert inspect.iscoroutinefunction(module.asyncio)


def test_models_search_sends_a_query_request_with_a_text_body() -> None:
    requests: list[httpx.Request] = []
    client = client_returning(httpx.Response(200, json={"results": [{"name": "a"}]}), requests)
    page = MODULES["models.search"].sync(client=client, body="größer")
    assert (requests[0].method, requests[0].url.path, requests[0].content.decode()) == ("QUERY", "/v1/models", "größer")
    assert requests[0].headers["content-type"] == "text/plain; charset=utf-8"
    assert requests[0].headers["authorization"] == "Bearer r8_x"
    assert page.results[0].name == "a"


def test_a_readme_is_text_and_a_download_is_bytes() -> None:
    text = httpx.Response(200, text="# Hällo", headers={"content-type": "text/plain; charset=utf-8"})
    assert MODULES["models.readme.get"].sync("a", "b", client=client_returning(text)) == "# Hällo"
    raw = httpx.Response(200, content=bytes(range(256)))
    arguments: dict[str, Any] = {"owner": "me", "expiry": 5, "signature": "a+b/c="}
    requests: list[httpx.Request] = []
    assert MODULES["files.download"].sync("f", client=client_returning(raw, requests), **arguments) == bytes(range(256))
    assert dict(requests[0].url.params) == {"owner": "me", "expiry": "5", "signature": "a+b/c="}


def test_every_upload_has_a_new_multipart_boundary() -> None:
    requests: list[httpx.Request] = []
    client = client_returning(httpx.Response(201, json={"id": "f"}), requests)
    content = b"+++\r\n--+++--\r\nstill the file"
    for _ in range(2):
        request = MODULES["files.create"].build(content=content, filename="x.bin", metadata={"a": 1})
        assert isinstance(client.send(request, MODULES["files.create"].parse), File)
    boundaries = [request.headers["content-type"].partition("boundary=")[2] for request in requests]
    assert boundaries[0] != boundaries[1]
    for boundary, request in zip(boundaries, requests, strict=True):
        assert boundary.encode() not in content
        parts = request.content.split(f"--{boundary}".encode())
        assert len(parts) == 5
        assert content in parts[1]
        assert b'filename="upload"' in parts[1]
        assert parts[3].endswith(b'{"a": 1}\r\n')


def test_sync_raises_unexpected_status_and_sync_detailed_returns_it() -> None:
    problem = {"detail": "The requested resource could not be found.", "status": 404}
    client = client_returning(httpx.Response(404, json=problem))
    get = MODULES["predictions.get"]
    response = get.sync_detailed("x", client=client)
    assert (response.status_code, response.parsed, response.problem.to_dict()) == (404, None, problem)
    with pytest.raises(UnexpectedStatus, match="404"):
        get.sync("x", client=client)
    client = client_returning(httpx.Response(520, html="<h1>Web server is returning an unknown error</h1>"))
    response = get.sync_detailed("x", client=client)
    assert (response.status_code, response.parsed, response.problem) == (520, None, None)
    assert b"unknown error" in response.content
    with pytest.raises(UnexpectedStatus, match="520"):
        asyncio.run(get.asyncio("x", client=client))


def test_the_async_functions_return_the_same() -> None:
    client = client_returning(httpx.Response(200, json={"id": "x"}))
    assert asyncio.run(MODULES["predictions.get"].asyncio("x", client=client)).id == "x"
    detailed = asyncio.run(MODULES["predictions.get"].asyncio_detailed("x", client=client))
    assert (detailed.status_code, detailed.parsed.id) == (200, "x")
    asyncio.run(client.aclose())


@pytest.mark.parametrize("body", [b"", b"<html>", b'"text"', b"[]", b"null"])
def test_a_success_with_an_unexpected_body_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        MODULES["predictions.get"].sync("x", client=client_returning(httpx.Response(200, content=body)))


def test_a_json_array_is_parsed_to_a_list_of_models() -> None:
    hardware = MODULES["hardware.list"].sync(
        client=client_returning(httpx.Response(200, json=[{"sku": "cpu", "name": "CPU"}]))
    )
    assert hardware == [Hardware.from_dict({"sku": "cpu", "name": "CPU"})]
