"""The clients: operations, context managers, module-level functions."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from conftest import TOKEN, Harness, ScriptedServer, json_response, prediction
from replicate_api.api import OPERATIONS

OPENAPI = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())


def test_every_operation_is_a_method_of_both_clients(harness: Harness) -> None:
    operations = {
        operation["operationId"]: (method.upper(), path)
        for path, item in OPENAPI["paths"].items()
        for method, operation in item.items()
    }
    assert len(operations) == 37
    assert set(OPERATIONS) == set(operations)
    for name in operations:
        method = harness.client
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
def test_every_operation_requests_its_path_with_the_token(harness: Harness, name: str) -> None:
    [(http_method, path)] = [
        (method.upper(), path)
        for path, item in OPENAPI["paths"].items()
        for method, operation in item.items()
        if operation["operationId"] == name
    ]
    body: object = [] if name == "hardware.list" else prediction() | {"results": [], "next": None}
    harness.server.respond_with(
        httpx.Response(200, text="# readme") if "readme" in name else json_response(body),
    )
    method = harness.client
    for part in name.split("."):
        method = getattr(method, part)
    arguments = [f"p{index}" for index in range(path.count("{"))] + (["text"] if name == "models.search" else [])
    result = method(*arguments, **ARGUMENTS.get(name, {}))
    harness.collect(result) if hasattr(result, "__next__") or hasattr(result, "__anext__") else harness.call(result)
    expected = path
    for index in range(path.count("{")):
        start, end = expected.index("{"), expected.index("}")
        expected = f"{expected[:start]}p{index}{expected[end + 1 :]}"
    assert harness.server.requested == [f"{http_method} {expected}"]
    assert harness.server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_client_is_a_context_manager(make_harness) -> None:
    closed = []

    class Transport(httpx.MockTransport):
        def close(self) -> None:
            closed.append("sync")

        async def aclose(self) -> None:
            closed.append("async")

    server = ScriptedServer().respond_with(json_response(prediction()))
    harness = make_harness(transport=Transport(server))
    if not harness.is_async:
        with harness.client as client:
            client.predictions.get("x")
            client.request("GET", "/")
        assert closed == ["sync"]
        assert client.predictions.get("x").status == "succeeded"
    else:

        async def main() -> None:
            async with harness.client as client:
                await client.predictions.get("x")
                await client.request("GET", "/")
            assert closed == ["async"]
            assert (await client.predictions.get("x")).status == "succeeded"

        harness.call(main())


def test_module_level_functions_create_a_default_client_on_first_use() -> None:
    code = """
import os
from replicate_ext import *
print(run.__name__, async_run.__name__, predictions.get.__name__)
try:
    run("acme/hello")
except AuthenticationError:
    os.environ["REPLICATE_API_TOKEN"] = "r8_x"
    print(account._session.config.token)
"""
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.split() == ["run", "run", "get", "r8_x"]
