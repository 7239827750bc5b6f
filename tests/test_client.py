"""Making a client: token, base URL, operations."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from conftest import TOKEN, Harness, Server, prediction, replied
from replicate_api.api import OPERATIONS
from replicate_ext import AsyncReplicate, AuthenticationError, Replicate

DOCUMENT = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())


@pytest.mark.parametrize("cls", [Replicate, AsyncReplicate])
@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "no API token: set the environment variable REPLICATE_API_TOKEN"),
        (f'"{TOKEN}"', "quotes around it"),
        (f"'{TOKEN}'", "quotes around it"),
        (f" {TOKEN}", "blanks or a line break"),
        (f"{TOKEN}\n", "blanks or a line break"),
        (f"Bearer {TOKEN}", "begins with 'Bearer'"),
        ("r8_ab cd", "contains a blank"),
        ("r8_\u0430b", "contains a blank or a character"),
    ],
)
def test_a_token_that_cannot_be_right_is_told_at_once(cls, token: str, words: str, monkeypatch) -> None:
    with pytest.raises(AuthenticationError, match=words) as caught:
        cls(token)
    assert len(token) < 5 or token.strip() not in str(caught.value)
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    with pytest.raises(AuthenticationError, match=words):
        cls()


def test_the_token_of_the_environment_is_read_when_the_client_is_made(monkeypatch) -> None:
    with pytest.raises(AuthenticationError, match="no API token"):
        Replicate()
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    assert Replicate()._wire.settings.token == TOKEN
    assert Replicate("r8_other")._wire.settings.token == "r8_other"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (None, "https://api.replicate.com/v1"),
        ("https://api.replicate.com", "https://api.replicate.com/v1"),
        ("https://api.replicate.com/", "https://api.replicate.com/v1"),
        ("https://api.replicate.com/v1/", "https://api.replicate.com/v1"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787/v1"),
        ("https://proxy.example/replicate", "https://proxy.example/replicate/v1"),
    ],
)
def test_a_base_url_may_end_with_v1_or_not(given: str | None, used: str, monkeypatch) -> None:
    assert Replicate(TOKEN, base_url=given)._wire.settings.base_url == used
    if given:
        monkeypatch.setenv("REPLICATE_BASE_URL", given)
        assert Replicate(TOKEN)._wire.settings.base_url == used


@pytest.mark.parametrize(
    "url",
    [
        "api.replicate.com",
        "ftp://x.example",
        "https://",
        "https://x.example/?a=1",
        "http://x:port/",
        "https://me:secret@gateway.example",
    ],
)
def test_a_base_url_that_is_none_is_told_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Replicate(TOKEN, base_url=url)


def test_a_negative_number_of_retries_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="max_retries"):
        Replicate(TOKEN, max_retries=-1)


def test_the_document_has_37_operations_and_both_clients_resolve_them(both: Harness) -> None:
    document = {
        operation["operationId"]: (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }
    assert len(document) == 37
    assert set(OPERATIONS) == set(document)
    for name in document:
        method = both.client
        for part in name.split("."):
            method = getattr(method, part)
        assert callable(method)
        assert method.__doc__


ARGUMENTS = {
    "deployments.create": {
        "name": "app",
        "model": "acme/hello",
        "version": "v",
        "hardware": "cpu",
        "min_instances": 0,
        "max_instances": 1,
    },
    "deployments.predictions.create": {"input": {}},
    "files.create": {"content": b"x"},
    "files.download": {"owner": "me", "expiry": 1, "signature": "s"},
    "models.create": {"owner": "acme", "name": "m", "visibility": "private", "hardware": "cpu"},
    "models.predictions.create": {"input": {}},
    "predictions.create": {"version": "v", "input": {}},
    "search": {"query": "cats"},
    "trainings.create": {"destination": "acme/m", "input": {}},
}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_goes_to_its_path_with_the_token(both: Harness, name: str) -> None:
    [(verb, path)] = [
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if operation["operationId"] == name
    ]
    answer: object = [] if name == "hardware.list" else prediction() | {"results": [], "next": None}
    both.server.will(
        httpx.Response(200, text="# readme") if "readme" in name else replied(answer),
    )
    method = both.client
    for part in name.split("."):
        method = getattr(method, part)
    values = [f"p{index}" for index in range(path.count("{"))] + (["text"] if name == "models.search" else [])
    result = method(*values, **ARGUMENTS.get(name, {}))
    both.collect(result) if hasattr(result, "__next__") or hasattr(result, "__anext__") else both.do(result)
    expected = path
    for index in range(path.count("{")):
        start, end = expected.index("{"), expected.index("}")
        expected = f"{expected[:start]}p{index}{expected[end + 1 :]}"
    assert both.server.asked == [f"{verb} {expected}"]
    assert both.server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_clients_are_context_managers(make) -> None:
    closed = []

    class Transport(httpx.MockTransport):
        def close(self) -> None:
            closed.append("sync")

        async def aclose(self) -> None:
            closed.append("async")

    server = Server().will(replied(prediction()))
    both = make(transport=Transport(server))
    if both.kind == "sync":
        with both.client as client:
            client.predictions.get("x")
            client.request("GET", "/")
        assert closed == ["sync"]
        assert client.predictions.get("x").status == "succeeded"
    else:

        async def main() -> None:
            async with both.client as client:
                await client.predictions.get("x")
                await client.request("GET", "/")
            assert closed == ["async"]
            assert (await client.predictions.get("x")).status == "succeeded"

        both.do(main())


def test_the_functions_of_the_package_use_a_client_made_on_first_use() -> None:
    code = """
import os
from replicate_ext import *
print(run.__name__, async_run.__name__, predictions.get.__name__)
try:
    run("acme/hello")
except AuthenticationError:
    os.environ["REPLICATE_API_TOKEN"] = "r8_x"
    print(account._wire.settings.token)
"""
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.split() == ["run", "run", "get", "r8_x"]
