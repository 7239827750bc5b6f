"""The clients: operations, context managers, module-level functions."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import TOKEN, Harness, ScriptedServer, json_response, prediction
from replicate_api.api import OPERATIONS

OPENAPI = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())


def resolve(node: Any) -> Any:
    """Return what a reference to a component refers to."""
    while "$ref" in node:
        _, _, kind, name = node["$ref"].split("/")
        node = OPENAPI["components"][kind][name]
    return node


def sample(schema: Any) -> Any:
    """Return a value that a schema allows."""
    schema = resolve(schema)
    if "enum" in schema:
        return schema["enum"][0]
    types = schema.get("type", "object")
    if schema.get("format") == "binary":
        return b"x"
    samples = {"string": "x", "integer": 1, "number": 0.5, "boolean": True, "array": [], "object": {}}
    return samples[types if isinstance(types, str) else types[0]]


def sample_arguments(item: Any, operation: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and keyword arguments that an operation requires."""
    parameters = [resolve(one) for one in item.get("parameters", []) + operation.get("parameters", [])]
    required = {one["name"]: one["schema"] for one in parameters if one.get("required") and one["in"] != "path"}
    arguments = [f"p{index}" for index, _ in enumerate(one for one in parameters if one["in"] == "path")]
    for content_type, media in resolve(operation.get("requestBody", {})).get("content", {}).items():
        schema = resolve(media["schema"])
        required |= {name: schema["properties"][name] for name in schema.get("required", ())}
        arguments += ["text"] if content_type == "text/plain" else []
    return arguments, {name.replace("-", "_").lower(): sample(schema) for name, schema in required.items()}


def sample_response(operation: Any) -> httpx.Response:
    """Return a response to an operation: JSON of the documented type, else text."""
    response = resolve(next(response for status, response in operation["responses"].items() if status[0] == "2"))
    content = response.get("content", {"application/json": {}})
    if "application/json" not in content:
        return httpx.Response(200, text="# readme")
    is_list = resolve(content["application/json"].get("schema", {})).get("type") == "array"
    return json_response([] if is_list else prediction() | {"results": [], "next": None})


OPERATIONS_OF_DOCUMENT = {
    operation["operationId"]: (method.upper(), path, sample_arguments(item, operation), operation)
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
    if isinstance(operation, dict) and "operationId" in operation
}


def test_every_operation_is_a_method_of_both_clients(harness: Harness) -> None:
    assert set(OPERATIONS) == set(OPERATIONS_OF_DOCUMENT)
    for name in OPERATIONS:
        method = harness.client
        for part in name.split("."):
            method = getattr(method, part)
        assert callable(method)
        assert method.__doc__


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_requests_its_path_with_the_token(harness: Harness, name: str) -> None:
    http_method, path, (arguments, keywords), operation = OPERATIONS_OF_DOCUMENT[name]
    harness.server.respond_with(sample_response(operation))
    method = harness.client
    for part in name.split("."):
        method = getattr(method, part)
    result = method(*arguments, **keywords)
    harness.collect(result) if hasattr(result, "__next__") or hasattr(result, "__anext__") else harness.call(result)
    numbers = itertools.count()
    expected = re.sub(r"{\w+}", lambda _: f"p{next(numbers)}", path)
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
